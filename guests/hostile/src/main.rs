//! Abuse of every part of the interface: each attempt must be refused as Xen refuses it.
#![no_std]
#![no_main]

mod channels;
mod descriptors;
mod frames;
mod garbage;
mod grants;
mod instructions;
mod machine;
mod pointers;
mod returns;
mod tables;
mod wild;

use guest_lib::report::{Report, Test};

guest_lib::guest!(main);

const TESTS: &[Test] = &[
    ("garbage_numbers", garbage::numbers),
    ("garbage_arguments", garbage::arguments),
    ("pointers", pointers::run),
    ("table_entries", tables::entries),
    ("table_operations", tables::operations),
    ("frames", frames::run),
    ("descriptors", descriptors::run),
    ("channels", channels::run),
    ("channel_exhaustion", channels::exhaustion),
    ("grants", grants::run),
    ("vcpus_and_timers", machine::vcpus),
    ("callbacks", machine::callbacks),
    ("instructions", instructions::run),
    ("msr_writes", instructions::msrs),
    ("returns", returns::run),
    ("still_alive", garbage::alive),
];

fn main(report: &mut Report) {
    report.run("hostile", TESTS);
    if let Some(seed) = guest_lib::boot::option("wild").and_then(|seed| seed.parse().ok()) {
        wild::run(seed);
    }
}
