//! Decoding of instructions that write memory, for writes to page-table pages that are mapped read-only.
//!
//! Known are the forms that kernels use on page-table entries: moves, exchanges, arithmetic, bit and string instructions
//! with a memory operand. The fault says which address was written; the decoder checks that the instruction means the same.

use fx_types::GuestRegs;
use fx_types::operand::{mask, merge};

use crate::cursor::{Cursor, Prefixes, Short};
use crate::reg::Operand;

/// What is done to the memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PteOp {
    /// Replaced by the source.
    Store,
    /// Swapped with a register.
    Xchg,
    /// Replaced by the source if it is what the accumulator holds.
    CmpXchg,
    /// Replaced by `ecx:ebx` if it is what `edx:eax` holds.
    CmpXchg8b,
    /// The source added, the value before in the source's register.
    Xadd,
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
    Inc,
    Dec,
    Not,
    Neg,
    BitSet,
    BitReset,
    BitFlip,
}

/// A string instruction's part of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StringForm {
    /// `movs`: the source address moves too.
    pub moves: bool,
    /// With a repeat prefix.
    pub rep: bool,
    /// Bytes an address register: 4 or 8.
    pub addr: u8,
}

/// A decoded write of 1, 2, 4 or 8 bytes within one aligned 8-byte word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PteWrite {
    /// What it does.
    pub op: PteOp,
    /// Bytes written.
    pub size: u8,
    /// The source operand, cut to `size`; the bit's mask for the bit operations.
    pub value: u64,
    /// The instruction's length in bytes.
    pub insn_len: u8,
    /// Where the operand begins in its 8-byte word, in bits.
    pub shift: u8,
    /// The register that takes the value before.
    pub(crate) reg: Operand,
    /// Where the source is, when it is in memory.
    pub(crate) load: Option<u64>,
    pub(crate) string: Option<StringForm>,
}

/// Decodes the instruction `bytes` that faulted in 64-bit code when it wrote to `fault_va`.
///
/// `None` for instructions that are not known, cross an aligned word, or do not write to `fault_va`.
#[must_use]
pub fn decode_pte_write(bytes: &[u8], regs: &GuestRegs, fault_va: u64) -> Option<PteWrite> {
    let mut c = Cursor::new(bytes);
    let (p, opcode) = Prefixes::read(&mut c, true).ok()?;
    let (write, ea) = match opcode {
        0xa2..=0xa5 | 0xaa | 0xab => without_modrm(&mut c, p, opcode, regs).ok()??,
        _ => {
            let form = if opcode == 0x0f { two_bytes(c.u8().ok()?, p) } else { one_byte(opcode, p) }?;
            with_modrm(&mut c, p, form, regs).ok()??
        }
    };
    let misaligned = fault_va & u64::from(write.size).wrapping_sub(1) != 0;
    if misaligned || (ea != fault_va && !p.fs_gs) {
        return None;
    }
    Some(PteWrite { insn_len: c.len(), shift: ((fault_va & 7) << 3) as u8, ..write })
}

/// Which operation an opcode stands for.
#[derive(Clone, Copy)]
enum Kind {
    One(PteOp),
    /// 80, 81, 83: in the reg field.
    Alu,
    /// C6, C7: only /0.
    Move,
    /// F6, F7.
    Unary,
    /// FE, FF.
    Count,
    /// 0F BA.
    Bit,
    /// 0F C7: only /1.
    Cx8,
}

#[derive(Clone, Copy)]
enum Source {
    None,
    Reg,
    /// A bit number in a register, which reaches beyond the operand.
    BitOffset,
    /// So many bytes.
    Imm(u8),
}

#[derive(Clone, Copy)]
struct Form {
    kind: Kind,
    size: u8,
    source: Source,
}

fn operand_size(opcode: u8, p: Prefixes) -> u8 {
    match (opcode & 1, p.w(), p.opsize) {
        (0, ..) => 1,
        (_, true, _) => 8,
        (_, _, true) => 2,
        _ => 4,
    }
}

fn alu(n: u8) -> Option<PteOp> {
    Some(match n & 7 {
        0 => PteOp::Add,
        1 => PteOp::Or,
        2 => PteOp::Adc,
        3 => PteOp::Sbb,
        4 => PteOp::And,
        5 => PteOp::Sub,
        6 => PteOp::Xor,
        _ => return None,
    })
}

fn one_byte(opcode: u8, p: Prefixes) -> Option<Form> {
    let size = operand_size(opcode, p);
    let (kind, source) = match opcode {
        0x00..=0x3f if opcode & 6 == 0 => (Kind::One(alu(opcode >> 3)?), Source::Reg),
        0x80 | 0x83 => (Kind::Alu, Source::Imm(1)),
        0x81 => (Kind::Alu, Source::Imm(size.min(4))),
        0x86 | 0x87 => (Kind::One(PteOp::Xchg), Source::Reg),
        0x88 | 0x89 => (Kind::One(PteOp::Store), Source::Reg),
        0xc6 | 0xc7 => (Kind::Move, Source::Imm(size.min(4))),
        0xf6 | 0xf7 => (Kind::Unary, Source::None),
        0xfe | 0xff => (Kind::Count, Source::None),
        _ => return None,
    };
    Some(Form { kind, size, source })
}

