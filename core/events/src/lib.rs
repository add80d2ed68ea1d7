//! Event channels (public header `event_channel.h`): a domain's port table, both ABIs, virtual IRQs and sending.
//!
//! The functions are generic over [`EventHost`], the domain as this crate sees it. They check what is the mechanism's own
//! (states, ranges, limits); privilege and the choice of domains are the caller's. See the README for the locks.
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

mod bind;
mod binding;
mod channel;
mod close;
mod deliver;
mod fifo;
mod fifo_setup;
mod host;
mod query;
mod table;
mod two_level;
mod virq;

pub use bind::{alloc_own, alloc_unbound, bind_interdomain, bind_ipi, bind_pirq, bind_vcpu, bind_virq};
pub use binding::Binding;
pub use close::{close, close_own, destroy, reset};
pub use deliver::{notify_own, send, send_pirq, send_virq, unmask, upcall, vcpu_info_moved};
pub use fifo_setup::{expand_array, init_control, set_priority};
pub use host::EventHost;
pub use query::{PortInfo, PortStatus, is_masked, is_pending, ports, status};
pub use table::EventChannels;
pub use virq::is_global;
