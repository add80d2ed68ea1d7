//! Emulation of what a PV guest executes and the processor refuses: privileged instructions at CPL 3, the forced-emulation
//! `cpuid`, and writes to page-table pages that are mapped read-only.
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

mod cursor;
mod decode;
mod execute;
mod flags;
mod forced;
mod outcome;
mod privileged;
mod pte;
mod reg;
mod string_io;

pub use execute::{PteAccess, PteRefusal};
pub use forced::emulate_invalid_opcode;
pub use outcome::{Exception, Outcome, PvCpu, Refused};
pub use privileged::emulate_general_protection;
pub use pte::{PteOp, PteWrite, decode_pte_write};

/// The longest instruction, in bytes (Intel SDM volume 2, section 2.3.11).
pub const MAX_INSN_LEN: usize = 15;
