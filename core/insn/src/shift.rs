//! Shifts and rotations. Flags that the manuals leave undefined after them get the values of the case where they are defined.

use fx_types::operand::mask;
use iced_x86::Mnemonic;

use crate::arith::Result;
use crate::cpu::{Cpu, Step};
use crate::flags::{AF, CF, Flags, OF, bits, extend, top};
use crate::run::Run;

/// Flags of a shift: by its result, the last bit that went out, and whether the sign changed.
fn shifted(result: u64, carry: bool, overflow: bool, size: u8) -> Result {
    let flags = Flags::of_result(result, size).with(CF, carry).with(OF, overflow).with(AF, false);
    (result & mask(size), flags)
}

/// Flags of a rotation.
fn rotated(result: u64, carry: bool, overflow: bool, size: u8) -> Result {
    (result & mask(size), Flags::KEEP.with(CF, carry).with(OF, overflow))
}

/// Whether the two highest bits of a value differ.
fn top_bits_differ(value: u64, size: u8) -> bool {
    (value ^ value << 1) & top(size) != 0
}

fn shift_left(a: u64, count: u32, size: u8) -> Result {
    let carry = a.wrapping_shl(count.wrapping_sub(1)) & top(size) != 0;
    let result = a.wrapping_shl(count);
    shifted(result, carry, (result & top(size) != 0) != carry, size)
}

fn shift_right(a: u64, count: u32, size: u8) -> Result {
    let carry = a.wrapping_shr(count.wrapping_sub(1)) & 1 != 0;
    shifted(a.wrapping_shr(count), carry, a & top(size) != 0, size)
}

fn shift_right_signed(a: u64, count: u32, size: u8) -> Result {
    let a = extend(a, size) as i64;
    let carry = a.wrapping_shr(count.wrapping_sub(1)) & 1 != 0;
    shifted(a.wrapping_shr(count) as u64, carry, false, size)
}

/// `value`, of `width` bits, rotated to the left.
fn rotate(value: u128, count: u32, width: u32) -> u128 {
    let count = count.checked_rem(width).unwrap_or(0);
    let all = 1u128.wrapping_shl(width).wrapping_sub(1);
    (value.wrapping_shl(count) | value.wrapping_shr(width.wrapping_sub(count))) & all
}

fn rotate_left(a: u64, count: u32, size: u8) -> Result {
    let result = rotate(u128::from(a), count, bits(size)) as u64;
    let carry = result & 1 != 0;
    rotated(result, carry, (result & top(size) != 0) != carry, size)
}

fn rotate_right(a: u64, count: u32, size: u8) -> Result {
    let count = count.checked_rem(bits(size)).unwrap_or(0);
    let result = rotate(u128::from(a), bits(size).wrapping_sub(count), bits(size)) as u64;
    rotated(result, result & top(size) != 0, top_bits_differ(result, size), size)
}

/// Through the carry flag: a rotation of one bit more. To the right is to the left by what is missing.
fn rotate_carry(a: u64, count: u32, carry: bool, size: u8, right: bool) -> Result {
    let width = bits(size).wrapping_add(1);
    let count = count.checked_rem(width).unwrap_or(0);
    let count = if right { width.wrapping_sub(count) } else { count };
    let whole = u128::from(a) | u128::from(carry).wrapping_shl(bits(size));
    let whole = rotate(whole, count, width);
    let (result, carry) = (whole as u64 & mask(size), whole.wrapping_shr(bits(size)) & 1 != 0);
    let overflow = if right { top_bits_differ(result, size) } else { (result & top(size) != 0) != carry };
    rotated(result, carry, overflow, size)
}

/// The upper half of `high:low` shifted to the left.
fn double_left(high: u64, low: u64, count: u32, size: u8) -> Result {
    let whole = u128::from(high).wrapping_shl(bits(size)) | u128::from(low);
    let result = whole.wrapping_shl(count).wrapping_shr(bits(size)) as u64;
    let carry = whole.wrapping_shr(bits(size).wrapping_mul(2).wrapping_sub(count)) & 1 != 0;
    shifted(result, carry, (result ^ high) & top(size) != 0, size)
}

/// The lower half of `high:low` shifted to the right.
fn double_right(low: u64, high: u64, count: u32, size: u8) -> Result {
    let whole = u128::from(high).wrapping_shl(bits(size)) | u128::from(low);
    let result = whole.wrapping_shr(count) as u64;
    let carry = whole.wrapping_shr(count.wrapping_sub(1)) & 1 != 0;
    shifted(result, carry, (result ^ low) & top(size) != 0, size)
}

/// A shift or rotation, by a count that is not 0.
enum Shift {
    /// Of a value and perhaps the carry flag.
    Single(fn(u64, u32, bool, u8) -> Result),
    /// Of a value, with bits of another one.
    Double(fn(u64, u64, u32, u8) -> Result),
}

fn shift(mnemonic: Mnemonic) -> Option<Shift> {
    Some(match mnemonic {
        Mnemonic::Shl | Mnemonic::Sal => Shift::Single(|a, count, _, size| shift_left(a, count, size)),
        Mnemonic::Shr => Shift::Single(|a, count, _, size| shift_right(a, count, size)),
        Mnemonic::Sar => Shift::Single(|a, count, _, size| shift_right_signed(a, count, size)),
        Mnemonic::Rol => Shift::Single(|a, count, _, size| rotate_left(a, count, size)),
        Mnemonic::Ror => Shift::Single(|a, count, _, size| rotate_right(a, count, size)),
        Mnemonic::Rcl => Shift::Single(|a, count, carry, size| rotate_carry(a, count, carry, size, false)),
        Mnemonic::Rcr => Shift::Single(|a, count, carry, size| rotate_carry(a, count, carry, size, true)),
        Mnemonic::Shld => Shift::Double(double_left),
        Mnemonic::Shrd => Shift::Double(double_right),
        _ => return None,
    })
}

/// The bits of a count that count.
fn effective_count(count: u64, size: u8) -> u32 {
    (count & if size == 8 { 63 } else { 31 }) as u32
}

impl<C: Cpu> Run<'_, C> {
    /// Shifts and rotations. `false`: another instruction.
    pub(crate) fn shifts(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        let Some(shift) = shift(mnemonic) else { return Ok(false) };
        let size = self.size(0)?;
        let (count, other) = match shift {
            Shift::Single(_) => (self.value(1)?, 0),
            Shift::Double(_) => (self.value(2)?, self.value(1)?),
        };
        let count = effective_count(count, size);
        let carry = self.regs.rflags & CF != 0;
        self.modify(0, |a| match shift {
            _ if count == 0 => (a, Flags::KEEP),
            Shift::Single(shift) => shift(a, count, carry, size),
            Shift::Double(shift) => shift(a, other, count, size),
        })?;
        Ok(true)
    }
}
