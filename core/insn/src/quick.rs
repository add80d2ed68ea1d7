//! The length of instructions with a fixed opcode, for processors that do not say it when such an instruction stops a guest. No
//! decoder is needed: prefixes are skipped and the opcode compared.

/// Instructions that stop a guest and whose opcode has no operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Fixed {
    Cpuid,
    Rdmsr,
    Wrmsr,
    Hlt,
    Vmcall,
    Vmmcall,
}

impl Fixed {
    const fn opcode(self) -> &'static [u8] {
        match self {
            Self::Cpuid => &[0x0f, 0xa2],
            Self::Rdmsr => &[0x0f, 0x32],
            Self::Wrmsr => &[0x0f, 0x30],
            Self::Hlt => &[0xf4],
            Self::Vmcall => &[0x0f, 0x01, 0xc1],
            Self::Vmmcall => &[0x0f, 0x01, 0xd9],
        }
    }
}

/// What follows the prefixes. `long`: the code segment is a 64-bit one, where a REX prefix is one of them.
fn after_prefixes(bytes: &[u8], long: bool) -> &[u8] {
    let mut rest = bytes;
    while let [0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f | 0x64..=0x67 | 0xf2 | 0xf3, more @ ..] = rest {
        if !long && matches!(rest, [0x40..=0x4f, ..]) {
            break;
        }
        rest = more;
    }
    rest
}

/// The length of `insn` at the beginning of `bytes`; `None` when something else is there. `long`: the code segment is a 64-bit
/// one.
#[must_use]
pub fn fixed_length(bytes: &[u8], long: bool, insn: Fixed) -> Option<u8> {
    let rest = after_prefixes(bytes, long).strip_prefix(insn.opcode())?;
    let length = bytes.len().checked_sub(rest.len())?;
    (length <= crate::MAX_LENGTH).then_some(length as u8)
}
