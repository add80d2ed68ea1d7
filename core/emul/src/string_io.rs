//! `ins` and `outs`, repeated or not.

use fx_types::GuestRegs;
use fx_types::operand::merge;

use crate::decode::StringIo;
use crate::outcome::{Exception, Outcome, PvCpu, Refused};

/// `EFLAGS.DF`: string instructions count down.
pub(crate) const DF: u64 = 1 << 10;

/// The most elements that one emulation moves: beyond that the guest faults again, so that it can be preempted.
const BATCH: u32 = 64;

/// Why one element was not moved.
pub(crate) enum Stop {
    Refused(Refused),
    Fault(Exception),
}

impl From<Refused> for Stop {
    fn from(r: Refused) -> Self {
        Self::Refused(r)
    }
}

/// Moves up to [`BATCH`] elements with `element`; `Ok(None)` when the instruction is complete.
pub(crate) fn run<C: PvCpu>(
    cpu: &mut C,
    regs: &mut GuestRegs,
    io: StringIo,
    element: impl Fn(&mut C, &mut GuestRegs, StringIo) -> Result<(), Stop>,
) -> Result<Option<Outcome>, Refused> {
    let mut left = BATCH;
    loop {
        if io.rep && merge(0, regs.rcx, io.addr) == 0 {
            return Ok(None);
        }
        if left == 0 {
            return Ok(Some(Outcome::Again));
        }
        left = left.wrapping_sub(1);
        match element(cpu, regs, io) {
            Ok(()) => {}
            Err(Stop::Refused(r)) => return Err(r),
            Err(Stop::Fault(e)) => return Ok(Some(Outcome::Inject(e))),
        }
        if !io.rep {
            return Ok(None);
        }
        regs.rcx = merge(regs.rcx, regs.rcx.wrapping_sub(1), io.addr);
    }
}

/// One element from the port in `dx` to `es:rdi`.
pub(crate) fn ins<C: PvCpu>(cpu: &mut C, regs: &mut GuestRegs, io: StringIo) -> Result<(), Stop> {
    const WRITE: u32 = 1 << 1;
    let v = cpu.port_read(regs.rdx as u16, io.size)?.to_le_bytes();
    let va = merge(0, regs.rdi, io.addr);
    let data = v.get(..usize::from(io.size)).unwrap_or_default();
    cpu.copy_out(va, data)
        .map_err(|f| Stop::Fault(Exception::page_fault(va.wrapping_add(f.done as u64), WRITE)))?;
    regs.rdi = step(regs.rflags, regs.rdi, io.size, io.addr);
    Ok(())
}

/// One element from `ds:rsi` to the port in `dx`.
pub(crate) fn outs<C: PvCpu>(cpu: &mut C, regs: &mut GuestRegs, io: StringIo) -> Result<(), Stop> {
    let mut v = [0; 4];
    let va = merge(0, regs.rsi, io.addr);
    let data = v.get_mut(..usize::from(io.size)).unwrap_or_default();
    cpu.copy_in(va, data)
        .map_err(|f| Stop::Fault(Exception::page_fault(va.wrapping_add(f.done as u64), 0)))?;
    cpu.port_write(regs.rdx as u16, io.size, u32::from_le_bytes(v))?;
    regs.rsi = step(regs.rflags, regs.rsi, io.size, io.addr);
    Ok(())
}

/// An index register after one element of `size` bytes.
pub(crate) fn step(rflags: u64, index: u64, size: u8, addr: u8) -> u64 {
    let size = u64::from(size);
    let next = if rflags & DF != 0 { index.wrapping_sub(size) } else { index.wrapping_add(size) };
    merge(index, next, addr)
}
