//! The form in which an APIC is saved (`hvm_hw_lapic`, `hvm_hw_lapic_regs`).

use xen_abi::hvm_save::{HvmHwLapic, HvmHwLapicRegs};

use super::timer::Time;
use super::{BASE_ADDRESS, BASE_ENABLED, Lapic, reg};

/// `HvmHwLapic::disabled`: by hardware (`APIC_BASE`), by software.
const BY_HARDWARE: u32 = 1;
const BY_SOFTWARE: u32 = 2;

impl Lapic {
    /// What is saved besides the registers.
    #[must_use]
    pub fn save(&self) -> HvmHwLapic {
        let divide = self.get(reg::TIMER_DIVIDE);
        let shift = (divide & 3 | divide >> 1 & 4).wrapping_add(1) & 7;
        HvmHwLapic {
            apic_base_msr: self.base,
            disabled: if !self.is_enabled() {
                BY_HARDWARE
            } else if !self.accepts() {
                BY_SOFTWARE
            } else {
                0
            },
            timer_divisor: 1u32.wrapping_shl(shift),
            tdt_msr: self.timer.tsc,
            pending_esr: self.errors,
            _pad0: [0; 4],
        }
    }

    /// The registers in memory.
    #[must_use]
    pub fn save_regs(&self, time: &Time) -> HvmHwLapicRegs {
        let mut out = HvmHwLapicRegs::default();
        for (r, (to, from)) in out.data.chunks_mut(16).zip(&self.regs).enumerate() {
            let value = if r == reg::TIMER_CURRENT { self.saved_count(time) } else { *from };
            for (b, v) in to.iter_mut().zip(value.to_le_bytes()) {
                *b = v;
            }
        }
        out
    }

    /// Takes what was saved besides the registers; `false` when no APIC can be so.
    pub fn load(&mut self, k: &HvmHwLapic) -> bool {
        let base = k.apic_base_msr;
        if base & !0xfff != BASE_ADDRESS || base & (super::BASE_X2APIC | BASE_ENABLED) == super::BASE_X2APIC {
            return false;
        }
        self.base = base;
        self.timer.tsc = k.tdt_msr;
        self.errors = k.pending_esr;
        true
    }

    /// Takes the registers in memory; a timer that counts goes on from the count.
    pub fn load_regs(&mut self, k: &HvmHwLapicRegs, time: &Time) {
        for (to, from) in self.regs.iter_mut().zip(k.data.chunks(16)) {
            *to = from.iter().take(4).rev().fold(0, |w, b| w << 8 | u32::from(*b));
        }
        self.put_ids_again();
        let tsc = self.timer.tsc;
        if self.by_tsc() {
            self.set_tsc_deadline(tsc, time);
        } else {
            self.resume_timer(time);
        }
    }

    /// The count: zero would say that the timer has stopped, so one that is about to end has one to go.
    fn saved_count(&self, time: &Time) -> u32 {
        let counts = self.timer.deadline.is_some() && !self.by_tsc();
        self.count(time).max(u32::from(counts))
    }

    fn put_ids_again(&mut self) {
        let ldr = self.get(reg::LDR);
        self.put_ids();
        if !self.is_x2apic() {
            self.put(reg::LDR, ldr);
        }
    }

    fn resume_timer(&mut self, time: &Time) {
        let (initial, left) = (self.get(reg::TIMER_INITIAL), self.get(reg::TIMER_CURRENT));
        let goes_on = initial != 0 && left != 0;
        self.timer.deadline = if goes_on { time.now.checked_add(self.span(left)) } else { None };
    }
}
