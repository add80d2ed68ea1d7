//! Drivers of the devices that the hypervisor keeps for itself, one small module for each.
//!
//! Nothing here is global: whoever wires the machine together makes the values, hands them what is mapped, and keeps them.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod ioapic;
pub mod irq;
pub mod lapic;
pub mod mmio;
pub mod pci;
pub mod pic;
pub mod ports;
pub mod power;
pub mod serial;
#[cfg(test)]
mod testing;
pub mod time;
