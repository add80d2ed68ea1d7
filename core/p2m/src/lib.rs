//! Guest-physical memory of guests in hardware containers: nested page tables ([`P2m`]), and the walk of a guest's own page
//! tables ([`walk`]).
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

mod entry;
mod table;
pub mod walk;

pub use entry::{Entry, Kind};
pub use table::{Config, P2m, P2mHost};
