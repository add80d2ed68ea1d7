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
pub mod hpet;
pub mod ioapic;
pub mod lapic;
pub mod msi;
pub mod mtrr;
pub mod pic;
pub mod pit;
pub mod pm;
pub mod routing;
pub mod rtc;
mod ticks;

/// Property tests do the same each time; `PROPTEST_CASES` makes them do more.
#[cfg(test)]
fn proptest_config() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..Default::default()
    }
}
