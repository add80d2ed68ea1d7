//! The vCPU as the instruction emulator sees it.

use core::sync::atomic::Ordering;

use fx_insn::{Access, Cpu, Exception, Purpose, Step, Stop};
use fx_p2m::walk::{Access as WalkAccess, Paging};
use fx_types::operand::mask;
use fx_types::{GuestRegs, Maddr, Mfn, PAGE_SIZE};
use fx_virt::{Register, Segment, SegmentRegister};

use super::{HvmDomain, HvmVcpu, ioreq};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// Where XMM registers are in an XSAVE area, the upper halves of YMM registers in its standard form, and XSTATE_BV.
const XMM: u64 = 160;
const YMM_HIGH: u64 = 576;
const XSTATE_BV: u64 = 512;
const SSE: u64 = 2;
const AVX: u64 = 4;

/// A vCPU that is current on this CPU, in the middle of an instruction.
pub(super) struct Emulated<'a, H: Hw> {
    host: &'a Host<H>,
    c: &'a VcpuRef,
    d: &'a HvmDomain,
    h: &'a HvmVcpu,
    x: &'a H::Context,
    regs: &'a mut GuestRegs,
    paging: Paging,
}

/// Where a piece of an access is.
enum Place {
    /// In memory.
    Ram(Maddr),
    /// Somewhere else, by guest-physical address; writes to memory that is read-only come to nothing.
    Device(u64),
}

impl<'a, H: Hw> Emulated<'a, H> {
    /// The current vCPU; `None` for a PV one.
    pub(super) fn new(host: &'a Host<H>, c: &'a VcpuRef, regs: &'a mut GuestRegs) -> Option<Self> {
        let paging = host.paging_of(c, regs.rflags);
        Some(Self {
            host,
            c,
            d: c.d.hvm.as_ref()?,
            h: c.v.hvm.as_ref()?,
            x: host.context(&c.v)?,
            regs,
            paging,
        })
    }

    fn place(&self, linear: u64, access: WalkAccess) -> Step<Place> {
        let place = self
            .host
            .guest_physical(self.d, &self.paging, linear, access)
            .map_err(|error| Exception::page_fault(linear, error))?;
        Ok(match self.host.ram_at(self.d, place.gpa, access.write) {
            Some(at) => Place::Ram(at),
            None => Place::Device(place.gpa),
        })
    }

    /// The one or two pieces of an access: where, and how many bytes of it.
    fn pieces(&self, a: Access, len: usize, write: bool) -> Step<[Option<(Place, usize)>; 2]> {
        let access = WalkAccess { write, fetch: false, user: a.user };
        let room = PAGE_SIZE.wrapping_sub(a.linear & (PAGE_SIZE - 1)) as usize;
        let first = self.place(a.linear, access)?;
        if room >= len {
            return Ok([Some((first, len)), None]);
        }
        let next = a.linear.wrapping_add(room as u64);
        let next = if a.wide { next } else { next & 0xffff_ffff };
        let second = self.place(next, access)?;
        Ok([Some((first, room)), Some((second, len.wrapping_sub(room)))])
    }

    fn extended_state(&mut self, act: impl FnOnce(&H, Maddr)) {
        let area = Mfn(self.c.v.xstate.get());
        let hw = &self.host.hw;
        hw.xstate_save(area);
        act(hw, area.addr());
        hw.xstate_load(area);
        let _ = hw.set_xcr0(self.c.v.pv.xcr0.get());
    }
}

fn protect(ok: bool) -> Step {
    if ok { Ok(()) } else { Err(Stop::Exception(Exception::GP0)) }
}

