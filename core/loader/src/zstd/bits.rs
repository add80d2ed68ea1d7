//! Bit streams of zstd (RFC 8878): backward ones for entropy-coded data, a forward one for table descriptions.

/// Bits that one [`Backward::word`] is sure to hold.
pub const WINDOW_BITS: u32 = 57;

/// A stream that is read from its end.
#[derive(Clone, Copy)]
pub struct Backward<'a> {
    src: &'a [u8],
    /// Bits not read yet.
    left: u32,
}

impl<'a> Backward<'a> {
    /// The stream in `src`; the highest bit set in the last byte marks the end. `None` when there is none.
    pub fn new(src: &'a [u8]) -> Option<Self> {
        let last = *src.last()?;
        let whole = u32::try_from(src.len()).ok()?.checked_sub(1)?.checked_mul(8)?;
        Some(Self { src, left: whole.checked_add(last.checked_ilog2()?)? })
    }

    /// Number of bits not read yet.
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// Goes to where `left` bits were left, a number that [`Self::left`] gave.
    pub const fn seek(&mut self, left: u32) {
        self.left = left;
    }

    /// Whether all bits are read.
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// A word that, rotated left by the number that comes with it, has the next bits at its top: at least [`WINDOW_BITS`]
    /// of them, or all that are left. The other bits are not defined.
    #[inline(always)]
    pub fn word(&self) -> (u64, u32) {
        // Without enough bits left this wraps, to a start beyond any block.
        let start = (self.left.wrapping_sub(WINDOW_BITS) >> 3) as usize;
        match self.src.get(start..start.wrapping_add(8)).and_then(|b| b.first_chunk()) {
            Some(b) => (u64::from_le_bytes(*b), self.left.wrapping_neg() & 7),
            None => self.short_word(),
        }
    }

    /// [`Self::word`] at the end of the stream, which is the start of its bytes.
    #[cold]
    #[inline(never)]
    fn short_word(&self) -> (u64, u32) {
        let mut b = [0; 8];
        for (to, from) in b.iter_mut().zip(self.src) {
            *to = *from;
        }
        (u64::from_le_bytes(b), 64u32.wrapping_sub(self.left))
    }

    /// The next bits at the top of a word, as many as [`Self::word`] has.
    #[inline(always)]
    pub fn window(&self) -> u64 {
        let (word, turn) = self.word();
        word.rotate_left(turn)
    }

    /// Moves on by `n` bits; `None` when there are less.
    #[inline(always)]
    pub fn skip(&mut self, n: u32) -> Option<()> {
        self.left = self.left.checked_sub(n)?;
        Some(())
    }

    /// The next `n` bits, at most 32.
    #[inline]
    pub fn read(&mut self, n: u32) -> Option<u32> {
        let v = self.window().checked_shr(64u32.wrapping_sub(n)).unwrap_or(0);
        self.skip(n)?;
        Some(v as u32)
    }
}

/// A stream that is read from its start, lowest bit first.
pub struct Forward<'a> {
    src: &'a [u8],
    /// Bits read.
    at: u32,
}

impl<'a> Forward<'a> {
    /// The stream at the start of `src`.
    pub const fn new(src: &'a [u8]) -> Self {
        Self { src, at: 0 }
    }

    /// The next `n` bits, at most 16; zeroes follow the end.
    pub fn peek(&self, n: u32) -> u32 {
        let first = (self.at / 8) as usize;
        let mut b = [0; 4];
        for (to, from) in b.iter_mut().zip(self.src.iter().skip(first)) {
            *to = *from;
        }
        let mask = 1u32.wrapping_shl(n).wrapping_sub(1);
        u32::from_le_bytes(b).wrapping_shr(self.at % 8) & mask
    }

    /// Moves on by `n` bits.
    pub const fn skip(&mut self, n: u32) {
        self.at = self.at.wrapping_add(n);
    }

    /// What follows the last byte of which a bit was read; `None` when that was beyond the end.
    pub fn rest(&self) -> Option<&'a [u8]> {
        self.src.get(self.at.div_ceil(8) as usize..)
    }
}
