//! The sequences section of a compressed block (RFC 8878, sections 3.1.1.3.2 and 3.1.1.4): decoding and execution in one
//! pass. This is where a decompression spends its time.

use alloc::boxed::Box;

use zerocopy::FromZeros;

use super::bits::{Backward, WINDOW_BITS};
use super::codes::{LITERALS, MATCHES, OFFSETS, StateRef, Table};
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
        let mut cursor = Cursor { at, literal: 0 };
        if count != 0 {
            let bits = Backward::new(self.tables(rest)?)?;
            cursor = execute(&self.tables, &mut self.recent, bits, count, &literals, out, at)?;
        } else if !rest.is_empty() {
            return None;
        }
        let remaining = u32::try_from(literals.len).ok()?.checked_sub(cursor.literal)?;
        Some(take_literals(out, &literals, cursor, remaining)?.at)
    }

    /// Takes the block's tables in; what follows them.
    fn tables<'a>(&mut self, src: &'a [u8]) -> Option<&'a [u8]> {
        let (modes, rest) = src.split_first()?;
        if modes & 3 != 0 {
            return None;
        }
        let rest = self.tables.literals.set(&LITERALS, modes >> 6, rest)?;
        let rest = self.tables.offsets.set(&OFFSETS, modes >> 4 & 3, rest)?;
        self.tables.matches.set(&MATCHES, modes >> 2 & 3, rest)
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

/// Decodes and runs `count` sequences, at least one; the position reached, and the literals taken.
#[inline(never)]
fn execute(
    t: &Tables,
    recent: &mut Recent,
    bits: Backward<'_>,
    count: u32,
    literals: &Literals<'_>,
    out: &mut [u8],
    at: u32,
) -> Option<Cursor> {
    let mut recent_now = *recent;
    let mut bits = bits;
    let mut states = States {
        literals: bits.read(t.literals.log())?,
        offset: bits.read(t.offsets.log())?,
        repeat: bits.read(t.matches.log())?,
    };
    let mut cursor = Cursor { at, literal: 0 };
    let source = literals.bytes.get(..literals.len.saturating_add(SLACK - 1)).unwrap_or(literals.bytes);
    for _ in 1..count {
        let sequence = next(t, &mut states, &mut bits)?;
        let offset = recent_now.take(sequence.offset, sequence.literals)?;
        cursor = match run(out, source, cursor, &sequence, offset) {
            Some(c) => c,
            None => run_exact(out, literals, cursor, &sequence, offset)?,
        };
    }
    // No states follow the last sequence.
    let sequence = values(t, states, &mut bits)?;
    let offset = recent_now.take(sequence.offset, sequence.literals)?;
    *recent = recent_now;
    cursor = run_exact(out, literals, cursor, &sequence, offset)?;
    bits.is_empty().then_some(cursor)
}

/// Decodes a sequence and moves the states on.
///
/// Rotating a word by a field's width brings the field to its low end: a mask and an addition give the value.
#[inline(always)]
fn next(t: &Tables, s: &mut States, bits: &mut Backward<'_>) -> Option<Sequence> {
    let (l, o, m) = (t.literals.state(s.literals), t.offsets.state(s.offset), t.matches.state(s.repeat));
    let both = |s: StateRef<'_>| u32::from(s.widths.both);
    let used = both(l).wrapping_add(both(o)).wrapping_add(both(m));
    if used > WINDOW_BITS {
        // Only copies leave for the rare case, so that the frequent one stays in registers.
        let (sequence, states, left) = next_long(t, *s, *bits)?;
        *s = states;
        bits.seek(left);
        return Some(sequence);
    }
    let (word, turn) = bits.word();
    bits.skip(used)?;
    let word = word.rotate_left(turn.wrapping_add(u32::from(o.widths.value)));
    let offset = o.value.value(word);
    let word = word.rotate_left(u32::from(m.widths.value));
    let repeat = m.value.value(word);
    let word = word.rotate_left(u32::from(l.widths.value));
    let sequence = Sequence { literals: l.value.value(word), repeat, offset };
    let word = word.rotate_left(u32::from(l.widths.next));
    s.literals = l.next.value(word);
    let word = word.rotate_left(u32::from(m.widths.next));
    s.repeat = m.next.value(word);
    let word = word.rotate_left(u32::from(o.widths.next));
    s.offset = o.next.value(word);
    Some(sequence)
}

/// [`next`] for a sequence that does not fit a word; with the new states and the bits left.
#[cold]
#[inline(never)]
fn next_long(t: &Tables, s: States, bits: Backward<'_>) -> Option<(Sequence, States, u32)> {
    let mut bits = bits;
    let sequence = values(t, s, &mut bits)?;
    let (l, o, m) = (t.literals.state(s.literals), t.offsets.state(s.offset), t.matches.state(s.repeat));
    let mut field = |s: StateRef<'_>| Some(s.next.value(bits.read(u32::from(s.widths.next))?.into()));
    let literals = field(l)?;
    let repeat = field(m)?;
    let offset = field(o)?;
    Some((sequence, States { literals, repeat, offset }, bits.left()))
}

/// Decodes a sequence's values.
#[inline(never)]
fn values(t: &Tables, s: States, bits: &mut Backward<'_>) -> Option<Sequence> {
    let (l, o, m) = (t.literals.state(s.literals), t.offsets.state(s.offset), t.matches.state(s.repeat));
    let mut field = |s: StateRef<'_>| Some(s.value.value(bits.read(u32::from(s.widths.value))?.into()));
    let offset = field(o)?;
    let repeat = field(m)?;
    let literals = field(l)?;
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

/// How far the output is, and the literals.
#[derive(Clone, Copy)]
struct Cursor {
    at: u32,
    literal: u32,
}

/// Runs a sequence; `None` when it is not valid or copies might overrun. `source` ends within a step of the last literal; so
/// it may hand out some bytes that are no literals, which shows at the block's end.
#[inline(always)]
fn run(out: &mut [u8], source: &[u8], c: Cursor, s: &Sequence, offset: u32) -> Option<Cursor> {
    copy::literals(out, c.at, source, c.literal, s.literals)?;
    let middle = c.at.wrapping_add(s.literals);
    copy::repeat(out, middle, offset, s.repeat)?;
    Some(Cursor { at: middle.wrapping_add(s.repeat), literal: c.literal.wrapping_add(s.literals) })
}

/// [`run`] without overrunning, from the sequence's start.
#[cold]
#[inline(never)]
fn run_exact(
    out: &mut [u8],
    literals: &Literals<'_>,
    c: Cursor,
    s: &Sequence,
    offset: u32,
) -> Option<Cursor> {
    let c = take_literals(out, literals, c, s.literals)?;
    copy::repeat_exact(out, c.at, offset, s.repeat)?;
    Some(Cursor { at: c.at.checked_add(s.repeat)?, literal: c.literal })
}

fn take_literals(out: &mut [u8], literals: &Literals<'_>, c: Cursor, n: u32) -> Option<Cursor> {
    let end = c.literal.checked_add(n).filter(|end| *end as usize <= literals.len)?;
    copy::literals_exact(out, c.at, literals.bytes, c.literal, n)?;
    Some(Cursor { at: c.at.checked_add(n)?, literal: end })
}
