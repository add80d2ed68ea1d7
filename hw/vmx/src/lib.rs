//! Intel's hardware virtualisation (VMX) with extended page tables.
//!
//! [`Vmx::lack`] says what is missing for it, [`Vmx::new`] finds out what it can do, [`Vmx::enable`] switches it on on a CPU, and
//! [`Context`] is the processor's record of a vCPU with the operations of `fx_virt::Virt`.
#![no_std]

mod capability;
mod context;
mod controls;
mod cpu;
mod enter;
mod event;
mod exit;
mod pae;
mod registers;
mod vmcs;

pub use context::Context;
pub use cpu::{Memory, Vmx};
pub use exit::Failure;
