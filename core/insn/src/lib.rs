//! Emulation of single instructions for guests in hardware containers (HVM and PVH): accesses to emulated devices, string
//! I/O, instructions that are intercepted, real mode where the processor cannot run it.
//!
//! [`emulate`] decodes the instruction at the vCPU's `rip` (by iced-x86) and executes it over the trait [`Cpu`]. Nothing that
//! a guest sees changes before the instruction is known to complete; of a string instruction with `rep`, each iteration
//! completes by itself. [`switch_task`] does what
//! processors leave to the hypervisor when a task is switched. [`quick`] finds the length of instructions with a fixed opcode without the decoder.
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

mod arith;
mod bits;
mod branch;
mod condition;
mod control;
mod cpu;
mod data;
mod descriptor;
mod far;
mod flags;
mod io;
mod memory;
mod muldiv;
mod operand;
mod outcome;
pub mod quick;
mod registers;
mod run;
mod shift;
mod stack;
mod string;
mod system;
mod tables;
mod task;
mod vector;

pub use cpu::{Access, Cpu, Exception, Purpose, Step, Stop};
pub use outcome::{Done, Outcome, Shadow};
pub use run::{emulate, prepare};
pub use task::{TaskCause, TaskSwitch, switch_task};

/// The longest instruction, in bytes (SDM volume 2, 2.3.11).
pub const MAX_LENGTH: usize = 15;
