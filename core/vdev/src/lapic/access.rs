//! Reads and writes of registers, in memory and as MSRs.

use super::timer::Time;
use super::{Effect, Lapic, MASKED, reg};

/// `TSC_DEADLINE`.
pub const MSR_TSC_DEADLINE: u32 = 0x6e0;
const MSR_FIRST: u32 = 0x800;
const SOFTWARE_ENABLED: u32 = 1 << 8;
/// Bits of the command register that mean something.
const COMMAND: u32 = 0x000c_cfff;

/// Bits that an entry of the local vector table has.
const fn lvt_bits(r: usize) -> u32 {
    match r {
        reg::LVT_TIMER => 0x0007_00ff,
        reg::LVT_LINT0 | reg::LVT_LINT1 => 0x0001_a7ff,
        reg::LVT_ERROR => 0x0001_00ff,
        _ => 0x0001_07ff,
    }
}

/// Registers that there are, and that can be read.
const fn readable(r: usize) -> bool {
    matches!(r, reg::ID | reg::VERSION | reg::TPR..=reg::PPR | reg::RRD..=reg::SVR | reg::ISR..=reg::ESR
        | reg::CMCI..=reg::TIMER_CURRENT | reg::TIMER_DIVIDE)
}

impl Lapic {
    fn read(&self, r: usize, time: &Time) -> u32 {
        match r {
            reg::PPR => u32::from(self.priority()),
            reg::TIMER_CURRENT => self.count(time),
            reg::APR | reg::RRD => 0,
            _ => self.get(r),
        }
    }

    fn write(&mut self, r: usize, value: u32, time: &Time) -> Effect {
        match r {
            reg::TPR => {
                self.put(r, value & 0xff);
                Effect::Priority
            }
            reg::EOI => self.end_of_interrupt().map_or(Effect::Priority, Effect::Done),
            reg::SVR => {
                self.put(r, value & 0x3ff);
                if value & SOFTWARE_ENABLED == 0 {
                    for lvt in reg::LVT_TIMER..=reg::LVT_ERROR {
                        self.put(lvt, self.get(lvt) | MASKED);
                    }
                }
                Effect::Priority
            }
            reg::ESR => {
                let errors = core::mem::take(&mut self.errors);
                self.put(r, errors);
                Effect::None
            }
            reg::LVT_TIMER => {
                let value = self.lvt_value(r, value);
                self.write_lvt_timer(value);
                Effect::Timer
            }
            reg::LVT_TIMER..=reg::LVT_ERROR | reg::CMCI => {
                let value = self.lvt_value(r, value);
                self.put(r, value);
                Effect::Priority
            }
            reg::TIMER_INITIAL => {
                if self.by_tsc() {
                    return Effect::None;
                }
                self.put(r, value);
                self.start_timer(time);
                Effect::Timer
            }
            reg::TIMER_DIVIDE => {
                self.put(r, value & 0xb);
                if self.timer.deadline.is_some() && !self.by_tsc() {
                    self.start_timer(time);
                }
                Effect::Timer
            }
            _ => Effect::None,
        }
    }

    fn lvt_value(&self, r: usize, value: u32) -> u32 {
        let off = self.get(reg::SVR) & SOFTWARE_ENABLED == 0;
        value & lvt_bits(r) | if off { MASKED } else { 0 }
    }

    /// Reads 32 bits of the registers in memory; those that there are not read as zero.
    #[must_use]
    pub fn mmio_read(&self, offset: u64, time: &Time) -> u32 {
        let r = (offset >> 4) as usize;
        if readable(r) { self.read(r, time) } else { 0 }
    }

    /// Writes 32 bits of the registers in memory.
    pub fn mmio_write(&mut self, offset: u64, value: u32, time: &Time) -> Effect {
        match (offset >> 4) as usize {
            reg::ICR => {
                self.put(reg::ICR, value & COMMAND);
                self.command(value, self.get(reg::ICR2) >> 24)
            }
            reg::ICR2 => {
                self.put(reg::ICR2, value & 0xff00_0000);
                Effect::None
            }
            reg::LDR => {
                self.put(reg::LDR, value & 0xff00_0000);
                Effect::None
            }
            reg::DFR => {
                self.put(reg::DFR, value | 0x0fff_ffff);
                Effect::None
            }
            reg::SELF_IPI => Effect::None,
            r => self.write(r, value, time),
        }
    }

    /// Reads a register by its MSR; `None` for `#GP`.
    #[must_use]
    pub fn msr_read(&self, msr: u32, time: &Time) -> Option<u64> {
        if msr == MSR_TSC_DEADLINE {
            return Some(if self.by_tsc() { self.timer.tsc } else { 0 });
        }
        let r = msr.checked_sub(MSR_FIRST)? as usize;
        let here =
            self.is_x2apic() && readable(r) && !matches!(r, reg::DFR | reg::ICR2 | reg::APR | reg::RRD);
        if !here {
            return None;
        }
        let low = u64::from(self.read(r, time));
        Some(if r == reg::ICR { low | u64::from(self.get(reg::ICR2)) << 32 } else { low })
    }

    /// Writes a register by its MSR; `None` for `#GP`.
    pub fn msr_write(&mut self, msr: u32, value: u64, time: &Time) -> Option<Effect> {
        if msr == MSR_TSC_DEADLINE {
            self.set_tsc_deadline(value, time);
            return Some(Effect::Timer);
        }
        if !self.is_x2apic() {
            return None;
        }
        let r = msr.checked_sub(MSR_FIRST)? as usize;
        let low = value as u32;
        if r == reg::ICR {
            if low & !COMMAND != 0 {
                return None;
            }
            self.put(reg::ICR, low);
            self.put(reg::ICR2, (value >> 32) as u32);
            return Some(self.command(low, (value >> 32) as u32));
        }
        let allowed = match r {
            reg::TPR => 0xff,
            reg::SVR => 0x1ff,
            reg::EOI | reg::ESR => 0,
            reg::LVT_TIMER..=reg::LVT_ERROR | reg::CMCI => lvt_bits(r) | 1 << 12,
            reg::TIMER_INITIAL => u32::MAX,
            reg::TIMER_DIVIDE => 0xb,
            reg::SELF_IPI => 0xff,
            _ => return None,
        };
        if value & !u64::from(allowed) != 0 {
            return None;
        }
        // A message to itself: shorthand 1.
        Some(if r == reg::SELF_IPI { self.command(low | 1 << 18, 0) } else { self.write(r, low, time) })
    }
}
