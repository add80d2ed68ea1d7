//! Addition, subtraction and logic, and the instructions that are made of them.

use fx_types::operand::mask;
use iced_x86::Mnemonic;

use crate::cpu::{Cpu, Exception, Purpose, Step, Stop};
use crate::flags::{AF, CF, Flags, OF, ZF, bits, top};
use crate::registers::{Gpr, RAX, RBX, RCX, RDX, pair};
use crate::run::Run;

/// A value and the flags that come with it.
pub(crate) type Result = (u64, Flags);

/// Flags of a sum or difference, given the carries out of each bit.
fn with_carries(result: u64, carries: u64, overflow: u64, size: u8) -> Result {
    let flags = Flags::of_result(result, size)
        .with(CF, carries & top(size) != 0)
        .with(AF, carries & 8 != 0)
        .with(OF, overflow & top(size) != 0);
    (result & mask(size), flags)
}

/// `a + b + carry`.
pub(crate) fn add(a: u64, b: u64, carry: bool, size: u8) -> Result {
    let sum = a.wrapping_add(b).wrapping_add(u64::from(carry));
    with_carries(sum, a & b | (a | b) & !sum, (a ^ sum) & (b ^ sum), size)
}

/// `a - b - borrow`.
pub(crate) fn sub(a: u64, b: u64, borrow: bool, size: u8) -> Result {
    let difference = a.wrapping_sub(b).wrapping_sub(u64::from(borrow));
    with_carries(difference, !a & b | (!a | b) & difference, (a ^ b) & (a ^ difference), size)
}

/// The result of a logical operation. AF is undefined: it becomes clear.
pub(crate) fn logic(result: u64, size: u8) -> Result {
    let flags = Flags::of_result(result, size).with(CF, false).with(OF, false).with(AF, false);
    (result & mask(size), flags)
}

/// An operation with two operands, the carry flag, and their size.
type Binary = fn(u64, u64, bool, u8) -> Result;
/// An operation with one operand and its size.
type Unary = fn(u64, u8) -> Result;

fn binary(mnemonic: Mnemonic) -> Option<Binary> {
    Some(match mnemonic {
        Mnemonic::Add => |a, b, _, size| add(a, b, false, size),
        Mnemonic::Adc => add,
        Mnemonic::Sub | Mnemonic::Cmp => |a, b, _, size| sub(a, b, false, size),
        Mnemonic::Sbb => sub,
        Mnemonic::And | Mnemonic::Test => |a, b, _, size| logic(a & b, size),
        Mnemonic::Or => |a, b, _, size| logic(a | b, size),
        Mnemonic::Xor => |a, b, _, size| logic(a ^ b, size),
        _ => return None,
    })
}

fn unary(mnemonic: Mnemonic) -> Option<Unary> {
    Some(match mnemonic {
        Mnemonic::Inc => |a, size| uncarried(add(a, 1, false, size)),
        Mnemonic::Dec => |a, size| uncarried(sub(a, 1, false, size)),
        Mnemonic::Neg => |a, size| sub(0, a, false, size),
        Mnemonic::Not => |a, _| (!a, Flags::KEEP),
        _ => return None,
    })
}

/// Leaves the carry flag alone.
fn uncarried((result, flags): Result) -> Result {
    (result, flags.keeping(CF))
}

