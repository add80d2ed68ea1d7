//! Every hypercall number with arguments that mean nothing.

use guest_lib::abi::hypercall::*;
use guest_lib::hypercall::{self, ENOSYS};
use guest_lib::report::{Checks, Outcome};
use guest_lib::{ensure_eq, events, mmu, percpu, probe, user};

/// Xen still answers, and the guest's own pages are as they were.
pub fn alive() -> Outcome {
    ensure_eq!(hypercall::numbers(HYPERVISOR_XEN_VERSION, [0; 5]), 0x4_0014);
    let port = events::bind_ipi(0)?;
    let before = events::count(port);
    events::enable();
    ensure_eq!(hypercall::send(port), 0);
    events::disable();
    ensure_eq!(events::count(port), before + 1);
    events::close(port);
    ensure_eq!(probe::ud2().map_err(|trap| trap.vector), Err(6));
    Ok(())
}

/// Numbers that no hypercall has.
pub fn numbers() -> Outcome {
    let mut checks = Checks::new("number");
    for number in [11, 43, 47, 50, 55, 56, 63] {
        checks.is(number, hypercall::numbers(number, [!0; 5]), ENOSYS);
    }
    checks.outcome()
}

/// Hypercalls that may do what they are told, so that garbage would be a wish like any other.
const OBEDIENT: &[u32] = &[
    HYPERVISOR_STACK_SWITCH,
    HYPERVISOR_SET_CALLBACKS,
    HYPERVISOR_FPU_TASKSWITCH,
    HYPERVISOR_SCHED_OP_COMPAT,
    HYPERVISOR_GET_DEBUGREG,
    // The high bits of its command are a number of extents that are done already.
    HYPERVISOR_MEMORY_OP,
    HYPERVISOR_SET_TIMER_OP,
    HYPERVISOR_IRET,
];

/// Addresses of Xen and of nothing, whose low halves are no command of any hypercall.
const GARBAGE: [u64; 5] =
    [!0, 0x8000_0000_7777_7777, 0xffff_82d0_4020_0077, 0x5555_5555_5555_5555, 0xffff_8300_7777_7777];

/// All other hypercalls with pointers to nowhere and to Xen.
pub fn arguments() -> Outcome {
    let mut checks = Checks::new("arguments");
    for number in 0..HYPERVISOR_ARCH_7 {
        if OBEDIENT.contains(&number) {
            continue;
        }
        for garbage in GARBAGE {
            let result = hypercall::numbers(number, [garbage; 5]);
            checks.refused(format_args!("call {number} with {garbage:#x}"), result);
        }
    }
    hypercall::numbers(HYPERVISOR_FPU_TASKSWITCH, [0; 5]);
    percpu::set_gs(percpu::prepare(0));
    user::init();
    checks.is("the start page", mmu::load(mmu::VIRT_BASE + 0x10_0000) != 0, true);
    alive()?;
    checks.outcome()
}
