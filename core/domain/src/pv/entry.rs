//! The way in from a guest and the way out to one.

use core::sync::atomic::Ordering;

use fx_types::GuestRegs;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::pv::bounce::{ENTRY_SYSCALL, ENTRY_SYSCALL32, ENTRY_SYSENTER, Entry, UPCALL_MASK};
use crate::vcpu::{CALLBACK_SET, SYSENTER_MASKS};

/// Set in `entry_vector` when the return to the guest faulted.
const FAILED_EXIT: u32 = 0x200;
const DEBUG: u32 = 1;
const INVALID_OPCODE: u32 = 6;
const NO_DEVICE: u32 = 7;
const PROTECTION: u32 = 13;
const PAGE_FAULT: u32 = 14;

impl<H: Hw> Host<H> {
    /// A guest entered the hypervisor by an exception or a system call. On return `regs` is what to go on with, of whichever
    /// vCPU `cur` is by then; `true` when it certainly is the same one and nothing else ran.
    #[inline]
    pub fn guest_entry(&self, cur: &mut Option<VcpuRef>, regs: &mut GuestRegs) -> bool {
        if let Some(c) = cur {
            match regs.entry_vector {
                ENTRY_SYSCALL => return self.syscall_entry(cur, regs),
                PAGE_FAULT => self.page_fault(c, regs),
                vector => self.trap(c, regs, vector),
            }
        }
        self.leave(cur, regs)
    }

    /// The same for a system call of 64-bit code.
    #[inline(always)]
    pub fn syscall_entry(&self, cur: &mut Option<VcpuRef>, regs: &mut GuestRegs) -> bool {
        if let Some(c) = cur {
            if c.v.in_kernel() {
                self.hypercall(c, regs);
            } else {
                self.bounce_syscall(c, regs);
            }
        }
        self.leave(cur, regs)
    }

    /// Does what is due before a guest is entered: other work of this CPU, a change of vCPU, an event upcall. `true` when
    /// there was no other work.
    #[inline(always)]
    pub fn leave(&self, cur: &mut Option<VcpuRef>, regs: &mut GuestRegs) -> bool {
        // Most often nothing is.
        let idle = self.this_cpu().is_some_and(|p| p.pending.load(Ordering::Relaxed) == 0);
        if idle && cur.as_ref().is_some_and(|c| c.v.hvm.is_none() && !self.wants_event(c)) {
            return true;
        }
        self.leave_with_work(cur, regs)
    }

    /// Whether an event is pending and not masked (the first two bytes of `vcpu_info`), and the guest wants to be called.
    #[inline(always)]
    fn wants_event(&self, c: &VcpuRef) -> bool {
        self.hw.load32(c.v.info()) & 0xffff == 1 && c.v.flags.get() & CALLBACK_SET != 0
    }

    #[inline(never)]
    fn leave_with_work(&self, cur: &mut Option<VcpuRef>, regs: &mut GuestRegs) -> bool {
        let mut stayed = true;
        loop {
            if self.this_cpu().is_some_and(|p| p.pending.load(Ordering::Relaxed) != 0) || cur.is_none() {
                self.work(cur, regs);
                stayed = false;
            }
            let Some(c) = cur else { continue };
            if c.v.hvm.is_some() {
                self.run_hvm(c, regs);
                stayed = false;
                continue;
            }
            if self.wants_event(c) {
                self.bounce_event(c, regs);
                // A guest that could not be entered was crashed, and gives way.
                if self.hw.load8(c.v.info().add(UPCALL_MASK)) == 0 {
                    continue;
                }
            }
            return stayed;
        }
    }

    #[cold]
    fn trap(&self, c: &VcpuRef, regs: &mut GuestRegs, vector: u32) {
        match vector {
            failed if failed & FAILED_EXIT != 0 => self.bounce_failsafe(c, regs),
            ENTRY_SYSENTER => {
                let e = Entry {
                    rip: c.v.pv.sysenter_callback.get(),
                    cs: regs.cs,
                    masks: c.v.flags.get() & SYSENTER_MASKS != 0,
                    error: None,
                };
                if e.rip == 0 {
                    self.inject_trap(c, regs, PROTECTION as u8, Some(0))
                } else {
                    self.bounce(c, regs, &e)
                }
            }
            ENTRY_SYSCALL32 => {
                let rip = c.v.pv.syscall32_callback.get();
                let masks = c.v.flags.get() & SYSENTER_MASKS != 0;
                if rip == 0 {
                    regs.rip = regs.rip.wrapping_sub(2);
                    self.inject_trap(c, regs, INVALID_OPCODE as u8, None);
                } else {
                    let cs = u64::from(xen_abi::arch_x86::FLAT_RING3_CS64);
                    self.bounce(c, regs, &Entry { rip, cs, masks, error: None });
                }
            }
            INVALID_OPCODE => {
                if !self.emulate_forced(c, regs) {
                    self.inject_trap(c, regs, INVALID_OPCODE as u8, None);
                }
            }
            PROTECTION => self.protection_fault(c, regs),
            NO_DEVICE => self.no_device(c, regs),
            DEBUG => self.debug_trap(c, regs),
            8 | 10 | 11 | 12 | 17 | 21 => {
                let error = regs.error_code;
                self.inject_trap(c, regs, vector as u8, Some(error));
            }
            v => self.inject_trap(c, regs, v as u8, None),
        }
    }

    /// `int n` of ring 3 where the hypervisor's gate does not let it through: the guest's own gate decides; anything else
    /// may be an instruction to emulate.
    fn protection_fault(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let error = regs.error_code;
        if error & 7 == 2 {
            let vector = (error >> 3) as u8;
            let info = c.v.pv.traps.get(usize::from(vector)).map_or(0, |t| t.info.get());
            let ring = if c.v.in_kernel() { 1 } else { 3 };
            if (info >> 16) & 3 >= ring {
                regs.rip = regs.rip.wrapping_add(2);
                return self.inject_trap(c, regs, vector, None);
            }
        } else if error == 0 && self.emulate_privileged(c, regs) {
            return;
        }
        self.inject_trap(c, regs, PROTECTION as u8, Some(error));
    }

    /// The guest had set its CR0.TS: it is cleared and the guest told, as a processor would not do but Xen does.
    fn no_device(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        self.hw.set_ts(false);
        if c.v.flags.get() & crate::vcpu::TASK_SWITCHED != 0 {
            c.v.set_flag(crate::vcpu::TASK_SWITCHED, false);
            self.inject_trap(c, regs, NO_DEVICE as u8, None);
        }
    }

    fn debug_trap(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        if let Some(dr6) = c.v.pv.debug.get(4) {
            let hit = self.hw.read_debug(6) & 0xe00f;
            dr6.set(dr6.get() | hit);
        }
        self.inject_trap(c, regs, DEBUG as u8, None);
    }
}
