//! The literals section of a compressed block (RFC 8878, section 3.1.1.3.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use zerocopy::FromZeros;

use super::MAX_BLOCK;
use super::copy::SLACK;
use super::huffman::Table;
use crate::LoadError;

const RAW: u8 = 0;
const RLE: u8 = 1;
const COMPRESSED: u8 = 2;

/// Where literals are decoded to, and the table that a block may take over from the one before.
pub struct Decoder {
    table: Box<Table>,
    has_table: bool,
    buffer: Vec<u8>,
}

/// The literals of a block, with what lies behind them: copies may read up to [`SLACK`] bytes more than they need.
#[derive(Clone, Copy)]
pub struct Literals<'a> {
    /// Literals and what follows them in memory.
    pub bytes: &'a [u8],
    /// How many are literals.
    pub len: usize,
}

/// A section's header.
struct Header {
    kind: u8,
    four_streams: bool,
    /// Bytes of the header.
    bytes: usize,
    /// Number of literals.
    len: usize,
    /// Bytes of the section behind the header, when compressed.
    packed: usize,
}

impl Decoder {
    pub fn new() -> Result<Self, LoadError> {
        let mut buffer = Vec::new();
        let size = MAX_BLOCK.wrapping_add(SLACK);
        let no_memory = LoadError::NoMemory(size as u64);
        buffer.try_reserve_exact(size).map_err(|_| no_memory)?;
        buffer.resize(size, 0);
        let table = Table::new_box_zeroed().map_err(|_| no_memory)?;
        Ok(Self { table, has_table: false, buffer })
    }

    /// The literals of the block `src`, and the sequences section behind them.
    pub fn decode<'a>(&'a mut self, src: &'a [u8]) -> Option<(Literals<'a>, &'a [u8])> {
        let h = header(src)?;
        if h.len > MAX_BLOCK {
            return None;
        }
        let body = src.get(h.bytes..)?;
        match h.kind {
            RAW => Some((Literals { bytes: body, len: h.len }, body.get(h.len..)?)),
            RLE => {
                let (byte, rest) = body.split_first()?;
                self.buffer.get_mut(..h.len)?.fill(*byte);
                Some((Literals { bytes: &self.buffer, len: h.len }, rest))
            }
            kind => {
                let (mut packed, rest) = body.split_at_checked(h.packed)?;
                if kind == COMPRESSED {
                    packed = self.table.read(packed)?;
                    self.has_table = true;
                } else if !self.has_table {
                    return None;
                }
                self.table.decode(packed, h.four_streams, self.buffer.get_mut(..h.len)?)?;
                Some((Literals { bytes: &self.buffer, len: h.len }, rest))
            }
        }
    }
}

/// The header: a kind (2 bits), a size format (1 or 2 bits), one size or two.
fn header(src: &[u8]) -> Option<Header> {
    let mut b = [0; 8];
    for (to, from) in b.iter_mut().zip(src) {
        *to = *from;
    }
    let v = u64::from_le_bytes(b);
    let kind = (v & 3) as u8;
    let format = (v >> 2 & 3) as u8;
    let field =
        |shift: u32, bits: u32| (v.wrapping_shr(shift) & 1u64.wrapping_shl(bits).wrapping_sub(1)) as usize;
    let plain = |bytes, len| Header { kind, four_streams: false, bytes, len, packed: 0 };
    let packed = |bytes, bits: u32| Header {
        kind,
        four_streams: format != 0,
        bytes,
        len: field(4, bits),
        packed: field(bits.wrapping_add(4), bits),
    };
    let h = match (kind, format) {
        (RAW | RLE, 1) => plain(2, field(4, 12)),
        (RAW | RLE, 3) => plain(3, field(4, 20)),
        (RAW | RLE, _) => plain(1, field(3, 5)),
        (_, 0 | 1) => packed(3, 10),
        (_, 2) => packed(4, 14),
        _ => packed(5, 18),
    };
    (h.bytes <= src.len()).then_some(h)
}
