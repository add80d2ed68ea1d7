//! The part of ACPI's fixed hardware that the hypervisor has: the power management timer, and the event registers PM1a with what
//! asserts the SCI (ACPI specification, 4.8). The control register, and with it sleeping and switching off, is the device model's.

use fx_types::operand::mask;
use xen_abi::hvm_save::HvmHwPmtimer;

use crate::ticks::{nanoseconds, ticks};

/// Where the registers are by `HVM_PARAM_ACPI_IOPORTS_LOCATION`: 0 and 1.
pub const PORTS: [u16; 2] = [0x1f40, 0xb000];
/// Ports from the first one on that are the event registers.
pub const EVENT: core::ops::Range<u16> = 0..4;
/// Ports from the first one on that are the timer.
pub const TIMER: core::ops::Range<u16> = 8..12;
/// The ISA interrupt that is the SCI.
pub const SCI: u8 = 9;

const HZ: u32 = 3_579_545;
/// The timer's bit whose changes are an event.
const HIGHEST: u32 = 31;
const TIMER_EVENT: u16 = 1 << 0;
const GLOBAL_EVENT: u16 = 1 << 5;
const POWER_EVENT: u16 = 1 << 8;
const SLEEP_EVENT: u16 = 1 << 9;
/// What asserts the SCI.
const SOURCES: u16 = TIMER_EVENT | GLOBAL_EVENT | POWER_EVENT | SLEEP_EVENT;

/// A button of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// On and off.
    Power,
    /// To sleep.
    Sleep,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Nothing.
    None,
    /// The SCI is to be asserted, or let go.
    Sci(bool),
}

/// Timer and event registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pm {
    /// The timer, in more bits than can be read, at the time `since`.
    count: u64,
    since: u64,
    /// How often the highest bit had changed when it was looked at last.
    changes: u64,
    status: u16,
    enabled: u16,
}

impl Pm {
    fn count(&self, now: u64) -> u64 {
        self.count.wrapping_add(ticks(now.saturating_sub(self.since), HZ))
    }

    /// The status as of now.
    fn status(&self, now: u64) -> u16 {
        let changed = self.count(now) >> HIGHEST != self.changes;
        self.status | if changed { TIMER_EVENT } else { 0 }
    }

    fn sci(&self) -> bool {
        self.status & self.enabled & SOURCES != 0
    }

    /// Does something to the registers as they are now.
    fn change(&mut self, now: u64, what: impl FnOnce(&mut Self)) -> Effect {
        let was = self.sci();
        self.status = self.status(now);
        self.changes = self.count(now) >> HIGHEST;
        what(self);
        if was == self.sci() { Effect::None } else { Effect::Sci(!was) }
    }

    /// Reads a port, by its distance from the first one.
    #[must_use]
    pub fn read(&self, offset: u16, size: u8, now: u64) -> u32 {
        let whole = if EVENT.contains(&offset) {
            u32::from(self.enabled) << 16 | u32::from(self.status(now))
        } else if TIMER.contains(&offset) {
            self.count(now) as u32
        } else {
            u32::MAX
        };
        whole.wrapping_shr(u32::from(offset & 3) << 3) & mask(size) as u32
    }

    /// Writes a port. The timer cannot be written.
    pub fn write(&mut self, offset: u16, size: u8, value: u32, now: u64) -> Effect {
        if !EVENT.contains(&offset) {
            return Effect::None;
        }
        let shift = u32::from(offset & 3) << 3;
        let value = (value & mask(size) as u32).wrapping_shl(shift);
        let written = (mask(size) as u32).wrapping_shl(shift);
        self.change(now, |pm| {
            pm.status &= !(value as u16);
            let kept = pm.enabled & !((written >> 16) as u16);
            pm.enabled = kept | (value >> 16) as u16;
        })
    }

    /// A button is pressed.
    pub fn press(&mut self, button: Button, now: u64) -> Effect {
        let event = match button {
            Button::Power => POWER_EVENT,
            Button::Sleep => SLEEP_EVENT,
        };
        self.change(now, |pm| pm.status |= event)
    }

    /// When the timer asserts the SCI.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        if self.enabled & TIMER_EVENT == 0 || self.status & TIMER_EVENT != 0 {
            return None;
        }
        let target = self.changes.checked_add(1)?.checked_mul(1 << HIGHEST)?;
        self.since.checked_add(nanoseconds(target.saturating_sub(self.count), HZ))
    }

    /// What time has brought.
    pub fn expire(&mut self, now: u64) -> Effect {
        self.change(now, |_| ())
    }

    /// The form in which it is saved.
    #[must_use]
    pub fn save(&self, now: u64) -> HvmHwPmtimer {
        HvmHwPmtimer { tmr_val: self.count(now) as u32, pm1a_sts: self.status(now), pm1a_en: self.enabled }
    }

    /// Takes what was saved. The SCI's wire is saved elsewhere.
    pub fn load(&mut self, k: &HvmHwPmtimer, now: u64) {
        let count = u64::from(k.tmr_val);
        let changes = count >> HIGHEST;
        *self = Self { count, since: now, changes, status: k.pm1a_sts, enabled: k.pm1a_en };
    }
}

#[cfg(test)]
mod tests;
