//! The one-shot timer of each CPU, armed by system time.

use super::clock::Clock;
use super::scale::{SECOND, Scale};
use crate::lapic::{Lapic, TimerKind};

/// How the CPUs' timers are armed; the same on all of them.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    kind: TimerKind,
    /// From nanoseconds to ticks of the local APIC's timer.
    ticks: Scale,
}

impl Timer {
    /// Timers of which the local APIC's count at `lapic_hz`. `None` for a frequency that cannot be.
    #[must_use]
    pub fn new(kind: TimerKind, lapic_hz: u64) -> Option<Self> {
        Some(Self { kind, ticks: Scale::between(SECOND, lapic_hz)? })
    }

    /// The way in which the timers are armed.
    #[must_use]
    pub fn kind(&self) -> TimerKind {
        self.kind
    }

    /// Sets this CPU's timer up to interrupt with `vector`.
    pub fn init_cpu(&self, lapic: &Lapic, vector: u8) {
        lapic.timer_init(vector, self.kind);
    }

    /// Arms this CPU's timer for the system time `deadline` (ns), at once when that has passed; `None` stops it. A deadline
    /// too far away for the hardware interrupts early.
    #[inline]
    pub fn arm(&self, lapic: &Lapic, clock: &Clock, deadline: Option<u64>) {
        match (self.kind, deadline) {
            (TimerKind::Count, Some(at)) => {
                let ns = at.saturating_sub(clock.now_unordered());
                lapic.timer_count(self.count(ns));
            }
            (TimerKind::Count, None) => lapic.timer_count(0),
            // SAFETY: `init_cpu` has chosen the mode.
            (TimerKind::Deadline, Some(at)) => unsafe { lapic.timer_deadline(clock.tsc_at(at)) },
            // SAFETY: as above.
            (TimerKind::Deadline, None) => unsafe { lapic.timer_deadline(0) },
        }
    }

    /// The count for a time in the future, rounded up: never 0, which would stop the timer.
    #[inline]
    fn count(&self, ns: u64) -> u32 {
        // Four seconds of the fastest timer fit; whoever waits longer is woken and arms again.
        let ticks = self.ticks.apply(ns.min(1 << 40)).saturating_add(1);
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let t = Timer::new(TimerKind::Count, SECOND).unwrap();
        assert_eq!(t.count(0), 1);
        assert_eq!(t.count(1000), 1001);
        assert_eq!(t.count(u64::MAX), u32::MAX);
        let t = Timer::new(TimerKind::Count, 24_000_000).unwrap();
        assert_eq!(t.count(1_000_000), 24_000);
    }
}
