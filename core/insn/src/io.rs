//! Ports.

use fx_virt::Segment;
use iced_x86::Mnemonic;

use crate::cpu::{Cpu, Exception, Step};
use crate::registers::{Gpr, RDX};
use crate::run::{Mode, Run};

/// Where a task state segment has the offset of its I/O permission bitmap (SDM volume 1, 19.5.2).
const BITMAP_OFFSET: u64 = 0x66;
/// The lowest two bits of the type of a 32- or 64-bit task state segment, with the bit that tells it from a 16-bit one.
const TSS_32: u16 = 9;

impl<C: Cpu> Run<'_, C> {
    /// `in` and `out`. `false`: another instruction.
    pub(crate) fn port(&mut self, mnemonic: Mnemonic) -> Step<bool> {
        let input = match mnemonic {
            Mnemonic::In => true,
            Mnemonic::Out => false,
            _ => return Ok(false),
        };
        let (data, from) = if input { (0, 1) } else { (1, 0) };
        let (port, size) = (self.value(from)? as u16, self.size(data)?);
        self.check_port(port, size)?;
        let number = self.next_number();
        if input {
            let value = self.cpu.port_read(port, size, number)?;
            self.set(data, u64::from(value))?;
        } else {
            let value = self.value(data)? as u32;
            self.cpu.port_write(port, size, value, number)?;
        }
        Ok(true)
    }

    /// The port of a string instruction, checked.
    pub(crate) fn string_port(&mut self, size: u8) -> Step<u16> {
        let port = Gpr::low(RDX, 2).get(&self.regs) as u16;
        self.check_port(port, size)?;
        Ok(port)
    }

    /// Whether the present privilege level may access the port: by IOPL, or by the bitmap of the task state segment.
    fn check_port(&mut self, port: u16, size: u8) -> Step {
        if self.mode == Mode::Real || self.mode != Mode::Virtual8086 && self.io_privileged() {
            return Ok(());
        }
        let task = self.cpu.segment(Segment::Tr);
        let limit = u64::from(task.limit);
        if task.attributes & TSS_32 != TSS_32 || limit < BITMAP_OFFSET.wrapping_add(1) {
            return Err(Exception::GP0.into());
        }
        let bitmap = self.load_system(task.base.wrapping_add(BITMAP_OFFSET), 2)?;
        let byte = bitmap.wrapping_add(u64::from(port >> 3));
        if byte.wrapping_add(1) > limit {
            return Err(Exception::GP0.into());
        }
        let bits = self.load_system(task.base.wrapping_add(byte), 2)?;
        let wanted = (1u64 << (size & 7)).wrapping_sub(1) << (port & 7);
        if bits & wanted == 0 { Ok(()) } else { Err(Exception::GP0.into()) }
    }
}
