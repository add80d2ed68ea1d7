//! Exceptions, emulated instructions, system calls: the ways in that are not hypercalls.

use guest_lib::report::Outcome;
use guest_lib::trap::Trap;
use guest_lib::user::{self, Exit, Program};
use guest_lib::{ensure_eq, mmu, probe, time};

use crate::measure::{MANY, bench, print};

/// All of this file.
pub fn run() -> Outcome {
    exceptions()?;
    emulated()?;
    programs()
}

fn fault(result: Result<impl Sized, Trap>, vector: u64) -> i64 {
    i64::from(result.err().map(|trap| trap.vector) != Some(vector))
}

fn exceptions() -> Outcome {
    bench("trap.page_fault", MANY, |_| fault(probe::read(0x1000), 14))?;
    bench("trap.invalid_opcode", MANY, |_| fault(probe::ud2(), 6))?;
    bench("trap.breakpoint", MANY, |_| fault(probe::int3(), 3))?;
    bench("trap.protection", MANY, |_| fault(probe::read(1 << 63), 13))
}

/// Without CPUID faulting (as in QEMU) the first one is the processor's own.
fn emulated() -> Outcome {
    bench("cpuid", MANY, |_| i64::from(probe::cpuid(1, 0, false).is_err()))?;
    bench("cpuid_forced", MANY, |_| i64::from(probe::cpuid(1, 0, true).is_err()))?;
    bench("rdmsr", MANY, |_| i64::from(probe::rdmsr(0xc000_0080).is_err()))
}

fn programs() -> Outcome {
    user::create_space()?;
    let timed = |count: u64| {
        let start = time::tsc();
        let exit = user::run(Program::Loop, count);
        (time::tsc() - start, exit)
    };
    timed(10);
    let (few, _) = timed(10);
    let (many, exit) = timed(10 + MANY);
    guest_lib::events::disable();
    ensure_eq!(exit, Exit::Syscall(0x16, 10 + MANY));
    print("syscall", many - few, MANY);
    mmu::store(user::data_page(), 0);
    bench("user.run_syscall", MANY, |_| i64::from(user::run(Program::Syscall, 1) != Exit::Syscall(0x11, 2)))?;
    bench("user.run_page_fault", MANY, |_| {
        i64::from(user::run(Program::Read, user::HOLE) != Exit::Trap(14))
    })?;
    bench("user.run_int80", MANY, |_| i64::from(user::run(Program::Int80, 0) != Exit::Trap(0x80)))?;
    guest_lib::events::disable();
    Ok(())
}
