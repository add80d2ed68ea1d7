//! Devices that the hypervisor emulates for HVM and PVH guests, as plain state.
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

#[cfg(test)]
extern crate std;

mod bytes;
pub mod ioapic;
pub mod lapic;
pub mod pic;
pub mod pit;
pub mod pm;
pub mod routing;
mod ticks;
