//! Synthetic timers (TLFS, chapter 12): they send messages.

/// Timers of a vCPU.
pub const TIMERS: usize = 4;
/// The shortest period, in units of 100 ns: what a guest may ask for without end is at least so far apart.
const MIN_PERIOD: u64 = 1000;

const ENABLED: u64 = 1;
const PERIODIC: u64 = 1 << 1;
const LAZY: u64 = 1 << 2;
const AUTO_ENABLE: u64 = 1 << 3;
/// The bits of the configuration that mean something: those, and the synthetic interrupt.
const CONFIG: u64 = ENABLED | PERIODIC | LAZY | AUTO_ENABLE | 0xf << 16;

/// A timer. Times are reference time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    config: u64,
    count: u64,
    /// When it is due; none when it is off.
    due: Option<u64>,
}

impl Timer {
    /// A timer as it was saved: a periodic one begins a new period.
    pub(crate) fn saved(config: u64, count: u64, now: u64) -> Self {
        let mut t = Self { config: config & CONFIG, count, due: None };
        t.start(now);
        t
    }

    /// The register of its configuration.
    #[must_use]
    pub fn config(&self) -> u64 {
        self.config
    }

    /// The register of its count.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// When it is due.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.due
    }

    /// The synthetic interrupt that its messages are for.
    #[must_use]
    pub fn sint(&self) -> u8 {
        (self.config >> 16 & 0xf) as u8
    }

    /// Writes the configuration. A timer without a synthetic interrupt cannot be on.
    pub fn set_config(&mut self, value: u64, now: u64) {
        self.config = value & CONFIG;
        if self.sint() == 0 {
            self.config &= !ENABLED;
        }
        self.start(now);
    }

    /// Writes the count: a period, or the time at which the timer is due; 0 stops it.
    pub fn set_count(&mut self, value: u64, now: u64) {
        self.count = value;
        if value == 0 {
            self.config &= !ENABLED;
        } else if self.config & AUTO_ENABLE != 0 {
            self.config |= ENABLED;
        }
        self.start(now);
    }

    fn period(&self) -> u64 {
        self.count.max(MIN_PERIOD)
    }

    fn start(&mut self, now: u64) {
        let on = self.config & ENABLED != 0 && self.count != 0;
        let due = if self.config & PERIODIC != 0 { now.saturating_add(self.period()) } else { self.count };
        self.due = on.then_some(due);
    }

    /// When it was due, if it was.
    #[must_use]
    pub fn expired(&self, now: u64) -> Option<u64> {
        self.due.filter(|due| *due <= now)
    }

    /// Its message is delivered. A periodic one goes on: with what is due next by its period or, when it is lazy or far behind, by
    /// the present.
    pub fn delivered(&mut self, now: u64) {
        let Some(due) = self.due else { return };
        if self.config & PERIODIC == 0 {
            self.config &= !ENABLED;
            self.due = None;
            return;
        }
        let (period, next) = (self.period(), due.saturating_add(self.period()));
        let late = now.saturating_sub(next);
        // Ticks that nobody could have taken are made up for, but not without end.
        let give_up = self.config & LAZY != 0 && late > 0 || late > period.saturating_mul(MAX_OWED);
        self.due = Some(if give_up { now.saturating_add(period) } else { next });
    }
}

/// Ticks that are made up for at most.
const MAX_OWED: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once() {
        let mut t = Timer::default();
        t.set_config(ENABLED | 2 << 16, 0);
        assert_eq!(t.due(), None, "no count");
        t.set_count(500, 100);
        assert_eq!((t.due(), t.expired(499), t.expired(500), t.sint()), (Some(500), None, Some(500), 2));
        t.delivered(510);
        assert_eq!((t.due(), t.config()), (None, 2 << 16));
        t.set_config(ENABLED, 0);
        assert_eq!((t.due(), t.config()), (None, 0), "no interrupt");
    }

    #[test]
    fn count_switches_it_on_and_off() {
        let mut t = Timer::default();
        t.set_config(AUTO_ENABLE | 1 << 16, 0);
        assert_eq!(t.due(), None);
        t.set_count(9, 0);
        assert_eq!((t.due(), t.config() & ENABLED), (Some(9), ENABLED));
        t.set_count(0, 0);
        assert_eq!((t.due(), t.config() & ENABLED), (None, 0));
    }

    #[test]
    fn periodic_and_lazy() {
        let mut t = Timer::default();
        t.set_count(2000, 0);
        t.set_config(ENABLED | PERIODIC | 1 << 16, 10);
        assert_eq!(t.due(), Some(2010));
        t.delivered(7000);
        assert_eq!(t.due(), Some(4010), "made up for");
        t.delivered(4010 + 2000 * 1000);
        assert_eq!(t.due(), Some(4010 + 2000 * 1001), "not without end");
        t.set_config(ENABLED | PERIODIC | LAZY | 1 << 16, 0);
        t.delivered(5000);
        assert_eq!(t.due(), Some(7000));
        t.set_count(1, 0);
        assert_eq!(t.due(), Some(MIN_PERIOD));
    }
}
