//! The stack.

use fx_types::operand::mask;
use fx_virt::Segment;
use iced_x86::{Code, Mnemonic, OpKind};

use crate::cpu::{Cpu, Exception, Purpose, Step, Stop};
use crate::flags::{AC, DF, Flags, ID, IF, IOPL, NT, RF, STATUS, TF, VM};
use crate::memory::Place;
use crate::outcome::Shadow;
use crate::registers::{Gpr, RBP, RSP, segment};
use crate::run::{Mode, Run};

impl<C: Cpu> Run<'_, C> {
    /// `push`, `pop` and what is made of them. `false`: another instruction.
    pub(crate) fn stack(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Push => self.push_operand()?,
            Mnemonic::Pop => self.pop_operand()?,
            Mnemonic::Pushf => self.pushf(2)?,
            Mnemonic::Pushfd => self.pushf(4)?,
            Mnemonic::Pushfq => self.pushf(8)?,
            Mnemonic::Popf => self.popf(2)?,
            Mnemonic::Popfd => self.popf(4)?,
            Mnemonic::Popfq => self.popf(8)?,
            Mnemonic::Pusha => self.push_all(2)?,
            Mnemonic::Pushad => self.push_all(4)?,
            Mnemonic::Popa => self.pop_all(2)?,
            Mnemonic::Popad => self.pop_all(4)?,
            Mnemonic::Enter => self.enter()?,
            Mnemonic::Leave => self.leave()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The place at `offset` of the stack segment.
    pub(crate) fn stack_place(&self, offset: u64) -> Place {
        Place { segment: Segment::Ss, offset: offset & mask(self.stack), address: self.stack }
    }

    /// Moves the stack pointer of the copy.
    pub(crate) fn set_stack_pointer(&mut self, value: u64) {
        Gpr::low(RSP, self.stack).set(&mut self.regs, value);
    }

    /// Pushes a number of `size` bytes.
    pub(crate) fn push(&mut self, value: u64, size: u8) -> Step {
        let place = self.stack_place(self.regs.rsp.wrapping_sub(u64::from(size)));
        self.store(place, size, value)?;
        self.set_stack_pointer(place.offset);
        Ok(())
    }

    /// Pops a number of `size` bytes.
    pub(crate) fn pop(&mut self, size: u8) -> Step<u64> {
        let place = self.stack_place(self.regs.rsp);
        let value = self.load(place, size)?;
        self.set_stack_pointer(place.offset.wrapping_add(u64::from(size)));
        Ok(value)
    }

    /// Bytes of what `push` and `pop` move, and the segment register if it is one.
    fn pushed_size(&self) -> Step<u8> {
        if self.insn.op_kind(0) != OpKind::Register || segment(self.insn.op_register(0)).is_none() {
            return self.size(0);
        }
        Ok(match self.insn.code() {
            Code::Pushw_ES | Code::Pushw_CS | Code::Pushw_SS | Code::Pushw_DS | Code::Pushw_FS => 2,
            Code::Pushw_GS | Code::Popw_ES | Code::Popw_SS | Code::Popw_DS | Code::Popw_FS => 2,
            Code::Popw_GS => 2,
            Code::Pushq_FS | Code::Pushq_GS | Code::Popq_FS | Code::Popq_GS => 8,
            _ => 4,
        })
    }

    fn push_operand(&mut self) -> Step {
        let size = self.pushed_size()?;
        let value = match segment(self.insn.op_register(0)) {
            Some(from) if self.insn.op_kind(0) == OpKind::Register => {
                u64::from(self.cpu.segment(from).selector)
            }
            _ => self.value(0)?,
        };
        self.push(value, size)
    }

    fn pop_operand(&mut self) -> Step {
        let size = self.pushed_size()?;
        let value = self.pop(size)?;
        match segment(self.insn.op_register(0)) {
            Some(to) if self.insn.op_kind(0) == OpKind::Register => {
                self.load_segment(to, value as u16)?;
                self.shadow_of(to);
                Ok(())
            }
            // An address that depends on the stack pointer is made with its new value.
            _ => self.set(0, value),
        }
    }

    fn pushf(&mut self, size: u8) -> Step {
        if self.mode == Mode::Virtual8086 && self.regs.rflags & IOPL != IOPL {
            return Err(Exception::GP0.into());
        }
        self.push(self.regs.rflags & !(VM | RF), size)
    }

    fn popf(&mut self, size: u8) -> Step {
        if self.mode == Mode::Virtual8086 && self.regs.rflags & IOPL != IOPL {
            return Err(Exception::GP0.into());
        }
        let value = self.pop(size)?;
        self.set_flags_from_stack(value, size);
        self.regs.rflags &= !RF;
        Ok(())
    }

    /// Flags that `popf` and `iret` take from the stack, as far as the privilege level lets them.
    pub(crate) fn set_flags_from_stack(&mut self, value: u64, size: u8) {
        let mut changed = STATUS | TF | DF | NT | AC | ID | RF;
        if self.io_privileged() {
            changed |= IF;
        }
        if self.cpl == 0 {
            changed |= IOPL;
        }
        self.set_flags(Flags::new(changed & mask(size), value));
    }

    /// Whether the privilege level allows what IOPL protects.
    pub(crate) fn io_privileged(&self) -> bool {
        u64::from(self.cpl) <= (self.regs.rflags & IOPL) >> 12
    }

    fn push_all(&mut self, size: u8) -> Step {
        // One access: what does not fit whole faults before anything is written.
        let width = usize::from(size);
        let mut bytes = [0; 32];
        for (chunk, number) in bytes.chunks_exact_mut(width).take(8).zip((0..8).rev()) {
            let value = Gpr::low(number, size).get(&self.regs).to_le_bytes();
            chunk.copy_from_slice(value.get(..width).ok_or(Stop::Unhandled)?);
        }
        let length = width.wrapping_mul(8);
        let place = self.stack_place(self.regs.rsp.wrapping_sub(length as u64));
        self.write_at(place, bytes.get(..length).ok_or(Stop::Unhandled)?)?;
        self.set_stack_pointer(place.offset);
        Ok(())
    }

    fn pop_all(&mut self, size: u8) -> Step {
        let width = usize::from(size);
        let mut bytes = [0; 32];
        let length = width.wrapping_mul(8);
        let place = self.stack_place(self.regs.rsp);
        self.read_at(place, Purpose::Read, bytes.get_mut(..length).ok_or(Stop::Unhandled)?)?;
        for (chunk, number) in bytes.chunks_exact(width).zip((0..8).rev()) {
            let mut value = [0; 8];
            value.get_mut(..width).ok_or(Stop::Unhandled)?.copy_from_slice(chunk);
            if number != RSP {
                Gpr::low(number, size).set(&mut self.regs, u64::from_le_bytes(value));
            }
        }
        self.set_stack_pointer(place.offset.wrapping_add(length as u64));
        Ok(())
    }

    fn enter(&mut self) -> Step {
        let size = match self.insn.code() {
            Code::Enterw_imm16_imm8 => 2,
            Code::Enterd_imm16_imm8 => 4,
            _ => 8,
        };
        let level = self.insn.immediate8_2nd() & 31;
        let frame_size = u64::from(self.insn.immediate16());
        let old = Gpr::low(RBP, size).get(&self.regs);
        self.push(old, size)?;
        let frame = Gpr::low(RSP, self.stack).get(&self.regs);
        for outer in 1..level {
            let below = u64::from(outer).wrapping_mul(u64::from(size));
            let place = self.stack_place(self.regs.rbp.wrapping_sub(below));
            let value = self.load(place, size)?;
            self.push(value, size)?;
        }
        if level > 0 {
            self.push(frame, size)?;
        }
        Gpr::low(RBP, size).set(&mut self.regs, frame);
        let end = self.regs.rsp.wrapping_sub(frame_size);
        // The end of the new frame has to be writable.
        let place = self.stack_place(end);
        self.linear(place, u64::from(size), Purpose::Write)?;
        self.set_stack_pointer(end);
        Ok(())
    }

    fn leave(&mut self) -> Step {
        let size = match self.insn.code() {
            Code::Leavew => 2,
            Code::Leaved => 4,
            _ => 8,
        };
        self.set_stack_pointer(self.regs.rbp);
        let old = self.pop(size)?;
        Gpr::low(RBP, size).set(&mut self.regs, old);
        Ok(())
    }

    /// `mov` and `pop` to SS hold off interrupts until the stack pointer is loaded too.
    pub(crate) fn shadow_of(&mut self, loaded: Segment) {
        if loaded == Segment::Ss {
            self.done.shadow = Shadow::MovSs;
        }
    }
}
