//! MCFG: memory-mapped configuration space (PCI Firmware Specification 3.3, 4.1.2).

use alloc::vec::Vec;

use crate::{Acpi, Memory};

const FIRST_ENTRY: u64 = 44;
const ENTRY: u64 = 16;
const MAX_ENTRIES: u64 = 1024;

/// The configuration space of some buses: 1 MiB for each bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ecam {
    /// Physical address of *bus 0* of the segment, even when the first bus is another one.
    pub base: u64,
    /// PCI segment.
    pub segment: u16,
    /// First bus.
    pub start_bus: u8,
    /// Last bus.
    pub end_bus: u8,
}

impl Acpi {
    /// The areas of memory-mapped configuration space; empty when there are none.
    pub fn mcfg(&self, mem: &impl Memory) -> Vec<Ecam> {
        let mut list = Vec::new();
        let Ok(t) = self.table(*b"MCFG") else { return list };
        for i in 0..MAX_ENTRIES {
            let at = FIRST_ENTRY.saturating_add(i.saturating_mul(ENTRY));
            let (Some(base), Some(segment), Some(start_bus), Some(end_bus)) = (
                t.u64(mem, at),
                t.u16(mem, at.saturating_add(8)),
                t.u8(mem, at.saturating_add(10)),
                t.u8(mem, at.saturating_add(11)),
            ) else {
                break;
            };
            if base != 0 && start_bus <= end_bus {
                list.push(Ecam { base, segment, start_bus, end_bus });
            }
        }
        list
    }
}
