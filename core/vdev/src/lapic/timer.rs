//! The timer: one-shot, periodic, or by a value of the time stamp counter.

use super::{Lapic, MASKED, reg};
use crate::ticks::MIN_PERIOD_NS;

/// Nanoseconds of a tick of the bus clock that the timer divides: as with Xen, 100 MHz.
const TICK_NS: u64 = 10;
const MODE: u32 = 3 << 17;
const PERIODIC: u32 = 1 << 17;
const TSC_DEADLINE: u32 = 2 << 17;

/// The present, as the timer needs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Time {
    /// System time, in nanoseconds.
    pub now: u64,
    /// The guest's time stamp counter.
    pub tsc: u64,
    /// Its frequency, in kHz.
    pub tsc_khz: u32,
}

impl Time {
    /// System time when the guest's counter reaches a value.
    fn when(&self, tsc: u64) -> u64 {
        let ticks = u128::from(tsc.saturating_sub(self.tsc));
        let ns = ticks.saturating_mul(1_000_000).checked_div(u128::from(self.tsc_khz)).unwrap_or(0);
        self.now.saturating_add(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

/// What the timer is doing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timer {
    /// When it is due next; system time.
    pub deadline: Option<u64>,
    /// `TSC_DEADLINE`.
    pub tsc: u64,
}

impl Lapic {
    pub(crate) fn mode(&self) -> u32 {
        self.get(reg::LVT_TIMER) & MODE
    }

    pub(crate) fn by_tsc(&self) -> bool {
        self.mode() == TSC_DEADLINE
    }

    /// Nanoseconds of one count.
    fn unit(&self) -> u64 {
        let d = self.get(reg::TIMER_DIVIDE);
        let shift = (d & 3 | d >> 1 & 4).wrapping_add(1) & 7;
        TICK_NS << shift
    }

    /// Nanoseconds of so many counts.
    pub(crate) fn span(&self, counts: u32) -> u64 {
        u64::from(counts).saturating_mul(self.unit())
    }

    /// Nanoseconds from one time that it is due to the next; 0 for never.
    fn period(&self) -> u64 {
        let period = self.span(self.get(reg::TIMER_INITIAL));
        if period != 0 && self.mode() == PERIODIC { period.max(MIN_PERIOD_NS) } else { period }
    }

    /// When the timer is due; system time.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.timer.deadline
    }

    /// Starts counting from the initial count, or stops when that is zero.
    pub(crate) fn start_timer(&mut self, time: &Time) {
        let period = self.period();
        self.timer.deadline = if period == 0 || self.by_tsc() { None } else { time.now.checked_add(period) };
    }

    /// `TSC_DEADLINE` is written.
    pub(crate) fn set_tsc_deadline(&mut self, value: u64, time: &Time) {
        if !self.by_tsc() {
            return;
        }
        self.timer.tsc = value;
        self.timer.deadline = (value != 0).then(|| time.when(value));
    }

    /// The guest's counter was moved. Whether that changed when the timer is due.
    pub fn tsc_moved(&mut self, time: &Time) -> bool {
        let by_tsc = self.by_tsc() && self.timer.tsc != 0;
        if by_tsc {
            self.timer.deadline = Some(time.when(self.timer.tsc));
        }
        by_tsc
    }

    /// The count as it is now; where the period is longer than the guest asked for it stays at its beginning at first.
    pub(crate) fn count(&self, time: &Time) -> u32 {
        if self.by_tsc() {
            return 0;
        }
        let Some(deadline) = self.timer.deadline else { return 0 };
        let left = deadline.saturating_sub(time.now);
        let count = u32::try_from(left.checked_div(self.unit()).unwrap_or(0)).unwrap_or(u32::MAX);
        count.min(self.get(reg::TIMER_INITIAL))
    }

    /// The timer's deadline has come: the interrupt waits then, and a periodic one is set again. Whether there is something to
    /// deliver.
    pub fn timer_fired(&mut self, now: u64) -> bool {
        let Some(due) = self.timer.deadline.filter(|d| *d <= now) else { return false };
        self.timer.deadline = if self.mode() == PERIODIC {
            let period = self.period();
            // Ticks that nobody could have taken are not made up for.
            let missed = now.wrapping_sub(due).checked_div(period).unwrap_or(0);
            let next = due.saturating_add(period.saturating_mul(missed.saturating_add(1)));
            (period != 0).then_some(next)
        } else {
            self.timer.tsc = 0;
            None
        };
        let lvt = self.get(reg::LVT_TIMER);
        lvt & MASKED == 0 && self.raise(lvt as u8, false)
    }

    /// The mode of the timer changes: what was counted in one means nothing in another.
    pub(crate) fn write_lvt_timer(&mut self, value: u32) {
        let old = self.mode();
        self.put(reg::LVT_TIMER, value);
        let new = self.mode();
        if old == new {
            return;
        }
        if old == TSC_DEADLINE || new == TSC_DEADLINE {
            self.timer = Timer::default();
            if new == TSC_DEADLINE {
                self.put(reg::TIMER_INITIAL, 0);
            }
        }
    }
}
