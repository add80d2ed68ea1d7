//! The hypervisor's console: the log (`xl dmesg`), the output of guests, and the input that Xen and Dom0 share.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod input;
mod level;
mod line;
mod log;
mod rate;
mod ring;
mod stamp;
#[cfg(test)]
mod tests;

pub use input::{Action, Input};
pub use level::{Level, Thresholds};
pub use line::GuestLine;
pub use log::{Log, Sink};
pub use ring::ReadResult;
pub use stamp::Stamps;
