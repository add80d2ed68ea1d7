//! Decompression of a kernel, straight into a buffer of its final size.
//!
//! Linux appends the decompressed size to every payload (4 bytes, little endian); gzip's own trailer happens to be the same.
//! Of checksums zstd's is verified; gzip's is not, and the others have none, as little as an uncompressed kernel: their lengths
//! and the ELF are.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::bytes::{last_u32, slice, u8_at, u16_at, u32_at};
use crate::{LoadError, zstd};

const ELF: &[u8] = b"\x7fELF";
const GZIP: &[u8] = b"\x1f\x8b";
const LZ4_LEGACY: &[u8] = b"\x02\x21\x4c\x18";
/// Formats that Linux can use and we cannot.
const UNSUPPORTED: [(&[u8], &str); 4] =
    [(b"\xfd7zXZ\0", "xz"), (b"\x5d\0\0", "lzma"), (b"BZh", "bzip2"), (b"\x89LZO", "lzo")];

/// What an archive in cpio's format begins with, without and with checksums.
const CPIO: [&[u8]; 2] = [b"070701", b"070702"];

/// Whether Linux would take the file as its ramdisk: by its first bytes it is an archive or compressed.
#[must_use]
pub fn is_ramdisk(file: &[u8]) -> bool {
    let compressed = UNSUPPORTED.iter().map(|(magic, _)| *magic).chain([zstd::MAGIC, GZIP, LZ4_LEGACY]);
    compressed.chain(CPIO).any(|magic| file.starts_with(magic))
}

/// Bytes of the size that Linux appends.
const TRAILER: usize = 4;

/// The ELF of a bzImage's payload.
pub fn payload(p: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    if p.starts_with(zstd::MAGIC) {
        return appended(p, zstd::decompress).map(Cow::Owned);
    }
    if p.starts_with(LZ4_LEGACY) {
        return appended(p, lz4).map(Cow::Owned);
    }
    match UNSUPPORTED.iter().find(|(magic, _)| p.starts_with(magic)) {
        Some((_, name)) => Err(LoadError::UnsupportedCompression(name)),
        None => plain(p),
    }
}

/// An ELF file, plain or compressed with gzip.
pub fn plain(b: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    if b.starts_with(ELF) {
        return Ok(Cow::Borrowed(b));
    }
    if b.starts_with(GZIP) {
        let mut out = buffer(last_u32(b).ok_or(LoadError::BadCompression("gzip"))?)?;
        gzip(b, &mut out)?;
        return Ok(Cow::Owned(out));
    }
    Err(LoadError::UnknownFormat)
}

/// Decompresses a stream that is followed by its decompressed size.
fn appended(p: &[u8], decode: fn(&[u8], &mut [u8]) -> Result<(), LoadError>) -> Result<Vec<u8>, LoadError> {
    let (stream, trailer) = p.split_last_chunk::<TRAILER>().ok_or(LoadError::Truncated("payload"))?;
    let mut out = buffer(u32::from_le_bytes(*trailer))?;
    decode(stream, &mut out)?;
    Ok(out)
}

fn buffer(len: u32) -> Result<Vec<u8>, LoadError> {
    let len = len as usize;
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| LoadError::NoMemory(len as u64))?;
    out.resize(len, 0);
    Ok(out)
}

/// The legacy frame of `lz4 -l`: blocks of at most 8 MiB, each behind its compressed size.
fn lz4(stream: &[u8], out: &mut [u8]) -> Result<(), LoadError> {
    let bad = LoadError::BadCompression("lz4");
    let mut rest = stream.get(LZ4_LEGACY.len()..).ok_or(bad)?;
    let mut room = out;
    while !room.is_empty() {
        let len = u64::from(u32_at(rest, 0).ok_or(bad)?);
        let block = slice(rest, 4, len).ok_or(bad)?;
        let n = lz4_flex::block::decompress_into(block, room).map_err(|_| bad)?;
        if n == 0 {
            return Err(bad);
        }
        room = room.get_mut(n..).ok_or(bad)?;
        rest = rest.get(block.len().saturating_add(4)..).ok_or(bad)?;
    }
    Ok(())
}

/// A gzip member (RFC 1952).
fn gzip(b: &[u8], out: &mut [u8]) -> Result<(), LoadError> {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

    let bad = LoadError::BadCompression("gzip");
    let body = slice_from(b, gzip_header(b).ok_or(bad)?).ok_or(bad)?;
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, _, n) = decompress(&mut DecompressorOxide::new(), body, out, 0, flags);
    if status == TINFLStatus::Done && n == out.len() { Ok(()) } else { Err(bad) }
}

/// Length in bytes of the header of a gzip member.
fn gzip_header(b: &[u8]) -> Option<u64> {
    const DEFLATE: u8 = 8;
    const FHCRC: u8 = 2;
    const FEXTRA: u8 = 4;
    const FNAME: u8 = 8;
    const FCOMMENT: u8 = 16;
    if u8_at(b, 2)? != DEFLATE {
        return None;
    }
    let flags = u8_at(b, 3)?;
    let mut at: u64 = 10;
    if flags & FEXTRA != 0 {
        at = at.checked_add(2)?.checked_add(u64::from(u16_at(b, at)?))?;
    }
    for string in [FNAME, FCOMMENT] {
        if flags & string != 0 {
            let len = slice_from(b, at)?.iter().position(|c| *c == 0)?;
            at = at.checked_add(len as u64)?.checked_add(1)?;
        }
    }
    if flags & FHCRC != 0 { at.checked_add(2) } else { Some(at) }
}

fn slice_from(b: &[u8], at: u64) -> Option<&[u8]> {
    b.get(usize::try_from(at).ok()?..)
}
