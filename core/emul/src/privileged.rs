//! Privileged instructions of a PV guest, which raise #GP(0) because the guest runs at CPL 3.

use fx_types::GuestRegs;
use fx_types::operand::merge;

use crate::decode::{PrivOp, decode};
use crate::outcome::{Exception, Outcome, PvCpu, Refused, retire};
use crate::{MAX_INSN_LEN, string_io};

/// Emulates the instruction at which the guest took a #GP(0).
///
/// The caller has checked that the error code is 0. Code segments are flat.
pub fn emulate_general_protection<C: PvCpu>(cpu: &mut C, regs: &mut GuestRegs) -> Outcome {
    let long = cpu.code_64bit(regs.cs);
    let mut bytes = [0; MAX_INSN_LEN];
    let readable = match cpu.copy_in(regs.rip, &mut bytes) {
        Ok(()) => MAX_INSN_LEN,
        Err(fault) => fault.done.min(MAX_INSN_LEN),
    };
    match decode(bytes.get(..readable).unwrap_or_default(), long) {
        Ok(Some((op, len))) => match run(cpu, regs, op, long) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => retire(regs, len),
            Err(refused) => refused.into(),
        },
        Ok(None) => Outcome::NotHandled,
        Err(_) => fetch_failed(regs.rip, readable),
    }
}

/// The outcome when an instruction at `rip` has no end within the `readable` bytes.
pub(crate) fn fetch_failed(rip: u64, readable: usize) -> Outcome {
    const FETCH: u32 = 1 << 4;
    if readable >= MAX_INSN_LEN {
        return Outcome::Inject(Exception::GP0);
    }
    Outcome::Inject(Exception::page_fault(rip.wrapping_add(readable as u64), FETCH))
}

/// `cpuid`, with its registers.
pub(crate) fn cpuid<C: PvCpu>(cpu: &mut C, regs: &mut GuestRegs) -> Result<(), Refused> {
    if cpu.cpuid_faulting() && !cpu.kernel_mode() {
        return Err(Refused::Protection);
    }
    let [a, b, c, d] = cpu.cpuid(regs.rax as u32, regs.rcx as u32);
    regs.rax = u64::from(a);
    regs.rbx = u64::from(b);
    regs.rcx = u64::from(c);
    regs.rdx = u64::from(d);
    Ok(())
}

/// Executes `op`; `Ok(None)` when the instruction completed and is to be retired.
#[inline]
fn run<C: PvCpu>(
    cpu: &mut C,
    regs: &mut GuestRegs,
    op: PrivOp,
    long: bool,
) -> Result<Option<Outcome>, Refused> {
    match op {
        PrivOp::Cpuid => cpuid(cpu, regs)?,
        PrivOp::Rdtsc => {
            let tsc = cpu.rdtsc()?;
            regs.set_pair(tsc);
        }
        PrivOp::Rdtscp => {
            let aux = cpu.tsc_aux()?;
            let tsc = cpu.rdtsc()?;
            regs.set_pair(tsc);
            regs.rcx = u64::from(aux);
        }
        PrivOp::In { port, size } => {
            let v = cpu.port_read(port_number(regs, port), size)?;
            regs.rax = merge(regs.rax, u64::from(v), size);
        }
        PrivOp::Out { port, size } => {
            cpu.port_write(port_number(regs, port), size, merge(0, regs.rax, size) as u32)?;
        }
        PrivOp::Ins(io) => return string_io::run(cpu, regs, io, string_io::ins),
        PrivOp::Outs(io) => return string_io::run(cpu, regs, io, string_io::outs),
        // The interrupt flag of a PV guest is its event mask, which it writes itself.
        PrivOp::InterruptFlag if cpu.iopl_ok() => {}
        PrivOp::InterruptFlag => return Ok(Some(Outcome::NotHandled)),
        _ if !cpu.kernel_mode() => return Ok(Some(Outcome::NotHandled)),
        _ => kernel_only(cpu, regs, op, long)?,
    }
    Ok(None)
}

fn kernel_only<C: PvCpu>(cpu: &mut C, regs: &mut GuestRegs, op: PrivOp, long: bool) -> Result<(), Refused> {
    let size = if long { 8 } else { 4 };
    match op {
        PrivOp::Wrmsr => cpu.wrmsr(regs.rcx as u32, regs.pair()),
        PrivOp::Rdmsr => {
            let v = cpu.rdmsr(regs.rcx as u32)?;
            regs.set_pair(v);
            Ok(())
        }
        PrivOp::Clts => cpu.clts(),
        PrivOp::Wbinvd => cpu.wbinvd(),
        PrivOp::Xsetbv => cpu.xsetbv(regs.rcx as u32, regs.pair()),
        PrivOp::ReadCr { cr, gpr } => {
            *regs.general_mut(gpr) = merge(0, cpu.read_cr(cr)?, size);
            Ok(())
        }
        PrivOp::WriteCr { cr, gpr } => cpu.write_cr(cr, merge(0, regs.general(gpr), size)),
        PrivOp::ReadDr { dr, gpr } => {
            *regs.general_mut(gpr) = merge(0, cpu.read_dr(dr)?, size);
            Ok(())
        }
        PrivOp::WriteDr { dr, gpr } => cpu.write_dr(dr, merge(0, regs.general(gpr), size)),
        _ => Err(Refused::Protection),
    }
}

fn port_number(regs: &GuestRegs, immediate: Option<u8>) -> u16 {
    immediate.map_or(regs.rdx as u16, u16::from)
}
