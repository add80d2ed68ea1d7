//! Reference time: units of 100 ns, by the guest's time stamp counter.

/// Units of reference time in a millisecond.
const UNITS_IN_MS: u128 = 10_000;

/// Reference time as a function of a counter: `((tsc * scale) >> 64) + offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Units in a tick, in 2⁻⁶⁴.
    pub scale: u64,
    /// Reference time when the counter was zero, modulo 2⁶⁴.
    pub offset: u64,
}

impl Line {
    /// The line of a counter of `khz` through the point at which it is `tsc` and reference time is `at`.
    #[must_use]
    pub fn through(khz: u32, tsc: u64, at: u64) -> Self {
        let scale = (UNITS_IN_MS << 64).checked_div(u128::from(khz)).unwrap_or(0);
        // Counters slower than 10 MHz, which there are none of, would not fit.
        let line = Self { scale: u64::try_from(scale).unwrap_or(u64::MAX), offset: 0 };
        Self { offset: at.wrapping_sub(line.at(tsc)), ..line }
    }

    /// Reference time when the counter is `tsc`.
    #[must_use]
    pub fn at(&self, tsc: u64) -> u64 {
        let units = (u128::from(tsc).wrapping_mul(u128::from(self.scale)) >> 64) as u64;
        units.wrapping_add(self.offset)
    }
}

/// The beginning of the page that tells a guest its line (TLFS 12.7); without one it asks for the time instead. `sequence` is the
/// number that the page had before.
#[must_use]
pub fn reference_page(line: Option<&Line>, sequence: u32) -> [u64; 3] {
    // 0 and all ones say that the line does not count.
    let next = match sequence.wrapping_add(1) {
        0 | u32::MAX => 1,
        n => n,
    };
    line.map_or([0; 3], |l| [u64::from(next), l.scale, l.offset])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_its_page() {
        let l = Line::through(2_500_000, 1_000, 77);
        assert_eq!(l.at(1_000), 77);
        // A second.
        assert!(l.at(2_500_001_000).abs_diff(10_000_077) <= 1);
        // Half a year.
        assert!(l.at(1_000 + 2_500_000_000 * 15_768_000).abs_diff(77 + 10_000_000 * 15_768_000) <= 1);
        assert_eq!(reference_page(Some(&l), 4), [5, l.scale, l.offset]);
        assert_eq!(reference_page(Some(&l), u32::MAX - 1)[0], 1);
        assert_eq!(reference_page(Some(&l), u32::MAX)[0], 1);
        assert_eq!(reference_page(None, 4), [0; 3]);
    }
}
