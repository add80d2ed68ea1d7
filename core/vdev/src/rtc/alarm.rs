//! When the clock has something to say.

use super::date::{decode, decode_hour};
use super::{ALARM, B_SET, HZ, NS, PERIODIC, Rtc, Time, UPDATE, reg};
use crate::ticks::nanoseconds;

/// Numbers of an alarm from this one on stand for any.
const ANY: u8 = 0xc0;
/// More steps than it takes to find a time of day: the rest of a minute, of an hour and of a day, and then as much again.
const STEPS: u32 = 300;

impl Rtc {
    /// The first second after another at which the alarm goes off.
    pub(super) fn alarm_after(&self, second: i64) -> Option<i64> {
        let format = self.registers[reg::B];
        let wanted = |r: usize, decode: fn(u8, u8) -> u8| {
            let raw = self.registers.get(r).copied().unwrap_or(ANY);
            (raw < ANY).then(|| i64::from(decode(raw, format)))
        };
        let hour = wanted(reg::HOURS_ALARM, decode_hour);
        let minute = wanted(reg::MINUTES_ALARM, decode);
        let of_minute = wanted(reg::SECONDS_ALARM, decode);
        if hour.is_some_and(|h| h > 23) || minute.is_some_and(|m| m > 59) || of_minute.is_some_and(|s| s > 59)
        {
            return None;
        }
        let differs = |wanted: Option<i64>, is: i64| wanted.is_some_and(|w| w != is);
        let mut t = second.checked_add(1)?;
        for _ in 0..STEPS {
            let step = if differs(hour, t.div_euclid(3600).rem_euclid(24)) {
                3600
            } else if differs(minute, t.div_euclid(60).rem_euclid(60)) {
                60
            } else if differs(of_minute, t.rem_euclid(60)) {
                1
            } else {
                return Some(t);
            };
            t = t.div_euclid(step).checked_add(1)?.checked_mul(step)?;
        }
        None
    }

    /// System time at which a second of the guest begins.
    fn when(&self, second: i64, time: &Time) -> Option<u64> {
        let utc = u64::try_from(second.checked_sub(self.offset)?).ok()?;
        Some(utc.checked_mul(NS)?.saturating_sub(time.start))
    }

    /// When interrupt 8 is asserted next; never, while it is asserted.
    #[must_use]
    pub fn next_deadline(&self, time: &Time) -> Option<u64> {
        if self.irq() {
            return None;
        }
        let periodic = self.period_shift().filter(|_| self.b(PERIODIC)).and_then(|shift| {
            let tick = self.period.checked_add(1)?.checked_mul(1u64.wrapping_shl(shift))?;
            Some(nanoseconds(tick, HZ))
        });
        let runs = !self.b(B_SET);
        let update = if runs && self.b(UPDATE) { self.second.checked_add(1) } else { None };
        let alarm = if runs && self.b(ALARM) { self.alarm_after(self.second) } else { None };
        let seconds = [update, alarm].map(|second| self.when(second?, time));
        seconds.into_iter().chain([periodic]).flatten().min()
    }
}