fn two_bytes(opcode: u8, p: Prefixes) -> Option<Form> {
    let size = operand_size(opcode, p);
    let wide = operand_size(1, p);
    let form = |kind, size, source| Some(Form { kind, size, source });
    match opcode {
        0xab => form(Kind::One(PteOp::BitSet), wide, Source::BitOffset),
        0xb3 => form(Kind::One(PteOp::BitReset), wide, Source::BitOffset),
        0xbb => form(Kind::One(PteOp::BitFlip), wide, Source::BitOffset),
        0xba => form(Kind::Bit, wide, Source::Imm(1)),
        0xb0 | 0xb1 => form(Kind::One(PteOp::CmpXchg), size, Source::Reg),
        0xc0 | 0xc1 => form(Kind::One(PteOp::Xadd), size, Source::Reg),
        0xc3 if !p.opsize => form(Kind::One(PteOp::Store), wide, Source::Reg),
        0xc7 if !p.w() => form(Kind::Cx8, 8, Source::None),
        _ => None,
    }
}

fn resolve(kind: Kind, reg: u8) -> Option<PteOp> {
    match (kind, reg & 7) {
        (Kind::One(op), _) => Some(op),
        (Kind::Alu, n) => alu(n),
        (Kind::Move, 0) => Some(PteOp::Store),
        (Kind::Unary, 2) => Some(PteOp::Not),
        (Kind::Unary, 3) => Some(PteOp::Neg),
        (Kind::Count, 0) => Some(PteOp::Inc),
        (Kind::Count, 1) => Some(PteOp::Dec),
        (Kind::Bit, 5) => Some(PteOp::BitSet),
        (Kind::Bit, 6) => Some(PteOp::BitReset),
        (Kind::Bit, 7) => Some(PteOp::BitFlip),
        (Kind::Cx8, 1) => Some(PteOp::CmpXchg8b),
        _ => None,
    }
}

type Decoded = Result<Option<(PteWrite, u64)>, Short>;

fn with_modrm(c: &mut Cursor<'_>, p: Prefixes, form: Form, regs: &GuestRegs) -> Decoded {
    let modrm = c.u8()?;
    let reg = (modrm >> 3) & 7 | p.r();
    let Some(op) = resolve(form.kind, reg) else { return Ok(None) };
    let Some(mut mem) = memory_operand(c, p, modrm, regs)? else { return Ok(None) };
    let size = form.size;
    let operand = Operand::new(reg, size, p.rex != 0);
    let mut value = match form.source {
        Source::None => 0,
        Source::Reg => operand.get(regs),
        Source::Imm(n) => c.signed(n)?,
        Source::BitOffset => {
            let offset = sign_extend(operand.get(regs), size);
            let bytes = (offset >> 3) & !i64::from(size.wrapping_sub(1));
            mem.ea = mem.ea.wrapping_add(bytes as u64);
            offset as u64
        }
    };
    if matches!(op, PteOp::BitSet | PteOp::BitReset | PteOp::BitFlip) {
        let bits = u32::from(size).wrapping_mul(8);
        value = 1u64.wrapping_shl(value as u32 & bits.wrapping_sub(1));
    }
    if mem.rip_relative {
        mem.ea = mem.ea.wrapping_add(regs.rip).wrapping_add(u64::from(c.len()));
    }
    if p.addrsize {
        mem.ea &= mask(4);
    }
    Ok(Some((write(op, size, value, operand), mem.ea)))
}

fn write(op: PteOp, size: u8, value: u64, reg: Operand) -> PteWrite {
    let value = value & mask(size);
    PteWrite { op, size, value, insn_len: 0, shift: 0, reg, load: None, string: None }
}

fn sign_extend(v: u64, size: u8) -> i64 {
    match size {
        2 => i64::from(v as i16),
        4 => i64::from(v as i32),
        _ => v as i64,
    }
}

struct Memory {
    ea: u64,
    rip_relative: bool,
}

/// Reads SIB and displacement; `None` for a register operand.
fn memory_operand(
    c: &mut Cursor<'_>,
    p: Prefixes,
    modrm: u8,
    regs: &GuestRegs,
) -> Result<Option<Memory>, Short> {
    let (mode, rm) = (modrm >> 6, modrm & 7);
    let mut ea = 0u64;
    let mut rip_relative = false;
    let mut disp = match mode {
        0 => 0,
        1 => 1,
        2 => 4,
        _ => return Ok(None),
    };
    if rm == 4 {
        let sib = c.u8()?;
        let index = (sib >> 3) & 7 | p.x();
        if index != 4 {
            ea = regs.general(index).wrapping_shl(u32::from(sib >> 6));
        }
        if sib & 7 == 5 && mode == 0 {
            disp = 4;
        } else {
            ea = ea.wrapping_add(regs.general(sib & 7 | p.b()));
        }
    } else if rm == 5 && mode == 0 {
        disp = 4;
        rip_relative = true;
    } else {
        ea = regs.general(rm | p.b());
    }
    if disp != 0 {
        ea = ea.wrapping_add(c.signed(disp)?);
    }
    Ok(Some(Memory { ea, rip_relative }))
}

/// `mov` from the accumulator to an absolute address, `stos` and `movs`.
fn without_modrm(c: &mut Cursor<'_>, p: Prefixes, opcode: u8, regs: &GuestRegs) -> Decoded {
    let size = operand_size(opcode, p);
    let addr = if p.addrsize { 4 } else { 8 };
    let store = write(PteOp::Store, size, regs.rax, Operand::new(0, size, false));
    if matches!(opcode, 0xa2 | 0xa3) {
        let ea = merge(0, c.signed(addr)?, addr);
        return Ok(Some((store, ea)));
    }
    let moves = matches!(opcode, 0xa4 | 0xa5);
    if (moves && p.fs_gs) || (p.rep && merge(0, regs.rcx, addr) == 0) {
        // The base of the source's segment is not known here; no iteration writes nothing.
        return Ok(None);
    }
    let load = moves.then(|| merge(0, regs.rsi, addr));
    let string = Some(StringForm { moves, rep: p.rep, addr });
    Ok(Some((PteWrite { load, string, ..store }, merge(0, regs.rdi, addr))))
}
