//! Finite state entropy (RFC 8878, section 4.1).

use super::bits::Forward;

/// Symbols of the largest alphabet (lengths of matches: 53 codes), rounded up.
pub const MAX_SYMBOLS: usize = 64;
/// States of the largest table.
pub const MAX_STATES: usize = 512;
const MAX_LOG: u32 = 9;

/// How probable each symbol is, in units of one state; -1 stands for less than one.
#[derive(Clone, Copy)]
pub struct Distribution {
    /// The logarithm of the number of states.
    pub log: u32,
    /// Probabilities, by symbol.
    pub counts: [i16; MAX_SYMBOLS],
}

impl Distribution {
    /// A predefined distribution.
    pub const fn predefined(log: u32, counts: &[i16]) -> Self {
        let mut d = Self { log, counts: [0; MAX_SYMBOLS] };
        if let Some((to, _)) = d.counts.split_at_mut_checked(counts.len()) {
            to.copy_from_slice(counts);
        }
        d
    }

    /// Reads a distribution of at most `max_log` and of symbols below `symbols` from the start of `src`; with what follows.
    pub fn read(src: &[u8], max_log: u32, symbols: usize) -> Option<(Self, &[u8])> {
        let mut bits = Forward::new(src);
        let log = bits.peek(4).wrapping_add(5);
        bits.skip(4);
        if log > max_log.min(MAX_LOG) {
            return None;
        }
        let mut d = Self { log, counts: [0; MAX_SYMBOLS] };
        let mut remaining = 1u32.wrapping_shl(log);
        let mut symbol = 0;
        while remaining > 0 {
            let count = read_count(&mut bits, remaining);
            *d.counts.get_mut(..symbols)?.get_mut(symbol)? = count;
            remaining = remaining.checked_sub(u32::from(count.unsigned_abs()))?;
            symbol = symbol.wrapping_add(1);
            if count == 0 {
                symbol = symbol.checked_add(read_zeroes(&mut bits, symbols)?).filter(|s| *s <= symbols)?;
            }
        }
        Some((d, bits.rest()?))
    }
}

/// How many symbols of probability 0 follow one such: a sum of numbers of two bits, up to the first below 3.
fn read_zeroes(bits: &mut Forward<'_>, most: usize) -> Option<usize> {
    let mut sum = 0usize;
    while sum <= most {
        let n = bits.peek(2) as usize;
        bits.skip(2);
        sum = sum.wrapping_add(n);
        if n != 3 {
            return Some(sum);
        }
    }
    None
}

/// One probability, out of `remaining`: in as few bits as its range needs, small values in one bit less.
fn read_count(bits: &mut Forward<'_>, remaining: u32) -> i16 {
    let range = remaining.wrapping_add(1);
    let width = range.ilog2().wrapping_add(1);
    let low_mask = 1u32.wrapping_shl(width.wrapping_sub(1)).wrapping_sub(1);
    let short = 1u32.wrapping_shl(width).wrapping_sub(1).wrapping_sub(range);
    let v = bits.peek(width);
    let v = if v & low_mask < short {
        bits.skip(width.wrapping_sub(1));
        v & low_mask
    } else {
        bits.skip(width);
        if v > low_mask { v.wrapping_sub(short) } else { v }
    };
    (v as i16).wrapping_sub(1)
}

/// A state of a decoding table.
#[derive(Clone, Copy, Default)]
pub struct State {
    /// What the state stands for.
    pub symbol: u8,
    /// Bits to read for the next state.
    pub bits: u8,
    /// What to add to them.
    pub next: u16,
}

/// Calls `put(n, state)` for every state of the table.
pub fn build(d: &Distribution, mut put: impl FnMut(usize, State) -> Option<()>) -> Option<()> {
    let size = 1u32.checked_shl(d.log).filter(|s| *s as usize <= MAX_STATES)?;
    let mut symbols = [0u8; MAX_STATES];
    spread(d, size, &mut symbols)?;
    let mut next = d.counts.map(|c| if c < 0 { 1 } else { c as u16 });
    for (n, symbol) in symbols.get(..size as usize)?.iter().enumerate() {
        let count = next.get_mut(usize::from(*symbol))?;
        let bits = d.log.checked_sub(u32::from(*count).checked_ilog2()?)?;
        let first = u32::from(*count).wrapping_shl(bits).wrapping_sub(size);
        put(n, State { symbol: *symbol, bits: bits as u8, next: first as u16 })?;
        *count = count.wrapping_add(1);
    }
    Some(())
}

/// Distributes the symbols over the states: improbable ones at the end, the others at strides.
fn spread(d: &Distribution, size: u32, symbols: &mut [u8; MAX_STATES]) -> Option<()> {
    let mut high = size;
    for (symbol, _) in (0..).zip(d.counts).filter(|(_, c)| *c < 0) {
        high = high.checked_sub(1)?;
        *symbols.get_mut(high as usize)? = symbol;
    }
    let stride = (size >> 1).wrapping_add(size >> 3).wrapping_add(3);
    let mask = size.wrapping_sub(1);
    let mut at = 0u32;
    for (symbol, count) in (0..).zip(d.counts).filter(|(_, c)| *c > 0) {
        for _ in 0..count {
            *symbols.get_mut(at as usize)? = symbol;
            at = at.wrapping_add(stride) & mask;
            // `stride` is odd, so this meets every state; at least one is free as long as the counts' sum is the size.
            while at >= high && high != 0 {
                at = at.wrapping_add(stride) & mask;
            }
        }
    }
    (at == 0).then_some(())
}
