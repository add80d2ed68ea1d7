//! Generic address structures.

use crate::Memory;

/// Address spaces of a [`Gas`].
pub mod space {
    /// System memory.
    pub const MEMORY: u8 = 0;
    /// I/O ports.
    pub const IO: u8 = 1;
    /// PCI configuration space of bus 0: device, function and register in one number.
    pub const PCI_CONFIG: u8 = 2;
}

/// Where a register is (ACPI 5.2.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gas {
    /// One of [`space`]; others are possible.
    pub space: u8,
    /// Width in bits; 0 when the table says nothing.
    pub bits: u8,
    /// The address within the space.
    pub addr: u64,
}

impl Gas {
    /// The register at I/O port `port`.
    #[must_use]
    pub const fn io(port: u32, bits: u8) -> Self {
        Self { space: space::IO, bits, addr: port as u64 }
    }

    /// Reads the 12-byte structure; `None` when it names no register or is not readable.
    pub(crate) fn read(mem: &impl Memory, addr: u64) -> Option<Self> {
        let gas = Self {
            space: mem.u8(addr)?,
            bits: mem.u8(addr.checked_add(1)?)?,
            addr: mem.u64(addr.checked_add(4)?)?,
        };
        (gas.addr != 0).then_some(gas)
    }

    /// The I/O port, when it is one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        if self.space == space::IO { u16::try_from(self.addr).ok() } else { None }
    }
}
