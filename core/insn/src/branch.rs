//! Jumps, calls and returns within a code segment.

use fx_types::operand::mask;
use fx_virt::Segment;
use iced_x86::{Code, Mnemonic, OpKind};

use crate::cpu::{Cpu, Exception, Step, Stop};
use crate::flags::ZF;
use crate::memory::canonical;
use crate::registers::{Gpr, RCX};
use crate::run::{Mode, Run};

impl<C: Cpu> Run<'_, C> {
    /// Near jumps, calls, returns, loops (conditional jumps are with the conditions). `false`: another instruction.
    pub(crate) fn branch(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Jmp if !self.is_far() => self.jump_near()?,
            Mnemonic::Call if !self.is_far() => self.call_near()?,
            Mnemonic::Ret => self.return_near()?,
            Mnemonic::Jcxz => self.jump_if(Gpr::low(RCX, 2).get(&self.regs) == 0)?,
            Mnemonic::Jecxz => self.jump_if(Gpr::low(RCX, 4).get(&self.regs) == 0)?,
            Mnemonic::Jrcxz => self.jump_if(self.regs.rcx == 0)?,
            Mnemonic::Loop => self.loops(true)?,
            Mnemonic::Loope => self.loops(self.regs.rflags & ZF != 0)?,
            Mnemonic::Loopne => self.loops(self.regs.rflags & ZF == 0)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Goes on at `target`, when the code segment allows it.
    pub(crate) fn go_to(&mut self, target: u64) -> Step {
        let good = match self.mode {
            Mode::Long => canonical(target),
            _ => target <= u64::from(self.cpu.segment(Segment::Cs).limit),
        };
        if !good {
            return Err(Exception::GP0.into());
        }
        self.next = target;
        Ok(())
    }

    /// The operand's target, and the bytes of an instruction pointer of the operand's size.
    fn target(&mut self) -> Step<(u64, u8)> {
        Ok(match self.insn.op_kind(0) {
            OpKind::NearBranch16 => (u64::from(self.insn.near_branch16()), 2),
            OpKind::NearBranch32 => (u64::from(self.insn.near_branch32()), 4),
            OpKind::NearBranch64 => (self.insn.near_branch64(), 8),
            _ => (self.value(0)?, self.size(0)?),
        })
    }

    /// Jumps to the operand.
    pub(crate) fn jump_near(&mut self) -> Step {
        let (target, _) = self.target()?;
        self.go_to(target)
    }

    fn jump_if(&mut self, on: bool) -> Step {
        if on { self.jump_near() } else { Ok(()) }
    }

    fn call_near(&mut self) -> Step {
        let (target, size) = self.target()?;
        let back = self.next;
        self.go_to(target)?;
        self.push(back & mask(size), size)
    }

    fn return_near(&mut self) -> Step {
        let (size, drop) = match self.insn.code() {
            Code::Retnw => (2, 0),
            Code::Retnd => (4, 0),
            Code::Retnq => (8, 0),
            Code::Retnw_imm16 => (2, self.insn.immediate16()),
            Code::Retnd_imm16 => (4, self.insn.immediate16()),
            Code::Retnq_imm16 => (8, self.insn.immediate16()),
            _ => return Err(Stop::Unhandled),
        };
        let target = self.pop(size)?;
        self.set_stack_pointer(self.regs.rsp.wrapping_add(u64::from(drop)));
        self.go_to(target)
    }

    fn loops(&mut self, on: bool) -> Step {
        let counter = Gpr::low(RCX, self.loop_counter());
        let left = counter.get(&self.regs).wrapping_sub(1) & mask(counter.size);
        counter.set(&mut self.regs, left);
        self.jump_if(on && left != 0)
    }

    /// Bytes of the counter of `loop`, which the address size decides.
    fn loop_counter(&self) -> u8 {
        match self.insn.code() {
            Code::Loop_rel8_16_CX | Code::Loop_rel8_32_CX => 2,
            Code::Loope_rel8_16_CX | Code::Loope_rel8_32_CX => 2,
            Code::Loopne_rel8_16_CX | Code::Loopne_rel8_32_CX => 2,
            Code::Loop_rel8_16_RCX | Code::Loop_rel8_64_RCX => 8,
            Code::Loope_rel8_16_RCX | Code::Loope_rel8_64_RCX => 8,
            Code::Loopne_rel8_16_RCX | Code::Loopne_rel8_64_RCX => 8,
            _ => 4,
        }
    }
}
