//! Makes small PVH domains, and looks at what they have seen.
#![no_std]
#![no_main]

mod crowd;
mod domain;
mod hostile;
mod inside;
mod lives;

use guest_lib::report::Report;

guest_lib::guest!(main);

fn main(report: &mut Report) {
    inside::run(report);
    lives::run(report);
}
