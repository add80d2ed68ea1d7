//! The end: what is printed when the hypervisor cannot go on.

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use fx_types::GuestRegs;
use fx_x86::{cpu, cr};

use crate::console::print_now;
use crate::cpu::block;

/// Whether the machine stays stopped after a crash (`noreboot`) instead of restarting.
static STAY: AtomicBool = AtomicBool::new(false);
/// The most frames of a backtrace.
const DEPTH: usize = 32;

/// Sets whether the machine stays stopped after a crash.
pub fn set_noreboot(stay: bool) {
    STAY.store(stay, Ordering::Relaxed);
}

macro_rules! say {
    ($($arg:tt)*) => { print_now(format_args!("{}\n", format_args!($($arg)*))) };
}

#[panic_handler]
fn on_panic(info: &PanicInfo<'_>) -> ! {
    let rbp: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mov {}, rbp", out(reg) rbp, options(nomem, nostack)) };
    say!("\nPanic on CPU {}: {}", block::cpu_or_zero(), info);
    backtrace(rbp);
    finish()
}

/// Prints why, where from, and ends.
pub fn fatal(why: fmt::Arguments<'_>, regs: &GuestRegs) -> ! {
    say!("\nCrash on CPU {}: {}", block::cpu_or_zero(), why);
    registers(regs);
    say!("Backtrace:\n   {:#018x}", regs.rip);
    backtrace(regs.rbp);
    finish()
}

/// Prints a register frame.
pub fn registers(r: &GuestRegs) {
    say!(
        "RIP {:04x}:{:016x} RFLAGS {:016x} vector {} error {:04x}",
        r.cs,
        r.rip,
        r.rflags,
        r.entry_vector,
        r.error_code
    );
    say!("RAX {:016x} RBX {:016x} RCX {:016x} RDX {:016x}", r.rax, r.rbx, r.rcx, r.rdx);
    say!("RSI {:016x} RDI {:016x} RBP {:016x} RSP {:04x}:{:016x}", r.rsi, r.rdi, r.rbp, r.ss, r.rsp);
    say!("R8  {:016x} R9  {:016x} R10 {:016x} R11 {:016x}", r.r8, r.r9, r.r10, r.r11);
    say!("R12 {:016x} R13 {:016x} R14 {:016x} R15 {:016x}", r.r12, r.r13, r.r14, r.r15);
    say!(
        "CR0 {:08x} CR2 {:016x} CR3 {:x} CR4 {:08x}",
        cr::read_cr0(),
        cr::read_cr2(),
        cr::read_cr3(),
        cr::read_cr4()
    );
}

/// Follows the frame pointers as long as they stay on this stack.
fn backtrace(mut rbp: u64) {
    let here = block::stack_of(block::rsp());
    for _ in 0..DEPTH {
        if rbp & 7 != 0 || block::stack_of(rbp) != here || block::stack_of(rbp + 15) != here {
            return;
        }
        // SAFETY: both words are on the stack that this CPU runs on.
        let (next, ret) = unsafe { (*(rbp as *const u64), *((rbp + 8) as *const u64)) };
        if ret == 0 || next <= rbp {
            return;
        }
        say!("   {ret:#018x}");
        rbp = next;
    }
}

fn finish() -> ! {
    if STAY.load(Ordering::Relaxed) {
        say!("Stopped.");
        cpu::halt_forever();
    }
    say!("Restarting.");
    crate::wiring::restart_now()
}
