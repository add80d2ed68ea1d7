//! Finds the kernel's ELF in the file that the boot loader gave us (Linux `Documentation/arch/x86/boot.rst`).

use alloc::borrow::Cow;

use crate::LoadError;
use crate::bytes::{slice, u8_at, u16_at, u32_at};
use crate::decompress;

const SETUP_SECTS: u64 = 0x1f1;
const MAGIC: u64 = 0x202;
const VERSION: u64 = 0x206;
const PAYLOAD_OFFSET: u64 = 0x248;
const PAYLOAD_LENGTH: u64 = 0x24c;
const SECTOR: u64 = 512;
/// The first protocol with a payload offset.
const VERSION_PAYLOAD: u16 = 0x208;

/// The ELF file within `module`: a bzImage's payload, decompressed when need be, or a plain or gzip-compressed ELF file.
///
/// # Errors
/// [`LoadError`] when the format is not known or not supported, the file is damaged or there is no memory.
pub fn unpack(module: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    match payload(module)? {
        Some(p) => decompress::payload(p),
        None => decompress::plain(module),
    }
}

/// The payload of a bzImage; `None` when `b` is something else.
fn payload(b: &[u8]) -> Result<Option<&[u8]>, LoadError> {
    if slice(b, MAGIC, 4) != Some(b"HdrS") {
        return Ok(None);
    }
    let cut = LoadError::Truncated("setup header");
    let version = u16_at(b, VERSION).ok_or(cut)?;
    if version < VERSION_PAYLOAD {
        return Err(LoadError::OldBootProtocol(version));
    }
    let sectors = match u8_at(b, SETUP_SECTS).ok_or(cut)? {
        0 => 4,
        n => u64::from(n),
    };
    let offset = u64::from(u32_at(b, PAYLOAD_OFFSET).ok_or(cut)?);
    let length = u64::from(u32_at(b, PAYLOAD_LENGTH).ok_or(cut)?);
    let start = sectors.saturating_add(1).saturating_mul(SECTOR).saturating_add(offset);
    slice(b, start, length).map(Some).ok_or(LoadError::Truncated("payload"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    /// A bzImage around `payload`.
    pub fn wrap(payload: &[u8]) -> Vec<u8> {
        let mut b = vec![0; 1024];
        b[0x1f1] = 1;
        b[0x202..0x206].copy_from_slice(b"HdrS");
        b[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
        b[0x248..0x24c].copy_from_slice(&16u32.to_le_bytes());
        b[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        b.extend_from_slice(&[0x90; 16]);
        b.extend_from_slice(payload);
        b
    }

    #[test]
    fn uncompressed_payload() {
        let b = wrap(b"\x7fELFabcd");
        assert!(matches!(unpack(&b), Ok(Cow::Borrowed(b"\x7fELFabcd"))));
    }

    #[test]
    fn cut_short() {
        let b = wrap(b"\x7fELFabcd");
        assert_eq!(unpack(&b[..b.len() - 1]), Err(LoadError::Truncated("payload")));
        assert_eq!(unpack(&b[..0x24a]), Err(LoadError::Truncated("setup header")));
        assert_eq!(unpack(&b[..10]), Err(LoadError::UnknownFormat));
    }

    #[test]
    fn old_protocol() {
        let mut b = wrap(b"\x7fELFabcd");
        b[0x206] = 7;
        assert_eq!(unpack(&b), Err(LoadError::OldBootProtocol(0x207)));
    }
}
