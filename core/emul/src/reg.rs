//! General registers by their number in an instruction.

use fx_types::GuestRegs;

/// The value of register `n` (0 to 15).
#[inline]
pub(crate) fn get(regs: &GuestRegs, n: u8) -> u64 {
    match n & 15 {
        0 => regs.rax,
        1 => regs.rcx,
        2 => regs.rdx,
        3 => regs.rbx,
        4 => regs.rsp,
        5 => regs.rbp,
        6 => regs.rsi,
        7 => regs.rdi,
        8 => regs.r8,
        9 => regs.r9,
        10 => regs.r10,
        11 => regs.r11,
        12 => regs.r12,
        13 => regs.r13,
        14 => regs.r14,
        _ => regs.r15,
    }
}

/// Register `n` (0 to 15).
#[inline]
pub(crate) fn slot(regs: &mut GuestRegs, n: u8) -> &mut u64 {
    match n & 15 {
        0 => &mut regs.rax,
        1 => &mut regs.rcx,
        2 => &mut regs.rdx,
        3 => &mut regs.rbx,
        4 => &mut regs.rsp,
        5 => &mut regs.rbp,
        6 => &mut regs.rsi,
        7 => &mut regs.rdi,
        8 => &mut regs.r8,
        9 => &mut regs.r9,
        10 => &mut regs.r10,
        11 => &mut regs.r11,
        12 => &mut regs.r12,
        13 => &mut regs.r13,
        14 => &mut regs.r14,
        _ => &mut regs.r15,
    }
}

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
        let v = get(regs, self.n);
        if self.high { v >> 8 } else { v }
    }

    /// Writes `size` bytes.
    #[inline]
    pub(crate) fn set(self, regs: &mut GuestRegs, value: u64, size: u8) {
        let r = slot(regs, self.n);
        *r = if self.high { (*r & !0xff00) | ((value & 0xff) << 8) } else { merge(*r, value, size) };
    }
}
