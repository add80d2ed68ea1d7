//! Exercises the interface of a PV guest once: each line of output is one promise of the ABI.
#![no_std]
#![no_main]

mod basics;
mod descriptors;
mod fpu;
mod grants;
mod ports;
mod programs;
mod tables;
mod traps;

use guest_lib::report::Report;

guest_lib::guest!(main);

fn main(report: &mut Report) {
    for tests in [
        basics::TESTS,
        traps::TESTS,
        tables::TESTS,
        descriptors::TESTS,
        ports::TESTS,
        fpu::TESTS,
        programs::TESTS,
        grants::TESTS,
    ] {
        report.run("smoke", tests);
    }
}
