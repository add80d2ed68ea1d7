//! Moves of data between registers and memory.

use iced_x86::{Mnemonic, Register};

use crate::condition::{self, Kind};
use crate::cpu::{Cpu, Step};
use crate::flags::{AF, CF, Flags, PF, SF, ZF, bits, extend, holds};
use crate::registers::{Gpr, RAX, RDX, segment};
use crate::run::Run;

/// The flags that `lahf` and `sahf` move.
const LOW_FLAGS: u64 = CF | PF | AF | ZF | SF;
/// Bit 1 of the flags is always set.
const ONE: u64 = 2;

impl<C: Cpu> Run<'_, C> {
    /// Moves. `false`: another instruction.
    pub(crate) fn data(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Mov => self.mov()?,
            Mnemonic::Movzx | Mnemonic::Movnti => {
                let value = self.value(1)?;
                self.set(0, value)?;
            }
            Mnemonic::Movsx | Mnemonic::Movsxd => {
                let (value, size) = (self.value(1)?, self.size(1)?);
                self.set(0, extend(value, size))?;
            }
            Mnemonic::Movbe => {
                let (value, size) = (self.value(1)?, self.size(0)?);
                self.set(0, swapped(value, size))?;
            }
            Mnemonic::Bswap => {
                let size = self.size(0)?;
                self.modify(0, |value| (if size == 2 { 0 } else { swapped(value, size) }, Flags::KEEP))?;
            }
            Mnemonic::Xchg => self.xchg()?,
            Mnemonic::Lea => {
                let offset = self.place()?.offset;
                self.set(0, offset)?;
            }
            Mnemonic::Xlatb => self.xlat()?,
            Mnemonic::Lahf => {
                let flags = self.regs.rflags & LOW_FLAGS | ONE;
                self.regs.rax = self.regs.rax & !0xff00 | flags << 8;
            }
            Mnemonic::Sahf => {
                let values = self.regs.rax >> 8;
                self.set_flags(Flags::new(LOW_FLAGS, values));
            }
            Mnemonic::Salc => {
                let value = if self.regs.rflags & CF != 0 { 0xff } else { 0 };
                Gpr::low(RAX, 1).set(&mut self.regs, value);
            }
            _ => return Ok(self.conversion(mnemonic) || self.conditional(mnemonic)?),
        }
        Ok(true)
    }

    /// `mov` with general registers and memory, or with a special register.
    fn mov(&mut self) -> Step {
        let (to, from) = (self.insn.op_register(0), self.insn.op_register(1));
        if let Some(to) = segment(to) {
            let selector = self.value(1)? as u16;
            self.load_segment(to, selector)?;
            self.shadow_of(to);
            return Ok(());
        }
        if let Some(from) = segment(from) {
            let selector = self.cpu.segment(from).selector;
            return self.set(0, u64::from(selector));
        }
        let general = |register| register == Register::None || Gpr::of(register).is_some();
        if !general(to) || !general(from) {
            return self.mov_special(to, from);
        }
        let value = self.value(1)?;
        self.set(0, value)
    }

    fn xchg(&mut self) -> Step {
        // The decoder puts the operand that may be memory first.
        let other = self.gpr(1)?;
        let value = other.get(&self.regs);
        let old = self.modify(0, |_| (value, Flags::KEEP))?;
        other.set(&mut self.regs, old);
        Ok(())
    }

    fn xlat(&mut self) -> Step {
        // The decoder gives the place the base BX and the index AL.
        let place = self.place()?;
        let value = self.load(place, 1)?;
        Gpr::low(RAX, 1).set(&mut self.regs, value);
        Ok(())
    }

    /// Sign extensions of the accumulator.
    fn conversion(&mut self, mnemonic: Mnemonic) -> bool {
        let (size, into_rdx) = match mnemonic {
            Mnemonic::Cbw => (2, false),
            Mnemonic::Cwde => (4, false),
            Mnemonic::Cdqe => (8, false),
            Mnemonic::Cwd => (2, true),
            Mnemonic::Cdq => (4, true),
            Mnemonic::Cqo => (8, true),
            _ => return false,
        };
        let rax = self.regs.rax;
        if into_rdx {
            let sign = extend(rax, size).wrapping_shr(bits(8).wrapping_sub(1));
            Gpr::low(RDX, size).set(&mut self.regs, 0u64.wrapping_sub(sign));
        } else {
            Gpr::low(RAX, size).set(&mut self.regs, extend(rax, size >> 1));
        }
        true
    }

    /// `setcc` and `cmovcc`.
    fn conditional(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        let Some((kind, number)) = condition::of(mnemonic) else { return Ok(false) };
        let on = holds(number, self.regs.rflags);
        match kind {
            Kind::Set => self.set(0, u64::from(on))?,
            Kind::Move => {
                // Memory is read, and 32-bit registers lose their upper half, in any case.
                let (new, old) = (self.value(1)?, self.value(0)?);
                self.set(0, if on { new } else { old })?;
            }
            Kind::Jump if on => self.jump_near()?,
            Kind::Jump => (),
        }
        Ok(true)
    }
}

/// A number of `size` bytes with its bytes in the opposite order.
fn swapped(value: u64, size: u8) -> u64 {
    let unused = bits(8).wrapping_sub(bits(size));
    value.swap_bytes().wrapping_shr(unused)
}
