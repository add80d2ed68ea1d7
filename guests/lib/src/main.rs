//! The smallest guest: it boots, says so, and ends. When this fails, the others' results mean nothing.
#![no_std]
#![no_main]

use guest_lib::report::{Outcome, Report, Test};
use guest_lib::{ensure_eq, probe};

guest_lib::guest!(main);

const TESTS: &[Test] = &[("boots", || Ok(())), ("catches_faults", catches_faults)];

fn main(report: &mut Report) {
    report.run("lib", TESTS);
}

fn catches_faults() -> Outcome {
    ensure_eq!(probe::ud2().map_err(|trap| trap.vector), Err(6));
    Ok(())
}
