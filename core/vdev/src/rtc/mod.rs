//! The MC146818A clock (Motorola's data sheet): time of day, alarm, periodic interrupts.
//!
//! As with Xen only the clock's 14 bytes are here. The rest of the memory that is behind the same ports is the device model's, which
//! therefore must also see the index.

mod alarm;
mod date;
mod saved;

use crate::bytes::ones;
use crate::ticks::ticks;

/// Ports: index and data.
pub const PORTS: [u16; 2] = [0x70, 0x71];
/// The ISA interrupt.
pub const IRQ: u8 = 8;

const NS: u64 = 1_000_000_000;
/// What the periodic interrupt divides.
const HZ: u32 = 32_768;

mod registers {
    pub const SECONDS: usize = 0;
    pub const SECONDS_ALARM: usize = 1;
    pub const MINUTES: usize = 2;
    pub const MINUTES_ALARM: usize = 3;
    pub const HOURS: usize = 4;
    pub const HOURS_ALARM: usize = 5;
    pub const WEEKDAY: usize = 6;
    pub const DAY: usize = 7;
    pub const MONTH: usize = 8;
    pub const YEAR: usize = 9;
    pub const A: usize = 10;
    pub const B: usize = 11;
    pub const C: usize = 12;
    pub const D: usize = 13;
    pub const COUNT: usize = 14;
}
use registers as reg;

/// Register A: an update is about to come; the oscillator is as it should be; the rate.
const A_UPDATING: u8 = 1 << 7;
const A_DIVIDER: u8 = 7 << 4;
const A_32_KHZ: u8 = 2 << 4;
const A_RATE: u8 = 0xf;
/// For how long [`A_UPDATING`] is set.
const UPDATING_NS: u64 = 244_141;
/// Register B.
const B_SET: u8 = 1 << 7;
const B_BINARY: u8 = 1 << 2;
const B_24_HOURS: u8 = 1 << 1;
/// What registers B (enabled) and C (has come) say of periodic, alarm and update interrupts.
const PERIODIC: u8 = 1 << 6;
const ALARM: u8 = 1 << 5;
const UPDATE: u8 = 1 << 4;
const SOURCES: u8 = PERIODIC | ALARM | UPDATE;
/// Register C: the interrupt is asserted.
const C_IRQ: u8 = 1 << 7;
/// Register D: the battery is good.
const D_VALID: u8 = 1 << 7;

/// The present.
#[derive(Clone, Copy, Debug, Default)]
pub struct Time {
    /// System time, in nanoseconds.
    pub now: u64,
    /// UTC at system time 0, in nanoseconds since 1970.
    pub start: u64,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Effect {
    /// Interrupt 8 is to be asserted, or let go.
    pub irq: Option<bool>,
    /// The guest set the clock: by how many seconds. The domain's time, and the device model, are to follow.
    pub shift: Option<i64>,
}

/// The clock.
#[derive(Clone, Copy, Debug)]
pub struct Rtc {
    /// Of the registers of time only what the guest sets, while it does.
    registers: [u8; reg::COUNT],
    index: u8,
    /// Seconds from UTC to the guest's time.
    offset: i64,
    /// The guest's second, and the number of the period, that were looked at last.
    second: i64,
    period: u64,
}

impl Rtc {
    /// A clock that shows UTC.
    #[must_use]
    pub fn new(time: &Time) -> Self {
        let mut registers = [0; reg::COUNT];
        registers[reg::A] = A_32_KHZ | 6;
        registers[reg::B] = B_24_HOURS;
        registers[reg::D] = D_VALID;
        let mut rtc = Self { registers, index: 0, offset: 0, second: 0, period: 0 };
        rtc.look(time);
        rtc
    }

    fn seconds(&self, time: &Time) -> i64 {
        let utc = time.start.saturating_add(time.now) / NS;
        self.offset.saturating_add_unsigned(utc)
    }

    fn b(&self, bits: u8) -> bool {
        self.registers[reg::B] & bits != 0
    }

    /// Whether interrupt 8 is asserted.
    #[must_use]
    pub fn irq(&self) -> bool {
        self.registers[reg::C] & self.registers[reg::B] & SOURCES != 0
    }

    /// Base-2 logarithm of the period, in ticks of [`HZ`].
    fn period_shift(&self) -> Option<u32> {
        let a = self.registers[reg::A];
        match u32::from(a & A_RATE) {
            0 => None,
            _ if a & A_DIVIDER != A_32_KHZ => None,
            // The two highest rates are not there with this oscillator.
            rate @ 1..=2 => Some(rate.wrapping_add(6)),
            rate => Some(rate.wrapping_sub(1)),
        }
    }

    /// Notes the present second and period.
    fn look(&mut self, time: &Time) {
        self.second = self.seconds(time);
        self.period = ticks(time.now, HZ) >> self.period_shift().unwrap_or(0);
    }

