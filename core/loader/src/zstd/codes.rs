//! The three codes of a sequence - literals length, match length, offset - and their decoding tables (RFC 8878, section
//! 3.1.1.3.2).

use zerocopy::FromZeros;

use super::fse::{self, Distribution, MAX_STATES, State};

/// A number of the stream: a base plus some bits.
#[derive(Clone, Copy, FromZeros)]
pub struct Field {
    base: u32,
    mask: u32,
}

impl Field {
    /// The number, from its bits at the low end of `window`.
    #[inline(always)]
    pub const fn value(&self, window: u64) -> u32 {
        self.base.wrapping_add(window as u32 & self.mask)
    }

    const fn new(base: u32, bits: u8) -> Self {
        Self { base, mask: 1u32.wrapping_shl(bits as u32).wrapping_sub(1) }
    }
}

/// Numbers of bits that a state takes from the stream.
#[derive(Clone, Copy, FromZeros)]
pub struct Widths {
    /// For the value.
    pub value: u8,
    /// For the next state.
    pub next: u8,
    /// For both.
    pub both: u8,
    /// Keeps the size a power of two, for short address computations.
    _pad: u8,
}

/// A state of a [`Table`], by reference so that only what is needed is loaded.
#[derive(Clone, Copy)]
pub struct StateRef<'a> {
    /// The value.
    pub value: &'a Field,
    /// The next state.
    pub next: &'a Field,
    /// Their bits.
    pub widths: &'a Widths,
}

/// A decoding table. Indices are masked, so that every number of 9 bits is a state.
#[derive(FromZeros)]
pub struct Table {
    values: [Field; MAX_STATES],
    nexts: [Field; MAX_STATES],
    widths: [Widths; MAX_STATES],
    log: u32,
    present: bool,
}

/// One of the three codes.
pub struct Code {
    /// The largest table's logarithm.
    max_log: u32,
    /// The base and the number of bits of each symbol.
    symbols: &'static [(u32, u8)],
    predefined: Distribution,
}

/// How a block gives a table.
pub const MODE_PREDEFINED: u8 = 0;
const MODE_RLE: u8 = 1;
const MODE_FSE: u8 = 2;

impl Table {
    /// Bits of the initial state.
    pub const fn log(&self) -> u32 {
        self.log
    }

    /// The state number `n`.
    #[inline(always)]
    pub fn state(&self, n: u32) -> StateRef<'_> {
        static NO_FIELD: Field = Field { base: 0, mask: 0 };
        static NO_WIDTHS: Widths = Widths { value: 0, next: 0, both: 0, _pad: 0 };
        // The index is below MAX_STATES; the optimizer sees that and drops the checks.
        let n = n as usize % MAX_STATES;
        StateRef {
            value: self.values.get(n).unwrap_or(&NO_FIELD),
            next: self.nexts.get(n).unwrap_or(&NO_FIELD),
            widths: self.widths.get(n).unwrap_or(&NO_WIDTHS),
        }
    }

    /// Makes the table that the block's `mode` asks for, from the start of `src`; what follows.
    pub fn set<'a>(&mut self, code: &Code, mode: u8, src: &'a [u8]) -> Option<&'a [u8]> {
        let rest = match mode {
            MODE_PREDEFINED => {
                self.fill(code, &code.predefined)?;
                src
            }
            MODE_RLE => {
                let (symbol, rest) = src.split_first()?;
                self.log = 0;
                self.put(code, 0, State { symbol: *symbol, bits: 0, next: 0 })?;
                rest
            }
            MODE_FSE => {
                let (distribution, rest) = Distribution::read(src, code.max_log, code.symbols.len())?;
                self.fill(code, &distribution)?;
                rest
            }
            _ if self.present => src,
            _ => return None,
        };
        self.present = true;
        Some(rest)
    }

    fn fill(&mut self, code: &Code, distribution: &Distribution) -> Option<()> {
        self.log = distribution.log;
        fse::build(distribution, |n, state| self.put(code, n, state))
    }

    fn put(&mut self, code: &Code, n: usize, state: State) -> Option<()> {
        let (base, bits) = *code.symbols.get(usize::from(state.symbol))?;
        *self.values.get_mut(n)? = Field::new(base, bits);
        *self.nexts.get_mut(n)? = Field::new(u32::from(state.next), state.bits);
        *self.widths.get_mut(n)? =
            Widths { value: bits, next: state.bits, both: bits.wrapping_add(state.bits), _pad: 0 };
        Some(())
    }
}

/// Symbols whose values follow each other from `first` on, with the given numbers of bits.
const fn ranges<const N: usize>(first: u32, bits: [u8; N]) -> [(u32, u8); N] {
    let mut table = [(0, 0); N];
    let mut base = first;
    let mut rest: &mut [(u32, u8)] = &mut table;
    let mut left: &[u8] = &bits;
    while let (Some((slot, slots)), Some((b, more))) = (rest.split_first_mut(), left.split_first()) {
        *slot = (base, *b);
        base = base.wrapping_add(1u32.wrapping_shl(*b as u32));
        (rest, left) = (slots, more);
    }
    table
}

const LITERALS_SYMBOLS: [(u32, u8); 36] = ranges(
    0,
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12,
        13, 14, 15, 16,
    ],
);

const MATCH_SYMBOLS: [(u32, u8); 53] = ranges(
    3,
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
        1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    ],
);

/// The code n stands for the values of n + 1 bits.
const OFFSET_SYMBOLS: [(u32, u8); 32] = ranges(
    1,
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
        28, 29, 30, 31,
    ],
);

/// Lengths of literals.
pub static LITERALS: Code = Code {
    max_log: 9,
    symbols: &LITERALS_SYMBOLS,
    predefined: Distribution::predefined(
        6,
        &[
            4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
            -1, -1, -1, -1,
        ],
    ),
};

/// Lengths of matches.
pub static MATCHES: Code = Code {
    max_log: 9,
    symbols: &MATCH_SYMBOLS,
    predefined: Distribution::predefined(
        6,
        &[
            1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
        ],
    ),
};

/// Offsets.
pub static OFFSETS: Code = Code {
    max_log: 8,
    symbols: &OFFSET_SYMBOLS,
    predefined: Distribution::predefined(
        5,
        &[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
    ),
};
