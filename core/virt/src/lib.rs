//! Hardware virtualisation as the core sees it: one port ([`Virt`]) for AMD SVM and Intel VMX, in words of neither.
//!
//! A vCPU of an HVM or PVH domain has a [`Virt::Context`], the processor's record of it (VMCB, VMCS). The general registers,
//! `rip`, `rsp` and `rflags` live in [`GuestRegs`](fx_types::GuestRegs) while the hypervisor runs; everything else is asked for
//! and set by [`Register`] and [`Segment`]. [`Virt::enter`] runs the guest until something happens and says what: an [`Exit`].
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod event;
mod exit;
mod port;
mod state;
mod tags;

pub use event::{Event, EventKind};
pub use exit::{Access, Exit, Reason};
pub use port::{Features, Setup, Vendor, Virt, Window};
pub use state::{Register, Segment, SegmentRegister};
pub use tags::Tags;