    /// What has come since the last look.
    fn come(&self, time: &Time) -> u8 {
        let mut flags = 0;
        if self.period_shift().is_some_and(|shift| ticks(time.now, HZ) >> shift > self.period) {
            flags |= PERIODIC;
        }
        let second = self.seconds(time);
        if second != self.second && !self.b(B_SET) {
            flags |= UPDATE;
            flags |= if self.alarm_after(self.second).is_some_and(|t| t <= second) { ALARM } else { 0 };
        }
        flags
    }

    /// Does something to the clock as it is now.
    fn change(&mut self, time: &Time, what: impl FnOnce(&mut Self)) -> Effect {
        let (was, offset) = (self.irq(), self.offset);
        self.registers[reg::C] |= self.come(time);
        self.look(time);
        what(self);
        // A new rate or a new time is no event.
        self.look(time);
        let irq = self.irq();
        Effect {
            irq: (was != irq).then_some(irq),
            shift: (self.offset != offset).then(|| self.offset.saturating_sub(offset)),
        }
    }

    /// Sets by how many seconds the guest's time is ahead of UTC.
    pub fn set_offset(&mut self, offset: i64, time: &Time) -> Effect {
        let effect = self.change(time, |rtc| rtc.offset = offset);
        Effect { shift: None, ..effect }
    }

    /// What time has brought.
    pub fn expire(&mut self, time: &Time) -> Effect {
        self.change(time, |_| ())
    }

    fn is_here(&self) -> bool {
        usize::from(self.index) < reg::COUNT
    }

    /// Reads a port; `None` when the device model is to answer.
    pub fn read(&mut self, port: u16, size: u8, time: &Time) -> Option<(u32, Effect)> {
        if size != 1 {
            return Some((ones(size), Effect::default()));
        }
        if !self.is_here() {
            return None;
        }
        if port & 1 == 0 {
            return Some((0xff, Effect::default()));
        }
        let mut value = 0;
        let effect = self.change(time, |rtc| value = rtc.register(time));
        Some((u32::from(value), effect))
    }

    fn register(&mut self, time: &Time) -> u8 {
        let r = usize::from(self.index);
        match r {
            reg::A if self.is_updating(time) => self.registers[reg::A] | A_UPDATING,
            reg::C => {
                let irq = if self.irq() { C_IRQ } else { 0 };
                core::mem::take(&mut self.registers[reg::C]) | irq
            }
            _ => self.shown(time).get(r).copied().unwrap_or(0),
        }
    }

    fn is_updating(&self, time: &Time) -> bool {
        let of_second = time.start.saturating_add(time.now) % NS;
        !self.b(B_SET) && of_second >= NS - UPDATING_NS
    }

    /// The registers as a guest sees them.
    fn shown(&self, time: &Time) -> [u8; reg::COUNT] {
        let mut registers = self.registers;
        if !self.b(B_SET) {
            date::show(&mut registers, self.seconds(time));
        }
        registers
    }

    /// Writes a port; `None` when the device model is to be told instead.
    pub fn write(&mut self, port: u16, size: u8, value: u32, time: &Time) -> Option<Effect> {
        if size != 1 {
            return Some(Effect::default());
        }
        if port & 1 == 0 {
            self.index = value as u8 & 0x7f;
            return self.is_here().then(Effect::default);
        }
        self.is_here().then(|| self.change(time, |rtc| rtc.put(value as u8, time)))
    }

    fn put(&mut self, value: u8, time: &Time) {
        let r = usize::from(self.index);
        match r {
            reg::A => self.registers[reg::A] = value & !A_UPDATING,
            reg::B => self.put_b(value, time),
            reg::C | reg::D => {}
            _ => {
                // Outside of setting it is that one number of the present time that changes.
                self.registers = self.shown(time);
                if let Some(slot) = self.registers.get_mut(r) {
                    *slot = value;
                }
                let alarm = matches!(r, reg::SECONDS_ALARM | reg::MINUTES_ALARM | reg::HOURS_ALARM);
                if !alarm && !self.b(B_SET) {
                    self.set(time);
                }
            }
        }
    }

    fn put_b(&mut self, value: u8, time: &Time) {
        let was = self.b(B_SET);
        if value & B_SET != 0 {
            // What is set must be whole from the start on.
            self.registers = self.shown(time);
            self.registers[reg::B] = value & !UPDATE;
        } else {
            self.registers[reg::B] = value;
            if was {
                self.set(time);
            }
        }
    }

    /// The time is what the registers say.
    fn set(&mut self, time: &Time) {
        let shift = date::shown(&self.registers).saturating_sub(self.seconds(time));
        self.offset = self.offset.saturating_add(shift);
    }
}

#[cfg(test)]
mod tests;
