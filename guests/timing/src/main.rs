//! Times the frequent operations of a PV guest: `BENCH name value`, TSC ticks of one operation.
#![no_std]
#![no_main]

mod calls;
mod entries;
mod measure;
mod memory;

use guest_lib::report::{Outcome, Report, Test};

guest_lib::guest!(main);

const TESTS: &[Test] = &[
    ("calls", calls::run),
    ("entries", entries::run),
    ("tables", memory::tables),
    ("pins", memory::pins),
    ("descriptors", memory::descriptors),
    ("grants", memory::grants),
];

fn main(report: &mut Report) {
    let outcome: fn() -> Outcome = measure::calibrate;
    report.result("timing", "calibrate", outcome());
    report.run("timing", TESTS);
}
