//! Hyper-V's interface to guests, as far as guests on Xen get it: plain state and functions.
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

pub mod call;
mod domain;
mod leaves;
mod message;
pub mod msrs;
mod time;
mod timers;
mod vcpu;

pub use domain::DomainState;
pub use leaves::{Machine, leaf};
pub use message::{MESSAGE, Message};
pub use time::{Line, reference_page};
pub use timers::{TIMERS, Timer};
pub use vcpu::{SINTS, Sint, VcpuState};

use xen_abi::hvm_params::{HVMPV_BASE_FREQ, HVMPV_FEATURE_MASK};

/// Whether a toolstack's `HVM_PARAM_VIRIDIAN` is one: features that there are, the base set among them.
#[must_use]
pub const fn is_valid(features: u64) -> bool {
    features & !HVMPV_FEATURE_MASK == 0 && features & HVMPV_BASE_FREQ != 0
}

/// A register that says where a page is: bit 0 switches it on, bits 12–63 are its frame number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRegister(pub u64);

impl PageRegister {
    /// The frame, while it is on.
    #[must_use]
    pub const fn frame(self) -> Option<u64> {
        if self.0 & 1 != 0 { Some(self.0 >> 12) } else { None }
    }
}
