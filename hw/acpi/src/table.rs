//! The list of tables and their common header.

use alloc::vec::Vec;

use crate::rsdp::{self, Rsdp, sums_to_zero};
use crate::{Error, Memory};

/// Bytes of the header that all tables begin with (ACPI 5.2.6).
pub(crate) const HEADER: u64 = 36;
/// Longest table that is believed: real DSDTs stay below 1 MiB.
const MAX_LENGTH: u32 = 16 << 20;
/// Most tables that are believed.
const MAX_TABLES: u64 = 512;

/// One table whose bytes add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub signature: [u8; 4],
    /// Its physical address.
    pub addr: u64,
    /// Bytes, the header's 36 included.
    pub len: u32,
    /// Revision of its layout.
    pub revision: u8,
}

impl Table {
    /// Reads the header at `addr`, and checks the sum of the whole table.
    ///
    /// # Errors
    /// `Malformed` when it is not readable or too long, `Checksum`.
    pub fn read(mem: &impl Memory, addr: u64) -> Result<Self, Error> {
        let mut h = [0u8; 9];
        if addr == 0 || !mem.read(addr, &mut h) {
            return Err(Error::Malformed);
        }
        let [s0, s1, s2, s3, l0, l1, l2, l3, revision] = h;
        let len = u32::from_le_bytes([l0, l1, l2, l3]);
        if u64::from(len) < HEADER || len > MAX_LENGTH || addr.checked_add(u64::from(len)).is_none() {
            return Err(Error::Malformed);
        }
        if !sums_to_zero(mem, addr, u64::from(len)) {
            return Err(Error::Checksum);
        }
        Ok(Self { signature: [s0, s1, s2, s3], addr, len, revision })
    }

    /// The address of byte `offset`, when `len` bytes from there are part of the table.
    pub(crate) fn at(&self, offset: u64, len: u64) -> Option<u64> {
        let end = offset.checked_add(len)?;
        if end <= u64::from(self.len) { self.addr.checked_add(offset) } else { None }
    }

    pub(crate) fn u8(&self, mem: &impl Memory, offset: u64) -> Option<u8> {
        mem.u8(self.at(offset, 1)?)
    }

    pub(crate) fn u16(&self, mem: &impl Memory, offset: u64) -> Option<u16> {
        mem.u16(self.at(offset, 2)?)
    }

    pub(crate) fn u32(&self, mem: &impl Memory, offset: u64) -> Option<u32> {
        mem.u32(self.at(offset, 4)?)
    }

    pub(crate) fn u64(&self, mem: &impl Memory, offset: u64) -> Option<u64> {
        mem.u64(self.at(offset, 8)?)
    }
}

/// The firmware's tables.
#[derive(Clone, Debug)]
pub struct Acpi {
    /// Address of the root pointer.
    pub rsdp: u64,
    tables: Vec<Table>,
}

impl Acpi {
    /// Finds the tables. `rsdp` is what the boot loader said, if it said anything; otherwise, or when there is none at that
    /// place, the firmware's area below 1 MiB is searched. Tables that are broken are left out.
    ///
    /// # Errors
    /// `NotFound` when there is no root pointer, and what is wrong with the root table otherwise.
    pub fn find(mem: &impl Memory, rsdp: Option<u64>) -> Result<Self, Error> {
        Self::load(mem, &rsdp::find(mem, rsdp).ok_or(Error::NotFound)?)
    }

    /// The tables that the root pointer at `rsdp` leads to; nothing is searched, as firmware that is no BIOS wants it.
    ///
    /// # Errors
    /// As those of [`Acpi::find`].
    pub fn at(mem: &impl Memory, rsdp: u64) -> Result<Self, Error> {
        Self::load(mem, &rsdp::read(mem, rsdp).ok_or(Error::NotFound)?)
    }

    fn load(mem: &impl Memory, root: &Rsdp) -> Result<Self, Error> {
        let (table, width) = match Table::read(mem, root.xsdt) {
            Ok(t) if t.signature == *b"XSDT" => (t, 8),
            _ => (Table::read(mem, u64::from(root.rsdt))?, 4),
        };
        if width == 4 && table.signature != *b"RSDT" {
            return Err(Error::Malformed);
        }
        Ok(Self { rsdp: root.addr, tables: list(mem, &table, width) })
    }

    /// All tables but the root tables and the DSDT, in the firmware's order.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The first table of the name.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn table(&self, signature: [u8; 4]) -> Result<&Table, Error> {
        self.tables.iter().find(|t| t.signature == signature).ok_or(Error::NotFound)
    }
}

fn list(mem: &impl Memory, root: &Table, width: u64) -> Vec<Table> {
    let mut tables = Vec::new();
    for i in 0..MAX_TABLES {
        let offset = HEADER.saturating_add(i.saturating_mul(width));
        let entry = if width == 8 { root.u64(mem, offset) } else { root.u32(mem, offset).map(u64::from) };
        let Some(addr) = entry else { break };
        if let Ok(t) = Table::read(mem, addr) {
            tables.push(t);
        }
    }
    tables
}
