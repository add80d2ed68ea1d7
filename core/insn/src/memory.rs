//! Addresses: from operands to offsets, from offsets to linear addresses, and the accesses.

use fx_types::operand::mask;
use fx_virt::{Segment, SegmentRegister};
use iced_x86::Register;

use crate::cpu::{Access, Cpu, Exception, Purpose, Step, Stop};
use crate::registers::{Gpr, segment};
use crate::run::{Mode, Run};

/// A place in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub segment: Segment,
    pub offset: u64,
    /// Bytes of an address: 2, 4 or 8.
    pub address: u8,
}

impl Place {
    /// The place `by` bytes further on.
    pub(crate) fn plus(self, by: u64) -> Self {
        Self { offset: self.offset.wrapping_add(by) & mask(self.address), ..self }
    }
}

const CODE: u16 = 8;
const EXPAND_DOWN: u16 = 4;
/// Readable for code, writable for data.
const ALLOWED: u16 = 2;

/// Whether bits 47 to 63 are equal.
pub(crate) fn canonical(linear: u64) -> bool {
    fx_types::is_canonical(linear)
}

impl<C: Cpu> Run<'_, C> {
    /// The place of the instruction's memory operand.
    pub(crate) fn place(&self) -> Step<Place> {
        let insn = &self.insn;
        let (base, index) = (insn.memory_base(), insn.memory_index());
        let mut offset = insn.memory_displacement64();
        let mut address = match insn.memory_displ_size() {
            2 => 2,
            4 => 4,
            8 => 8,
            _ => self.code_size(),
        };
        // The decoder has resolved what is relative to the instruction.
        if base == Register::RIP {
            address = 8;
        } else if base == Register::EIP {
            address = 4;
        } else if base != Register::None {
            let base = Gpr::of(base).ok_or(Stop::Unhandled)?;
            address = base.size;
            offset = offset.wrapping_add(base.get(&self.regs));
        }
        if index != Register::None {
            let index = Gpr::of(index).ok_or(Stop::Unhandled)?;
            address = if base == Register::None { index.size } else { address };
            let scaled = index.get(&self.regs).wrapping_mul(u64::from(insn.memory_index_scale()));
            offset = offset.wrapping_add(scaled);
        }
        let segment = segment(insn.memory_segment()).ok_or(Stop::Unhandled)?;
        Ok(Place { segment, offset: offset & mask(address), address })
    }

    /// The linear address of `length` bytes at a place, checked against its segment.
    pub(crate) fn linear(&mut self, place: Place, length: u64, purpose: Purpose) -> Step<u64> {
        let fault = if place.segment == Segment::Ss { Exception::SS0 } else { Exception::GP0 };
        if self.mode == Mode::Long {
            let base = match place.segment {
                Segment::Fs | Segment::Gs => self.cpu.segment(place.segment).base,
                _ => 0,
            };
            let linear = base.wrapping_add(place.offset);
            let last = linear.wrapping_add(length.saturating_sub(1));
            let good = canonical(linear) && canonical(last);
            return if good { Ok(linear) } else { Err(fault.into()) };
        }
        let register = self.cpu.segment(place.segment);
        if !self.legacy() && !permits(&register, purpose) {
            return Err(fault.into());
        }
        let last = place.offset.saturating_add(length.saturating_sub(1));
        if !within(&register, place.offset, last) {
            return Err(fault.into());
        }
        Ok(register.base.wrapping_add(place.offset) & mask(4))
    }

    fn access(&mut self, linear: u64, purpose: Purpose) -> Access {
        Access { number: self.next_number(), ..self.planned(linear, purpose) }
    }

    /// What the next access would be.
    pub(crate) fn planned(&self, linear: u64, purpose: Purpose) -> Access {
        let (user, wide) = (self.cpl == 3, self.mode == Mode::Long);
        Access { linear, purpose, user, wide, number: self.number }
    }

    /// An access to a descriptor table or a task state segment.
    pub(crate) fn system_access(&mut self, linear: u64, purpose: Purpose) -> Access {
        Access { user: false, wide: self.long_mode, ..self.access(linear, purpose) }
    }

    /// Whether `length` bytes at a place could be written, before something is done that cannot be taken back.
    pub(crate) fn probe(&mut self, place: Place, length: usize) -> Step {
        let linear = self.linear(place, length as u64, Purpose::Write)?;
        self.cpu.probe(self.planned(linear, Purpose::Write), length)
    }

    /// Reads at a place; with [`Purpose::Modify`] for [`Self::replace_at`] to follow.
    pub(crate) fn read_at(&mut self, place: Place, purpose: Purpose, out: &mut [u8]) -> Step<u64> {
        let linear = self.linear(place, out.len() as u64, purpose)?;
        let access = self.access(linear, purpose);
        self.cpu.read(access, out)?;
        Ok(linear)
    }

    /// Writes at a place.
    pub(crate) fn write_at(&mut self, place: Place, data: &[u8]) -> Step {
        let linear = self.linear(place, data.len() as u64, Purpose::Write)?;
        let access = self.access(linear, Purpose::Write);
        self.cpu.write(access, data)
    }

    /// The second half of a read-modify-write.
    pub(crate) fn replace_at(&mut self, linear: u64, old: &[u8], new: &[u8]) -> Step {
        let access = self.access(linear, Purpose::Modify);
        if self.cpu.replace(access, old, new)? { Ok(()) } else { Err(Stop::Again) }
    }

    /// Reads a number of `size` bytes.
    pub(crate) fn load(&mut self, place: Place, size: u8) -> Step<u64> {
        let mut bytes = [0; 8];
        let out = bytes.get_mut(..usize::from(size)).ok_or(Stop::Unhandled)?;
        self.read_at(place, Purpose::Read, out)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Writes a number of `size` bytes.
    pub(crate) fn store(&mut self, place: Place, size: u8, value: u64) -> Step {
        let bytes = value.to_le_bytes();
        self.write_at(place, bytes.get(..usize::from(size)).ok_or(Stop::Unhandled)?)
    }

    /// Reads a number of `size` bytes at a linear address with the rights of the kernel: descriptor tables.
    pub(crate) fn load_system(&mut self, linear: u64, size: u8) -> Step<u64> {
        let mut bytes = [0; 8];
        let out = bytes.get_mut(..usize::from(size)).ok_or(Stop::Unhandled)?;
        let access = self.system_access(linear, Purpose::Read);
        self.cpu.read(access, out)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Sets `bits` in the byte at a linear address, which holds `old`, with the rights of the kernel: descriptor tables.
    pub(crate) fn mark_system(&mut self, linear: u64, old: u8, bits: u8) -> Step {
        let access = self.system_access(linear, Purpose::Modify);
        if self.cpu.replace(access, &[old], &[old | bits])? { Ok(()) } else { Err(Stop::Again) }
    }
}

/// Whether a segment of protected mode may be accessed so.
fn permits(segment: &SegmentRegister, purpose: Purpose) -> bool {
    let (code, allowed) = (segment.attributes & CODE != 0, segment.attributes & ALLOWED != 0);
    let good = match purpose {
        Purpose::Read => !code || allowed,
        Purpose::Write | Purpose::Modify => !code && allowed,
    };
    segment.present() && good
}

/// Whether a segment holds the bytes from `first` to `last`.
fn within(segment: &SegmentRegister, first: u64, last: u64) -> bool {
    let limit = u64::from(segment.limit);
    if segment.attributes & (CODE | EXPAND_DOWN) == EXPAND_DOWN {
        let highest = if segment.wide() { mask(4) } else { mask(2) };
        return first > limit && last <= highest;
    }
    last <= limit
}
