//! Interrupts of devices: from a line or a message to a vector of a CPU, and back.
//!
//! An *irq* is a small number: global system interrupts come first under their own number, then interrupts by message as
//! they are made. [`Irqs::ack`] is the hot path: one table look-up, and for everything but level-triggered lines one write to
//! the local APIC.
//!
//! ```text
//!          startup             ack (edge, message): EOI
//!  idle ------------> started <------------------------+
//!    ^                   |  |                          |
//!    |     shutdown      |  | ack (level): mask, EOI    |
//!    +-------------------+  +-----> in service ---------+
//!                                        eoi: unmask
//! ```
//!
//! A level-triggered line stays masked from its arrival until [`Irqs::eoi`], so that the CPU can take other interrupts while
//! a guest works on it.

mod controllers;
mod irqs;
mod lines;
mod state;
#[cfg(test)]
mod tests;
mod vectors;

pub use controllers::{Controllers, Hardware, Mapper, Tables};
pub use irqs::Irqs;
pub use lines::line_of_gsi;
pub use state::{Line, MsiSource};
pub use vectors::{FIRST_VECTOR, LAST_VECTOR};
