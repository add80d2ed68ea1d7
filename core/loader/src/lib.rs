//! Turns a kernel file and an initial ramdisk into a PV Dom0 image in memory.
//!
//! [`unpack`] → [`KernelInfo::parse`] → ([`Layout::plan`]) → [`build`].
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

mod build;
mod bytes;
mod bzimage;
mod decompress;
mod elf;
mod error;
mod hypercall;
mod layout;
mod notes;
mod populate;
mod tables;
mod zstd;

pub use build::{BuildParams, Built, DomainMemory, build};
pub use bzimage::unpack;
pub use decompress::is_ramdisk;
pub use elf::{KernelInfo, Segment};
pub use error::LoadError;
pub use hypercall::{VMCALL, VMMCALL, hvm_hypercall_page, hypercall_page, marked_hypercall_page};
pub use layout::Layout;
pub use notes::Notes;
pub use populate::InitrdSource;
pub use tables::TableCounts;
