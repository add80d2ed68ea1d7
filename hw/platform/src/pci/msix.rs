//! MSI-X: a table of messages in a function's memory (PCI Local Bus 3.0, 6.8.2).

use super::msi::Message;
use super::{CAP_MSIX, Config, Sbdf, reg};
use crate::mmio::Mmio;

const CONTROL: u16 = 2;
const TABLE: u16 = 4;
const PENDING: u16 = 8;
const CONTROL_SIZE: u16 = 0x7ff;
const CONTROL_MASK_ALL: u16 = 1 << 14;
const CONTROL_ENABLE: u16 = 1 << 15;
const COMMAND_MEMORY: u16 = 1 << 1;

/// Bytes of an entry of the table.
pub const ENTRY: u64 = 16;
const ENTRY_ADDRESS: usize = 0;
const ENTRY_DATA: usize = 8;
const ENTRY_CONTROL: usize = 12;
const ENTRY_MASKED: u32 = 1;

/// A function's MSI-X capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msix {
    f: Sbdf,
    at: u16,
    entries: u16,
    table: u32,
    pending: u32,
}

impl Msix {
    /// Finds the capability.
    #[must_use]
    pub fn find(pci: &impl Config, f: Sbdf) -> Option<Self> {
        let at = pci.capability(f, CAP_MSIX)?;
        Some(Self {
            f,
            at,
            entries: (pci.read16(f, at + CONTROL) & CONTROL_SIZE) + 1,
            table: pci.read32(f, at + TABLE),
            pending: pci.read32(f, at + PENDING),
        })
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> Sbdf {
        self.f
    }

    /// Entries of the table.
    #[must_use]
    pub fn entries(&self) -> u16 {
        self.entries
    }

    /// Physical address of the table: in the memory that the function's base address register says, or, when that register
    /// says nothing (virtual functions), at `fallback`, the hardware domain's idea of the same base address.
    #[must_use]
    pub fn table_addr(&self, pci: &impl Config, fallback: u64) -> Option<u64> {
        self.place(pci, self.table, fallback)
    }

    /// Physical address of the array of pending bits.
    #[must_use]
    pub fn pending_addr(&self, pci: &impl Config, fallback: u64) -> Option<u64> {
        self.place(pci, self.pending, fallback)
    }

    fn place(&self, pci: &impl Config, indicator: u32, fallback: u64) -> Option<u64> {
        let base = pci.memory_bar(self.f, (indicator & 7) as u8).unwrap_or(fallback);
        if base == 0 { None } else { base.checked_add(u64::from(indicator & !7)) }
    }

    /// Physical address of an entry; `None` when there is none of that number.
    #[must_use]
    pub fn entry_addr(&self, pci: &impl Config, fallback: u64, entry: u16) -> Option<u64> {
        if entry >= self.entries {
            return None;
        }
        self.table_addr(pci, fallback)?.checked_add(u64::from(entry) * ENTRY)
    }

    /// Whether the function answers to accesses to its memory.
    pub fn memory_enabled(&self, pci: &impl Config) -> bool {
        pci.read16(self.f, reg::COMMAND) & COMMAND_MEMORY != 0
    }

    /// Whether the function sends messages.
    pub fn is_enabled(&self, pci: &impl Config) -> bool {
        pci.read16(self.f, self.at + CONTROL) & CONTROL_ENABLE != 0
    }

    /// Lets the function send messages, or not; with `masked`, no entry sends any.
    pub fn enable(&self, pci: &impl Config, on: bool, masked: bool) {
        let mut v = pci.read16(self.f, self.at + CONTROL) & !(CONTROL_ENABLE | CONTROL_MASK_ALL);
        if on {
            v |= CONTROL_ENABLE;
        }
        if masked {
            v |= CONTROL_MASK_ALL;
        }
        pci.write(self.f, self.at + CONTROL, 2, v.into());
    }
}

/// One mapped entry of a table.
#[derive(Clone, Copy, Debug)]
pub struct Entry(Mmio);

impl Entry {
    /// The entry whose 16 bytes are mapped at `regs`.
    #[must_use]
    pub const fn new(regs: Mmio) -> Self {
        Self(regs)
    }

    /// Masks or unmasks.
    pub fn set_mask(&self, masked: bool) {
        let v = self.0.read32(ENTRY_CONTROL) & !ENTRY_MASKED;
        self.0.write32(ENTRY_CONTROL, if masked { v | ENTRY_MASKED } else { v });
        // The read makes sure that the device has the write before anything else happens.
        let _ = self.0.read32(ENTRY_CONTROL);
    }

    /// Sets the message of a masked entry.
    pub fn program(&self, m: Message) {
        self.0.write32(ENTRY_ADDRESS, m.addr as u32);
        self.0.write32(ENTRY_ADDRESS + 4, (m.addr >> 32) as u32);
        self.0.write32(ENTRY_DATA, m.data);
    }
}
