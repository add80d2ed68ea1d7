//! PCI: configuration space and message-signalled interrupts. Sources: PCI Local Bus 3.0, PCI Express Base 3.0.

pub mod config;
pub mod msi;
pub mod msix;
pub mod scan;
#[cfg(test)]
mod tests;

pub use config::{Config, Pci, Sbdf};

/// Configuration registers that the hypervisor itself uses.
pub mod reg {
    /// Vendor in the low, device in the high half.
    pub const ID: u16 = 0x00;
    /// Enables.
    pub const COMMAND: u16 = 0x04;
    /// Status: bit 4 says that there are capabilities.
    pub const STATUS: u16 = 0x06;
    /// Revision, and class code above it.
    pub const CLASS: u16 = 0x08;
    /// Kind of header; bit 7 says that there are several functions.
    pub const HEADER: u16 = 0x0e;
    /// First base address.
    pub const BAR0: u16 = 0x10;
    /// Bridges: number of the bus behind it.
    pub const SECONDARY_BUS: u16 = 0x19;
    /// Bridges: highest bus number behind it.
    pub const SUBORDINATE_BUS: u16 = 0x1a;
    /// Offset of the first capability.
    pub const CAPABILITIES: u16 = 0x34;
}

/// Capability: message-signalled interrupts.
pub const CAP_MSI: u8 = 0x05;
/// Capability: a table of message-signalled interrupts.
pub const CAP_MSIX: u8 = 0x11;
