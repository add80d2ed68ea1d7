//! Hypercalls: the table, multicall, and one module for each family.
//!
//! A handler gets its arguments as owned words. Long ones stop after a bounded amount of work, store in the arguments where
//! to go on, and answer `ERESTART`: the dispatcher then lets the guest issue the same call again with those arguments, so
//! that interrupts and other vCPUs get their turn in between.

pub mod callback;
pub mod compat;
pub mod compat_grant;
pub mod compat_vcpu;
pub mod dm_op;
pub mod event;
pub mod exchange;
pub mod grant;
pub mod hvm;
pub mod hvm_op;
pub mod memory;
pub mod mmu;
pub mod mmuext;
pub mod multicall;
pub mod physdev;
pub mod physmap;
pub mod pv;
pub mod reserve;
pub mod resource;
pub mod sched;
pub mod vcpu;
pub mod version;

use fx_types::{Errno, GuestRegs, Result};
use xen_abi::hypercall as nr;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// Arguments of a hypercall, in the order RDI, RSI, RDX, R10, R8.
pub type Args = [u64; 5];
/// What a handler answers: a value for RAX, or an error (`ERESTART`: go on with the changed arguments).
pub type Answer = Result<i64>;

/// How many entries of a batch one pass does at most.
pub const BATCH: u64 = 1024;

/// Bytes of the SYSCALL instruction.
const INSTRUCTION: u64 = 2;

impl<H: Hw> Host<H> {
    /// The hypercall that the registers ask for.
    #[inline]
    pub fn hypercall(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let number = regs.rax as u32;
        if number == nr::HYPERVISOR_IRET {
            regs.rax = self.iret(c, regs);
            return;
        }
        let mut args = [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8];
        if number == nr::HYPERVISOR_MULTICALL {
            match self.multicall(c, &mut args) {
                Err(Errno::ERESTART) => Self::again(regs, &args),
                other => regs.rax = value(other),
            }
            return;
        }
        match self.call(c, number, &mut args) {
            Err(Errno::ERESTART) => Self::again(regs, &args),
            other => regs.rax = value(other),
        }
    }

    #[cold]
    fn again(regs: &mut GuestRegs, args: &Args) {
        [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8] = *args;
        regs.rip = regs.rip.wrapping_sub(INSTRUCTION);
    }

    /// One hypercall by number: every one but `iret` and `multicall`.
    #[inline]
    pub(crate) fn call(&self, c: &VcpuRef, number: u32, args: &mut Args) -> Answer {
        match number {
            nr::HYPERVISOR_MMU_UPDATE => self.mmu_update(c, args),
            nr::HYPERVISOR_UPDATE_VA_MAPPING => self.update_va_mapping(c, args),
            nr::HYPERVISOR_MMUEXT_OP => self.mmuext_op(c, args),
            nr::HYPERVISOR_STACK_SWITCH => Self::stack_switch(c, args),
            nr::HYPERVISOR_SET_SEGMENT_BASE => self.set_segment_base(c, args),
            nr::HYPERVISOR_EVENT_CHANNEL_OP => self.event_channel_op(c, args),
            nr::HYPERVISOR_SCHED_OP => self.sched_op(c, args),
            nr::HYPERVISOR_VCPU_OP => self.vcpu_op(c, args),
            nr::HYPERVISOR_GRANT_TABLE_OP => self.grant_table_op(c, args),
            nr::HYPERVISOR_SET_TIMER_OP => self.set_timer_op(c, args),
            nr::HYPERVISOR_UPDATE_DESCRIPTOR => self.update_descriptor(c, args),
            nr::HYPERVISOR_FPU_TASKSWITCH => self.fpu_taskswitch(c, args),
            nr::HYPERVISOR_SET_TRAP_TABLE => self.set_trap_table(c, args),
            nr::HYPERVISOR_SET_GDT => self.set_gdt(c, args),
            nr::HYPERVISOR_SET_CALLBACKS => Self::set_callbacks(c, args),
            nr::HYPERVISOR_SET_DEBUGREG => self.set_debugreg(c, args),
            nr::HYPERVISOR_GET_DEBUGREG => self.get_debugreg(c, args),
            nr::HYPERVISOR_MEMORY_OP => self.memory_op(c, args),
            nr::HYPERVISOR_XEN_VERSION => self.xen_version(c, args),
            nr::HYPERVISOR_CONSOLE_IO => self.console_io(c, args),
            nr::HYPERVISOR_VM_ASSIST => Self::vm_assist(c, args),
            nr::HYPERVISOR_UPDATE_VA_MAPPING_OTHERDOMAIN => self.update_va_mapping_other(c, args),
            nr::HYPERVISOR_CALLBACK_OP => self.callback_op(c, args),
            nr::HYPERVISOR_PHYSDEV_OP => self.physdev_op(c, args),
            nr::HYPERVISOR_PLATFORM_OP => self.platform_op(c, args),
            nr::HYPERVISOR_SYSCTL => self.sysctl(c, args),
            nr::HYPERVISOR_DOMCTL => self.domctl(c, args),
            nr::HYPERVISOR_NMI_OP => Self::nmi_op(c, args),
            nr::HYPERVISOR_HYPFS_OP => self.hypfs_op(c, args),
            nr::HYPERVISOR_HVM_OP => self.hvm_op(c, args),
            nr::HYPERVISOR_DM_OP => self.dm_op(c, args),
            _ => Err(Errno::ENOSYS),
        }
    }
}

/// What RAX becomes.
#[inline]
pub(crate) fn value(a: Answer) -> u64 {
    match a {
        Ok(v) => v as u64,
        Err(e) => e.to_ret() as u64,
    }
}
