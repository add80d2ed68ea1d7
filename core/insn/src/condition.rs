//! Conditions of `setcc`, `cmovcc` and `jcc`.

use iced_x86::Mnemonic;
use iced_x86::Mnemonic::{Cmova, Cmovae, Cmovb, Cmovbe, Cmove, Cmovg, Cmovge, Cmovl, Cmovle, Cmovne, Cmovno};
use iced_x86::Mnemonic::{Cmovnp, Cmovns, Cmovo, Cmovp, Cmovs};
use iced_x86::Mnemonic::{Ja, Jae, Jb, Jbe, Je, Jg, Jge, Jl, Jle, Jne, Jno, Jnp, Jns, Jo, Jp, Js};
use iced_x86::Mnemonic::{Seta, Setae, Setb, Setbe, Sete, Setg, Setge, Setl, Setle, Setne, Setno};
use iced_x86::Mnemonic::{Setnp, Setns, Seto, Setp, Sets};

/// The instructions with each condition, in the order of the conditions' numbers: set, move, jump.
const NAMES: [[Mnemonic; 3]; 16] = [
    [Seto, Cmovo, Jo],
    [Setno, Cmovno, Jno],
    [Setb, Cmovb, Jb],
    [Setae, Cmovae, Jae],
    [Sete, Cmove, Je],
    [Setne, Cmovne, Jne],
    [Setbe, Cmovbe, Jbe],
    [Seta, Cmova, Ja],
    [Sets, Cmovs, Js],
    [Setns, Cmovns, Jns],
    [Setp, Cmovp, Jp],
    [Setnp, Cmovnp, Jnp],
    [Setl, Cmovl, Jl],
    [Setge, Cmovge, Jge],
    [Setle, Cmovle, Jle],
    [Setg, Cmovg, Jg],
];

/// What an instruction with a condition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Set,
    Move,
    Jump,
}

/// What the instruction does if it is one with a condition, and the condition's number.
pub(crate) fn of(mnemonic: Mnemonic) -> Option<(Kind, u8)> {
    let kinds = [Kind::Set, Kind::Move, Kind::Jump];
    NAMES.iter().zip(0..).find_map(|(row, number)| {
        let column = row.iter().zip(kinds).find(|(name, _)| **name == mnemonic);
        column.map(|(_, kind)| (kind, number))
    })
}
