//! Domains: the composition of frames, page tables, events, grants, scheduler and policies into what a guest sees as Xen.
//!
//! [`host`] is the hypervisor as a whole, [`domain`] and [`vcpu`] what it manages, [`hw`] the port to the machine. Guests
//! come in and leave through [`pv`], ask through [`hypercall`], and are made and unmade in [`lifecycle`] and [`dom0`]. The
//! toolstack's calls are in [`control`], and [`access`] decides who may make which.
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

mod access;
pub mod console;
pub mod control;
pub mod cpuid;
mod debug_keys;
pub mod dom0;
pub mod domain;
pub mod firmware;
mod guest_mem;
pub mod host;
pub mod hvm;
pub mod hw;
pub mod hypercall;
pub mod lifecycle;
mod own_msrs;
mod pirq;
pub mod preempt;
pub mod pv;
mod ranges;
pub mod schedule;
mod taken;
pub mod time;
pub mod tsc;
pub mod vcpu;
