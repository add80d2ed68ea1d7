//! Names of the image's functions, for backtraces.
//!
//! `cargo xtask build` loads a table behind the image and puts its size into [`SYMBOL_TABLE`]; an image that was built in
//! another way has none. The table is sorted by address: `u32` number of entries; for each entry the `u32` offset of a
//! function in the image and the `u32` offset of its name in the table; the names, each ended by a zero byte.

use core::fmt;

use crate::boot::paging;
use crate::layout::IMAGE;

/// Bytes of the table behind the image, 0 for none. Written by the build into the linked image.
#[used]
#[unsafe(no_mangle)]
static SYMBOL_TABLE: u64 = 0;

/// Bytes of the table.
pub fn table_size() -> u64 {
    // SAFETY: it is a static. What the compiler sees of it is not what is there in the end.
    unsafe { (&raw const SYMBOL_TABLE).read_volatile() }
}

/// Whether there is a table.
pub fn known() -> bool {
    table_size() != 0
}

fn table() -> &'static [u8] {
    let len = table_size();
    if len == 0 {
        return &[];
    }
    // SAFETY: the loader put the table behind the image, and its memory is nobody else's.
    unsafe { core::slice::from_raw_parts(paging::phys_ptr(paging::image_end_phys()), len as usize) }
}

fn word(table: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(table.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The function that an address is in: its name, and how far behind its beginning the address is.
fn find(address: u64) -> Option<(&'static str, u32)> {
    let t = table();
    let offset = u32::try_from(address.checked_sub(IMAGE)?).ok()?;
    let entry = |i: u32| 4usize.checked_add(i as usize * 8);
    let (mut low, mut high) = (0, word(t, 0)?);
    while low < high {
        let middle = low + (high - low) / 2;
        if word(t, entry(middle)?)? <= offset { low = middle + 1 } else { high = middle }
    }
    let at = entry(low.checked_sub(1)?)?;
    let name = t.get(word(t, at.checked_add(4)?)? as usize..)?;
    let end = name.iter().position(|b| *b == 0)?;
    Some((core::str::from_utf8(name.get(..end)?).ok()?, offset - word(t, at)?))
}

/// An address as `function+offset`; nothing when it has no name.
pub struct Name(pub u64);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match find(self.0) {
            Some((name, offset)) => write!(f, "{name}+{offset:#x}"),
            None => Ok(()),
        }
    }
}
