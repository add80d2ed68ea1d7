//! The root pointer: "RSD PTR ", found by the boot loader or by looking for it in the firmware's area.

use crate::Memory;

const SIGNATURE: [u8; 8] = *b"RSD PTR ";
/// Where the BIOS data area holds the segment of the extended BIOS data area.
const EBDA_SEGMENT: u64 = 0x40e;
const BIOS_START: u64 = 0xe_0000;
const BIOS_END: u64 = 0x10_0000;
const V1_LENGTH: u64 = 20;
const V2_LENGTH: u64 = 36;

/// A valid root pointer.
pub(crate) struct Rsdp {
    /// Its address.
    pub addr: u64,
    /// Address of the RSDT, or 0.
    pub rsdt: u32,
    /// Address of the XSDT, or 0.
    pub xsdt: u64,
}

/// The root pointer at `hint` if it is valid, else the first in the EBDA's first KiB or in the BIOS area (ACPI 5.2.5.1).
pub(crate) fn find(mem: &impl Memory, hint: Option<u64>) -> Option<Rsdp> {
    if let Some(r) = hint.and_then(|a| read(mem, a)) {
        return Some(r);
    }
    let ebda = u64::from(mem.u16(EBDA_SEGMENT).unwrap_or(0)).wrapping_shl(4);
    let in_ebda = if ebda >= 0x400 { scan(mem, ebda, ebda.saturating_add(1024)) } else { None };
    in_ebda.or_else(|| scan(mem, BIOS_START, BIOS_END))
}

/// Looks at every 16 bytes from `start`, which is a multiple of 16. Memory that is not readable is skipped.
fn scan(mem: &impl Memory, start: u64, end: u64) -> Option<Rsdp> {
    const STEP: usize = 1024;
    let mut buf = [0u8; STEP];
    (start..end).step_by(STEP).find_map(|at| {
        if !mem.read(at, &mut buf) {
            return None;
        }
        let mut places = buf.chunks(16).zip((at..end).step_by(16));
        places.find_map(|(bytes, a)| if bytes.starts_with(&SIGNATURE) { read(mem, a) } else { None })
    })
}

/// The root pointer at `addr`, if there is a valid one.
pub(crate) fn read(mem: &impl Memory, addr: u64) -> Option<Rsdp> {
    let mut signature = [0; 8];
    if !mem.read(addr, &mut signature) || signature != SIGNATURE || !sums_to_zero(mem, addr, V1_LENGTH) {
        return None;
    }
    let rsdt = mem.u32(addr.checked_add(16)?)?;
    let revision = mem.u8(addr.checked_add(15)?)?;
    let mut xsdt = 0;
    if revision >= 2 {
        let length = u64::from(mem.u32(addr.checked_add(20)?)?);
        if (V2_LENGTH..=4096).contains(&length) && sums_to_zero(mem, addr, length) {
            xsdt = mem.u64(addr.checked_add(24)?)?;
        }
    }
    (rsdt != 0 || xsdt != 0).then_some(Rsdp { addr, rsdt, xsdt })
}

/// Whether `len` bytes are readable and add up to zero.
pub(crate) fn sums_to_zero(mem: &impl Memory, addr: u64, len: u64) -> bool {
    let mut buf = [0u8; 256];
    let (mut at, mut left, mut sum) = (addr, len, 0u8);
    while left > 0 {
        let n = left.min(256);
        let Some(piece) = buf.get_mut(..n as usize) else { return false };
        if !mem.read(at, piece) {
            return false;
        }
        sum = piece.iter().fold(sum, |s, b| s.wrapping_add(*b));
        let Some(next) = at.checked_add(n) else { return false };
        at = next;
        left = left.saturating_sub(n);
    }
    sum == 0
}
