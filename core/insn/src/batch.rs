//! Iterations of string instructions that the vCPU may do at once: a device model is asked once for many.

use crate::cpu::{Access, Cpu, MoveBatch, PortBatch, Purpose, Step};
use crate::flags::{DF, mask};
use crate::memory::Place;
use crate::run::Run;
use crate::string::Kind;

/// Units of a batch at most.
const MAX_UNITS: u64 = 4096;

impl<C: Cpu> Run<'_, C> {
    /// Offers the next iterations to the vCPU; how many it did.
    pub(crate) fn batch(&mut self, kind: Kind, size: u8, address: u8, left: u64) -> Step<u64> {
        let count = left.min(MAX_UNITS);
        let down = self.regs.rflags & DF != 0;
        let input = kind == Kind::Ins;
        let done = if kind == Kind::Movs {
            let (from, to) = (self.source(address)?, self.target_place(address));
            let Some(from) = self.range(from, size, count, Purpose::Read) else { return Ok(0) };
            let Some(to) = self.range(to, size, count, Purpose::Write) else { return Ok(0) };
            self.cpu.move_batch(MoveBatch { from, to, size, count: count as u32, down })?
        } else {
            let port = self.string_port(size)?;
            let (place, purpose) = match input {
                true => (self.target_place(address), Purpose::Write),
                false => (self.source(address)?, Purpose::Read),
            };
            let Some(memory) = self.range(place, size, count, purpose) else { return Ok(0) };
            self.cpu.port_batch(PortBatch { port, input, memory, size, count: count as u32, down })?
        };
        Ok(u64::from(done).min(count))
    }

    /// The access to the first of `count` units from a place on, if all are within the segment and do not wrap. It is no access
    /// yet: its number stays the next one's.
    fn range(&mut self, place: Place, size: u8, count: u64, purpose: Purpose) -> Option<Access> {
        let down = self.regs.rflags & DF != 0;
        let length = count.wrapping_mul(u64::from(size));
        let before = if down { length.wrapping_sub(u64::from(size)) } else { 0 };
        let first = Place { offset: place.offset.checked_sub(before)?, ..place };
        if first.offset.checked_add(length)?.wrapping_sub(1) > mask(place.address) {
            return None;
        }
        let linear = self.linear(first, length, purpose).ok()?.wrapping_add(before);
        Some(self.planned(linear, purpose))
    }
}
