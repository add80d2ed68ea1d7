//! Single bits, their search and their number, and the bit instructions of BMI.

use fx_types::operand::mask;
use iced_x86::Mnemonic;

use crate::arith::{logic, sub};
use crate::cpu::{Cpu, Step};
use crate::flags::{CF, Flags, STATUS, ZF, bits, extend};
use crate::run::Run;

impl<C: Cpu> Run<'_, C> {
    /// Instructions on bits. `false`: another instruction.
    pub(crate) fn bits(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Bt => self.bit(|value, _| value)?,
            Mnemonic::Bts => self.bit(|value, bit| value | bit)?,
            Mnemonic::Btr => self.bit(|value, bit| value & !bit)?,
            Mnemonic::Btc => self.bit(|value, bit| value ^ bit)?,
            Mnemonic::Bsf => self.scan(|value, _| value.trailing_zeros())?,
            Mnemonic::Bsr => self.scan(|value, _| value.leading_zeros() ^ 63)?,
            Mnemonic::Tzcnt => self.count(|value, size| value.trailing_zeros().min(bits(size)))?,
            Mnemonic::Lzcnt => {
                self.count(|value, size| {
                    value.leading_zeros().wrapping_sub(bits(8).wrapping_sub(bits(size)))
                })?;
            }
            Mnemonic::Popcnt => {
                let count = u64::from(self.value(1)?.count_ones());
                self.set(0, count)?;
                self.set_flags(Flags::new(STATUS, if count == 0 { ZF } else { 0 }));
            }
            _ => return self.bmi(mnemonic),
        }
        Ok(true)
    }

    /// `bt` and its kin. A register as bit number reaches beyond an operand in memory.
    fn bit(&mut self, change: impl FnOnce(u64, u64) -> u64) -> Step {
        let (size, number) = (self.size(0)?, self.value(1)?);
        let bit = 1u64.wrapping_shl(number as u32 & bits(size).wrapping_sub(1));
        let flags = |value: u64| Flags::KEEP.with(CF, value & bit != 0);
        let only_asks = self.insn.mnemonic() == Mnemonic::Bt;
        if !self.is_memory(0) && only_asks {
            let value = self.value(0)?;
            self.set_flags(flags(value));
            return Ok(());
        }
        if !self.is_memory(0) {
            self.modify(0, |value| (change(value, bit), flags(value)))?;
            return Ok(());
        }
        let mut place = self.place()?;
        if self.gpr(1).is_ok() {
            let units = (extend(number, size) as i64).wrapping_shr(bits(size).trailing_zeros());
            place = place.plus((units as u64).wrapping_mul(u64::from(size)));
        }
        if only_asks {
            let value = self.load(place, size)?;
            self.set_flags(flags(value));
            return Ok(());
        }
        self.modify_at(place, size, |value| (change(value, bit), flags(value)))?;
        Ok(())
    }

    /// `bsf` and `bsr`: zero has no such bit, and leaves the target.
    fn scan(&mut self, find: impl FnOnce(u64, u8) -> u32) -> Step {
        let (value, size) = (self.value(1)?, self.size(0)?);
        if value != 0 {
            self.set(0, u64::from(find(value, size)))?;
        }
        self.set_flags(Flags::KEEP.with(ZF, value == 0));
        Ok(())
    }

    /// `tzcnt` and `lzcnt`.
    fn count(&mut self, count: impl FnOnce(u64, u8) -> u32) -> Step {
        let (value, size) = (self.value(1)?, self.size(0)?);
        let count = u64::from(count(value, size));
        self.set(0, count)?;
        self.set_flags(Flags::KEEP.with(CF, value == 0).with(ZF, count == 0));
        Ok(())
    }

    fn bmi(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        let lowest: fn(u64) -> u64 = match mnemonic {
            Mnemonic::Blsi => |value| value & 0u64.wrapping_sub(value),
            Mnemonic::Blsr => |value| value & value.wrapping_sub(1),
            Mnemonic::Blsmsk => |value| value ^ value.wrapping_sub(1),
            Mnemonic::Andn => {
                let (size, a, b) = (self.size(0)?, self.value(1)?, self.value(2)?);
                let (result, flags) = logic(!a & b, size);
                self.set(0, result)?;
                self.set_flags(flags);
                return Ok(true);
            }
            Mnemonic::Bextr | Mnemonic::Bzhi => {
                self.extract(mnemonic)?;
                return Ok(true);
            }
            Mnemonic::Shlx | Mnemonic::Shrx | Mnemonic::Sarx | Mnemonic::Rorx => {
                self.shift_plain(mnemonic)?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let (size, value) = (self.size(0)?, self.value(1)?);
        let (result, flags) = logic(lowest(value), size);
        // Carry: of the subtraction, but for `blsi`, where it is whether there was a bit.
        let carry = if mnemonic == Mnemonic::Blsi {
            value != 0
        } else {
            sub(value, 1, false, size).1.apply(0) & CF != 0
        };
        self.set(0, result)?;
        self.set_flags(flags.with(CF, carry));
        Ok(true)
    }

    /// `bextr` and `bzhi`: a part of the bits.
    fn extract(&mut self, mnemonic: Mnemonic) -> Step {
        let (size, value, control) = (self.size(0)?, self.value(1)?, self.value(2)?);
        let (start, length) = match mnemonic {
            Mnemonic::Bextr => (control & 0xff, control >> 8 & 0xff),
            _ => (0, control & 0xff),
        };
        let shifted = if start < u64::from(bits(size)) { value.wrapping_shr(start as u32) } else { 0 };
        let field = 1u64.checked_shl(length as u32).map_or(u64::MAX, |bit| bit.wrapping_sub(1));
        let (result, flags) = logic(shifted & field, size);
        let carry = mnemonic == Mnemonic::Bzhi && length >= u64::from(bits(size));
        self.set(0, result)?;
        self.set_flags(flags.with(CF, carry));
        Ok(())
    }

    /// Shifts that leave the flags.
    fn shift_plain(&mut self, mnemonic: Mnemonic) -> Step {
        let (size, value, count) = (self.size(0)?, self.value(1)?, self.value(2)?);
        let count = count as u32 & bits(size).wrapping_sub(1);
        let result = match mnemonic {
            Mnemonic::Shlx => value.wrapping_shl(count),
            Mnemonic::Shrx => value.wrapping_shr(count),
            Mnemonic::Sarx => (extend(value, size) as i64).wrapping_shr(count) as u64,
            _ if count == 0 => value,
            _ => value.wrapping_shr(count) | value.wrapping_shl(bits(size).wrapping_sub(count)),
        };
        self.set(0, result & mask(size))
    }
}
