//! Makes small PVH domains, and looks at what they have seen.
#![no_std]
#![no_main]

mod crowd;
mod domain;
mod exits;
mod hostile;
mod inside;
mod lives;

use guest_lib::boot;
use guest_lib::report::Report;

guest_lib::guest!(main);

fn main(report: &mut Report) {
    if boot::option("only") == Some("exits") {
        return report.result("pvh", "exits", exits::run());
    }
    inside::run(report);
    lives::run(report);
}
