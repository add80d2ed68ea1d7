//! Control and debug registers.

use fx_virt::Register as Of;
use iced_x86::{Mnemonic, Register};

use crate::cpu::{Cpu, Exception, Step, Stop};
use crate::registers::{Gpr, number};
use crate::run::Run;

const CR0_PE: u64 = 1;
const CR0_TS: u64 = 8;
/// What `lmsw` sets: PE (but never clears it), MP, EM, TS.
const MACHINE_STATUS: u64 = 0xf;
const CR4_DE: u64 = 1 << 3;
const CR4_UMIP: u64 = 1 << 11;
/// An access to a debug register raises `#DB`.
const DR7_GD: u64 = 1 << 13;
/// It was such an access.
const DR6_BD: u64 = 1 << 13;
/// DR6 and DR7 have 32 bits.
const DR_HIGH: u64 = 0xffff_ffff_0000_0000;

impl<C: Cpu> Run<'_, C> {
    /// `lmsw`, `smsw`, `clts`. `false`: another instruction.
    pub(crate) fn control(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Smsw => {
                self.not_by_user()?;
                let value = self.cpu.register(Of::Cr0);
                self.set(0, value)?;
            }
            Mnemonic::Lmsw => {
                self.privileged()?;
                let (old, new) = (self.cpu.register(Of::Cr0), self.value(0)?);
                let value = old & (!MACHINE_STATUS | CR0_PE) | new & MACHINE_STATUS;
                self.cpu.set_register(Of::Cr0, value)?;
            }
            Mnemonic::Clts => {
                self.privileged()?;
                let old = self.cpu.register(Of::Cr0);
                self.cpu.set_register(Of::Cr0, old & !CR0_TS)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// UMIP keeps `smsw`, `sgdt`, `sidt`, `sldt` and `str` from user mode.
    pub(crate) fn not_by_user(&mut self) -> Step {
        let umip = self.cpu.register(Of::Cr4) & CR4_UMIP != 0;
        if umip { self.privileged() } else { Ok(()) }
    }

    /// `mov` to and from control and debug registers.
    pub(crate) fn mov_special(&mut self, to: Register, from: Register) -> Step {
        if let Some(to) = number(to, Register::CR0) {
            let value = Gpr::of(from).ok_or(Stop::Unhandled)?.get(&self.regs);
            return self.write_control(to, value);
        }
        if let Some(from) = number(from, Register::CR0) {
            let value = self.read_control(from)?;
            return self.set(0, value);
        }
        if let Some(to) = number(to, Register::DR0) {
            let value = Gpr::of(from).ok_or(Stop::Unhandled)?.get(&self.regs);
            return self.write_debug(to, value);
        }
        let from = number(from, Register::DR0).ok_or(Stop::Unhandled)?;
        let value = self.read_debug(from)?;
        self.set(0, value)
    }

    fn read_control(&mut self, number: u8) -> Step<u64> {
        let register = control_register(number)?;
        self.privileged()?;
        Ok(match register {
            Some(register) => self.cpu.register(register),
            None => self.cpu.cr8(),
        })
    }

    fn write_control(&mut self, number: u8, value: u64) -> Step {
        let register = control_register(number)?;
        self.privileged()?;
        match register {
            Some(register) => self.cpu.set_register(register, value),
            None => self.cpu.set_cr8(value),
        }
    }

    /// The debug register that is meant, after the checks that all accesses share.
    fn debug_number(&mut self, number: u8) -> Step<u8> {
        let extensions = self.cpu.register(Of::Cr4) & CR4_DE != 0;
        let number = match number {
            4 | 5 if !extensions => number.wrapping_add(2),
            0..=3 | 6 | 7 => number,
            _ => return Err(Exception::UD.into()),
        };
        self.privileged()?;
        let control = self.cpu.register(Of::Dr7);
        if control & DR7_GD != 0 {
            let status = self.cpu.register(Of::Dr6);
            self.cpu.set_register(Of::Dr6, status | DR6_BD)?;
            // The handler itself may use the registers.
            self.cpu.set_register(Of::Dr7, control & !DR7_GD)?;
            return Err(Exception::DB.into());
        }
        Ok(number)
    }

    fn read_debug(&mut self, number: u8) -> Step<u64> {
        Ok(match self.debug_number(number)? {
            6 => self.cpu.register(Of::Dr6),
            7 => self.cpu.register(Of::Dr7),
            number => self.cpu.debug_address(number),
        })
    }

    fn write_debug(&mut self, number: u8, value: u64) -> Step {
        let number = self.debug_number(number)?;
        if number >= 6 && value & DR_HIGH != 0 {
            return Err(Exception::GP0.into());
        }
        match number {
            6 => self.cpu.set_register(Of::Dr6, value),
            7 => self.cpu.set_register(Of::Dr7, value),
            number => self.cpu.set_debug_address(number, value),
        }
    }
}

/// The control register with a number; `None` is CR8.
fn control_register(number: u8) -> Step<Option<Of>> {
    Ok(Some(match number {
        0 => Of::Cr0,
        2 => Of::Cr2,
        3 => Of::Cr3,
        4 => Of::Cr4,
        8 => return Ok(None),
        _ => return Err(Exception::UD.into()),
    }))
}
