//! FPU state: Xen keeps it over interrupts and over time spent elsewhere.

use core::arch::asm;

use guest_lib::abi::hypercall::HYPERVISOR_FPU_TASKSWITCH;
use guest_lib::abi::xen::VIRQ_TIMER;
use guest_lib::report::{Outcome, Test};
use guest_lib::time::{self, MS};
use guest_lib::{ensure_eq, events, hypercall};

/// The tests of this file.
pub const TESTS: &[Test] =
    &[("fpu_over_events", over_events), ("fpu_over_block", over_block), ("fpu_taskswitch", taskswitch)];

const PATTERN: u64 = 0x0123_4567_89ab_cdef;

fn set(value: u64) {
    // SAFETY: the kernel is compiled without SSE, so nobody else uses the registers.
    unsafe { asm!("movq xmm0, {v}", "movq xmm15, {v}", v = in(reg) value, options(nomem, nostack)) }
}

fn get() -> [u64; 2] {
    let (a, b);
    // SAFETY: as above.
    unsafe {
        asm!("movq {a}, xmm0", "movq {b}, xmm15", a = out(reg) a, b = out(reg) b, options(nomem, nostack))
    }
    [a, b]
}

fn over_events() -> Outcome {
    let port = events::bind_virq(VIRQ_TIMER, 0)?;
    events::enable();
    set(PATTERN);
    for _ in 0..5 {
        let before = events::count(port);
        time::set_oneshot(time::now() + MS / 2, 0);
        time::wait_for(10, || events::count(port) != before);
    }
    let found = get();
    events::disable();
    events::close(port);
    ensure_eq!(found, [PATTERN; 2]);
    Ok(())
}

fn over_block() -> Outcome {
    set(!PATTERN);
    let port = events::bind_ipi(0)?;
    time::poll(&[port], time::now() + 2 * MS);
    events::close(port);
    ensure_eq!(get(), [!PATTERN; 2]);
    Ok(())
}

/// With the task-switched flag set the next use of the FPU raises #NM; Xen clears the flag before the kernel sees it.
fn taskswitch() -> Outcome {
    ensure_eq!(hypercall::numbers(HYPERVISOR_FPU_TASKSWITCH, [1, 0, 0, 0, 0]), 0);
    ensure_eq!(guest_lib::probe::sse().map_err(|trap| trap.vector), Err(7));
    ensure_eq!(guest_lib::probe::sse().map_err(|trap| trap.vector), Ok(()));
    Ok(())
}
