//! The end: what is printed when the hypervisor cannot go on, and what happens then.

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use fx_types::GuestRegs;
use fx_x86::{cpu, cr};

use crate::console::{self, print_now};
use crate::cpu::block;
use crate::symbols::Name;
use crate::wiring;

/// Whether the machine stays stopped after a crash (`noreboot`) instead of restarting.
static STAY: AtomicBool = AtomicBool::new(false);
/// The number, plus one, of the CPU that stops the machine.
static STOPPER: AtomicU32 = AtomicU32::new(0);
/// How often that CPU has faulted since.
static FAULTS: AtomicU32 = AtomicU32::new(0);
/// The most frames of a backtrace.
const DEPTH: usize = 32;
/// Seconds before a restart, for whoever reads the screen.
const DELAY_S: u64 = 5;

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
    end("Panic", format_args!("{info}"), || {
        control_registers();
        say!("Backtrace:");
        backtrace(rbp);
    })
}

/// Stops because of something that is not the hypervisor's mistake: says why and what to do, and ends.
pub fn stop(why: fmt::Arguments<'_>) -> ! {
    end("Panic", why, || {})
}

/// The hardware domain went down, and the machine with it.
pub fn dom0_crashed() -> ! {
    end("Dom0 crash", format_args!("its kernel gave up; its last messages are above"), || {})
}

/// Prints why, where from, and ends.
pub fn fatal(why: fmt::Arguments<'_>, regs: &GuestRegs) -> ! {
    end("Panic", why, || {
        say!("Hypervisor:");
        registers(regs);
        control_registers();
        say!("Backtrace:\n   {:#018x} {}", regs.rip, Name(regs.rip));
        backtrace(regs.rbp);
    })
}

/// The one way out. A fault on the way prints less; another CPU's is not reported: it stops.
fn end(what: &str, why: fmt::Arguments<'_>, details: impl FnOnce()) -> ! {
    let me = block::cpu_or_zero();
    match STOPPER.compare_exchange(0, me + 1, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => {}
        Err(stopper) if stopper == me + 1 => again(why),
        Err(_) => cpu::halt_forever(),
    }
    console::prepare_for_end();
    wiring::stop_other_cpus();
    say!("\n****************************************\n{what} on CPU {me}: {why}");
    context();
    details();
    say!("****************************************");
    finish()
}

/// A fault while a crash is being reported: one more line, and then not even that.
fn again(why: fmt::Arguments<'_>) -> ! {
    match FAULTS.fetch_add(1, Ordering::SeqCst) {
        0 => {
            say!("\nAnother fault meanwhile: {why}");
            finish()
        }
        1 => restart_or_halt(),
        _ => cpu::halt_forever(),
    }
}

/// A non-maskable interrupt came: it may mean that another CPU stops the machine.
pub fn on_nmi() {
    if STOPPER.load(Ordering::SeqCst) != 0 {
        cpu::halt_forever();
    }
}

/// Which guest this CPU is running, and where it was.
fn context() {
    match wiring::current() {
        Some((domain, vcpu)) => {
            say!("Running: d{domain}v{vcpu}. Guest:");
            // SAFETY: a guest runs here, so the CPU is on the stack that has its frame. It is only read.
            registers(unsafe { &*block::guest_regs() });
        }
        None => say!("Running: no guest"),
    }
}

/// Prints a register frame.
fn registers(r: &GuestRegs) {
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
}

/// Prints the registers that steer the processor.
fn control_registers() {
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
        let inside = |at: u64| block::stack_of(at) == here;
        if rbp & 7 != 0 || !inside(rbp) || !inside(rbp.saturating_add(15)) {
            break;
        }
        // SAFETY: both words are on the stack that this CPU runs on.
        let (next, ret) = unsafe { (*(rbp as *const u64), *((rbp + 8) as *const u64)) };
        if ret == 0 {
            break;
        }
        // The call, not what follows it: that may be another function.
        say!("   {ret:#018x} {}", Name(ret - 1));
        if next <= rbp {
            break;
        }
        rbp = next;
    }
    if !crate::symbols::known() {
        say!("Resolve with: addr2line -f -C -i -e free-xen.syms ADDRESS...");
    }
}

fn finish() -> ! {
    if STAY.load(Ordering::Relaxed) {
        say!("Halted: noreboot is on the command line.");
    } else {
        say!("Reboot in {DELAY_S} seconds...");
        wiring::delay(DELAY_S * 1_000_000_000);
    }
    restart_or_halt()
}

fn restart_or_halt() -> ! {
    if STAY.load(Ordering::Relaxed) {
        cpu::halt_forever()
    }
    wiring::restart_now()
}
