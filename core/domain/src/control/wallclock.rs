//! The wall clock: what it was when system time was zero, and setting it.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use fx_types::{Errno, Result};

use crate::host::Host;
use crate::hw::Hw;

const SECOND: u64 = 1_000_000_000;

impl<H: Hw> Host<H> {
    /// Nanoseconds since 1970 when system time was zero.
    pub fn wallclock(&self) -> u64 {
        self.hw.wallclock_at_boot().wrapping_add(self.control.wall_shift.load(Ordering::Relaxed))
    }

    /// Sets the wall clock: it was `seconds` and `ns` since 1970 at system time `at` (ns). All domains get to know.
    ///
    /// # Errors
    /// `EINVAL` for a time that cannot be represented.
    pub(crate) fn set_wallclock(&self, seconds: u64, ns: u32, at: u64) -> Result {
        let then =
            seconds.checked_mul(SECOND).and_then(|s| s.checked_add(u64::from(ns))).ok_or(Errno::EINVAL)?;
        let base = then.wrapping_sub(at);
        self.control.wall_shift.store(base.wrapping_sub(self.hw.wallclock_at_boot()), Ordering::Relaxed);
        let all: Vec<_> = self.all_domains(0, usize::MAX)?;
        for d in all {
            self.update_wallclock(&d);
            // What an HVM domain's clock waits for comes at another time now.
            self.set_clock_offset(&d, d.time_offset.get() as i64);
        }
        Ok(())
    }
}
