//! Leaving Rust code: into the guest, or to the top of a CPU's stack.

use core::arch::asm;

use crate::cpu::{area, this_cpu};

unsafe extern "C" {
    fn guest_exit() -> !;
}

/// Enters the guest whose registers are in this CPU's frame; whatever is on the stack is forgotten.
///
/// # Safety
/// The frame holds a guest's registers with flags as [`fx_x86::rflags::guest`] makes them, and its address space,
/// descriptor tables and segments are loaded.
pub unsafe fn enter_guest() -> ! {
    // SAFETY: the stack's top is where the exit path expects it; the caller vouches for the frame.
    unsafe {
        asm!("mov rsp, {}", "jmp {}", in(reg) area::rust_stack(this_cpu().cpu), sym guest_exit, options(noreturn))
    }
}

/// Continues with `f` at the top of the stack of `cpu`; whatever is on the present stack is forgotten.
///
/// # Safety
/// This code runs on that CPU, and its area has been created.
pub unsafe fn restart_stack(cpu: u32, f: extern "C" fn() -> !) -> ! {
    // SAFETY: the caller says that the stack is this CPU's.
    unsafe {
        asm!("mov rsp, {}", "xor ebp, ebp", "call {}", "ud2", in(reg) area::rust_stack(cpu), in(reg) f,
            options(noreturn))
    }
}
