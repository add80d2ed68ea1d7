//! What happens when ring 0 is interrupted: interrupts in a window for them, faults of guest accesses, and bugs.

use core::arch::asm;

use fx_types::GuestRegs;
use fx_x86::{cr, debugreg, rflags};

use super::fixup;
use crate::cpu::{area, block, this_cpu};
use crate::crash;

const DEBUG: u32 = 1;
const NMI: u32 = 2;
const PAGE_FAULT: u32 = 14;
const MACHINE_CHECK: u32 = 18;
const FIRST_INTERRUPT: u32 = 32;

unsafe extern "C" {
    fn guest_iret();
    fn guest_trap_again() -> !;
}

/// Called by the entry code for everything that comes from ring 0, and for NMI and machine checks from anywhere.
///
/// # Safety
/// `regs` is the frame that the entry code has just filled.
#[unsafe(no_mangle)]
unsafe extern "C" fn host_entry(regs: *mut GuestRegs) {
    // SAFETY: the caller vouches for the frame.
    let (vector, rip) = unsafe { ((*regs).entry_vector, (*regs).rip) };
    if rip == guest_iret as *const () as u64
        && vector < FIRST_INTERRUPT
        && vector != NMI
        && vector != MACHINE_CHECK
    {
        // SAFETY: the frame is complete.
        unsafe { failed_exit(regs) }
    }
    // SAFETY: nobody else has a reference to the frame.
    let regs = unsafe { &mut *regs };
    match vector {
        v if v >= FIRST_INTERRUPT => crate::wiring::interrupt(v as u8),
        NMI => crate::wiring::nmi(regs),
        // SYSCALL with a debug exception still pending from the guest's last instruction: the guest loses it.
        DEBUG => debugreg::write_dr6(debugreg::DR6_DEFAULT),
        MACHINE_CHECK => crash::fatal(format_args!("machine check"), regs),
        vector => fault(vector, regs),
    }
}

#[cold]
fn fault(vector: u32, regs: &mut GuestRegs) {
    if let Some(to) = fixup::find(regs.rip) {
        regs.rip = to;
        regs.rflags &= !rflags::AC;
        return;
    }
    if vector == PAGE_FAULT {
        crash::fatal(format_args!("page fault at {:#x}", cr::read_cr2()), regs);
    }
    crash::fatal(format_args!("exception {vector} in the hypervisor"), regs);
}

/// The IRET to a guest faulted: its selectors or its RIP are bad. The general registers are the guest's already; what IRET
/// would have loaded is still where it was. The guest is entered again by way of the trap handler, as if the fault had come
/// from the instruction it would have returned to, with [`FAILED_EXIT`] set in the vector.
///
/// # Safety
/// `fault` is the frame of that fault. It may overlap the guest's.
#[cold]
unsafe fn failed_exit(fault: *const GuestRegs) -> ! {
    let at = block::guest_regs();
    // SAFETY: the guest's frame is this CPU's, and nobody has a reference to it while the CPU was on its way out.
    unsafe {
        let (rip, cs, rflags) = ((*at).rip, (*at).cs, (*at).rflags);
        let (rsp, ss) = ((*at).rsp, (*at).ss);
        core::ptr::copy(fault, at, 1);
        ((*at).rip, (*at).cs, (*at).rflags) = (rip, cs, rflags);
        ((*at).rsp, (*at).ss) = (rsp, ss);
        (*at).entry_vector |= FAILED_EXIT;
        asm!("mov rsp, {}", "jmp {}", in(reg) area::rust_stack(this_cpu().cpu), sym guest_trap_again,
            options(noreturn));
    }
}

/// Set in `GuestRegs::entry_vector` when a return to the guest faulted: the low byte is the fault's vector.
pub const FAILED_EXIT: u32 = 0x200;
