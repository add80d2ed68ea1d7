//! Huffman-coded literals (RFC 8878, section 4.2).

use zerocopy::FromZeros;

use super::bits::Backward;
use super::fse::{self, Distribution, State};
use crate::bytes::u16_at;

/// Bits of the longest code.
const MAX_BITS: u32 = 11;
const TABLE_SIZE: usize = 1 << MAX_BITS;
const MAX_WEIGHTS: usize = 256;
/// The largest table of the weights' own coding.
const WEIGHTS_LOG: u32 = 6;

/// What the next [`MAX_BITS`] bits stand for.
#[derive(Clone, Copy, FromZeros)]
struct Code {
    symbol: u8,
    bits: u8,
}

/// A decoding table.
#[derive(FromZeros)]
pub struct Table {
    codes: [Code; TABLE_SIZE],
}

impl Table {
    /// Replaces the table by the one that `src` starts with; what follows.
    pub fn read<'a>(&mut self, src: &'a [u8]) -> Option<&'a [u8]> {
        let (header, rest) = src.split_first()?;
        let mut weights = [0u8; MAX_WEIGHTS];
        let (count, rest) = match header.checked_sub(127) {
            Some(count) => direct_weights(rest, usize::from(count), &mut weights)?,
            None => {
                let (packed, rest) = rest.split_at_checked(usize::from(*header))?;
                (packed_weights(packed, &mut weights)?, rest)
            }
        };
        self.build(weights, count)?;
        Some(rest)
    }

    /// Fills the table; the weight of the last symbol, number `count`, is what the others leave.
    fn build(&mut self, mut weights: [u8; MAX_WEIGHTS], count: usize) -> Option<()> {
        let total: u32 = weights.iter().map(|w| share(u32::from(*w))).sum();
        let bits = total.checked_ilog2()?.wrapping_add(1);
        if bits > MAX_BITS {
            return None;
        }
        let left = 1u32.wrapping_shl(bits).wrapping_sub(total);
        if !left.is_power_of_two() {
            return None;
        }
        *weights.get_mut(count)? = left.ilog2().wrapping_add(1) as u8;
        let mut codes = self.codes.iter_mut();
        // Entries of the table for one of the code of `bits` bits.
        let spare = MAX_BITS.wrapping_sub(bits);
        for weight in 1..=bits {
            let length = bits.wrapping_add(1).wrapping_sub(weight) as u8;
            let n = share(weight).wrapping_shl(spare) as usize;
            for (symbol, _) in (0..=u8::MAX).zip(weights).filter(|(_, w)| u32::from(*w) == weight) {
                for code in codes.by_ref().take(n) {
                    *code = Code { symbol, bits: length };
                }
            }
        }
        Some(())
    }

    /// Decodes one stream, or four behind their jump table, that fill `out`.
    pub fn decode(&self, src: &[u8], four: bool, out: &mut [u8]) -> Option<()> {
        if !four {
            return self.stream(src, out);
        }
        let part = out.len().div_ceil(4);
        let (mut src_rest, mut out_rest) = (src.get(6..)?, out);
        for at in [0, 2, 4] {
            let (one, rest) = src_rest.split_at_checked(usize::from(u16_at(src, at)?))?;
            let (to, rest_out) = out_rest.split_at_mut_checked(part)?;
            self.stream(one, to)?;
            (src_rest, out_rest) = (rest, rest_out);
        }
        self.stream(src_rest, out_rest)
    }

    fn stream(&self, src: &[u8], out: &mut [u8]) -> Option<()> {
        /// Symbols that a window is sure to hold.
        const AT_ONCE: usize = 5;
        let mut bits = Backward::new(src)?;
        let (groups, rest) = out.as_chunks_mut::<AT_ONCE>();
        for group in groups {
            let mut window = bits.window();
            let mut used = 0u32;
            for to in group {
                let code = self.code(window);
                *to = code.symbol;
                window = window.wrapping_shl(u32::from(code.bits));
                used = used.wrapping_add(u32::from(code.bits));
            }
            bits.skip(used)?;
        }
        for to in rest {
            let code = self.code(bits.window());
            *to = code.symbol;
            bits.skip(u32::from(code.bits))?;
        }
        bits.is_empty().then_some(())
    }

    #[inline(always)]
    fn code(&self, window: u64) -> Code {
        const SHIFT: u32 = 64 - MAX_BITS;
        // The index is below the table's size; the optimizer sees that and drops the check.
        self.codes.get((window >> SHIFT) as usize).copied().unwrap_or(Code { symbol: 0, bits: 0 })
    }
}

/// States of a code, in units of those of the longest code.
const fn share(weight: u32) -> u32 {
    1u32.wrapping_shl(weight) >> 1
}

/// Weights of 4 bits each, the first in the upper half of its byte; their number.
fn direct_weights<'a>(
    src: &'a [u8],
    count: usize,
    weights: &mut [u8; MAX_WEIGHTS],
) -> Option<(usize, &'a [u8])> {
    let (packed, rest) = src.split_at_checked(count.div_ceil(2))?;
    let nibbles = packed.iter().flat_map(|b| [b >> 4, b & 15]);
    for (to, weight) in weights.get_mut(..count)?.iter_mut().zip(nibbles) {
        *to = weight;
    }
    Some((count, rest))
}

/// Weights coded by two states that take turns until the stream ends; their number.
fn packed_weights(src: &[u8], weights: &mut [u8; MAX_WEIGHTS]) -> Option<usize> {
    let (distribution, stream) = Distribution::read(src, WEIGHTS_LOG, 16)?;
    let mut table = [State::default(); 1 << WEIGHTS_LOG];
    fse::build(&distribution, |n, state| {
        *table.get_mut(n)? = state;
        Some(())
    })?;
    let mut bits = Backward::new(stream)?;
    let log = distribution.log;
    let mut now = *table.get(bits.read(log)? as usize)?;
    let mut other = *table.get(bits.read(log)? as usize)?;
    let mut slots = (0usize..).zip(weights.iter_mut().take(MAX_WEIGHTS - 1));
    loop {
        let (_, to) = slots.next()?;
        *to = now.symbol;
        match bits.read(u32::from(now.bits)) {
            Some(v) => {
                let next = *table.get(v.wrapping_add(u32::from(now.next)) as usize)?;
                (now, other) = (other, next);
            }
            None => {
                let (n, to) = slots.next()?;
                *to = other.symbol;
                return n.checked_add(1);
            }
        }
    }
}
