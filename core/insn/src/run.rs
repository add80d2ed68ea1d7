//! One instruction: its decoding, its state while it is executed, its end.

use fx_types::GuestRegs;
use fx_types::operand::mask;
use fx_virt::{EventKind, Register as SystemRegister, Segment, SegmentRegister};
use iced_x86::{Decoder, DecoderError, DecoderOptions, Instruction, Mnemonic};

use crate::MAX_LENGTH;
use crate::cpu::{Cpu, Exception, Step, Stop};
use crate::flags::{Flags, IF, RF, TF, VM};
use crate::outcome::{Done, Outcome, Shadow, software};

const PE: u64 = 1;
const LMA: u64 = 1 << 10;
const PAGE_MASK: u64 = 0xfff;

/// How segments and interrupts work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Real mode.
    Real,
    /// Virtual-8086 mode.
    Virtual8086,
    /// Protected mode, or compatibility mode.
    Protected,
    /// 64-bit mode.
    Long,
}

/// An instruction being executed: registers are a copy until it completes.
pub(crate) struct Run<'a, C> {
    pub cpu: &'a mut C,
    pub regs: GuestRegs,
    pub insn: Instruction,
    pub mode: Mode,
    /// The processor is in long mode: 64-bit or compatibility mode.
    pub long_mode: bool,
    /// Bytes of an address on the stack: 2, 4, 8.
    pub stack: u8,
    pub cpl: u8,
    /// Where it goes on.
    pub next: u64,
    /// Number of the next access.
    pub number: u8,
    pub done: Done,
    code: SegmentRegister,
    bytes: [u8; MAX_LENGTH],
}

/// Emulates the instruction at the vCPU's `rip`.
pub fn emulate<C: Cpu>(cpu: &mut C) -> Outcome {
    let mut run = Run::new(cpu);
    if let Err(stop) = run.decode() {
        return stop.into();
    }
    if let Some(event) = run.software_event() {
        return event;
    }
    match run.execute() {
        Ok(()) => run.retire(),
        Err(stop) => stop.into(),
    }
}

/// Builds the decoder's tables, which otherwise the first instruction does: to be called once at boot, where it may allocate.
pub fn prepare() {
    let _ = Decoder::try_new(64, &[0x90], DecoderOptions::NONE).map(|mut decoder| decoder.decode());
}

impl<'a, C: Cpu> Run<'a, C> {
    pub(crate) fn new(cpu: &'a mut C) -> Self {
        let regs = *cpu.regs();
        let code = cpu.segment(Segment::Cs);
        let long_mode = cpu.register(SystemRegister::Efer) & LMA != 0;
        let mode = if cpu.register(SystemRegister::Cr0) & PE == 0 {
            Mode::Real
        } else if regs.rflags & VM != 0 && !long_mode {
            Mode::Virtual8086
        } else if long_mode && code.long() {
            Mode::Long
        } else {
            Mode::Protected
        };
        let stack = match mode {
            Mode::Long => 8,
            _ if cpu.segment(Segment::Ss).wide() => 4,
            _ => 2,
        };
        let cpl = match mode {
            Mode::Real => 0,
            Mode::Virtual8086 => 3,
            _ => cpu.cpl() & 3,
        };
        let (insn, next, done) = (Instruction::new(), regs.rip, Done::default());
        let bytes = [0; MAX_LENGTH];
        Self { cpu, regs, insn, mode, long_mode, stack, cpl, next, number: 0, done, code, bytes }
    }

    /// Bytes of an address in the code segment: 2, 4 or 8.
    pub(crate) fn code_size(&self) -> u8 {
        match self.mode {
            Mode::Long => 8,
            _ if self.code.wide() => 4,
            _ => 2,
        }
    }

    /// Real or virtual-8086 mode: selectors are addresses.
    pub(crate) fn legacy(&self) -> bool {
        matches!(self.mode, Mode::Real | Mode::Virtual8086)
    }

