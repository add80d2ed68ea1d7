//! Multiplication and division.

use fx_types::operand::mask;
use iced_x86::Mnemonic;

use crate::cpu::{Cpu, Exception, Step};
use crate::flags::{CF, Flags, OF, bits, extend};
use crate::registers::{Gpr, RAX, RDX, pair};
use crate::run::Run;

/// A value of `size` bytes, signed.
fn signed(value: u64, size: u8) -> i128 {
    i128::from(extend(value, size) as i64)
}

/// A value of `width` bits with its sign extended.
fn signed_wide(value: u128, width: u32) -> i128 {
    let unused = 128u32.wrapping_sub(width);
    (value.wrapping_shl(unused) as i128).wrapping_shr(unused)
}

impl<C: Cpu> Run<'_, C> {
    /// `mul`, `imul`, `div`, `idiv`. `false`: another instruction.
    pub(crate) fn multiplication(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Mul => self.multiply(false)?,
            Mnemonic::Imul if self.insn.op_count() == 1 => self.multiply(true)?,
            Mnemonic::Imul => self.multiply_operands()?,
            Mnemonic::Div => self.divide(false)?,
            Mnemonic::Idiv => self.divide(true)?,
            Mnemonic::Mulx => self.multiply_plain()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The accumulator, twice as wide as the operand: `ax`, `dx:ax` and so on.
    fn wide(&self, size: u8) -> u128 {
        if size == 1 {
            return u128::from(Gpr::low(RAX, 2).get(&self.regs));
        }
        pair(&self.regs, RDX, RAX, size)
    }

    fn set_wide(&mut self, size: u8, low: u64, high: u64) {
        if size == 1 {
            Gpr::low(RAX, 2).set(&mut self.regs, high << 8 | low & mask(1));
        } else {
            Gpr::low(RAX, size).set(&mut self.regs, low);
            Gpr::low(RDX, size).set(&mut self.regs, high);
        }
    }

    fn multiply(&mut self, with_sign: bool) -> Step {
        let size = self.size(0)?;
        let (a, b) = (Gpr::low(RAX, size).get(&self.regs), self.value(0)?);
        let product = if with_sign {
            signed(a, size).wrapping_mul(signed(b, size)) as u128
        } else {
            u128::from(a).wrapping_mul(u128::from(b))
        };
        let (low, high) = (product as u64 & mask(size), product.wrapping_shr(bits(size)) as u64 & mask(size));
        let lost = if with_sign { signed(low, size) as u128 != product } else { high != 0 };
        self.set_wide(size, low, high);
        self.set_flags(Flags::KEEP.with(CF, lost).with(OF, lost));
        Ok(())
    }

    /// `imul` with two or three operands.
    fn multiply_operands(&mut self) -> Step {
        let size = self.size(0)?;
        let (first, second) = if self.insn.op_count() == 3 { (1, 2) } else { (0, 1) };
        let (a, b) = (self.value(first)?, self.value(second)?);
        let product = signed(a, size).wrapping_mul(signed(b, size));
        let lost = signed(product as u64, size) != product;
        self.set(0, product as u64)?;
        self.set_flags(Flags::KEEP.with(CF, lost).with(OF, lost));
        Ok(())
    }

    /// `mulx`: `edx` times the third operand, no flags. The first operand, the upper half, is written last.
    fn multiply_plain(&mut self) -> Step {
        let size = self.size(0)?;
        let (a, b) = (Gpr::low(RDX, size).get(&self.regs), self.value(2)?);
        let product = u128::from(a).wrapping_mul(u128::from(b));
        self.set(1, product as u64)?;
        self.set(0, product.wrapping_shr(bits(size)) as u64)
    }

    fn divide(&mut self, with_sign: bool) -> Step {
        let size = self.size(0)?;
        let divisor = self.value(0)?;
        let dividend = self.wide(size);
        let parts =
            if with_sign { divide_signed(dividend, divisor, size) } else { divide(dividend, divisor, size) };
        let (quotient, remainder) = parts.ok_or(Exception::DE)?;
        self.set_wide(size, quotient, remainder);
        Ok(())
    }
}

/// Quotient and remainder, if the quotient fits.
fn divide(dividend: u128, divisor: u64, size: u8) -> Option<(u64, u64)> {
    let quotient = dividend.checked_div(u128::from(divisor))?;
    let remainder = dividend.checked_rem(u128::from(divisor))?;
    (quotient <= u128::from(mask(size))).then_some((quotient as u64, remainder as u64))
}

/// The same with signs.
fn divide_signed(dividend: u128, divisor: u64, size: u8) -> Option<(u64, u64)> {
    let dividend = signed_wide(dividend, bits(size).wrapping_mul(2));
    let divisor = signed(divisor, size);
    let (quotient, remainder) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
    (signed(quotient as u64, size) == quotient).then_some((quotient as u64, remainder as u64))
}
