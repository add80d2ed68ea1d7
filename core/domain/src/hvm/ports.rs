//! Devices that an HVM vCPU reaches by ports and by guest-physical addresses.

use fx_insn::Step;
use fx_vdev::lapic;

use super::HvmVcpu;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// Reads a port. Where there is nothing all bits are set.
    pub(crate) fn hvm_port_read(&self, _c: &VcpuRef, _port: u16, size: u8) -> u32 {
        u32::MAX.wrapping_shr(32u32.wrapping_sub(8u32.wrapping_mul(u32::from(size))))
    }

    /// Writes a port.
    pub(crate) fn hvm_port_write(&self, _c: &VcpuRef, _port: u16, _size: u8, _value: u32) {}

    /// Reads where there is no memory. Where there is no device either, all bits are set.
    pub(super) fn device_read(&self, c: &VcpuRef, h: &HvmVcpu, gpa: u64, out: &mut [u8]) -> Step {
        out.fill(0xff);
        let Some(offset) = apic_offset(h, gpa) else { return Ok(()) };
        let time = self.apic_time(&c.v);
        let lapic = h.lapic.lock();
        for (i, b) in (0u64..).zip(out.iter_mut()) {
            let at = offset.wrapping_add(i);
            let word = lapic.mmio_read(at & !3, &time);
            *b = word.wrapping_shr((at & 3).wrapping_mul(8) as u32) as u8;
        }
        Ok(())
    }

    /// Writes where there is no memory.
    pub(super) fn device_write(&self, c: &VcpuRef, h: &HvmVcpu, gpa: u64, data: &[u8]) -> Step {
        let Some(offset) = apic_offset(h, gpa) else { return Ok(()) };
        // Registers are written whole; what is narrower or beside one has no meaning (SDM volume 3, 11.4.1).
        if let (0, Ok(word)) = (offset & 15, <[u8; 4]>::try_from(data)) {
            let time = self.apic_time(&c.v);
            let effect = h.lapic.lock().mmio_write(offset, u32::from_le_bytes(word), &time);
            self.apic_effect(c, h, effect);
        }
        Ok(())
    }
}

/// Where an address is in the registers of the vCPU's APIC.
fn apic_offset(h: &HvmVcpu, gpa: u64) -> Option<u64> {
    let offset = gpa.checked_sub(lapic::BASE_ADDRESS).filter(|o| *o < lapic::SIZE)?;
    let lapic = h.lapic.lock();
    (lapic.is_enabled() && !lapic.is_x2apic()).then_some(offset)
}