    pub(crate) fn decode(&mut self) -> Step {
        let rip = if self.mode == Mode::Long { self.regs.rip } else { self.regs.rip & mask(4) };
        let (linear, limit) = match self.mode {
            Mode::Long => (rip, u64::MAX),
            _ => {
                let left = u64::from(self.code.limit).checked_sub(rip).ok_or(Exception::GP0)?;
                (self.code.base.wrapping_add(rip) & mask(4), left.wrapping_add(1))
            }
        };
        let most = limit.min(MAX_LENGTH as u64);
        let in_page = PAGE_MASK.wrapping_sub(linear & PAGE_MASK).wrapping_add(1).min(most) as usize;
        self.fetch(linear, 0, in_page)?;
        let mut short = self.parse(rip, in_page);
        if short && in_page < most as usize {
            self.fetch(linear.wrapping_add(in_page as u64), in_page, most as usize)?;
            short = self.parse(rip, most as usize);
        }
        if self.insn.is_invalid() {
            // The code segment or the longest length ends within it: another fault.
            return Err(if short { Exception::GP0 } else { Exception::UD }.into());
        }
        self.next = rip.wrapping_add(self.insn.len() as u64);
        if self.mode != Mode::Long {
            self.next &= mask(4);
        }
        Ok(())
    }

    /// Bytes `from` to `to` of the instruction, from `linear` on.
    fn fetch(&mut self, linear: u64, from: usize, to: usize) -> Step {
        let linear = if self.mode == Mode::Long { linear } else { linear & mask(4) };
        let out = self.bytes.get_mut(from..to).ok_or(Stop::Unhandled)?;
        self.cpu.fetch(linear, out)
    }

    /// Decodes what has been fetched; whether it needed all of it and would take more.
    fn parse(&mut self, rip: u64, length: usize) -> bool {
        let bytes = self.bytes.get(..length).unwrap_or_default();
        let bitness = u32::from(self.code_size()).wrapping_mul(8);
        let options = if self.cpu.amd() { DecoderOptions::AMD } else { DecoderOptions::NONE };
        let Ok(mut decoder) = Decoder::try_with_ip(bitness, bytes, rip, options) else { return false };
        decoder.decode_out(&mut self.insn);
        decoder.last_error() == DecoderError::NoMoreBytes || decoder.position() >= MAX_LENGTH
    }

    /// Instructions that only raise an event.
    fn software_event(&self) -> Option<Outcome> {
        let length = self.insn.len();
        Some(match self.insn.mnemonic() {
            Mnemonic::Int => software(EventKind::SoftwareInterrupt, self.insn.immediate8(), length),
            Mnemonic::Int3 => software(EventKind::SoftwareException, 3, length),
            Mnemonic::Into if self.regs.rflags & crate::flags::OF != 0 => {
                software(EventKind::SoftwareException, 4, length)
            }
            Mnemonic::Int1 => software(EventKind::PrivilegedSoftwareException, 1, length),
            Mnemonic::Ud0 | Mnemonic::Ud1 | Mnemonic::Ud2 => Exception::UD.into(),
            _ => return None,
        })
    }

    /// Changes flags of the copy.
    pub(crate) fn set_flags(&mut self, flags: Flags) {
        self.regs.rflags = flags.apply(self.regs.rflags);
    }

    /// Makes registers visible to the guest after one iteration of a string instruction.
    pub(crate) fn commit(&mut self) {
        *self.cpu.regs() = self.regs;
        self.cpu.completed();
        self.number = 0;
    }

    /// Only at privilege level 0.
    pub(crate) fn privileged(&self) -> Step {
        if self.cpl == 0 { Ok(()) } else { Err(Exception::GP0.into()) }
    }

    /// The number of the next access.
    pub(crate) fn next_number(&mut self) -> u8 {
        let number = self.number;
        self.number = number.saturating_add(1);
        number
    }

    fn retire(mut self) -> Outcome {
        // Flags as they were before: a `popf` that sets TF traps after the next instruction.
        let before = self.cpu.regs().rflags;
        self.done.single_step = before & TF != 0 && self.done.shadow != Shadow::MovSs;
        if self.done.shadow == Shadow::Sti && (before & IF != 0 || self.regs.rflags & IF == 0) {
            self.done.shadow = Shadow::None;
        }
        self.regs.rip = self.next;
        if !self.done.iret {
            self.regs.rflags &= !RF;
        }
        self.commit();
        Outcome::Done(self.done)
    }

    fn execute(&mut self) -> Step {
        let mnemonic = self.insn.mnemonic();
        let done = self.data(mnemonic)?
            || self.arithmetic(mnemonic)?
            || self.string()?
            || self.port(mnemonic)?
            || self.stack(mnemonic)?
            || self.branch(mnemonic)?
            || self.shifts(mnemonic)?
            || self.bits(mnemonic)?
            || self.multiplication(mnemonic)?
            || self.system(mnemonic)?
            || self.control(mnemonic)?
            || self.tables(mnemonic)?
            || self.far(mnemonic)?
            || self.vectors(mnemonic)?;
        if done { Ok(()) } else { Err(Stop::Unhandled) }
    }
}
