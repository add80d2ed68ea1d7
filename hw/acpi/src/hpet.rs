//! HPET: the high-precision event timer (IA-PC HPET Specification 1.0a, 3.2.4).

use crate::{Acpi, Error, Gas, Memory, space};

/// The event timer block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hpet {
    /// Physical address of its registers.
    pub addr: u64,
    /// Its number.
    pub number: u8,
    /// Shortest period in ticks that loses no interrupt.
    pub min_tick: u16,
}

impl Acpi {
    /// Reads the HPET table.
    ///
    /// # Errors
    /// `NotFound`; `Malformed` when its registers are not in memory.
    pub fn hpet(&self, mem: &impl Memory) -> Result<Hpet, Error> {
        let t = *self.table(*b"HPET")?;
        let read = || {
            let base = Gas::read(mem, t.at(40, 12)?).filter(|g| g.space == space::MEMORY)?;
            Some(Hpet { addr: base.addr, number: t.u8(mem, 52)?, min_tick: t.u16(mem, 53)? })
        };
        read().ok_or(Error::Malformed)
    }
}
