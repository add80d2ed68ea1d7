//! Lives and ends of domains.

use guest_lib::abi::domctl::{DomctlGetdomaininfo, XEN_DOMINF_PAUSED};
use guest_lib::abi::sched::{SHUTDOWN_POWEROFF, SHUTDOWN_REBOOT};
use guest_lib::report::{Outcome, Report, Test};
use guest_lib::{boot, ensure, ensure_eq, println, time};

use crate::domain::{Domain, LOOP, MASKED, PAE, PAUSE, TRIPLE_FAULT};
use crate::{crowd, exits, hostile};

const TESTS: &[Test] = &[
    ("endless_loop", || endless(LOOP)),
    ("endless_pause", || endless(PAUSE)),
    ("endless_loop_without_interrupts", || endless(MASKED)),
    ("two_at_once", two_at_once),
    ("triple_fault_reboots", triple_fault),
    ("pae", pae),
    ("crowd", crowd::at_once),
    ("cycles", crowd::one_by_one),
    ("hostile", hostile::lives),
    ("exits", exits::run),
];

/// Runs the tests but those that the command line names (`skip=NAME,…`), each of which is said.
pub fn run(report: &mut Report) {
    for (name, test) in TESTS {
        if boot::option("skip").is_some_and(|names| names.split(',').any(|n| n == *name)) {
            println!("TEST pvh.{name} VALUE skipped: the command line says so");
        } else {
            report.result("pvh", name, test());
        }
    }
}

fn triple_fault() -> Outcome {
    let domain = Domain::new(TRIPLE_FAULT)?;
    domain.unpause()?;
    let reason = domain.reason();
    domain.destroy()?;
    ensure_eq!(reason, Some(SHUTDOWN_REBOOT));
    Ok(())
}

/// Waits until the domain has counted on from `from`.
fn counts(domain: &Domain, from: u32) -> bool {
    time::wait_for(10_000, || domain.word(0) != from)
}

/// A guest that never stops by itself is stopped, goes on, and ends when it is told to.
fn endless(entry: u64) -> Outcome {
    let domain = Domain::new(entry)?;
    domain.unpause()?;
    let started = counts(&domain, 0);
    domain.pause()?;
    let paused: DomctlGetdomaininfo = domain.info()?;
    let stopped = domain.word(0);
    let moved = time::wait_for(20, || domain.word(0) != stopped);
    domain.unpause()?;
    let went_on = counts(&domain, stopped);
    domain.destroy()?;
    ensure!(started && went_on);
    ensure!(!moved, "it ran while it was paused");
    ensure!(paused.flags & XEN_DOMINF_PAUSED != 0 && paused.cpu_time != 0);
    Ok(())
}

fn two_at_once() -> Outcome {
    let (a, b) = (Domain::new(LOOP)?, Domain::new(LOOP)?);
    a.unpause()?;
    b.unpause()?;
    let both = counts(&a, 0) && counts(&b, 0);
    let (seen_a, seen_b) = (a.word(0), b.word(0));
    let go_on = counts(&a, seen_a) && counts(&b, seen_b);
    a.destroy()?;
    b.destroy()?;
    ensure!(both && go_on);
    Ok(())
}

/// PAE paging, whose topmost entries the processor keeps apart. Debian's Xen fails this one in QEMU: it marks such an entry
/// accessed, which QEMU takes for a reserved bit.
fn pae() -> Outcome {
    let domain = Domain::new(PAE)?;
    domain.unpause()?;
    let reason = domain.reason();
    let found = [1, 2, 3].map(|n| domain.word(n));
    domain.destroy()?;
    ensure_eq!(reason, Some(SHUTDOWN_POWEROFF));
    ensure_eq!(found, [0x2148_5650, 14, 0x14]);
    Ok(())
}
