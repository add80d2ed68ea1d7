//! Xen's command line (*Xen Hypervisor Command Line Options*, Xen 4.20), parsed once at boot into typed fields.
//!
//! Nothing on the command line stops the boot: what is unknown, without effect or malformed is ignored and becomes a
//! warning that says so.
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

mod apply;
mod console;
mod memory;
mod names;
mod options;
mod serial;
mod token;
mod value;

pub use console::{Consoles, Conswitch, LogLevels, Timestamps, Vga};
pub use memory::{Dom0Mem, Dom0Pages, MemSize, VcpuRange};
pub use options::{Acpi, Clocksource, Dom0, Gnttab, Options, RebootMethod};
pub use serial::{Parity, SerialPort};