impl<C: Cpu> Run<'_, C> {
    /// Addition, subtraction, logic, exchange. `false`: another instruction.
    pub(crate) fn arithmetic(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        if let Some(operation) = binary(mnemonic) {
            self.binary(mnemonic, operation)?;
        } else if let Some(operation) = unary(mnemonic) {
            let size = self.size(0)?;
            self.modify(0, |a| operation(a, size))?;
        } else {
            match mnemonic {
                Mnemonic::Xadd => self.xadd()?,
                Mnemonic::Cmpxchg => self.cmpxchg()?,
                Mnemonic::Cmpxchg8b => self.cmpxchg_pair(4)?,
                Mnemonic::Cmpxchg16b => self.cmpxchg_pair(8)?,
                Mnemonic::Adcx => self.add_with(CF)?,
                Mnemonic::Adox => self.add_with(OF)?,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn binary(&mut self, mnemonic: Mnemonic, operation: Binary) -> Step {
        let size = self.size(0)?;
        let carry = self.regs.rflags & CF != 0;
        let b = self.value(1)?;
        if matches!(mnemonic, Mnemonic::Cmp | Mnemonic::Test) {
            let (_, flags) = operation(self.value(0)?, b, carry, size);
            self.set_flags(flags);
            return Ok(());
        }
        self.modify(0, |a| operation(a, b, carry, size))?;
        Ok(())
    }

    fn xadd(&mut self) -> Step {
        let (size, source) = (self.size(0)?, self.gpr(1)?);
        let b = source.get(&self.regs);
        // The sum goes last: both operands may be the same register.
        let old =
            if self.is_memory(0) { self.modify(0, |a| add(a, b, false, size))? } else { self.value(0)? };
        source.set(&mut self.regs, old);
        if !self.is_memory(0) {
            let (sum, flags) = add(old, b, false, size);
            self.set(0, sum)?;
            self.set_flags(flags);
        }
        Ok(())
    }

    fn cmpxchg(&mut self) -> Step {
        let (size, new) = (self.size(0)?, self.value(1)?);
        let accumulator = Gpr::low(RAX, size);
        let expected = accumulator.get(&self.regs);
        let change = |old: u64| {
            let (_, flags) = sub(expected, old, false, size);
            (if old == expected { new } else { old }, flags)
        };
        if self.is_memory(0) {
            let old = self.modify(0, change)?;
            if old != expected {
                accumulator.set(&mut self.regs, old);
            }
            return Ok(());
        }
        let old = self.value(0)?;
        let (_, flags) = change(old);
        self.set_flags(flags);
        if old == expected {
            return self.set(0, new);
        }
        accumulator.set(&mut self.regs, old);
        Ok(())
    }

    /// `cmpxchg8b` and `cmpxchg16b`, whose registers have `half` bytes.
    fn cmpxchg_pair(&mut self, half: u8) -> Step {
        let place = self.place()?;
        let size = usize::from(half).wrapping_mul(2);
        let mut bytes = [0; 16];
        if half == 8 && self.linear(place, 16, Purpose::Modify)? & 15 != 0 {
            return Err(Exception::GP0.into());
        }
        let memory = bytes.get_mut(..size).ok_or(Stop::Unhandled)?;
        let linear = self.read_at(place, Purpose::Modify, memory)?;
        let old = u128::from_le_bytes(bytes);
        let equal = old == pair(&self.regs, RDX, RAX, half);
        let new = if equal { pair(&self.regs, RCX, RBX, half) } else { old };
        let new = new.to_le_bytes();
        let (before, after) = bytes.get(..size).zip(new.get(..size)).ok_or(Stop::Unhandled)?;
        self.replace_at(linear, before, after)?;
        if !equal {
            Gpr::low(RAX, half).set(&mut self.regs, old as u64);
            Gpr::low(RDX, half).set(&mut self.regs, old.wrapping_shr(bits(half)) as u64);
        }
        self.set_flags(Flags::KEEP.with(ZF, equal));
        Ok(())
    }

    /// `adcx` and `adox`: only one flag takes part.
    fn add_with(&mut self, flag: u64) -> Step {
        let (size, b) = (self.size(0)?, self.value(1)?);
        let carry = self.regs.rflags & flag != 0;
        let (_, flags) = add(self.value(0)?, b, carry, size);
        let on = flags.apply(0) & CF != 0;
        self.modify(0, |a| (add(a, b, carry, size).0, Flags::KEEP.with(flag, on)))?;
        Ok(())
    }
}
