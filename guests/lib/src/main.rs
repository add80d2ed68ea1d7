//! The smallest guest: it boots, says so, and ends, or with `stay=1` on its command line sleeps for ever. When this fails, the others' results mean nothing.
#![no_std]
#![no_main]

use guest_lib::abi::hypercall::HYPERVISOR_SCHED_OP;
use guest_lib::abi::sched::SCHEDOP_BLOCK;
use guest_lib::report::{Outcome, Report, Test};
use guest_lib::{boot, ensure_eq, hypercall, println, probe};

guest_lib::guest!(main);

const TESTS: &[Test] = &[("boots", || Ok(())), ("catches_faults", catches_faults)];

fn main(report: &mut Report) {
    report.run("lib", TESTS);
    if boot::option("stay").is_some() {
        println!("TINY HELLO");
        loop {
            hypercall::numbers(HYPERVISOR_SCHED_OP, [SCHEDOP_BLOCK.into(), 0, 0, 0, 0]);
        }
    }
}

fn catches_faults() -> Outcome {
    ensure_eq!(probe::ud2().map_err(|trap| trap.vector), Err(6));
    Ok(())
}
