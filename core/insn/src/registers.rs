//! Registers as the decoder names them.

use fx_types::GuestRegs;
use fx_types::operand::{mask, merge};
use fx_virt::Segment;
use iced_x86::Register;

use crate::flags::bits;

/// A general register or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gpr {
    /// 0 (`rax`) to 15 (`r15`).
    pub number: u8,
    /// Bytes.
    pub size: u8,
    /// 8 for `ah` to `bh`.
    shift: u32,
}

impl Gpr {
    /// What the decoder means, if it is a general register.
    pub(crate) fn of(register: Register) -> Option<Self> {
        let n = register as u8;
        let within = |first: Register, last: Register| n >= first as u8 && n <= last as u8;
        let (first, size, shift) = if within(Register::RAX, Register::R15) {
            (Register::RAX, 8, 0)
        } else if within(Register::EAX, Register::R15D) {
            (Register::EAX, 4, 0)
        } else if within(Register::AX, Register::R15W) {
            (Register::AX, 2, 0)
        } else if within(Register::AL, Register::BL) {
            (Register::AL, 1, 0)
        } else if within(Register::AH, Register::BH) {
            (Register::AH, 1, 8)
        } else if within(Register::SPL, Register::R15L) {
            // SPL has number 4, as AH would have without a REX prefix.
            (Register::AH, 1, 0)
        } else {
            return None;
        };
        Some(Self { number: n.wrapping_sub(first as u8), size, shift })
    }

    /// The lower `size` bytes of register `number`.
    pub(crate) const fn low(number: u8, size: u8) -> Self {
        Self { number, size, shift: 0 }
    }

    /// Its value.
    pub(crate) fn get(self, regs: &GuestRegs) -> u64 {
        regs.general(self.number).wrapping_shr(self.shift) & mask(self.size)
    }

    /// Sets it: 32-bit values clear the upper half of the register, shorter ones leave the rest.
    pub(crate) fn set(self, regs: &mut GuestRegs, value: u64) {
        let slot = regs.general_mut(self.number);
        *slot = match self.shift {
            0 => merge(*slot, value, self.size),
            _ => *slot & !0xff00 | (value & 0xff) << 8,
        };
    }
}

/// The lower `half` bytes of two registers as one number.
pub(crate) fn pair(regs: &GuestRegs, high: u8, low: u8, half: u8) -> u128 {
    let [high, low] = [high, low].map(|number| u128::from(Gpr::low(number, half).get(regs)));
    high.wrapping_shl(bits(half)) | low
}

/// `rax`.
pub(crate) const RAX: u8 = 0;
/// `rcx`.
pub(crate) const RCX: u8 = 1;
/// `rdx`.
pub(crate) const RDX: u8 = 2;
/// `rbx`.
pub(crate) const RBX: u8 = 3;
/// `rsp`.
pub(crate) const RSP: u8 = 4;
/// `rbp`.
pub(crate) const RBP: u8 = 5;
/// `rsi`.
pub(crate) const RSI: u8 = 6;
/// `rdi`.
pub(crate) const RDI: u8 = 7;

/// The segment register that the decoder means.
pub(crate) fn segment(register: Register) -> Option<Segment> {
    Some(match register {
        Register::ES => Segment::Es,
        Register::CS => Segment::Cs,
        Register::SS => Segment::Ss,
        Register::DS => Segment::Ds,
        Register::FS => Segment::Fs,
        Register::GS => Segment::Gs,
        _ => return None,
    })
}

/// The number of a register of a row that begins with `first`.
pub(crate) fn number(register: Register, first: Register) -> Option<u8> {
    let n = (register as u8).checked_sub(first as u8)?;
    (n < 16).then_some(n)
}
