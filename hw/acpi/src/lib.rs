//! The firmware's ACPI tables, as far as the hypervisor itself needs them.
//!
//! [`Acpi::find`] locates the tables and checks their sums; one small module for each table reads it. Source: ACPI
//! Specification 6.5, chapter 5.2.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

extern crate alloc;

mod fadt;
mod gas;
mod hpet;
mod madt;
mod mcfg;
mod memory;
mod rsdp;
mod s5;
mod table;

pub use fadt::{Fadt, PmBlock};
pub use gas::{Gas, space};
pub use hpet::Hpet;
pub use madt::{IoApic, LocalApic, LocalNmi, Madt, NmiSource, Override, Polarity, Trigger};
pub use mcfg::Ecam;
pub use memory::{Memory, Ram};
pub use s5::SleepTypes;
pub use table::{Acpi, Table};

/// Why a table could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no RSDP, or no such table.
    NotFound,
    /// The bytes of the table do not add up to zero.
    Checksum,
    /// A length or an address contradicts the rest of the table, or leads to memory that does not exist.
    Malformed,
}
