//! The sequences section of a compressed block (RFC 8878, sections 3.1.1.3.2 and 3.1.1.4): decoding and execution in one
//! pass. This is where a decompression spends its time.

use alloc::boxed::Box;

use zerocopy::FromZeros;

use super::bits::{Backward, WINDOW_BITS};
use super::codes::{LITERALS, MATCHES, OFFSETS, Table};
use super::copy::{self, SLACK};
use super::literals::Literals;
use crate::LoadError;
use crate::bytes::u16_at;

/// The decoding tables, kept from block to block.
#[derive(FromZeros)]
struct Tables {
    literals: Table,
    offsets: Table,
    matches: Table,
}

/// Decodes sequences.
pub struct Decoder {
    tables: Box<Tables>,
    recent: Recent,
}

/// The last three offsets.
#[derive(Clone, Copy)]
struct Recent(u32, u32, u32);

/// One sequence: copy literals, then repeat earlier output.
struct Sequence {
    literals: u32,
    repeat: u32,
    /// The offset as coded: the offset plus 3, or a choice among the recent ones.
    offset: u32,
}

/// Numbers of the three states.
#[derive(Clone, Copy)]
struct States {
    literals: u32,
    offset: u32,
    repeat: u32,
}

impl Decoder {
    pub fn new() -> Result<Self, LoadError> {
        let size = size_of::<Tables>() as u64;
        let tables = Tables::new_box_zeroed().map_err(|_| LoadError::NoMemory(size))?;
        Ok(Self { tables, recent: Recent(1, 4, 8) })
    }

    /// Runs the sequences of `src` into `out` from position `at` on; the position reached.
    pub fn run(&mut self, src: &[u8], literals: Literals<'_>, out: &mut [u8], at: u32) -> Option<u32> {
        let (count, rest) = count(src)?;
        let mut output = Output::new(out, at, literals);
        if count == 0 {
            output.remaining_literals()?;
            return rest.is_empty().then_some(output.at);
        }
        let (modes, rest) = rest.split_first()?;
        if modes & 3 != 0 {
            return None;
        }
        let rest = self.tables.literals.set(&LITERALS, modes >> 6, rest)?;
        let rest = self.tables.offsets.set(&OFFSETS, modes >> 4 & 3, rest)?;
        let rest = self.tables.matches.set(&MATCHES, modes >> 2 & 3, rest)?;
        self.recent = execute(&self.tables, self.recent, rest, count, &mut output)?;
        output.remaining_literals()?;
        Some(output.at)
    }
}

/// The number of sequences, in one to three bytes.
fn count(src: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = src.split_first()?;
    match *first {
        n @ 0..=127 => Some((u32::from(n), rest)),
        n @ 128..=254 => {
            let (low, rest) = rest.split_first()?;
            Some(((u32::from(n) & 0x7f) << 8 | u32::from(*low), rest))
        }
        255 => Some((u32::from(u16_at(rest, 0)?).wrapping_add(0x7f00), rest.get(2..)?)),
    }
}

fn execute(t: &Tables, recent: Recent, src: &[u8], count: u32, output: &mut Output<'_>) -> Option<Recent> {
    let mut recent = recent;
    let mut bits = Backward::new(src)?;
    let mut states = States {
        literals: bits.read(t.literals.log())?,
        offset: bits.read(t.offsets.log())?,
        repeat: bits.read(t.matches.log())?,
    };
    let mut left = count;
    loop {
        left = left.wrapping_sub(1);
        if left == 0 {
            break;
        }
        let s = next(t, &mut states, &mut bits)?;
        let offset = recent.take(s.offset, s.literals)?;
        output.run(s.literals, s.repeat, offset)?;
    }
    let s = last(t, states, &mut bits)?;
    let offset = recent.take(s.offset, s.literals)?;
    output.run(s.literals, s.repeat, offset)?;
    bits.is_empty().then_some(recent)
}

/// Decodes a sequence and moves the states on.
///
/// Rotating the window by a field's width brings the field to its low bits: one mask and one addition give the value.
#[inline(always)]
fn next(t: &Tables, states: &mut States, bits: &mut Backward<'_>) -> Option<Sequence> {
    let (lv, ls) = t.literals.state(states.literals);
    let (ov, os) = t.offsets.state(states.offset);
    let (mv, ms) = t.matches.state(states.repeat);
    let used = u32::from(ls.bits).wrapping_add(u32::from(os.bits)).wrapping_add(u32::from(ms.bits));
    if used > WINDOW_BITS {
        return next_long(t, states, bits);
    }
    let window = bits.window();
    bits.skip(used)?;
    let window = window.rotate_left(u32::from(os.value_bits));
    let offset = ov.base.wrapping_add(window as u32 & ov.mask);
    let window = window.rotate_left(u32::from(ms.value_bits));
    let repeat = mv.base.wrapping_add(window as u32 & mv.mask);
    let window = window.rotate_left(u32::from(ls.value_bits));
    let literals = lv.base.wrapping_add(window as u32 & lv.mask);
    let window = window.rotate_left(u32::from(ls.state_bits));
    states.literals = u32::from(ls.next).wrapping_add(window as u32 & u32::from(ls.mask));
    let window = window.rotate_left(u32::from(ms.state_bits));
    states.repeat = u32::from(ms.next).wrapping_add(window as u32 & u32::from(ms.mask));
    let window = window.rotate_left(u32::from(os.state_bits));
    states.offset = u32::from(os.next).wrapping_add(window as u32 & u32::from(os.mask));
    Some(Sequence { literals, repeat, offset })
}

