//! User mode: system calls, exceptions and events from ring 3, and what a program cannot reach.

use guest_lib::abi::xen::VIRQ_TIMER;
use guest_lib::mmu::{self, PAGE};
use guest_lib::report::{Outcome, Test};
use guest_lib::time::{self, MS};
use guest_lib::user::{self, Exit, HOLE, Program};
use guest_lib::{ensure_eq, events, trap};

/// The tests of this file, in this order.
pub const TESTS: &[Test] = &[
    ("user_space", space),
    ("user_syscall", syscall),
    ("user_page_fault", page_fault),
    ("user_kernel_memory", kernel_memory),
    ("user_hypervisor_memory", hypervisor_memory),
    ("user_protection", protection),
    ("user_int80", int80),
    ("user_int3", int3),
    ("user_fast_syscalls", fast_syscalls),
    ("user_events", user_events),
];

fn space() -> Outcome {
    user::create_space()?;
    Ok(())
}

fn syscall() -> Outcome {
    ensure_eq!(user::run(Program::Syscall, 0x1233), Exit::Syscall(0x11, 0x1234));
    mmu::store(user::data_page(), 0xdada);
    ensure_eq!(user::run(Program::Read, user::DATA), Exit::Syscall(0x12, 0xdada));
    ensure_eq!(user::run(Program::Write, user::DATA + 8), Exit::Syscall(0x17, user::DATA + 8));
    ensure_eq!(mmu::load(user::data_page() + 8), 0x55);
    Ok(())
}

fn page_fault() -> Outcome {
    ensure_eq!(user::run(Program::Read, HOLE), Exit::Trap(14));
    let trap = trap::last();
    ensure_eq!((trap.cr2, trap.cs & 3, trap.error & 0b111), (HOLE, 3, 0b100));
    Ok(())
}

/// The program's page tables do not have the kernel's memory.
fn kernel_memory() -> Outcome {
    let secret = mmu::VIRT_BASE + 0x10_0000;
    ensure_eq!(user::run(Program::Read, secret), Exit::Trap(14));
    ensure_eq!(trap::last().cr2, secret);
    Ok(())
}

fn hypervisor_memory() -> Outcome {
    ensure_eq!(user::run(Program::Read, 0xffff_82d0_4020_0000), Exit::Trap(14));
    ensure_eq!(user::run(Program::Write, 0xffff_8000_0000_0000), Exit::Trap(14));
    Ok(())
}

fn protection() -> Outcome {
    ensure_eq!(user::run(Program::Hlt, 0), Exit::Trap(13));
    ensure_eq!(user::run(Program::Read, 1 << 63), Exit::Trap(13));
    Ok(())
}

fn int80() -> Outcome {
    ensure_eq!(user::run(Program::Int80, 0), Exit::Trap(0x80));
    ensure_eq!(trap::last().cs & 3, 3);
    Ok(())
}

fn int3() -> Outcome {
    ensure_eq!(user::run(Program::Int3, 0), Exit::Trap(3));
    Ok(())
}

fn fast_syscalls() -> Outcome {
    ensure_eq!(user::run(Program::Loop, 1000), Exit::Syscall(0x16, 1000));
    Ok(())
}

/// Events interrupt a program and let it go on.
fn user_events() -> Outcome {
    let port = events::bind_virq(VIRQ_TIMER, 0)?;
    let before = events::count(port);
    ensure_eq!(time::set_oneshot(time::now() + MS, 0), 0);
    let exit = user::run(Program::Spin, 5_000_000);
    events::disable();
    time::stop_oneshot();
    events::close(port);
    ensure_eq!(exit, Exit::Syscall(0x15, 0));
    ensure_eq!(events::count(port), before + 1);
    ensure_eq!(user::DATA % PAGE, 0);
    Ok(())
}
