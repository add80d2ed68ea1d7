//! The form in which the clock is saved (`hvm_hw_rtc`).

use xen_abi::hvm_save::HvmHwRtc;

use super::{A_UPDATING, C_IRQ, D_VALID, Rtc, Time, reg};

impl Rtc {
    /// The form in which it is saved.
    #[must_use]
    pub fn save(&self, time: &Time) -> HvmHwRtc {
        let mut cmos_data = self.shown(time);
        cmos_data[reg::C] |= self.come(time) | if self.irq() { C_IRQ } else { 0 };
        HvmHwRtc { cmos_data, cmos_index: self.index, pad0: 0, rtc_offset: self.offset }
    }

    /// Takes what was saved. The interrupt's wire is saved elsewhere.
    pub fn load(&mut self, k: &HvmHwRtc, time: &Time) {
        self.registers = k.cmos_data;
        self.registers[reg::A] &= !A_UPDATING;
        self.registers[reg::C] &= !C_IRQ;
        self.registers[reg::D] = D_VALID;
        self.index = k.cmos_index & 0x7f;
        self.offset = k.rtc_offset;
        self.look(time);
    }
}
