//! The entry of the kernel, its ELF notes, and the order in which the library is set up.

use core::arch::global_asm;
use core::fmt::Display;
use core::sync::atomic::{AtomicU64, Ordering};

use xen_abi::hypercall::HYPERVISOR_PLATFORM_OP;
use xen_abi::platform::{PlatformOp, XENPF_ENTER_ACPI_SLEEP, XENPF_INTERFACE_VERSION, XenpfEnterAcpiSleep};
use xen_abi::sched::{SHUTDOWN_CRASH, SHUTDOWN_POWEROFF};
use xen_abi::xen::{SIF_INITDOMAIN, StartInfo};

use crate::report::Report;
use crate::{console, events, hypercall, percpu, println, trap, user};

global_asm!(
    r#"
    .macro XEN_NOTE_LONG type, value
        .align 4
        .long 4, 8, \type
        .asciz "Xen"
        .quad \value
    .endm
    .macro XEN_NOTE_TEXT type, text
        .align 4
        .long 4, 9002f - 9001f, \type
        .asciz "Xen"
    9001: .asciz "\text"
    9002: .align 4
    .endm

    .section .note.Xen, "a", @note
    XEN_NOTE_LONG 1, _start
    XEN_NOTE_LONG 2, hypercall_page
    XEN_NOTE_LONG 3, 0xffffffff80000000
    XEN_NOTE_LONG 4, 0
    XEN_NOTE_TEXT 5, "xen-3.0"
    XEN_NOTE_TEXT 6, "free-xen-guest"
    XEN_NOTE_TEXT 7, "1"
    XEN_NOTE_TEXT 8, "generic"
    XEN_NOTE_TEXT 10, "!writable_page_tables|pae_pgdir_above_4gb"
    .align 4
    .long 4, 16, 13
    .asciz "Xen"
    .quad 1, 1
    XEN_NOTE_LONG 17, 0x801

    .section .hypercall_page, "ax", @progbits
    .balign 4096
    .globl hypercall_page
    hypercall_page:
    .fill 4096, 1, 0xcc

    .section .text.start, "ax", @progbits
    .globl _start
    _start:
        cld
        lea rsp, [rip + {stack} + {size}]
        xor ebp, ebp
        mov rdi, rsi
        call {entry}
        ud2
    "#,
    stack = sym BOOT_STACK,
    size = const STACK_SIZE,
    entry = sym entry,
);

const STACK_SIZE: usize = 64 << 10;

/// Memory for a stack.
#[repr(align(4096))]
struct Stack(#[expect(dead_code, reason = "only its address counts")] [u8; STACK_SIZE]);

static mut BOOT_STACK: Stack = Stack([0; STACK_SIZE]);

static START_INFO: AtomicU64 = AtomicU64::new(0);

unsafe extern "Rust" {
    fn guest_main(report: &mut Report);
}

extern "C" fn entry(start_info: u64) -> ! {
    START_INFO.store(start_info, Ordering::Relaxed);
    percpu::init(0);
    trap::init();
    console::init();
    events::init();
    user::init();
    let mut report = Report::default();
    // SAFETY: `guest!` defines the function with this signature.
    unsafe { guest_main(&mut report) };
    report.summary();
    shutdown(SHUTDOWN_POWEROFF)
}

/// The start information page.
pub fn start_info() -> &'static StartInfo {
    // SAFETY: Xen passed the address of a mapped page that nobody writes any more.
    unsafe { &*(START_INFO.load(Ordering::Relaxed) as *const StartInfo) }
}

/// The kernel's command line.
pub fn command_line() -> &'static str {
    let line = &start_info().cmd_line;
    let length = line.iter().position(|&byte| byte == 0).unwrap_or(line.len());
    core::str::from_utf8(&line[..length]).unwrap_or("")
}

/// What the command line gives a name: `name=value`.
pub fn option(name: &str) -> Option<&'static str> {
    command_line().split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// Whether this is Dom0.
pub fn is_dom0() -> bool {
    start_info().flags & SIF_INITDOMAIN != 0
}

/// PM1 control of QEMU's machines: sleep type 0 (its S5) and the bit that starts the transition.
const PM1_POWER_OFF: u16 = 1 << 13;

/// Switches the machine off as Dom0's ACPI code would: Xen only halts it when Dom0 ends by itself.
fn power_off() {
    let mut op = PlatformOp {
        cmd: XENPF_ENTER_ACPI_SLEEP,
        interface_version: XENPF_INTERFACE_VERSION,
        ..PlatformOp::default()
    };
    op.put(&XenpfEnterAcpiSleep { val_a: PM1_POWER_OFF, val_b: 0, sleep_state: 5, flags: 0 });
    let argument = (&raw mut op) as u64;
    // SAFETY: Xen reads and writes at most the structure.
    let result = unsafe { hypercall::raw(HYPERVISOR_PLATFORM_OP, [argument, 0, 0, 0, 0]) };
    println!("TEST guest.power_off FAIL the hypercall returned {result}");
}

/// Ends the domain for a reason of `SHUTDOWN_*`.
pub fn shutdown(reason: u32) -> ! {
    console::drain();
    if is_dom0() && reason == SHUTDOWN_POWEROFF {
        power_off();
    }
    loop {
        let _ = hypercall::shutdown(reason);
    }
}

/// Says what went wrong, as a failed test, and ends the domain.
pub fn die(why: impl Display) -> ! {
    println!("TEST guest.alive FAIL {why}");
    shutdown(if is_dom0() { SHUTDOWN_POWEROFF } else { SHUTDOWN_CRASH })
}
