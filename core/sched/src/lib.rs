//! The scheduler: which vCPU runs on which CPU, and for how long; and the per-CPU timer queue.
//!
//! It is of the class of Xen's *credit2*: a run queue is shared by a group of neighbouring CPUs; a unit (a vCPU) burns
//! credit while it runs, the slower the higher its domain's weight; the one with the most credit runs next. Credit is kept
//! as *virtual time* (`vt`), which only grows: more credit is a lower `vt`, and nobody's credit ever needs a reset.
//!
//! # Use
//! [`Sched::wake`], [`Sched::sleep`], … answer with the CPU that should call [`Sched::schedule`] soon. `schedule` accounts
//! the time of the unit that ran on the CPU and chooses the next one. When it chooses another, the caller saves the state of
//! the one before and then calls [`Sched::context_saved`]: until then no other CPU is given that unit.
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

mod balance;
mod domain;
mod dump;
mod held;
mod params;
mod pick;
mod runqueue;
mod sched;
mod slots;
mod timers;
mod unit;
mod vtime;

pub use domain::{DEFAULT_WEIGHT, MAX_WEIGHT};
pub use sched::{Choice, Sched};
pub use timers::Timers;
pub use vtime::{RATE_LIMIT_NS, SLICE_MAX_NS};

/// The mask of CPU number `n` within a run queue.
pub(crate) const fn bit(n: usize) -> u64 {
    1u64.wrapping_shl(n as u32)
}
