//! Operands in general registers.

use fx_types::GuestRegs;

/// The bits of an operand of `size` (1, 2, 4 or 8) bytes.
#[inline]
pub(crate) const fn mask(size: u8) -> u64 {
    match size {
        1 => 0xff,
        2 => 0xffff,
        4 => 0xffff_ffff,
        _ => u64::MAX,
    }
}

/// What a register holds after `value` of `size` bytes was written to it: 4 bytes clear the upper half, 1 and 2 leave the
/// rest alone.
#[inline]
pub(crate) const fn merge(old: u64, value: u64, size: u8) -> u64 {
    let m = mask(size);
    if size >= 4 { value & m } else { (old & !m) | (value & m) }
}

/// A register operand of an instruction: its number, and whether it is bits 8 to 15 of it (AH, CH, DH, BH).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operand {
    n: u8,
    high: bool,
}

impl Operand {
    /// Register `n` as an operand of `size` bytes of an instruction with (`rex`) or without a REX prefix.
    #[inline]
    pub(crate) const fn new(n: u8, size: u8, rex: bool) -> Self {
        if size == 1 && !rex && n >= 4 && n < 8 {
            Self { n: n & 3, high: true }
        } else {
            Self { n, high: false }
        }
    }

    /// The operand's value, the rest of the register above it included.
    #[inline]
    pub(crate) fn get(self, regs: &GuestRegs) -> u64 {
        let v = regs.general(self.n);
        if self.high { v >> 8 } else { v }
    }

    /// Writes `size` bytes.
    #[inline]
    pub(crate) fn set(self, regs: &mut GuestRegs, value: u64, size: u8) {
        let r = regs.general_mut(self.n);
        *r = if self.high { (*r & !0xff00) | ((value & 0xff) << 8) } else { merge(*r, value, size) };
    }
}
