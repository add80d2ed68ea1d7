//! Instructions of the processor's own: flags, `cpuid`, model-specific registers, caches, waiting.

use fx_types::operand::mask;
use fx_virt::{Register, Segment};
use iced_x86::Mnemonic;

use crate::cpu::{Cpu, Exception, Step};
use crate::flags::{AC, CF, DF, Flags, IF};
use crate::outcome::Shadow;
use crate::registers::{Gpr, RAX, RBX, RCX, RDX};
use crate::run::{Mode, Run};

/// Only the kernel reads the time stamp counter.
const CR4_TSD: u64 = 1 << 2;
/// User mode may read performance counters.
const CR4_PCE: u64 = 1 << 8;
/// `xsetbv` and extended states are on.
const CR4_OSXSAVE: u64 = 1 << 18;

impl<C: Cpu> Run<'_, C> {
    /// These instructions. `false`: another instruction.
    pub(crate) fn system(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Cpuid => self.cpuid()?,
            Mnemonic::Rdmsr => {
                self.privileged()?;
                let value = self.cpu.rdmsr(self.regs.rcx as u32)?;
                self.regs.set_pair(value);
            }
            Mnemonic::Wrmsr => {
                self.privileged()?;
                self.cpu.wrmsr(self.regs.rcx as u32, self.regs.pair())?;
            }
            Mnemonic::Rdtsc => self.rdtsc()?,
            Mnemonic::Rdtscp => {
                self.rdtsc()?;
                let aux = self.cpu.tsc_aux()?;
                Gpr::low(RCX, 4).set(&mut self.regs, u64::from(aux));
            }
            Mnemonic::Rdpid => {
                let aux = self.cpu.tsc_aux()?;
                self.set(0, u64::from(aux))?;
            }
            Mnemonic::Rdpmc => {
                self.unless_user(CR4_PCE, true)?;
                let value = self.cpu.rdpmc(self.regs.rcx as u32)?;
                self.regs.set_pair(value);
            }
            Mnemonic::Hlt => {
                self.privileged()?;
                self.done.halt = true;
            }
            Mnemonic::Invd | Mnemonic::Wbinvd | Mnemonic::Wbnoinvd => {
                self.privileged()?;
                self.cpu.wbinvd()?;
            }
            Mnemonic::Invlpg => self.invlpg()?,
            Mnemonic::Xsetbv => self.xsetbv()?,
            Mnemonic::Swapgs => self.swapgs()?,
            _ => return Ok(self.flag(mnemonic)? || without_effect(mnemonic)),
        }
        Ok(true)
    }

    /// Instructions that set single flags.
    fn flag(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        let carry = self.regs.rflags & CF != 0;
        let (flag, on) = match mnemonic {
            Mnemonic::Clc => (CF, false),
            Mnemonic::Stc => (CF, true),
            Mnemonic::Cmc => (CF, !carry),
            Mnemonic::Cld => (DF, false),
            Mnemonic::Std => (DF, true),
            Mnemonic::Cli | Mnemonic::Sti => {
                if !self.io_privileged() {
                    return Err(Exception::GP0.into());
                }
                let on = mnemonic == Mnemonic::Sti;
                self.done.shadow = if on { Shadow::Sti } else { Shadow::None };
                (IF, on)
            }
            Mnemonic::Clac | Mnemonic::Stac => {
                if self.cpl != 0 || self.legacy() {
                    return Err(Exception::UD.into());
                }
                (AC, mnemonic == Mnemonic::Stac)
            }
            _ => return Ok(false),
        };
        self.set_flags(Flags::KEEP.with(flag, on));
        Ok(true)
    }

    /// User mode needs the bit of CR4 to be as `needed`.
    fn unless_user(&mut self, bit: u64, needed: bool) -> Step {
        let on = self.cpu.register(Register::Cr4) & bit != 0;
        if self.cpl == 0 || on == needed { Ok(()) } else { Err(Exception::GP0.into()) }
    }

    fn cpuid(&mut self) -> Step {
        let [eax, ebx, ecx, edx] = self.cpu.cpuid(self.regs.rax as u32, self.regs.rcx as u32)?;
        for (number, value) in [(RAX, eax), (RBX, ebx), (RCX, ecx), (RDX, edx)] {
            Gpr::low(number, 4).set(&mut self.regs, u64::from(value));
        }
        Ok(())
    }

    fn rdtsc(&mut self) -> Step {
        self.unless_user(CR4_TSD, false)?;
        let value = self.cpu.rdtsc()?;
        self.regs.set_pair(value);
        Ok(())
    }

    fn invlpg(&mut self) -> Step {
        self.privileged()?;
        let place = self.place()?;
        let base = match (self.mode, place.segment) {
            (Mode::Long, Segment::Fs | Segment::Gs) => self.cpu.segment(place.segment).base,
            (Mode::Long, _) => 0,
            _ => self.cpu.segment(place.segment).base,
        };
        let linear = base.wrapping_add(place.offset);
        self.cpu.invlpg(if self.mode == Mode::Long { linear } else { linear & mask(4) })
    }

    fn xsetbv(&mut self) -> Step {
        if self.cpu.register(Register::Cr4) & CR4_OSXSAVE == 0 {
            return Err(Exception::UD.into());
        }
        self.privileged()?;
        self.cpu.xsetbv(self.regs.rcx as u32, self.regs.pair())
    }

    fn swapgs(&mut self) -> Step {
        self.privileged()?;
        let mut gs = self.cpu.segment(Segment::Gs);
        let other = self.cpu.register(Register::KernelGsBase);
        self.cpu.set_register(Register::KernelGsBase, gs.base)?;
        gs.base = other;
        self.cpu.set_segment(Segment::Gs, &gs);
        Ok(())
    }
}

/// Instructions that change nothing that an emulated access could see: accesses are made in order and without caches.
fn without_effect(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        Mnemonic::Nop
            | Mnemonic::Reservednop
            | Mnemonic::Pause
            | Mnemonic::Endbr32
            | Mnemonic::Endbr64
            | Mnemonic::Into
            | Mnemonic::Lfence
            | Mnemonic::Mfence
            | Mnemonic::Sfence
            | Mnemonic::Prefetch
            | Mnemonic::Prefetchw
            | Mnemonic::Prefetchwt1
            | Mnemonic::Prefetchnta
            | Mnemonic::Prefetcht0
            | Mnemonic::Prefetcht1
            | Mnemonic::Prefetcht2
            | Mnemonic::Clflush
            | Mnemonic::Clflushopt
            | Mnemonic::Clwb
            | Mnemonic::Cldemote
    )
}
