//! An HVM guest's memory by its linear and its guest-physical addresses.

use fx_p2m::walk::{Access, PageFault, Paging, Place, Tables};
use fx_types::{Fault, Maddr, PAGE_SIZE};
use fx_virt::Register;

use super::HvmDomain;
use super::scratch::{SCRATCH, Scratch};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// Offset within a page.
const OFFSET: u64 = PAGE_SIZE - 1;
const AC: u64 = 1 << 18;

/// A domain's memory that holds page tables.
struct GuestTables<'a, H: Hw> {
    host: &'a Host<H>,
    h: &'a HvmDomain,
}

impl<H: Hw> Tables for GuestTables<'_, H> {
    fn read(&self, gpa: u64, size: u8) -> Option<u64> {
        let at = self.host.ram_at(self.h, gpa, false)?;
        let hw = &self.host.hw;
        Some(if size == 8 { hw.load64(at) } else { u64::from(hw.load32(at)) })
    }

    fn mark(&self, gpa: u64, size: u8, bits: u64) {
        let Some(at) = self.host.ram_at(self.h, gpa, true) else { return };
        if size == 8 {
            self.host.hw.fetch_or64(at, bits);
        } else {
            self.host.hw.fetch_or32(at, bits as u32);
        }
    }
}

impl<H: Hw> Host<H> {
    /// Where a guest-physical address is in real memory, if it is memory that the guest may access so.
    pub(crate) fn ram_at(&self, h: &HvmDomain, gpa: u64, write: bool) -> Option<Maddr> {
        let mut e = self.lookup(h, gpa >> 12);
        if write && e.kind == fx_p2m::Kind::RamLogDirty {
            self.note_write(h, gpa >> 12);
            // Noting takes a lock, and while this CPU waited for it the frame may have gone.
            e = self.lookup(h, gpa >> 12);
        }
        let may_write = e.kind.is_writable() || e.kind == fx_p2m::Kind::RamLogDirty;
        let there = e.kind.is_present() && e.kind != fx_p2m::Kind::Mmio && (!write || may_write);
        there.then(|| e.mfn.at(gpa & OFFSET))
    }

    /// How the current vCPU's linear addresses become guest-physical ones.
    pub(crate) fn paging_of(&self, c: &VcpuRef, flags: u64) -> Paging {
        let Some(x) = self.context(&c.v) else { return Paging::default() };
        let read = |r| self.hw.register(x, r);
        Paging {
            cr0: read(Register::Cr0),
            cr3: read(Register::Cr3),
            cr4: read(Register::Cr4),
            efer: read(Register::Efer),
            access_check: flags & AC != 0,
            address_bits: self.guest_address_bits(),
        }
    }

    /// Where a linear address of an HVM vCPU is.
    ///
    /// # Errors
    /// The error code of the page fault.
    pub(crate) fn guest_physical(
        &self,
        h: &HvmDomain,
        paging: &Paging,
        va: u64,
        access: Access,
    ) -> Result<Place, PageFault> {
        paging.walk(&GuestTables { host: self, h }, va, access)
    }

    /// Each piece of a linear range that lies in one page.
    fn each_piece(
        &self,
        c: &VcpuRef,
        va: u64,
        len: usize,
        write: bool,
        mut act: impl FnMut(Maddr, core::ops::Range<usize>),
    ) -> Result<(), Fault> {
        let Some(h) = &c.d.hvm else { return Err(Fault { done: 0 }) };
        // A hypercall's arguments are its kernel's, whatever AC says: as if SMAP let it.
        let paging = self.paging_of(c, AC);
        let access = Access { write, ..Access::default() };
        let mut done = 0usize;
        while done < len {
            let fault = Fault { done };
            let at = va.checked_add(done as u64).ok_or(fault)?;
            let room = PAGE_SIZE.wrapping_sub(at & OFFSET) as usize;
            let end = done.saturating_add(room).min(len);
            let place = self.guest_physical(h, &paging, at, access).map_err(|_| fault)?;
            let maddr = self.ram_at(h, place.gpa, write).ok_or(fault)?;
            act(maddr, done..end);
            done = end;
        }
        Ok(())
    }

    /// The scratch memory, when 32-bit code's argument is there.
    fn scratch_of<'a>(&self, c: &'a VcpuRef, va: u64) -> Option<&'a Scratch> {
        let h = c.v.hvm.as_ref().filter(|_| va >= SCRATCH)?;
        let (_, long) = self.hvm_mode(self.context(&c.v)?);
        (!long).then_some(&h.scratch)
    }

    /// Copies from the linear address space of the current HVM vCPU.
    ///
    /// # Errors
    /// [`Fault`] when some byte is not readable by the guest's kernel.
    #[cold]
    pub(crate) fn hvm_copy_in(&self, c: &VcpuRef, va: u64, buf: &mut [u8]) -> Result<(), Fault> {
        if let Some(scratch) = self.scratch_of(c, va) {
            return if scratch.read(va, buf) { Ok(()) } else { Err(Fault { done: 0 }) };
        }
        self.each_piece(c, va, buf.len(), false, |at, range| {
            if let Some(b) = buf.get_mut(range) {
                self.hw.read(at, b);
            }
        })
    }

    /// Copies to the linear address space of the current HVM vCPU.
    ///
    /// # Errors
    /// [`Fault`] when some byte is not writable by the guest's kernel.
    #[cold]
    pub(crate) fn hvm_copy_out(&self, c: &VcpuRef, va: u64, buf: &[u8]) -> Result<(), Fault> {
        if let Some(scratch) = self.scratch_of(c, va) {
            return if scratch.write(va, buf) { Ok(()) } else { Err(Fault { done: 0 }) };
        }
        self.each_piece(c, va, buf.len(), true, |at, range| {
            if let Some(b) = buf.get(range) {
                self.hw.write(at, b);
            }
        })
    }
}
