//! A timer of the HPET: its registers, and when it is due.

use super::TICK_NS;
use crate::ticks::MIN_PERIOD_NS;

/// Timer configuration: level-triggered; enabled; periodic; the next write of the comparator sets it itself; 32 bits.
pub(super) const LEVEL: u64 = 1 << 1;
pub(super) const ENABLED: u64 = 1 << 2;
pub(super) const PERIODIC: u64 = 1 << 3;
pub(super) const SET_VALUE: u64 = 1 << 6;
pub(super) const NARROW: u64 = 1 << 8;
const ROUTE: u64 = 0x1f << 9;
const WRITABLE: u64 = LEVEL | ENABLED | PERIODIC | SET_VALUE | NARROW | ROUTE;
/// What it can do: be periodic, 64 bits, and lead to pins 20–23 of the I/O APIC.
const CAPABILITIES: u64 = 0x00f0_0000 << 32 | 1 << 5 | 1 << 4;
/// Ticks of the shortest period.
const MIN_PERIOD: u64 = MIN_PERIOD_NS / TICK_NS;
/// By how much less than this a comparator is behind that was just missed: about a millisecond.
const MISSED: u64 = 1 << 16;

/// A timer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    config: u64,
    comparator: u64,
    /// Ticks; 0 for none yet.
    period: u64,
    /// When it is due; system time.
    pub due: Option<u64>,
}

/// What a timer is set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    config: u64,
    period: u64,
    due: Option<u64>,
}

impl Timer {
    pub const RESET: Self = Self { config: 0, comparator: u64::MAX, period: 0, due: None };

    pub const fn has(&self, bit: u64) -> bool {
        self.config & bit != 0
    }

    /// The pin of the I/O APIC.
    pub const fn route(&self) -> u8 {
        (self.config >> 9) as u8 & 0x1f
    }

    /// The configuration register.
    pub const fn config(&self) -> u64 {
        self.config | CAPABILITIES
    }

    const fn width(&self) -> u64 {
        if self.has(NARROW) { 0xffff_ffff } else { u64::MAX }
    }

    /// Writes the configuration; whether that changes when it is due.
    pub fn set_config(&mut self, value: u64) -> bool {
        const TIMING: u64 = ENABLED | PERIODIC | NARROW;
        let old = self.config;
        let route = (value >> 9) as u32 & 0x1f;
        let possible = CAPABILITIES >> 32 & 1u64.wrapping_shl(route) != 0;
        // A pin that it cannot lead to is not taken, which a guest finds when it reads.
        let kept = if possible { 0 } else { ROUTE };
        self.config = value & WRITABLE & !kept | old & kept;
        self.comparator &= self.width();
        if self.period != 0 {
            self.set_period(self.period & self.width());
        }
        (old ^ self.config) & TIMING != 0
    }

    /// The comparator as it is when the counter is at `count`: one that is periodic has moved on.
    pub fn comparator(&self, count: u64) -> u64 {
        if !self.has(PERIODIC) || self.period == 0 {
            return self.comparator;
        }
        let behind = self.behind(count);
        // In the upper half of what there is it is not behind, but ahead.
        if behind > self.width() >> 1 {
            return self.comparator;
        }
        let periods = behind.checked_div(self.period).unwrap_or(0).saturating_add(1);
        self.comparator.wrapping_add(periods.wrapping_mul(self.period)) & self.width()
    }

    fn behind(&self, count: u64) -> u64 {
        count.wrapping_sub(self.comparator) & self.width()
    }

    /// Writes the comparator: the time of the next event, its period, or both.
    pub fn set_comparator(&mut self, value: u64) {
        let value = value & self.width();
        if !self.has(PERIODIC) || self.has(SET_VALUE) {
            self.comparator = value;
        }
        if self.has(PERIODIC) {
            self.set_period(value);
        }
        self.config &= !SET_VALUE;
    }

    fn set_period(&mut self, ticks: u64) {
        self.period = ticks.clamp(MIN_PERIOD, self.width() >> 1);
    }

    /// Ticks from `count` to the next event; none for a comparator that was `written` too late.
    pub fn ahead(&mut self, count: u64, written: bool) -> u64 {
        self.comparator = self.comparator(count);
        let behind = self.behind(count);
        if written && behind < MISSED { 0 } else { self.comparator.wrapping_sub(count) & self.width() }
    }

    /// How often it was due until now. The next time is set.
    pub fn expire(&mut self, now: u64) -> u64 {
        let Some(due) = self.due.filter(|due| *due <= now) else { return 0 };
        if !self.has(PERIODIC) || self.period == 0 {
            self.due = None;
            return 1;
        }
        let period = self.period.saturating_mul(TICK_NS);
        let times = now.saturating_sub(due).checked_div(period).unwrap_or(0).saturating_add(1);
        self.due = due.checked_add(period.saturating_mul(times));
        // It must not fall behind by more than can be told from being ahead.
        self.comparator = self.comparator.wrapping_add(self.period.wrapping_mul(times)) & self.width();
        times
    }

    pub const fn plan(&self) -> Plan {
        Plan { config: self.config & !SET_VALUE, period: self.period, due: self.due }
    }

    pub const fn period(&self) -> u64 {
        self.period
    }

    /// A timer of saved values; what no timer has is dropped.
    pub fn from_saved(config: u64, comparator: u64, period: u64) -> Self {
        let mut timer = Self { config: config & WRITABLE, comparator, period, due: None };
        timer.comparator &= timer.width();
        if period != 0 {
            timer.set_period(period);
        }
        timer
    }
}