/// [`next`] for a sequence that does not fit a window.
#[cold]
#[inline(never)]
fn next_long(t: &Tables, states: &mut States, bits: &mut Backward<'_>) -> Option<Sequence> {
    let (_, ls) = t.literals.state(states.literals);
    let (_, os) = t.offsets.state(states.offset);
    let (_, ms) = t.matches.state(states.repeat);
    let sequence = last(t, *states, bits)?;
    states.literals = u32::from(ls.next).wrapping_add(bits.read(u32::from(ls.state_bits))?);
    states.repeat = u32::from(ms.next).wrapping_add(bits.read(u32::from(ms.state_bits))?);
    states.offset = u32::from(os.next).wrapping_add(bits.read(u32::from(os.state_bits))?);
    Some(sequence)
}

/// Decodes a sequence behind which no states follow.
fn last(t: &Tables, states: States, bits: &mut Backward<'_>) -> Option<Sequence> {
    let (lv, ls) = t.literals.state(states.literals);
    let (ov, os) = t.offsets.state(states.offset);
    let (mv, ms) = t.matches.state(states.repeat);
    let offset = ov.base.wrapping_add(bits.read(u32::from(os.value_bits))?);
    let repeat = mv.base.wrapping_add(bits.read(u32::from(ms.value_bits))?);
    let literals = lv.base.wrapping_add(bits.read(u32::from(ls.value_bits))?);
    Some(Sequence { literals, repeat, offset })
}

impl Recent {
    /// The offset that `coded` stands for, in a sequence of `literals`; it becomes the most recent one.
    #[inline(always)]
    fn take(&mut self, coded: u32, literals: u32) -> Option<u32> {
        if coded > 3 {
            *self = Self(coded.wrapping_sub(3), self.0, self.1);
            return Some(self.0);
        }
        // Without literals the most recent offset is no choice: the others move up.
        match coded.wrapping_add(u32::from(literals == 0)) {
            1 => (),
            2 => *self = Self(self.1, self.0, self.2),
            3 => *self = Self(self.2, self.0, self.1),
            _ => *self = Self(self.0.checked_sub(1).filter(|o| *o != 0)?, self.0, self.1),
        }
        Some(self.0)
    }
}

/// Where sequences write.
struct Output<'a> {
    out: &'a mut [u8],
    at: u32,
    literals: &'a [u8],
    /// The next literal.
    literal: u32,
    /// End of the literals.
    literals_end: u32,
    /// Copies that end below may overrun their source (literals) or destination (output).
    literals_room: u32,
    out_room: u32,
}

impl<'a> Output<'a> {
    fn new(out: &'a mut [u8], at: u32, literals: Literals<'a>) -> Self {
        let room = |len: usize| len.saturating_add(1).saturating_sub(SLACK) as u32;
        let literals_end = literals.len as u32;
        Self {
            at,
            literals: literals.bytes,
            literal: 0,
            literals_end,
            literals_room: room(literals.bytes.len()).min(literals_end.saturating_add(1)),
            out_room: room(out.len()),
            out,
        }
    }

    /// Copies `literals` literals, then repeats `repeat` bytes from `offset` back.
    #[inline(always)]
    fn run(&mut self, literals: u32, repeat: u32, offset: u32) -> Option<()> {
        let literals_end = self.literal.wrapping_add(literals);
        let middle = self.at.wrapping_add(literals);
        let end = middle.wrapping_add(repeat);
        if literals_end >= self.literals_room || end >= self.out_room {
            return self.run_exact(literals, repeat, offset);
        }
        copy::literals(self.out, self.at, self.literals, self.literal, literals)?;
        copy::repeat(self.out, middle, offset, repeat)?;
        self.literal = literals_end;
        self.at = end;
        Some(())
    }

    /// [`Self::run`] where a copy must not overrun.
    #[cold]
    #[inline(never)]
    fn run_exact(&mut self, literals: u32, repeat: u32, offset: u32) -> Option<()> {
        self.take_literals(literals)?;
        copy::repeat_exact(self.out, self.at, offset, repeat)?;
        self.at = self.at.checked_add(repeat)?;
        Some(())
    }

    fn take_literals(&mut self, n: u32) -> Option<()> {
        let end = self.literal.checked_add(n).filter(|end| *end <= self.literals_end)?;
        copy::literals_exact(self.out, self.at, self.literals, self.literal, n)?;
        self.literal = end;
        self.at = self.at.checked_add(n)?;
        Some(())
    }

    /// Copies the literals behind the last sequence.
    fn remaining_literals(&mut self) -> Option<()> {
        self.take_literals(self.literals_end.checked_sub(self.literal)?)
    }
}
