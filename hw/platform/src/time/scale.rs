//! Conversion between ticks and nanoseconds by one multiplication.

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// A linear function through the origin: `result = ((n << shift) * mul) >> 32`, where a negative `shift` shifts right. The
/// form is that of `vcpu_time_info` (`xen/xen.h`), so that guests can be handed the same line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Multiplier in units of 2⁻³².
    pub mul: u32,
    /// Shift before the multiplication.
    pub shift: i8,
}

impl Scale {
    /// The function that turns ticks of `from` Hz into ticks of `to` Hz, with 32 significant bits. Both must be between
    /// 1 Hz and 2⁵³ Hz; `None` otherwise.
    #[must_use]
    pub fn between(from: u64, to: u64) -> Option<Self> {
        const MAX: u64 = 1 << 53;
        if from == 0 || to == 0 || from > MAX || to > MAX {
            return None;
        }
        // The quotient in units of 2⁻⁶⁴; its highest 32 bits become the multiplier.
        let q = (u128::from(to) << 64) / u128::from(from);
        let top = 128 - q.leading_zeros().min(127) as i32;
        // mul = q * 2^(-64 + 32 - shift) must be in [2³¹, 2³²).
        let shift = top - 64;
        let drop = 32 + shift;
        let mul = if drop > 0 {
            // To nearest; a carry out of the top would need the next shift.
            u32::try_from((q + (1 << (drop - 1))) >> drop).unwrap_or(u32::MAX)
        } else {
            (q << -drop) as u32
        };
        Some(Self { mul, shift: i8::try_from(shift).ok()? })
    }

    /// Converts; wraps around as the hardware's and the guests' arithmetic does.
    #[inline(always)]
    #[must_use]
    pub const fn apply(&self, n: u64) -> u64 {
        let n = if self.shift >= 0 {
            n << (self.shift as u32 & 63)
        } else {
            n >> (self.shift.unsigned_abs() as u32 & 63)
        };
        ((n as u128 * self.mul as u128) >> 32) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_to_one() {
        // A tick of exactly a nanosecond: as QEMU's counter under icount.
        let s = Scale::between(SECOND, SECOND).unwrap();
        assert_eq!(s, Scale { mul: 0x8000_0000, shift: 1 });
        assert_eq!(s.apply(123_456_789_012), 123_456_789_012);
    }

    #[test]
    fn common_speeds() {
        let s = Scale::between(3_000_000_000, SECOND).unwrap();
        assert!(s.mul >= 1 << 31);
        assert!((s.apply(3_000_000_000_000) as i64 - 1_000_000_000_000).abs() < 1000);
        let s = Scale::between(3_579_545, SECOND).unwrap();
        assert!((s.apply(3_579_545) as i64 - SECOND as i64).abs() < 2);
        assert!(Scale::between(0, 1).is_none());
    }

    proptest! {
        #[test]
        fn close_to_the_quotient(from in 1_000u64..10_000_000_000, to in 1_000u64..10_000_000_000, n in 1u64..1 << 40) {
            let s = Scale::between(from, to).unwrap();
            let exact = u128::from(n) * u128::from(to) / u128::from(from);
            let got = u128::from(s.apply(n));
            // A right shift drops up to `2^-shift` ticks; the multiplier is good to 2⁻³².
            let lost = if s.shift < 0 { to * (1 << -s.shift) / from + 1 } else { 0 };
            let slack = exact / (1 << 31) + u128::from(lost) + 2;
            prop_assert!(got <= exact + slack && exact <= got + slack, "{s:?} {exact} {got}");
            prop_assert!(s.mul >= 1 << 31);
        }
    }
}