impl<H: Hw> Cpu for Emulated<'_, H> {
    fn regs(&mut self) -> &mut GuestRegs {
        self.regs
    }

    fn amd(&self) -> bool {
        self.host.is_amd()
    }

    fn cpl(&mut self) -> u8 {
        self.host.hw.privilege(self.x)
    }

    fn segment(&mut self, segment: Segment) -> SegmentRegister {
        self.host.hw.segment(self.x, segment)
    }

    fn set_segment(&mut self, segment: Segment, value: &SegmentRegister) {
        self.host.hw.set_segment(self.x, segment, value);
    }

    fn register(&mut self, register: Register) -> u64 {
        self.host.hw.register(self.x, register)
    }

    fn set_register(&mut self, register: Register, value: u64) -> Step {
        let (host, x) = (self.host, self.x);
        match register {
            Register::Cr0 => protect(host.set_cr0(x, value))?,
            Register::Cr3 => protect(host.set_cr3(x, value))?,
            Register::Cr4 => protect(host.set_cr4(self.c, x, value))?,
            Register::Efer => protect(host.set_efer(self.c, x, value))?,
            Register::Dr6 | Register::Dr7 if value >> 32 != 0 => return protect(false),
            other => host.hw.set_register(x, other, value),
        }
        self.paging = host.paging_of(self.c, self.regs.rflags);
        Ok(())
    }

    fn cr8(&mut self) -> u64 {
        u64::from(self.host.hw.task_priority(self.x))
    }

    fn set_cr8(&mut self, value: u64) -> Step {
        protect(value < 16)?;
        self.host.hw.set_task_priority(self.x, value as u8);
        self.host.see_priority(self.h, self.x);
        Ok(())
    }

    fn debug_address(&mut self, number: u8) -> u64 {
        if self.h.debug_loaded.get() != 0 {
            return self.host.hw.read_debug(number);
        }
        self.c.v.pv.debug.get(usize::from(number)).map_or(0, fx_types::Own64::get)
    }

    fn set_debug_address(&mut self, number: u8, value: u64) -> Step {
        if self.h.debug_loaded.get() != 0 {
            return Err(Stop::Unhandled);
        }
        if let Some(slot) = self.c.v.pv.debug.get(usize::from(number)) {
            slot.set(value);
        }
        Ok(())
    }

    fn fetch(&mut self, linear: u64, out: &mut [u8]) -> Step {
        let access = WalkAccess { fetch: true, user: self.cpl() == 3, ..WalkAccess::default() };
        match self.place(linear, access)? {
            Place::Ram(at) => {
                self.host.hw.read(at, out);
                Ok(())
            }
            Place::Device(_) => Err(Stop::Unhandled),
        }
    }

    fn read(&mut self, access: Access, out: &mut [u8]) -> Step {
        let write = access.purpose == Purpose::Modify;
        let pieces = self.pieces(access, out.len(), write)?;
        let mut rest = out;
        for (place, len) in pieces.into_iter().flatten() {
            let (piece, tail) =
                core::mem::take(&mut rest).split_at_mut_checked(len).ok_or(Stop::Unhandled)?;
            match place {
                Place::Ram(at) => self.host.hw.read(at, piece),
                Place::Device(gpa) => self.host.device_read(self.c, self.h, gpa, piece)?,
            }
            rest = tail;
        }
        Ok(())
    }

    fn write(&mut self, access: Access, data: &[u8]) -> Step {
        let mut rest = data;
        for (place, len) in self.pieces(access, data.len(), true)?.into_iter().flatten() {
            let (piece, tail) = rest.split_at_checked(len).ok_or(Stop::Unhandled)?;
            match place {
                Place::Ram(at) => self.host.hw.write(at, piece),
                Place::Device(gpa) => self.host.device_write(self.c, self.h, gpa, piece)?,
            }
            rest = tail;
        }
        Ok(())
    }

    fn replace(&mut self, access: Access, old: &[u8], new: &[u8]) -> Step<bool> {
        let Place::Ram(at) =
            self.place(access.linear, WalkAccess { write: true, fetch: false, user: access.user })?
        else {
            return self.write(access, new).map(|()| true);
        };
        let inside = at.0 & 7;
        if inside.wrapping_add(old.len() as u64) > 8 {
            // Across two words nothing is atomic; processors take a lock on the bus for it.
            return self.write(access, new).map(|()| true);
        }
        let word = Maddr(at.0 & !7);
        let now = self.host.hw.load64(word);
        let shift = inside.wrapping_mul(8) as u32;
        let mask = mask(old.len() as u8) << shift;
        if now & mask != number(old) << shift {
            return Ok(false);
        }
        Ok(self.host.hw.cas64(word, now, now & !mask | number(new) << shift).is_ok())
    }

    fn port_read(&mut self, port: u16, size: u8, _number: u8) -> Step<u32> {
        let a = ioreq::Access { port: true, addr: u64::from(port), size, write: false, data: 0 };
        let inner = || self.host.inner_port_access(self.c, &a);
        self.host.device_access(self.c, self.h, &a, inner).map(|v| v as u32)
    }

    fn port_write(&mut self, port: u16, size: u8, value: u32, _number: u8) -> Step {
        let a =
            ioreq::Access { port: true, addr: u64::from(port), size, write: true, data: u64::from(value) };
        let inner = || self.host.inner_port_access(self.c, &a);
        self.host.device_access(self.c, self.h, &a, inner).map(|_| ())
    }

    fn probe(&mut self, access: Access, length: usize) -> Step {
        self.pieces(access, length, true).map(|_| ())
    }

    fn completed(&mut self) {
        self.h.io.complete();
    }

    fn interrupted(&mut self) -> bool {
        self.h.attention.load(Ordering::SeqCst)
    }

    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> Step<[u32; 4]> {
        if self.host.cpuid_faults(self.c, self.x) {
            return Err(Stop::Exception(Exception::GP0));
        }
        Ok(self.host.hvm_cpuid(self.c, self.h, self.x, leaf, subleaf))
    }

    fn rdmsr(&mut self, index: u32) -> Step<u64> {
        self.host.hvm_rdmsr(self.c, self.h, self.x, index).ok_or(Stop::Exception(Exception::GP0))
    }

    fn wrmsr(&mut self, index: u32, value: u64) -> Step {
        protect(self.host.hvm_wrmsr(self.c, self.h, self.x, index, value))
    }

    fn rdtsc(&mut self) -> Step<u64> {
        Ok(self.host.vcpu_tsc(&self.c.d, &self.c.v))
    }

    fn tsc_aux(&mut self) -> Step<u32> {
        if !Host::<H>::has_tsc_aux(self.c) {
            return Err(Stop::Exception(Exception::UD));
        }
        Ok(self.c.v.msrs.tsc_aux())
    }

    fn rdpmc(&mut self, _index: u32) -> Step<u64> {
        Err(Stop::Exception(Exception::GP0))
    }

    /// Guests have no devices of the machine, so its caches are coherent for them.
    fn wbinvd(&mut self) -> Step {
        Ok(())
    }

    fn invlpg(&mut self, _linear: u64) -> Step {
        self.host.hw.flush_guest(self.x);
        Ok(())
    }

    fn xsetbv(&mut self, index: u32, value: u64) -> Step {
        protect(self.host.hvm_xsetbv(self.c, index, value))
    }

    fn vector(&mut self, number: u8) -> Step<[u8; 32]> {
        let (mut low, mut high) = ([0; 16], [0; 16]);
        let at = u64::from(number & 15).wrapping_mul(16);
        let avx = self.c.v.pv.xcr0.get() & AVX != 0;
        self.extended_state(|hw, area| {
            hw.read(area.add(XMM.wrapping_add(at)), &mut low);
            if avx && hw.load64(area.add(XSTATE_BV)) & AVX != 0 {
                hw.read(area.add(YMM_HIGH.wrapping_add(at)), &mut high);
            }
        });
        let mut both = [0; 32];
        for (to, from) in both.iter_mut().zip(low.into_iter().chain(high)) {
            *to = from;
        }
        Ok(both)
    }

    fn set_vector(&mut self, number: u8, low: &[u8; 16], upper: Option<&[u8; 16]>) -> Step {
        let at = u64::from(number & 15).wrapping_mul(16);
        let avx = self.c.v.pv.xcr0.get() & AVX != 0;
        self.extended_state(|hw, area| {
            let used = hw.load64(area.add(XSTATE_BV));
            hw.write(area.add(XMM.wrapping_add(at)), low);
            let upper = upper.filter(|_| avx);
            if let Some(high) = upper {
                if used & AVX == 0 {
                    // The component is not there yet: all other registers' halves are zero.
                    (0..16u64).for_each(|n| {
                        hw.write(area.add(YMM_HIGH.wrapping_add(n.wrapping_mul(16))), &[0; 16])
                    });
                }
                hw.write(area.add(YMM_HIGH.wrapping_add(at)), high);
            }
            hw.store64(area.add(XSTATE_BV), used | SSE | if upper.is_some() { AVX } else { 0 });
        });
        Ok(())
    }
}

/// Up to eight bytes as a number.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |n, b| n << 8 | u64::from(*b))
}
