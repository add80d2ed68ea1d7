//! Times the exits of a container: `BENCH name value`, TSC ticks of one, the mean of many.

use guest_lib::abi::domctl::XEN_DOMINF_SHUTDOWN;
use guest_lib::abi::sched::SHUTDOWN_POWEROFF;
use guest_lib::report::Outcome;
use guest_lib::time::MS;
use guest_lib::{ensure, ensure_eq, events, println, time};

use crate::domain::{Domain, EXITS};

/// Rounds of each loop, as `exits.s` has them.
const ROUNDS: u32 = 1000;
/// The word with the time of the empty loop; the others follow.
const EMPTY: u64 = 1;
const NAMES: &[&str] = &[
    "cpuid",
    "cpuid_of_hypervisor",
    "rdmsr",
    "wrmsr",
    "port_in",
    "port_out",
    "apic_read",
    "apic_write",
    "no_memory_read",
    "null_hypercall",
    "cr0_write",
    "ipi_to_itself",
    "hlt_with_interrupt_pending",
    "timer_100us_hlt_and_interrupt",
    "timer_set_and_stopped",
];

/// How long the domain is left alone at a time, and how often at most.
const PAUSE: u64 = 100 * MS;
const PAUSES: u32 = 100;

/// One domain runs all loops, and has the processor for itself: who made it sleeps.
pub fn run() -> Outcome {
    let domain = Domain::new(EXITS)?;
    let nothing = events::bind_ipi(0)?;
    domain.unpause()?;
    for _ in 0..PAUSES {
        ensure_eq!(time::poll(&[nothing], time::now() + PAUSE), 0);
        if domain.info()?.flags & XEN_DOMINF_SHUTDOWN != 0 {
            break;
        }
    }
    events::close(nothing);
    let reason = domain.reason();
    let empty = domain.word(EMPTY);
    for (name, n) in NAMES.iter().zip(EMPTY + 1..) {
        let ticks = domain.word(n);
        ensure!(ticks > empty, "{name} took no time");
        println!("BENCH {name} {}", (ticks - empty) / ROUNDS);
    }
    domain.destroy()?;
    ensure_eq!(reason, Some(SHUTDOWN_POWEROFF));
    Ok(())
}
