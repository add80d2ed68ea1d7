//! CPU policies: which CPU features the machine has, which the hypervisor offers to PV and HVM guests, and what a guest's
//! `cpuid` and feature MSRs read.
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

mod adjust;
pub mod audience;
mod deps;
mod derive;
mod featureset;
mod guest;
mod hypervisor_leaves;
mod msr;
mod policies;
mod policy;
mod recalc;
mod serial;

pub use deps::close;
pub use derive::{HostConfig, RawCpu, raw_policy};
pub use featureset::Featureset;
pub use guest::{Entry, GuestCpuid, VcpuView, guest_cpuid};
pub use hypervisor_leaves::{DomainView, HostView};
pub use msr::{
    MSR_ARCH_CAPABILITIES, MSR_MISC_FEATURES_ENABLES, MSR_PLATFORM_INFO, MsrAnswer, guest_rdmsr, guest_wrmsr,
};
pub use policies::Policies;
pub use policy::{CpuPolicy, Leaf, Vendor};
pub use recalc::DomainKind;
pub use serial::{MAX_SERIALISED_LEAVES, MAX_SERIALISED_MSRS, PolicyError};
