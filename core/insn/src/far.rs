//! Far jumps, calls and returns, `iret`, and loads of far pointers.

use fx_types::operand::mask;
use fx_virt::{Segment, SegmentRegister};
use iced_x86::{Code, MemorySize, Mnemonic, OpKind};

use crate::cpu::{Cpu, Exception, Purpose, Step, Stop};
use crate::descriptor::{Descriptor, not_present, null, protection, rpl};
use crate::flags::{IOPL, RF};
use crate::memory::canonical;
use crate::run::{Mode, Run};

/// A 64-bit and a 32-bit code segment at once.
const LONG_AND_WIDE: u16 = 0x600;
const ACCESSED: u16 = 1;

impl<C: Cpu> Run<'_, C> {
    /// These instructions. `false`: another instruction.
    pub(crate) fn far(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Jmp if self.is_far() => {
                let (selector, offset, _) = self.far_target()?;
                self.enter_segment(selector, offset, rpl(selector), |_| Ok(()))?;
            }
            Mnemonic::Call if self.is_far() => self.call_far()?,
            Mnemonic::Retf => self.return_far()?,
            Mnemonic::Iret => self.iret(2)?,
            Mnemonic::Iretd => self.iret(4)?,
            Mnemonic::Les => self.load_pointer(Segment::Es)?,
            Mnemonic::Lds => self.load_pointer(Segment::Ds)?,
            Mnemonic::Lss => self.load_pointer(Segment::Ss)?,
            Mnemonic::Lfs => self.load_pointer(Segment::Fs)?,
            Mnemonic::Lgs => self.load_pointer(Segment::Gs)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether a jump or call names a code segment.
    pub(crate) fn is_far(&self) -> bool {
        let direct = matches!(self.insn.op_kind(0), OpKind::FarBranch16 | OpKind::FarBranch32);
        direct || self.is_memory(0) && pointer_size(self.insn.memory_size()).is_some()
    }

    /// A pointer in memory: selector, offset and the offset's bytes.
    fn far_pointer(&mut self) -> Step<(u16, u64, u8)> {
        let size = pointer_size(self.insn.memory_size()).ok_or(Stop::Unhandled)?;
        let place = self.place()?;
        let mut bytes = [0; 16];
        let length = usize::from(size).wrapping_add(2);
        self.read_at(place, Purpose::Read, bytes.get_mut(..length).ok_or(Stop::Unhandled)?)?;
        let whole = u128::from_le_bytes(bytes);
        let selector = whole.wrapping_shr(u32::from(size).wrapping_mul(8)) as u16;
        Ok((selector, whole as u64 & mask(size), size))
    }

    fn far_target(&mut self) -> Step<(u16, u64, u8)> {
        let selector = self.insn.far_branch_selector();
        match self.insn.op_kind(0) {
            OpKind::FarBranch16 => Ok((selector, u64::from(self.insn.far_branch16()), 2)),
            OpKind::FarBranch32 => Ok((selector, u64::from(self.insn.far_branch32()), 4)),
            _ => self.far_pointer(),
        }
    }

    fn load_pointer(&mut self, segment: Segment) -> Step {
        // The register is the first operand, the memory the second.
        let (selector, offset, _) = self.far_pointer()?;
        self.load_segment(segment, selector)?;
        self.set(0, offset)
    }

    /// Goes on in the code segment of `selector`, if the target is good. `before` is done in between: it may fail.
    /// `level` is the privilege level that is asked for.
    fn enter_segment(
        &mut self,
        selector: u16,
        offset: u64,
        level: u8,
        before: impl FnOnce(&mut Self) -> Step,
    ) -> Step {
        let register = if self.legacy() {
            self.legacy_segment(Segment::Cs, selector)
        } else {
            self.code_segment(selector, level)?
        };
        let long = self.long_mode && register.long();
        if if long { !canonical(offset) } else { offset > u64::from(register.limit) } {
            return Err(Exception::GP0.into());
        }
        before(self)?;
        self.cpu.set_segment(Segment::Cs, &register);
        self.next = offset;
        Ok(())
    }

    /// The code segment of a selector, at the present privilege level.
    fn code_segment(&mut self, selector: u16, level: u8) -> Step<SegmentRegister> {
        if null(selector) {
            return Err(Exception::GP0.into());
        }
        let descriptor = self.descriptor(selector)?;
        if descriptor.is_system() && self.is_gate(&descriptor) {
            return Err(Stop::Unhandled);
        }
        let (dpl, conforming) = (descriptor.dpl(), descriptor.is_conforming());
        let allowed = if conforming { dpl <= self.cpl } else { level <= self.cpl && dpl == self.cpl };
        let confused = self.long_mode && descriptor.attributes() & LONG_AND_WIDE == LONG_AND_WIDE;
        if !descriptor.is_code() || !allowed || confused {
            return Err(protection(selector).into());
        }
        if !descriptor.present() {
            return Err(not_present(selector).into());
        }
        self.mark_accessed(&descriptor)?;
        let mut register = descriptor.register();
        register.attributes |= ACCESSED;
        register.selector = selector & !3 | u16::from(self.cpl);
        Ok(register)
    }

    /// Call gates, task gates, tasks: transfers that are not emulated.
    fn is_gate(&self, descriptor: &Descriptor) -> bool {
        matches!(descriptor.system_type(), 1 | 3 | 4 | 5 | 9 | 11 | 12)
    }

    fn call_far(&mut self) -> Step {
        let (selector, offset, size) = self.far_target()?;
        let (code, back) = (self.cpu.segment(Segment::Cs).selector, self.next);
        self.enter_segment(selector, offset, rpl(selector), |run| {
            run.push(u64::from(code), size)?;
            run.push(back & mask(size), size)
        })
    }

    fn return_far(&mut self) -> Step {
        let (size, drop) = match self.insn.code() {
            Code::Retfw => (2, 0),
            Code::Retfd => (4, 0),
            Code::Retfq => (8, 0),
            Code::Retfw_imm16 => (2, self.insn.immediate16()),
            Code::Retfd_imm16 => (4, self.insn.immediate16()),
            Code::Retfq_imm16 => (8, self.insn.immediate16()),
            _ => return Err(Stop::Unhandled),
        };
        let offset = self.pop(size)?;
        let selector = self.pop(size)? as u16;
        self.set_stack_pointer(self.regs.rsp.wrapping_add(u64::from(drop)));
        if !self.legacy() && rpl(selector) != self.cpl {
            // To a less privileged level is not emulated, to a more privileged one not possible.
            let outward = rpl(selector) > self.cpl;
            return Err(if outward { Stop::Unhandled } else { protection(selector).into() });
        }
        self.enter_segment(selector, offset, self.cpl, |_| Ok(()))
    }

    /// Of real and virtual-8086 mode.
    fn iret(&mut self, size: u8) -> Step {
        if !self.legacy() {
            return Err(Stop::Unhandled);
        }
        if self.mode == Mode::Virtual8086 && self.regs.rflags & IOPL != IOPL {
            return Err(Exception::GP0.into());
        }
        let offset = self.pop(size)?;
        let selector = self.pop(size)? as u16;
        let flags = self.pop(size)?;
        self.enter_segment(selector, offset, self.cpl, |_| Ok(()))?;
        self.set_flags_from_stack(flags, size);
        if size == 2 {
            self.regs.rflags &= !RF;
        }
        self.done.iret = true;
        Ok(())
    }
}

/// Bytes of the offset of a far pointer in memory.
fn pointer_size(size: MemorySize) -> Option<u8> {
    match size {
        MemorySize::SegPtr16 => Some(2),
        MemorySize::SegPtr32 => Some(4),
        MemorySize::SegPtr64 => Some(8),
        _ => None,
    }
}
