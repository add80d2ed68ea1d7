//! String instructions, with and without `rep`.

use fx_types::operand::mask;
use fx_virt::Segment;
use iced_x86::{Code, OpKind};

use crate::arith::sub;
use crate::cpu::{Cpu, Step, Stop};
use crate::flags::{DF, TF, ZF};
use crate::memory::Place;
use crate::registers::{Gpr, RAX, RCX, RDI, RSI, segment};
use crate::run::Run;

/// Iterations of a string instruction that one call does at most: the caller sees to other work in between.
const MAX_ITERATIONS: u32 = 1024;

/// What an iteration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Movs,
    Cmps,
    Stos,
    Lods,
    Scas,
    Ins,
    Outs,
}

/// What the instruction is, and the bytes that an iteration moves.
fn kind(code: Code) -> Option<(Kind, u8)> {
    Some(match code {
        Code::Movsb_m8_m8 => (Kind::Movs, 1),
        Code::Movsw_m16_m16 => (Kind::Movs, 2),
        Code::Movsd_m32_m32 => (Kind::Movs, 4),
        Code::Movsq_m64_m64 => (Kind::Movs, 8),
        Code::Cmpsb_m8_m8 => (Kind::Cmps, 1),
        Code::Cmpsw_m16_m16 => (Kind::Cmps, 2),
        Code::Cmpsd_m32_m32 => (Kind::Cmps, 4),
        Code::Cmpsq_m64_m64 => (Kind::Cmps, 8),
        Code::Stosb_m8_AL => (Kind::Stos, 1),
        Code::Stosw_m16_AX => (Kind::Stos, 2),
        Code::Stosd_m32_EAX => (Kind::Stos, 4),
        Code::Stosq_m64_RAX => (Kind::Stos, 8),
        Code::Lodsb_AL_m8 => (Kind::Lods, 1),
        Code::Lodsw_AX_m16 => (Kind::Lods, 2),
        Code::Lodsd_EAX_m32 => (Kind::Lods, 4),
        Code::Lodsq_RAX_m64 => (Kind::Lods, 8),
        Code::Scasb_AL_m8 => (Kind::Scas, 1),
        Code::Scasw_AX_m16 => (Kind::Scas, 2),
        Code::Scasd_EAX_m32 => (Kind::Scas, 4),
        Code::Scasq_RAX_m64 => (Kind::Scas, 8),
        Code::Insb_m8_DX => (Kind::Ins, 1),
        Code::Insw_m16_DX => (Kind::Ins, 2),
        Code::Insd_m32_DX => (Kind::Ins, 4),
        Code::Outsb_DX_m8 => (Kind::Outs, 1),
        Code::Outsw_DX_m16 => (Kind::Outs, 2),
        Code::Outsd_DX_m32 => (Kind::Outs, 4),
        _ => return None,
    })
}

