//! Decompression of a zstd frame (RFC 8878) straight into its final buffer, which serves as the window.
//!
//! A decoder of our own, because it needs a third of the instructions of a general one (no ring buffer, no copy out of it) and
//! holds no second copy of a window of up to 128 MiB. No dictionaries: Linux uses none. The checksum at the frame's end is verified.

mod bits;
mod codes;
mod copy;
mod fse;
mod huffman;
mod literals;
mod sequences;
mod xxh64;

use crate::LoadError;
use crate::bytes::{slice, u8_at, u32_at};

/// What a frame starts with.
pub const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
/// Bytes that a block decompresses to at most.
const MAX_BLOCK: usize = 128 << 10;
/// Largest output: positions are kept in 32 bits with room to spare.
const MAX_OUTPUT: usize = 1 << 31;
const BLOCK_HEADER: u64 = 3;

/// Decompresses the frame at the start of `src`, which fills `out` exactly.
///
/// # Errors
/// [`LoadError::BadCompression`] for damaged data, [`LoadError::NoMemory`] for want of 160 KiB of working memory.
pub fn decompress(src: &[u8], out: &mut [u8]) -> Result<(), LoadError> {
    let mut decoder = Decoder { literals: literals::Decoder::new()?, sequences: sequences::Decoder::new()? };
    decoder.frame(src, out).ok_or(LoadError::BadCompression("zstd"))
}

struct Decoder {
    literals: literals::Decoder,
    sequences: sequences::Decoder,
}

impl Decoder {
    fn frame(&mut self, src: &[u8], out: &mut [u8]) -> Option<()> {
        if out.len() > MAX_OUTPUT {
            return None;
        }
        let has_checksum = u8_at(src, MAGIC.len() as u64)? >> 2 & 1 != 0;
        let mut src = src.get(header_len(src)?..)?;
        let mut at = 0;
        loop {
            let header = slice(src, 0, BLOCK_HEADER)?;
            let header = header.iter().rev().fold(0u32, |v, b| v << 8 | u32::from(*b));
            let (last, kind, size) = (header & 1 != 0, header >> 1 & 3, header >> 3);
            // A run's size is that of its output.
            let stored = if kind == 1 { 1 } else { size };
            let (block, rest) = src.get(BLOCK_HEADER as usize..)?.split_at_checked(stored as usize)?;
            at = self.block(kind, size, block, out, at)?;
            if last {
                let whole = at as usize == out.len();
                // The frame holds the sum's lower half.
                let sound = !has_checksum || u32_at(rest, 0)? == xxh64::xxh64(out) as u32;
                return (whole && sound).then_some(());
            }
            src = rest;
        }
    }

    /// Decompresses a block to `out[at..]`; the position reached.
    fn block(&mut self, kind: u32, size: u32, src: &[u8], out: &mut [u8], at: u32) -> Option<u32> {
        let end = at.checked_add(size)?;
        match kind {
            0 => out.get_mut(at as usize..end as usize)?.copy_from_slice(src),
            1 => out.get_mut(at as usize..end as usize)?.fill(*src.first()?),
            2 if src.len() <= MAX_BLOCK => {
                let (literals, rest) = self.literals.decode(src)?;
                return self.sequences.run(rest, literals, out, at);
            }
            _ => return None,
        }
        Some(end)
    }
}

/// Bytes of the frame's header.
fn header_len(src: &[u8]) -> Option<usize> {
    if !src.starts_with(MAGIC) {
        return None;
    }
    let descriptor = u8_at(src, MAGIC.len() as u64)?;
    let single_segment = descriptor >> 5 & 1 != 0;
    let (has_dictionary, reserved) = (descriptor & 3 != 0, descriptor >> 3 & 1 != 0);
    if has_dictionary || reserved {
        return None;
    }
    let size_bytes = match descriptor >> 6 {
        0 if single_segment => 1,
        0 => 0,
        n => 1usize.wrapping_shl(u32::from(n)),
    };
    let window_byte = usize::from(!single_segment);
    MAGIC.len().checked_add(1)?.checked_add(size_bytes)?.checked_add(window_byte)
}
