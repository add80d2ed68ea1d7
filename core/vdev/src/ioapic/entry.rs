//! Entries of the redirection table.

use crate::lapic::{Delivery, Message, Target};

const LOGICAL: u64 = 1 << 11;
const REMOTE_IRR: u64 = 1 << 14;
const LEVEL: u64 = 1 << 15;
const MASKED: u64 = 1 << 16;
/// Bits that a guest writes. Of the others the delivery status reads as idle, since a message never waits.
const WRITABLE: u64 = 0xff00_0000_0001_afff;
const EXTINT: u64 = 7;

/// What a pin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(u64);

impl Entry {
    pub const RESET: Self = Self(MASKED);

    /// An entry of which all bits are given; those that there are not are dropped.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & (WRITABLE | REMOTE_IRR)).settled()
    }

    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The entry after a write of one half.
    pub const fn with_half(self, high: bool, value: u32) -> Self {
        let kept = if high { self.0 & 0xffff_ffff } else { self.0 & !0xffff_ffff };
        let new = if high { (value as u64) << 32 } else { value as u64 };
        Self((kept | new) & WRITABLE | self.0 & REMOTE_IRR).settled()
    }

    /// Only level-triggered interrupts are waited for: a change to edge and back is how kernels end one at an I/O APIC without an
    /// EOI register.
    const fn settled(self) -> Self {
        if self.is_level() { self } else { self.ended() }
    }

    /// Whether an end of interrupt is waited for. What is not an interrupt has an edge, whatever the trigger mode says.
    pub const fn is_level(self) -> bool {
        self.0 & LEVEL != 0 && self.delivery() <= 1
    }

    pub const fn is_masked(self) -> bool {
        self.0 & MASKED != 0
    }

    pub const fn is_waiting(self) -> bool {
        self.0 & REMOTE_IRR != 0
    }

    pub const fn waiting(self) -> Self {
        Self(self.0 | REMOTE_IRR)
    }

    pub const fn ended(self) -> Self {
        Self(self.0 & !REMOTE_IRR)
    }

    pub const fn vector(self) -> u8 {
        self.0 as u8
    }

    const fn delivery(self) -> u64 {
        self.0 >> 8 & 7
    }

    pub const fn passes_extint(self) -> bool {
        !self.is_masked() && self.delivery() == EXTINT
    }

    /// Whom it is for.
    pub const fn target(self) -> Target {
        Target::Some { destination: (self.0 >> 56) as u32, logical: self.0 & LOGICAL != 0 }
    }

    /// What is sent; `None` for ways of delivery that no guest uses of an I/O APIC (SMI, INIT) or that need no message (ExtINT).
    pub fn message(self) -> Option<Message> {
        let delivery = match self.delivery() {
            0 => Delivery::Fixed,
            1 => Delivery::LowestPriority,
            4 => Delivery::Nmi,
            _ => return None,
        };
        Some(Message { delivery, vector: self.vector(), level: self.is_level(), target: self.target() })
    }
}