impl<C: Cpu> Run<'_, C> {
    /// String instructions. `false`: another instruction.
    pub(crate) fn string(&mut self) -> Step<bool> {
        let Some((kind, size)) = kind(self.insn.code()) else { return Ok(false) };
        let address = self.string_address()?;
        if !self.insn.has_rep_prefix() && !self.insn.has_repne_prefix() {
            self.iteration(kind, size, address)?;
            return Ok(true);
        }
        let counter = Gpr::low(RCX, address);
        let end = self.next;
        for _ in 0..MAX_ITERATIONS {
            let left = counter.get(&self.regs);
            if left == 0 {
                self.next = end;
                return Ok(true);
            }
            self.iteration(kind, size, address)?;
            let left = left.wrapping_sub(1) & mask(address);
            counter.set(&mut self.regs, left);
            if left == 0 || self.ends_by_comparison(kind) {
                self.next = end;
                return Ok(true);
            }
            if self.regs.rflags & TF != 0 {
                // The trap comes after each iteration.
                self.next = self.regs.rip;
                return Ok(true);
            }
            self.commit();
            if self.cpu.interrupted() {
                break;
            }
        }
        Err(Stop::Again)
    }

    /// `repe` ends when values differ, `repne` when they do not.
    fn ends_by_comparison(&self, kind: Kind) -> bool {
        let equal = self.regs.rflags & ZF != 0;
        matches!(kind, Kind::Cmps | Kind::Scas) && equal == self.insn.has_repne_prefix()
    }

    /// Bytes of the addresses.
    fn string_address(&self) -> Step<u8> {
        let first = self.insn.op_kind(0);
        let operand = if matches!(first, OpKind::Register) { self.insn.op_kind(1) } else { first };
        Ok(match operand {
            OpKind::MemorySegSI | OpKind::MemoryESDI => 2,
            OpKind::MemorySegESI | OpKind::MemoryESEDI => 4,
            OpKind::MemorySegRSI | OpKind::MemoryESRDI => 8,
            _ => return Err(Stop::Unhandled),
        })
    }

    fn source(&self, address: u8) -> Step<Place> {
        let segment = segment(self.insn.memory_segment()).ok_or(Stop::Unhandled)?;
        Ok(Place { segment, offset: Gpr::low(RSI, address).get(&self.regs), address })
    }

    fn target_place(&self, address: u8) -> Place {
        Place { segment: Segment::Es, offset: Gpr::low(RDI, address).get(&self.regs), address }
    }

    /// Moves the index registers that the instruction uses.
    fn advance_indices(&mut self, kind: Kind, size: u8, address: u8) {
        if matches!(kind, Kind::Movs | Kind::Cmps | Kind::Lods | Kind::Outs) {
            self.advance(RSI, size, address);
        }
        if matches!(kind, Kind::Movs | Kind::Cmps | Kind::Stos | Kind::Scas | Kind::Ins) {
            self.advance(RDI, size, address);
        }
    }

    fn advance(&mut self, register: u8, size: u8, address: u8) {
        let by = u64::from(size);
        let gpr = Gpr::low(register, address);
        let old = gpr.get(&self.regs);
        let down = self.regs.rflags & DF != 0;
        gpr.set(&mut self.regs, if down { old.wrapping_sub(by) } else { old.wrapping_add(by) });
    }

    fn iteration(&mut self, kind: Kind, size: u8, address: u8) -> Step {
        let accumulator = Gpr::low(RAX, size);
        match kind {
            Kind::Movs => {
                let value = self.load(self.source(address)?, size)?;
                self.store(self.target_place(address), size, value)?;
            }
            Kind::Stos => self.store(self.target_place(address), size, accumulator.get(&self.regs))?,
            Kind::Lods => {
                let value = self.load(self.source(address)?, size)?;
                accumulator.set(&mut self.regs, value);
            }
            Kind::Cmps => {
                let first = self.load(self.source(address)?, size)?;
                let second = self.load(self.target_place(address), size)?;
                self.set_flags(sub(first, second, false, size).1);
            }
            Kind::Scas => {
                let value = self.load(self.target_place(address), size)?;
                self.set_flags(sub(accumulator.get(&self.regs), value, false, size).1);
            }
            Kind::Ins => self.ins(size, address)?,
            Kind::Outs => {
                let port = self.string_port(size)?;
                let value = self.load(self.source(address)?, size)?;
                let number = self.next_number();
                self.cpu.port_write(port, size, value as u32, number)?;
            }
        }
        self.advance_indices(kind, size, address);
        Ok(())
    }

    fn ins(&mut self, size: u8, address: u8) -> Step {
        let (port, place) = (self.string_port(size)?, self.target_place(address));
        // A target that the segment does not allow must not cost the device its datum.
        self.probe(place, usize::from(size))?;
        let number = self.next_number();
        let value = self.cpu.port_read(port, size, number)?;
        self.store(place, size, u64::from(value))
    }
}
