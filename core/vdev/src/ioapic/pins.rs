//! Sets of pins.

use super::PINS;

/// A set of the I/O APIC's pins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Pins(u64);

impl Pins {
    /// No pin.
    pub const NONE: Self = Self(0);
    /// All pins.
    pub const ALL: Self = Self((1 << PINS) - 1);

    /// A pin; none when there is no such pin.
    pub const fn of(pin: u8) -> Self {
        if (pin as usize) < PINS { Self(1u64.wrapping_shl(pin as u32)) } else { Self::NONE }
    }

    /// The pins of a bit map; bits beyond the last pin are dropped.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// As a bit map.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and others.
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// One after the other, the lowest first.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let pin = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (pin < u64::BITS).then_some(pin as u8)
        })
    }
}
