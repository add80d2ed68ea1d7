//! Frames of memory: who owns each, what it is used as, how many references there are to it, and which are free.
//!
//! A frame's type and both of its counts live in one atomic word ([`word`]); a frame changes hands or its type only by a
//! compare-exchange of that word, so there is no moment at which a frame is counted in one way and used in another.
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

mod atomic;
mod buddy;
mod clock;
mod info;
mod list;
#[cfg(all(test, feature = "loom"))]
mod loom_tests;
mod table;
mod word;

pub use buddy::{Buddy, MAX_ORDER, Zone};
pub use clock::TlbClock;
pub use info::{FrameInfo, TypeGain, TypeLoss};
pub use list::FrameList;
pub use table::{CHUNK_FRAMES, FrameTable};
pub use word::{FrameType, Word};
