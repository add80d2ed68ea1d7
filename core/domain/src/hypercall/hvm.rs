//! Hypercalls of HVM and PVH guests: where their arguments are, and which there are.

use fx_insn::quick::Fixed;
use fx_types::{Errno, GuestRegs};
use fx_virt::{Exit, Vendor};
use xen_abi::hypercall as nr;

use super::{Answer, Args, value};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::is_marked;
use crate::hw::Hw;

/// Hypercalls that such a guest has; the others are about PV page tables, descriptors, traps and physical interrupts.
const fn is_there(number: u32) -> bool {
    matches!(
        number,
        nr::HYPERVISOR_MEMORY_OP
            | nr::HYPERVISOR_GRANT_TABLE_OP
            | nr::HYPERVISOR_VCPU_OP
            | nr::HYPERVISOR_VM_ASSIST
            | nr::HYPERVISOR_XEN_VERSION
            | nr::HYPERVISOR_CONSOLE_IO
            | nr::HYPERVISOR_EVENT_CHANNEL_OP
            | nr::HYPERVISOR_SCHED_OP
            | nr::HYPERVISOR_SET_TIMER_OP
            | nr::HYPERVISOR_HVM_OP
    )
}

/// Hypercalls that only the control domain has, and no HVM domain is one.
const fn is_control(number: u32) -> bool {
    matches!(
        number,
        nr::HYPERVISOR_DOMCTL | nr::HYPERVISOR_SYSCTL | nr::HYPERVISOR_PLATFORM_OP | nr::HYPERVISOR_HYPFS_OP
    )
}

impl<H: Hw> Host<H> {
    /// A hypercall by `vmcall` or `vmmcall`.
    pub(crate) fn hvm_hypercall(&self, c: &VcpuRef, x: &H::Context, regs: &mut GuestRegs, exit: &Exit) {
        let instruction = match self.hw.virt() {
            Some(f) if f.vendor == Vendor::Vmx => Fixed::Vmcall,
            _ => Fixed::Vmmcall,
        };
        let Some(length) = self.length_of(c, x, regs, exit, instruction) else {
            // Somebody changed it meanwhile: what is there now is executed.
            return;
        };
        let (privilege, wide) = self.hvm_mode(x);
        let viridian = c.d.hvm.as_ref().is_some_and(|d| d.viridian_features() != 0);
        if viridian && privilege == 0 && is_marked(regs) {
            self.viridian_call(c, regs, wide);
            return self.retire(x, regs, length);
        }
        let answer = match (privilege, wide) {
            (0, true) => self.wide_call(c, regs),
            (0, false) => self.narrow_call(c, regs),
            _ => Err(Errno::EPERM),
        };
        if answer == Err(Errno::ERESTART) {
            return;
        }
        regs.rax = if wide { value(answer) } else { value(answer) & 0xffff_ffff };
        self.retire(x, regs, length);
    }

    /// A guest's drivers begin: what it shares has the layout of the code that it executes now. Called where they say first where
    /// something shared is to be.
    pub(crate) fn latch_layout(&self, c: &VcpuRef, d: &Domain) {
        let Some(x) = self.context(&c.v).filter(|_| c.d.id == d.id) else { return };
        let (_, wide) = self.hvm_mode(x);
        if d.events.set_narrow(!wide) {
            self.update_wallclock(d);
        }
    }

    fn wide_call(&self, c: &VcpuRef, regs: &mut GuestRegs) -> Answer {
        let mut args = [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8];
        let answer = self.hvm_call_or_list(c, regs.rax as u32, &mut args);
        if answer == Err(Errno::ERESTART) {
            [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8] = args;
        }
        answer
    }

    /// From 32-bit code: arguments in EBX, ECX, EDX, ESI, EDI.
    fn narrow_call(&self, c: &VcpuRef, regs: &mut GuestRegs) -> Answer {
        let mut args = [regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi].map(|r| r & 0xffff_ffff);
        let answer = self.compat_call(c, regs.rax as u32, &mut args);
        if answer == Err(Errno::ERESTART) {
            [regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi] = args;
        }
        answer
    }

    fn hvm_call_or_list(&self, c: &VcpuRef, number: u32, args: &mut Args) -> Answer {
        if number == nr::HYPERVISOR_MULTICALL {
            self.multicall(c, args)
        } else {
            self.hvm_call(c, number, args)
        }
    }

    /// One hypercall by number: every one but `multicall`.
    pub(crate) fn hvm_call(&self, c: &VcpuRef, number: u32, args: &mut Args) -> Answer {
        match number {
            n if is_control(n) => Err(Errno::EPERM),
            n if !is_there(n) => Err(Errno::ENOSYS),
            n => self.call(c, n, args),
        }
    }
}
