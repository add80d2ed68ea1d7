//! Little-endian reads at an offset; `None` outside the slice.

/// `len` bytes at `at`.
pub fn slice(b: &[u8], at: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(at).ok()?;
    let end = usize::try_from(at.checked_add(len)?).ok()?;
    b.get(start..end)
}

fn array<const N: usize>(b: &[u8], at: u64) -> Option<[u8; N]> {
    slice(b, at, N as u64)?.try_into().ok()
}

/// A byte.
pub fn u8_at(b: &[u8], at: u64) -> Option<u8> {
    array::<1>(b, at).map(|[v]| v)
}

/// Two bytes.
pub fn u16_at(b: &[u8], at: u64) -> Option<u16> {
    array(b, at).map(u16::from_le_bytes)
}

/// Four bytes.
pub fn u32_at(b: &[u8], at: u64) -> Option<u32> {
    array(b, at).map(u32::from_le_bytes)
}

/// Eight bytes.
pub fn u64_at(b: &[u8], at: u64) -> Option<u64> {
    array(b, at).map(u64::from_le_bytes)
}

/// The last four bytes.
pub fn last_u32(b: &[u8]) -> Option<u32> {
    b.last_chunk::<4>().map(|v| u32::from_le_bytes(*v))
}
