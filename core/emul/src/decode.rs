//! Decoding of privileged instructions: prefixes, one or two opcode bytes, at most a ModRM of register form or an
//! immediate byte.

use crate::cursor::{Cursor, Prefixes, Short};

/// A privileged instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrivOp {
    Cpuid,
    Rdmsr,
    Wrmsr,
    Rdtsc,
    Rdtscp,
    Clts,
    Wbinvd,
    Xsetbv,
    /// `cli` or `sti`.
    InterruptFlag,
    ReadCr {
        cr: u8,
        gpr: u8,
    },
    WriteCr {
        cr: u8,
        gpr: u8,
    },
    ReadDr {
        dr: u8,
        gpr: u8,
    },
    WriteDr {
        dr: u8,
        gpr: u8,
    },
    /// `port` is `None` for the port in `dx`.
    In {
        port: Option<u8>,
        size: u8,
    },
    Out {
        port: Option<u8>,
        size: u8,
    },
    Ins(StringIo),
    Outs(StringIo),
}

/// A string I/O instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StringIo {
    /// Bytes an element.
    pub size: u8,
    /// With a repeat prefix.
    pub rep: bool,
    /// Bytes an address register: 4 or 8.
    pub addr: u8,
}

/// Decodes one privileged instruction and gives its length; `None` for every other instruction.
pub(crate) fn decode(bytes: &[u8], long: bool) -> Result<Option<(PrivOp, u8)>, Short> {
    let mut c = Cursor::new(bytes);
    let (p, opcode) = Prefixes::read(&mut c, long)?;
    if p.lock {
        return Ok(None);
    }
    let op = match opcode {
        0x0f => two_bytes(&mut c, p)?,
        0xe4..=0xe7 => Some(port_io(opcode, Some(c.u8()?), p)),
        0xec..=0xef => Some(port_io(opcode, None, p)),
        0x6c..=0x6f => string_io(opcode, p, long),
        0xfa | 0xfb => Some(PrivOp::InterruptFlag),
        _ => None,
    };
    Ok(op.map(|op| (op, c.len())))
}

fn two_bytes(c: &mut Cursor<'_>, p: Prefixes) -> Result<Option<PrivOp>, Short> {
    Ok(Some(match c.u8()? {
        0x01 => match c.u8()? {
            0xd1 if !p.rep && !p.opsize => PrivOp::Xsetbv,
            0xf9 => PrivOp::Rdtscp,
            _ => return Ok(None),
        },
        0x06 => PrivOp::Clts,
        0x09 => PrivOp::Wbinvd,
        op @ 0x20..=0x23 => {
            // The mod bits are ignored: the operand is always a register.
            let modrm = c.u8()?;
            let n = (modrm >> 3) & 7 | p.r();
            let gpr = modrm & 7 | p.b();
            match op {
                0x20 => PrivOp::ReadCr { cr: n, gpr },
                0x21 => PrivOp::ReadDr { dr: n, gpr },
                0x22 => PrivOp::WriteCr { cr: n, gpr },
                _ => PrivOp::WriteDr { dr: n, gpr },
            }
        }
        0x30 => PrivOp::Wrmsr,
        0x31 => PrivOp::Rdtsc,
        0x32 => PrivOp::Rdmsr,
        0xa2 => PrivOp::Cpuid,
        _ => return Ok(None),
    }))
}

fn io_size(opcode: u8, p: Prefixes) -> u8 {
    match (opcode & 1, p.opsize) {
        (0, _) => 1,
        (_, true) => 2,
        _ => 4,
    }
}

fn port_io(opcode: u8, port: Option<u8>, p: Prefixes) -> PrivOp {
    let size = io_size(opcode, p);
    if opcode & 2 == 0 { PrivOp::In { port, size } } else { PrivOp::Out { port, size } }
}

fn string_io(opcode: u8, p: Prefixes, long: bool) -> Option<PrivOp> {
    // 16-bit addressing and segments with a base do not occur in the flat code that is emulated here.
    let addr = match (long, p.addrsize) {
        (true, false) => 8,
        (true, true) | (false, false) => 4,
        (false, true) => return None,
    };
    let io = StringIo { size: io_size(opcode, p), rep: p.rep, addr };
    match opcode & 2 {
        0 => Some(PrivOp::Ins(io)),
        _ if p.fs_gs => None,
        _ => Some(PrivOp::Outs(io)),
    }
}
