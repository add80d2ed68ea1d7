//! Devices that an HVM vCPU reaches by ports and by guest-physical addresses: those of the hypervisor.

use fx_insn::Step;
use fx_vdev::lapic;

use super::HvmVcpu;
use super::ioreq::Access;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The port whose bytes are lines of the console (`XEN_HVM_DEBUGCONS_IOPORT` of `xen/arch-x86/xen.h`); firmware speaks there.
const DEBUG_CONSOLE: u64 = 0xe9;

/// The greatest piece, a power of two, that `len` bytes at an address can be accessed in.
const fn piece(len: usize) -> usize {
    match len {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        n => n,
    }
}

impl<H: Hw> Host<H> {
    /// An access to a port of the hypervisor's devices; `None` when it is none of theirs.
    pub(super) fn inner_port_access(&self, c: &VcpuRef, a: &Access) -> Option<u64> {
        if a.addr == DEBUG_CONSOLE && a.write && a.size == 1 {
            self.hw.log().guest_write(c.d.id.0, &mut c.d.console_line.lock(), &[a.data as u8]);
            self.note_output();
            return Some(0);
        }
        self.platform_access(&c.d, a)
    }

    /// The same for guest-physical addresses.
    fn inner_memory_access(&self, c: &VcpuRef, h: &HvmVcpu, a: &Access) -> Option<u64> {
        self.lapic_access(c, h, a).or_else(|| self.platform_access(&c.d, a))
    }

    fn lapic_access(&self, c: &VcpuRef, h: &HvmVcpu, a: &Access) -> Option<u64> {
        let offset = apic_offset(h, a.addr)?;
        let time = self.apic_time(&c.d, &c.v);
        if !a.write {
            let word = u64::from(h.lapic.lock().mmio_read(offset & !3, &time));
            return Some(word.wrapping_shr((offset & 3).wrapping_mul(8) as u32));
        }
        // Registers are written whole; what is narrower or beside one has no meaning (SDM volume 3, 11.4.1).
        if offset & 15 == 0 && a.size == 4 {
            let effect = h.lapic.lock().mmio_write(offset, a.data as u32, &time);
            self.apic_effect(c, h, effect);
        }
        Some(0)
    }

    /// Reads where there is no memory.
    ///
    /// # Errors
    /// Those of [`Self::device_access`].
    pub(super) fn device_read(&self, c: &VcpuRef, h: &HvmVcpu, gpa: u64, out: &mut [u8]) -> Step {
        let (mut rest, mut addr) = (out, gpa);
        while !rest.is_empty() {
            let size = piece(rest.len());
            let a = Access { port: false, addr, size: size as u8, write: false, data: 0 };
            let value = self.device_access(c, h, &a, || self.inner_memory_access(c, h, &a))?;
            let (now, later) = rest.split_at_mut_checked(size).ok_or(fx_insn::Stop::Unhandled)?;
            now.iter_mut().zip(value.to_le_bytes()).for_each(|(to, from)| *to = from);
            (rest, addr) = (later, addr.wrapping_add(size as u64));
        }
        Ok(())
    }

    /// Writes where there is no memory.
    ///
    /// # Errors
    /// Those of [`Self::device_access`].
    pub(super) fn device_write(&self, c: &VcpuRef, h: &HvmVcpu, gpa: u64, data: &[u8]) -> Step {
        let (mut rest, mut addr) = (data, gpa);
        while !rest.is_empty() {
            let size = piece(rest.len());
            let (now, later) = rest.split_at_checked(size).ok_or(fx_insn::Stop::Unhandled)?;
            let data = now.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
            let a = Access { port: false, addr, size: size as u8, write: true, data };
            self.device_access(c, h, &a, || self.inner_memory_access(c, h, &a))?;
            (rest, addr) = (later, addr.wrapping_add(size as u64));
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
