//! Operands in general registers.

use fx_types::GuestRegs;
use fx_types::operand::merge;

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
