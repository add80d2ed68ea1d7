//! System time: nanoseconds since boot by the time stamp counter.

use fx_x86::cpu::{rdtsc, rdtsc_ordered};

use super::scale::{SECOND, Scale};

/// System time as a fixed line through the time stamp counter, which must run at the same constant rate on all CPUs. Guests
/// are handed the same line.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The counter at system time 0.
    pub base: u64,
    /// From ticks to nanoseconds.
    pub scale: Scale,
    /// Frequency.
    pub khz: u32,
    /// From nanoseconds to ticks.
    ticks: Scale,
}

impl Clock {
    /// The clock of a counter that runs at `hz` and had the value `base` at system time 0. `None` for a frequency that
    /// cannot be.
    #[must_use]
    pub fn new(base: u64, hz: u64) -> Option<Self> {
        Some(Self {
            base,
            scale: Scale::between(hz, SECOND)?,
            khz: u32::try_from(hz.checked_add(500)? / 1000).ok()?,
            ticks: Scale::between(SECOND, hz)?,
        })
    }

    /// The time at which the counter had or will have the value `tsc`; 0 for values before the beginning.
    #[inline(always)]
    #[must_use]
    pub const fn at(&self, tsc: u64) -> u64 {
        self.scale.apply(tsc.saturating_sub(self.base))
    }

    /// The first value of the counter at which the time `ns` has certainly come.
    #[inline]
    #[must_use]
    pub const fn tsc_at(&self, ns: u64) -> u64 {
        self.base.saturating_add(self.ticks.apply(ns)).saturating_add(2)
    }

    /// Nanoseconds since boot, never before the time that another CPU has read earlier.
    #[inline(always)]
    #[must_use]
    pub fn now(&self) -> u64 {
        self.at(rdtsc_ordered())
    }

    /// Nanoseconds since boot, perhaps read before an earlier instruction is done: for measuring intervals on one CPU.
    #[inline(always)]
    #[must_use]
    pub fn now_unordered(&self) -> u64 {
        self.at(rdtsc())
    }
}

impl fx_types::Clock for Clock {
    #[inline(always)]
    fn now(&self) -> u64 {
        Clock::now(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_from_its_base() {
        let c = Clock::new(1_000_000, SECOND).unwrap();
        assert_eq!(c.at(1_000_000), 0);
        assert_eq!(c.at(0), 0);
        assert_eq!(c.at(1_000_500), 500);
        assert_eq!(c.khz, 1_000_000);
        assert_eq!(Clock::new(0, SECOND - 300).unwrap().khz, 1_000_000);
        assert_eq!(c.tsc_at(500), 1_000_502);
        assert!(Clock::new(0, 0).is_none());
    }

    proptest! {
        #[test]
        fn a_deadline_has_come_when_its_count_has(hz in 100_000_000u64..8_000_000_000, ns in 0u64..1 << 45) {
            let c = Clock::new(77, hz).unwrap();
            let tsc = c.tsc_at(ns);
            // Both lines are rounded to 32 bits, so that far from the base they differ by 2⁻³¹ of the time.
            prop_assert!(c.at(tsc) + (ns >> 31) + 1 >= ns);
            prop_assert!(c.at(tsc) <= ns + (ns >> 30) + 100);
        }
    }
}
