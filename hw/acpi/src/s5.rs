//! The values that switch the machine off: the `\_S5` package of the DSDT.
//!
//! There is no AML interpreter: the package is a constant on every machine that is known, so its bytes are looked for:
//! `NameOp "_S5_" PackageOp PkgLength NumElements` and then two constants (ACPI 20.2.5).

use crate::table::{HEADER, Table};
use crate::{Acpi, Error, Fadt, Memory};

const NAME_OP: u8 = 0x08;
const ROOT: u8 = b'\\';
const PACKAGE_OP: u8 = 0x12;
const BYTE_PREFIX: u8 = 0x0a;
const WORD_PREFIX: u8 = 0x0b;
const DWORD_PREFIX: u8 = 0x0c;

/// What to put into the SLP_TYP fields of the PM1 control registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SleepTypes {
    /// For PM1a.
    pub a: u8,
    /// For PM1b.
    pub b: u8,
}

impl Acpi {
    /// The sleep types of S5, from the DSDT or else from an SSDT.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn s5(&self, mem: &impl Memory, fadt: &Fadt) -> Result<SleepTypes, Error> {
        let dsdt = Table::read(mem, fadt.dsdt).ok().filter(|t| t.signature == *b"DSDT");
        let ssdts = self.tables().iter().filter(|t| t.signature == *b"SSDT").copied();
        dsdt.into_iter().chain(ssdts).find_map(|t| search(mem, &t)).ok_or(Error::NotFound)
    }
}

fn search(mem: &impl Memory, t: &Table) -> Option<SleepTypes> {
    // Pieces overlap by the bytes of a name and what stands before it.
    const STEP: usize = 512;
    const OVERLAP: usize = 8;
    let mut buf = [0u8; STEP + OVERLAP];
    let mut at = HEADER;
    while at < u64::from(t.len) {
        let n = u64::from(t.len).saturating_sub(at).min(buf.len() as u64);
        let piece = buf.get_mut(..n as usize)?;
        if !mem.read(t.at(at, n)?, piece) {
            return None;
        }
        for (i, _) in piece.windows(4).enumerate().filter(|(_, w)| *w == b"_S5_") {
            let found = parse(mem, t, at.saturating_add(i as u64));
            if found.is_some() {
                return found;
            }
        }
        at = at.saturating_add(STEP as u64);
    }
    None
}

/// Reads the package whose name is at `name`; `None` when it is only mentioned there.
fn parse(mem: &impl Memory, t: &Table, name: u64) -> Option<SleepTypes> {
    let before = t.u8(mem, name.checked_sub(1)?)?;
    let named = before == NAME_OP || (before == ROOT && t.u8(mem, name.checked_sub(2)?)? == NAME_OP);
    let op = name.checked_add(4)?;
    if !named || t.u8(mem, op)? != PACKAGE_OP {
        return None;
    }
    let length = op.checked_add(1)?;
    // The top two bits of the length's first byte say how many more bytes it has.
    let more = u64::from(t.u8(mem, length)?.wrapping_shr(6));
    let count_at = length.checked_add(1)?.checked_add(more)?;
    let count = t.u8(mem, count_at)?;
    let (a, next) = constant(mem, t, count_at.checked_add(1)?)?;
    let b = if count > 1 { constant(mem, t, next).map_or(0, |(b, _)| b) } else { 0 };
    Some(SleepTypes { a: a & 7, b: b & 7 })
}

/// The constant at `at` (its lowest byte) and where the next one begins.
fn constant(mem: &impl Memory, t: &Table, at: u64) -> Option<(u8, u64)> {
    let (skip, len) = match t.u8(mem, at)? {
        BYTE_PREFIX => (1, 1),
        WORD_PREFIX => (1, 2),
        DWORD_PREFIX => (1, 4),
        0 | 1 => (0, 1),
        _ => return None,
    };
    let value = at.checked_add(skip)?;
    Some((t.u8(mem, value)?, value.checked_add(len)?))
}
