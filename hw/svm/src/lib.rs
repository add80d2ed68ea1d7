//! AMD's hardware virtualisation (SVM) with nested paging.
//!
//! [`Svm::is_present`] looks for it, [`Svm::new`] finds out what it can do, [`Svm::enable`] switches it on on a CPU, and
//! [`Context`] is the processor's record of a vCPU with the operations of `fx_virt::Virt`.
#![no_std]

mod context;
mod cpu;
mod enter;
mod exit;
mod vmcb;

pub use context::Context;
pub use cpu::{Memory, Svm};
