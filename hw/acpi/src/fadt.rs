//! FADT: fixed hardware (ACPI 5.2.9).

use crate::table::Table;
use crate::{Acpi, Error, Gas, Memory};

const FLAG_RESET: u32 = 1 << 10;
const FLAG_HW_REDUCED: u32 = 1 << 20;
const FLAG_PM_TIMER_32: u32 = 1 << 8;

/// A pair of power-management register blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PmBlock {
    /// The first block.
    pub a: Option<Gas>,
    /// The second block, where events are split.
    pub b: Option<Gas>,
    /// Bytes of each.
    pub len: u8,
}

/// The fixed hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fadt {
    /// The interrupt of system events: an ISA interrupt or GSI, level-triggered and active low unless overridden.
    pub sci: u16,
    /// Port for commands to the firmware, 0 for none.
    pub smi_cmd: u32,
    /// PM1 event registers.
    pub pm1_event: PmBlock,
    /// PM1 control registers.
    pub pm1_control: PmBlock,
    /// The power-management timer (3.579545 MHz).
    pub pm_timer: Option<Gas>,
    /// Whether the timer has 32 bits, not 24.
    pub pm_timer_32: bool,
    /// The register that resets the machine, and what to write.
    pub reset: Option<(Gas, u8)>,
    /// Index of the century in the clock's memory, 0 for none.
    pub century: u8,
    /// Raw feature flags.
    pub flags: u32,
    /// `IAPC_BOOT_ARCH`: legacy devices (bit 1: keyboard controller at 0x60 and 0x64; bit 3: MSI must not be used).
    pub boot_arch: u16,
    /// Address of the DSDT.
    pub dsdt: u64,
    /// Address of the FACS.
    pub facs: u64,
}

impl Acpi {
    /// Reads the FADT.
    ///
    /// # Errors
    /// `NotFound`; `Malformed` when it is shorter than that of ACPI 1.0.
    pub fn fadt(&self, mem: &impl Memory) -> Result<Fadt, Error> {
        let t = *self.table(*b"FACP")?;
        read(mem, &t).ok_or(Error::Malformed)
    }
}

fn read(mem: &impl Memory, t: &Table) -> Option<Fadt> {
    let flags = t.u32(mem, 112)?;
    let reset = gas(mem, t, 116).filter(|_| flags & FLAG_RESET != 0);
    let pm_timer = block(mem, t, 208, 76, t.u8(mem, 91)?);
    Some(Fadt {
        sci: t.u16(mem, 46)?,
        smi_cmd: t.u32(mem, 48)?,
        pm1_event: PmBlock {
            a: block(mem, t, 148, 56, t.u8(mem, 88)?),
            b: block(mem, t, 160, 60, t.u8(mem, 88)?),
            len: t.u8(mem, 88)?,
        },
        pm1_control: PmBlock {
            a: block(mem, t, 172, 64, t.u8(mem, 89)?),
            b: block(mem, t, 184, 68, t.u8(mem, 89)?),
            len: t.u8(mem, 89)?,
        },
        pm_timer,
        pm_timer_32: flags & FLAG_PM_TIMER_32 != 0,
        reset: reset.and_then(|r| Some((r, t.u8(mem, 128)?))),
        century: t.u8(mem, 108)?,
        flags,
        boot_arch: t.u16(mem, 109)?,
        dsdt: address(mem, t, 140, 40)?,
        facs: address(mem, t, 132, 36)?,
    })
}

/// The generic address at `wide`, or the port at `narrow` (a block of `len` bytes) when there is none.
fn block(mem: &impl Memory, t: &Table, wide: u64, narrow: u64, len: u8) -> Option<Gas> {
    let port = t.u32(mem, narrow)?;
    if let Some(g) = gas(mem, t, wide) {
        return Some(g);
    }
    (port != 0 && len != 0).then(|| Gas::io(port, len.saturating_mul(8)))
}

fn gas(mem: &impl Memory, t: &Table, offset: u64) -> Option<Gas> {
    Gas::read(mem, t.at(offset, 12)?)
}

/// The 64-bit address at `wide`, or the 32-bit one at `narrow` when there is none.
fn address(mem: &impl Memory, t: &Table, wide: u64, narrow: u64) -> Option<u64> {
    match t.u64(mem, wide) {
        Some(a) if a != 0 => Some(a),
        _ => t.u32(mem, narrow).map(u64::from),
    }
}

impl Fadt {
    /// Whether the machine has none of the fixed registers.
    #[must_use]
    pub fn hw_reduced(&self) -> bool {
        self.flags & FLAG_HW_REDUCED != 0
    }
}
