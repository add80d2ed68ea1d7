//! Descriptor tables: their registers, and questions about descriptors.

use fx_types::operand::mask;
use fx_virt::{Segment, SegmentRegister};
use iced_x86::{Code, Mnemonic};

use crate::cpu::{Cpu, Exception, Purpose, Step, Stop};
use crate::descriptor::{Descriptor, not_present, null, protection, rpl};
use crate::flags::{Flags, ZF};
use crate::memory::canonical;
use crate::run::{Mode, Run};

const LDT: u16 = 2;
const TSS_16: u16 = 1;
const TSS: u16 = 9;
/// A task is in use.
const BUSY: u8 = 2;

impl<C: Cpu> Run<'_, C> {
    /// These instructions. `false`: another instruction.
    pub(crate) fn tables(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        match mnemonic {
            Mnemonic::Sgdt => self.store_table(Segment::Gdtr)?,
            Mnemonic::Sidt => self.store_table(Segment::Idtr)?,
            Mnemonic::Lgdt => self.load_table(Segment::Gdtr)?,
            Mnemonic::Lidt => self.load_table(Segment::Idtr)?,
            Mnemonic::Sldt => self.store_selector(Segment::Ldtr)?,
            Mnemonic::Str => self.store_selector(Segment::Tr)?,
            Mnemonic::Lldt => self.load_system_segment(Segment::Ldtr)?,
            Mnemonic::Ltr => self.load_system_segment(Segment::Tr)?,
            Mnemonic::Verr | Mnemonic::Verw | Mnemonic::Lar | Mnemonic::Lsl => self.ask(mnemonic)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Bytes of a table register in memory.
    fn table_bytes(&self) -> usize {
        if self.mode == Mode::Long { 10 } else { 6 }
    }

    fn store_table(&mut self, table: Segment) -> Step {
        self.not_by_user()?;
        let register = self.cpu.segment(table);
        let value = u128::from(register.limit & 0xffff) | u128::from(register.base) << 16;
        let place = self.place()?;
        let bytes = value.to_le_bytes();
        self.write_at(place, bytes.get(..self.table_bytes()).ok_or(Stop::Unhandled)?)
    }

    fn load_table(&mut self, table: Segment) -> Step {
        self.privileged()?;
        let mut bytes = [0; 16];
        let place = self.place()?;
        let length = self.table_bytes();
        self.read_at(place, Purpose::Read, bytes.get_mut(..length).ok_or(Stop::Unhandled)?)?;
        let value = u128::from_le_bytes(bytes);
        let short = matches!(self.insn.code(), Code::Lgdt_m1632_16 | Code::Lidt_m1632_16);
        let base = (value >> 16) as u64 & if short { 0xff_ffff } else { u64::MAX };
        if self.mode == Mode::Long && !canonical(base) {
            return Err(Exception::GP0.into());
        }
        let limit = value as u32 & 0xffff;
        self.cpu.set_segment(table, &SegmentRegister { base, limit, ..SegmentRegister::default() });
        Ok(())
    }

    /// Real and virtual-8086 mode do not have these.
    fn protected_only(&self) -> Step {
        if self.legacy() { Err(Exception::UD.into()) } else { Ok(()) }
    }

    fn store_selector(&mut self, segment: Segment) -> Step {
        self.protected_only()?;
        self.not_by_user()?;
        let selector = self.cpu.segment(segment).selector;
        self.set(0, u64::from(selector))
    }

    fn load_system_segment(&mut self, segment: Segment) -> Step {
        self.protected_only()?;
        self.privileged()?;
        let selector = self.value(0)? as u16;
        if null(selector) {
            if segment == Segment::Tr {
                return Err(Exception::GP0.into());
            }
            self.cpu.set_segment(segment, &SegmentRegister { selector, ..SegmentRegister::default() });
            return Ok(());
        }
        if selector & 4 != 0 {
            return Err(protection(selector).into());
        }
        let descriptor = self.descriptor(selector)?;
        let kind = descriptor.system_type();
        let fits = match segment {
            Segment::Tr => kind == TSS || kind == TSS_16 && !self.long_mode,
            _ => kind == LDT,
        };
        if !descriptor.is_system() || !fits {
            return Err(protection(selector).into());
        }
        if !descriptor.present() {
            return Err(not_present(selector).into());
        }
        let register = self.system_register(segment, &descriptor)?;
        self.cpu.set_segment(segment, &register);
        Ok(())
    }

    fn system_register(&mut self, segment: Segment, descriptor: &Descriptor) -> Step<SegmentRegister> {
        let mut register = descriptor.register();
        if self.long_mode {
            register.base |= self.upper_base(descriptor)?;
            if !canonical(register.base) {
                return Err(protection(descriptor.selector).into());
            }
        }
        if segment == Segment::Tr {
            self.mark(descriptor, BUSY)?;
            register.attributes |= u16::from(BUSY);
        }
        Ok(register)
    }

    /// `verr`, `verw`, `lar`, `lsl`: ZF says whether the present privilege level may.
    fn ask(&mut self, mnemonic: Mnemonic) -> Step {
        self.protected_only()?;
        let plain = matches!(mnemonic, Mnemonic::Verr | Mnemonic::Verw);
        let selector = self.value(if plain { 0 } else { 1 })? as u16;
        let found = if null(selector) { None } else { self.find_descriptor(selector)? };
        let found = found.filter(|descriptor| self.may_ask(mnemonic, descriptor));
        self.set_flags(Flags::KEEP.with(ZF, found.is_some()));
        let Some(descriptor) = found else { return Ok(()) };
        match mnemonic {
            Mnemonic::Lar => self.set(0, u64::from(descriptor.access_rights()) & mask(self.size(0)?)),
            Mnemonic::Lsl => self.set(0, u64::from(descriptor.register().limit)),
            _ => Ok(()),
        }
    }

    fn may_ask(&self, mnemonic: Mnemonic, descriptor: &Descriptor) -> bool {
        let level = self.cpl.max(rpl(descriptor.selector));
        let reachable = descriptor.is_conforming() || level <= descriptor.dpl();
        let (kind, long) = (descriptor.system_type(), self.long_mode);
        let fits = match mnemonic {
            Mnemonic::Verr => descriptor.is_readable(),
            Mnemonic::Verw => descriptor.is_writable(),
            _ if !descriptor.is_system() => true,
            Mnemonic::Lsl => matches!(kind, 2 | 9 | 11) || !long && matches!(kind, 1 | 3),
            _ => matches!(kind, 2 | 9 | 11 | 12) || !long && matches!(kind, 1 | 3 | 4 | 5),
        };
        reachable && fits
    }
}
