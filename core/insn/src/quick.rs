//! The length of instructions with a fixed opcode, for processors that do not say it when such an instruction stops a guest. No
//! decoder is needed: prefixes are skipped and the opcode compared.

/// Instructions that stop a guest and whose opcode has no operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Fixed {
    Cpuid,
    Rdmsr,
    Wrmsr,
    Rdtsc,
    Rdtscp,
    Rdpmc,
    Hlt,
    Pause,
    Invd,
    Wbinvd,
    Clts,
    Monitor,
    Mwait,
    Xsetbv,
    Vmcall,
    Vmmcall,
}

impl Fixed {
    const fn opcode(self) -> &'static [u8] {
        match self {
            Self::Cpuid => &[0x0f, 0xa2],
            Self::Rdmsr => &[0x0f, 0x32],
            Self::Wrmsr => &[0x0f, 0x30],
            Self::Rdtsc => &[0x0f, 0x31],
            Self::Rdtscp => &[0x0f, 0x01, 0xf9],
            Self::Rdpmc => &[0x0f, 0x33],
            Self::Hlt => &[0xf4],
            Self::Pause => &[0x90],
            Self::Invd => &[0x0f, 0x08],
            Self::Wbinvd => &[0x0f, 0x09],
            Self::Clts => &[0x0f, 0x06],
            Self::Monitor => &[0x0f, 0x01, 0xc8],
            Self::Mwait => &[0x0f, 0x01, 0xc9],
            Self::Xsetbv => &[0x0f, 0x01, 0xd1],
            Self::Vmcall => &[0x0f, 0x01, 0xc1],
            Self::Vmmcall => &[0x0f, 0x01, 0xd9],
        }
    }
}

/// What follows the prefixes, and the REX prefix (0 if there is none). `long`: the code segment is a 64-bit one.
fn after_prefixes(bytes: &[u8], long: bool) -> (&[u8], u8) {
    let mut rest = bytes;
    let mut rex = 0;
    while let [first, more @ ..] = rest {
        match first {
            0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf2 | 0xf3 => rex = 0,
            0x40..=0x4f if long => rex = *first,
            _ => break,
        }
        rest = more;
    }
    (rest, rex)
}

/// The length of the instruction at the beginning of `bytes`, whose last `rest` bytes are behind it.
fn length(bytes: &[u8], rest: &[u8]) -> Option<u8> {
    let length = bytes.len().checked_sub(rest.len())?;
    (length <= crate::MAX_LENGTH).then_some(length as u8)
}

/// The length of `insn` at the beginning of `bytes`; `None` when something else is there. `long`: the code segment is a 64-bit
/// one.
#[must_use]
pub fn fixed_length(bytes: &[u8], long: bool, insn: Fixed) -> Option<u8> {
    let (rest, _) = after_prefixes(bytes, long);
    length(bytes, rest.strip_prefix(insn.opcode())?)
}

/// The length of an `in` or `out` (not of a string) at the beginning of `bytes`.
#[must_use]
pub fn port_length(bytes: &[u8], long: bool) -> Option<u8> {
    match after_prefixes(bytes, long).0 {
        [0xe4..=0xe7, _, rest @ ..] | [0xec..=0xef, rest @ ..] => length(bytes, rest),
        _ => None,
    }
}

/// A `mov` to or from a control or debug register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialMove {
    /// The control or debug register.
    pub register: u8,
    /// The general register, 0 (`rax`) to 15 (`r15`).
    pub general: u8,
    /// It is the special register that is written.
    pub write: bool,
    /// It is a debug register.
    pub debug: bool,
    /// Length of the instruction.
    pub length: u8,
}

/// The `mov` to or from a control or debug register at the beginning of `bytes`.
#[must_use]
pub fn special_move(bytes: &[u8], long: bool) -> Option<SpecialMove> {
    let (rest, rex) = after_prefixes(bytes, long);
    let [0x0f, opcode @ 0x20..=0x23, modrm, rest @ ..] = rest else { return None };
    // The processor takes both operands for registers, whatever the upper two bits say.
    Some(SpecialMove {
        register: modrm >> 3 & 7 | (rex & 4) << 1,
        general: modrm & 7 | (rex & 1) << 3,
        write: opcode & 2 != 0,
        debug: opcode & 1 != 0,
        length: length(bytes, rest)?,
    })
}
