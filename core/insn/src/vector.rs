//! Moves between memory and vector registers: what firmware and graphics do with device memory.

use fx_virt::Register as Of;
use iced_x86::{Mnemonic, Register};

use crate::cpu::{Cpu, Exception, Purpose, Step, Stop};
use crate::registers::{Gpr, number};
use crate::run::Run;

const CR0_EM: u64 = 1 << 2;
const CR0_TS: u64 = 1 << 3;
const CR4_OSFXSR: u64 = 1 << 9;
const CR4_OSXSAVE: u64 = 1 << 18;

/// What of a register is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All of it: 16 or 32 bytes.
    Whole,
    /// The whole of it, at an address that is a multiple of its size.
    Aligned,
    /// The lowest bytes; the rest becomes 0.
    Low(usize),
    /// The lowest bytes; the rest becomes 0 if they come from memory.
    Scalar(usize),
    /// Bytes 0–7; the rest stays.
    LowHalf,
    /// Bytes 8–15; the rest stays.
    HighHalf,
}

/// What an instruction moves, and whether it is one of AVX.
fn part(mnemonic: Mnemonic) -> Option<(Part, bool)> {
    Some(match mnemonic {
        Mnemonic::Movups | Mnemonic::Movupd | Mnemonic::Movdqu | Mnemonic::Lddqu => (Part::Whole, false),
        Mnemonic::Movaps | Mnemonic::Movapd | Mnemonic::Movdqa => (Part::Aligned, false),
        Mnemonic::Movntps | Mnemonic::Movntpd | Mnemonic::Movntdq | Mnemonic::Movntdqa => {
            (Part::Aligned, false)
        }
        Mnemonic::Vmovups | Mnemonic::Vmovupd | Mnemonic::Vmovdqu | Mnemonic::Vlddqu => (Part::Whole, true),
        Mnemonic::Vmovaps | Mnemonic::Vmovapd | Mnemonic::Vmovdqa => (Part::Aligned, true),
        Mnemonic::Vmovntps | Mnemonic::Vmovntpd | Mnemonic::Vmovntdq | Mnemonic::Vmovntdqa => {
            (Part::Aligned, true)
        }
        Mnemonic::Movd => (Part::Low(4), false),
        Mnemonic::Movq => (Part::Low(8), false),
        Mnemonic::Movss => (Part::Scalar(4), false),
        Mnemonic::Movsd => (Part::Scalar(8), false),
        Mnemonic::Movlps | Mnemonic::Movlpd => (Part::LowHalf, false),
        Mnemonic::Movhps | Mnemonic::Movhpd => (Part::HighHalf, false),
        _ => return None,
    })
}

/// A vector register and its bytes.
fn vector(register: Register) -> Option<(u8, usize)> {
    let xmm = number(register, Register::XMM0).map(|n| (n, 16));
    xmm.or_else(|| number(register, Register::YMM0).map(|n| (n, 32)))
}

impl<C: Cpu> Run<'_, C> {
    /// Moves of vectors. `false`: another instruction.
    pub(crate) fn vectors(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        let Some((part, avx)) = part(mnemonic) else { return Ok(false) };
        let registers = [self.insn.op_register(0), self.insn.op_register(1)];
        let Some((_, width)) = registers.into_iter().find_map(vector) else { return Ok(false) };
        self.vectors_enabled(avx)?;
        let (size, offset) = match part {
            Part::Whole | Part::Aligned => (width, 0),
            Part::Low(size) | Part::Scalar(size) => (size, 0),
            Part::LowHalf => (8, 0),
            Part::HighHalf => (8, 8),
        };
        let mut data = [0; 32];
        let moved = data.get_mut(..size).ok_or(Stop::Unhandled)?;
        match vector(registers[1]) {
            Some((source, _)) => {
                let all = self.cpu.vector(source)?;
                let from = if self.is_memory(0) { offset } else { 0 };
                moved
                    .copy_from_slice(all.get(from..).and_then(|all| all.get(..size)).ok_or(Stop::Unhandled)?);
            }
            None => self.vector_source(part == Part::Aligned, moved)?,
        }
        match vector(registers[0]) {
            Some((target, _)) => self.set_part(target, part, avx, &data)?,
            None => self.vector_target(part == Part::Aligned, data.get(..size).ok_or(Stop::Unhandled)?)?,
        }
        Ok(true)
    }

    fn vectors_enabled(&mut self, avx: bool) -> Step {
        let (cr0, cr4) = (self.cpu.register(Of::Cr0), self.cpu.register(Of::Cr4));
        let off = if avx {
            self.legacy() || cr4 & CR4_OSXSAVE == 0
        } else {
            cr0 & CR0_EM != 0 || cr4 & CR4_OSFXSR == 0
        };
        if off {
            return Err(Exception::UD.into());
        }
        if cr0 & CR0_TS != 0 { Err(Exception::NM.into()) } else { Ok(()) }
    }

    /// The address must be a multiple of the length.
    fn check_alignment(&mut self, length: usize, purpose: Purpose) -> Step {
        let linear = self.linear(self.place()?, length as u64, purpose)?;
        let inside = linear & (length as u64).wrapping_sub(1);
        if inside == 0 { Ok(()) } else { Err(Exception::GP0.into()) }
    }

    /// A source that is not a vector register.
    fn vector_source(&mut self, aligned: bool, out: &mut [u8]) -> Step {
        if self.is_memory(1) {
            if aligned {
                self.check_alignment(out.len(), Purpose::Read)?;
            }
            self.read_at(self.place()?, Purpose::Read, out)?;
            return Ok(());
        }
        let value = Gpr::of(self.insn.op_register(1)).ok_or(Stop::Unhandled)?.get(&self.regs).to_le_bytes();
        out.copy_from_slice(value.get(..out.len()).ok_or(Stop::Unhandled)?);
        Ok(())
    }

    /// A target that is not a vector register.
    fn vector_target(&mut self, aligned: bool, data: &[u8]) -> Step {
        if self.is_memory(0) {
            if aligned {
                self.check_alignment(data.len(), Purpose::Write)?;
            }
            return self.write_at(self.place()?, data);
        }
        let mut value = [0; 8];
        value.get_mut(..data.len()).ok_or(Stop::Unhandled)?.copy_from_slice(data);
        self.set(0, u64::from_le_bytes(value))
    }

    /// Puts what was moved, the beginning of `data`, into a register.
    fn set_part(&mut self, target: u8, part: Part, avx: bool, data: &[u8; 32]) -> Step {
        let wide = u128::from_le_bytes(*data.first_chunk().ok_or(Stop::Unhandled)?);
        let old = u128::from_le_bytes(*self.cpu.vector(target)?.first_chunk().ok_or(Stop::Unhandled)?);
        let half = u128::from(u64::MAX);
        let low = match part {
            Part::Whole | Part::Aligned | Part::Low(_) => wide,
            Part::Scalar(_) if self.is_memory(1) => wide,
            Part::Scalar(4) => old & !u128::from(u32::MAX) | wide,
            Part::Scalar(_) | Part::LowHalf => old & !half | wide & half,
            Part::HighHalf => old & half | wide << 64,
        };
        // Instructions of AVX clear what they do not write.
        let upper = if avx { data.last_chunk() } else { None };
        self.cpu.set_vector(target, &low.to_le_bytes(), upper)
    }
}
