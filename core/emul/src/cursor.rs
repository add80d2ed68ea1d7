//! Reading an instruction byte by byte.

/// The bytes ran out before the instruction's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short;

/// A position in an instruction's bytes (at most [`MAX_INSN_LEN`](crate::MAX_INSN_LEN) of them).
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    /// At the first of `bytes`; what is beyond the longest instruction does not count.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.get(..crate::MAX_INSN_LEN).unwrap_or(bytes), pos: 0 }
    }

    /// How many bytes have been read.
    #[inline]
    pub(crate) fn len(&self) -> u8 {
        self.pos as u8
    }

    /// The next byte.
    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Short> {
        let b = *self.bytes.get(self.pos).ok_or(Short)?;
        self.pos = self.pos.wrapping_add(1);
        Ok(b)
    }

    /// The next `n` (at most 8) bytes as a little-endian number, sign-extended.
    pub(crate) fn signed(&mut self, n: u8) -> Result<u64, Short> {
        let mut v = 0u64;
        for i in 0..u32::from(n) {
            v |= u64::from(self.u8()?).wrapping_shl(i.wrapping_mul(8));
        }
        let unused = 64u32.wrapping_sub(u32::from(n).wrapping_mul(8));
        Ok((v as i64).wrapping_shl(unused).wrapping_shr(unused) as u64)
    }
}

/// What the prefixes of an instruction say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefixes {
    /// 66: the other operand size.
    pub opsize: bool,
    /// 67: the other address size.
    pub addrsize: bool,
    /// F2 or F3.
    pub rep: bool,
    /// F0.
    pub lock: bool,
    /// 64 or 65: a segment whose base is not zero.
    pub fs_gs: bool,
    /// The REX byte, or 0.
    pub rex: u8,
}

impl Prefixes {
    /// Reads all prefixes and returns them with the opcode's first byte.
    #[inline]
    pub(crate) fn read(c: &mut Cursor<'_>, long: bool) -> Result<(Self, u8), Short> {
        let mut p = Self::default();
        loop {
            let b = c.u8()?;
            match b {
                0x66 => p.opsize = true,
                0x67 => p.addrsize = true,
                0xf2 | 0xf3 => p.rep = true,
                0xf0 => p.lock = true,
                0x64 | 0x65 => p.fs_gs = true,
                // The other segments are flat.
                0x26 | 0x2e | 0x36 | 0x3e => {}
                0x40..=0x4f if long => {
                    p.rex = b;
                    continue;
                }
                _ => return Ok((p, b)),
            }
            // A REX that does not stand right before the opcode has no effect.
            p.rex = 0;
        }
    }

    /// REX.W.
    #[inline]
    pub(crate) fn w(self) -> bool {
        self.rex & 8 != 0
    }

    /// REX.R as bit 3 of a register number.
    #[inline]
    pub(crate) fn r(self) -> u8 {
        (self.rex & 4) << 1
    }

    /// REX.X as bit 3 of a register number.
    #[inline]
    pub(crate) fn x(self) -> u8 {
        (self.rex & 2) << 2
    }

    /// REX.B as bit 3 of a register number.
    #[inline]
    pub(crate) fn b(self) -> u8 {
        (self.rex & 1) << 3
    }
}
