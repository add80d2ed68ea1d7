//! Operands: general registers, memory, immediates.

use fx_types::operand::mask;
use iced_x86::{MemorySize, OpKind};

use crate::cpu::{Cpu, Purpose, Step, Stop};
use crate::flags::Flags;
use crate::registers::Gpr;
use crate::run::Run;

impl<C: Cpu> Run<'_, C> {
    /// Bytes of an operand.
    pub(crate) fn size(&self, operand: u32) -> Step<u8> {
        Ok(match self.insn.op_kind(operand) {
            OpKind::Register => Gpr::of(self.insn.op_register(operand)).ok_or(Stop::Unhandled)?.size,
            OpKind::Memory => memory_size(self.insn.memory_size()).ok_or(Stop::Unhandled)?,
            OpKind::Immediate8 => 1,
            OpKind::Immediate16 | OpKind::Immediate8to16 => 2,
            OpKind::Immediate32 | OpKind::Immediate8to32 => 4,
            OpKind::Immediate64 | OpKind::Immediate8to64 | OpKind::Immediate32to64 => 8,
            _ => return Err(Stop::Unhandled),
        })
    }

    /// Whether the operand is memory.
    pub(crate) fn is_memory(&self, operand: u32) -> bool {
        self.insn.op_kind(operand) == OpKind::Memory
    }

    /// An operand's general register.
    pub(crate) fn gpr(&self, operand: u32) -> Step<Gpr> {
        Gpr::of(self.insn.op_register(operand)).ok_or(Stop::Unhandled)
    }

    /// An operand's value.
    pub(crate) fn value(&mut self, operand: u32) -> Step<u64> {
        match self.insn.op_kind(operand) {
            OpKind::Register => Ok(self.gpr(operand)?.get(&self.regs)),
            OpKind::Memory => {
                let (place, size) = (self.place()?, self.size(operand)?);
                self.load(place, size)
            }
            _ => {
                Ok(self.insn.try_immediate(operand).map_err(|_| Stop::Unhandled)? & mask(self.size(operand)?))
            }
        }
    }

    /// Sets an operand.
    pub(crate) fn set(&mut self, operand: u32, value: u64) -> Step {
        if self.is_memory(operand) {
            let (place, size) = (self.place()?, self.size(operand)?);
            return self.store(place, size, value);
        }
        let gpr = self.gpr(operand)?;
        gpr.set(&mut self.regs, value);
        Ok(())
    }

    /// Replaces an operand's value by what `change` makes of it, with the flags; answers what it was.
    pub(crate) fn modify(&mut self, operand: u32, change: impl FnOnce(u64) -> (u64, Flags)) -> Step<u64> {
        if !self.is_memory(operand) {
            let gpr = self.gpr(operand)?;
            let old = gpr.get(&self.regs);
            let (new, flags) = change(old);
            gpr.set(&mut self.regs, new);
            self.set_flags(flags);
            return Ok(old);
        }
        let (place, size) = (self.place()?, self.size(operand)?);
        self.modify_at(place, size, change)
    }

    /// The same at a place in memory.
    pub(crate) fn modify_at(
        &mut self,
        place: crate::memory::Place,
        size: u8,
        change: impl FnOnce(u64) -> (u64, Flags),
    ) -> Step<u64> {
        let size = usize::from(size);
        let mut bytes = [0; 8];
        let linear = self.read_at(place, Purpose::Modify, bytes.get_mut(..size).ok_or(Stop::Unhandled)?)?;
        let old = u64::from_le_bytes(bytes);
        let (new, flags) = change(old);
        let (old_bytes, new_bytes) = (old.to_le_bytes(), new.to_le_bytes());
        let halves = old_bytes.get(..size).zip(new_bytes.get(..size));
        let (before, after) = halves.ok_or(Stop::Unhandled)?;
        self.replace_at(linear, before, after)?;
        self.set_flags(flags);
        Ok(old)
    }
}

/// Bytes of a memory operand that is a number.
fn memory_size(size: MemorySize) -> Option<u8> {
    Some(match size {
        MemorySize::UInt8 | MemorySize::Int8 => 1,
        MemorySize::UInt16 | MemorySize::Int16 | MemorySize::WordOffset => 2,
        MemorySize::UInt32 | MemorySize::Int32 | MemorySize::DwordOffset => 4,
        MemorySize::UInt64 | MemorySize::Int64 | MemorySize::QwordOffset => 8,
        _ => return None,
    })
}
