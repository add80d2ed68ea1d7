//! Memory for the core's record of every frame, only where there is RAM.

use core::ptr::without_provenance_mut;

use fx_boot::{Range, Ranges};
use fx_frames::{CHUNK_FRAMES, FrameInfo, FrameTable};

use super::early;
use super::paging;

const PAGE: u64 = 4096;
/// Bytes of memory that a chunk of the table describes.
const CHUNK_BYTES: u64 = CHUNK_FRAMES * PAGE;

/// Makes the table for this RAM, with all records zero. `None` when there is no memory for it.
pub fn table(ram: &Ranges) -> Option<FrameTable> {
    let count = ram.end().div_ceil(CHUNK_BYTES);
    let chunks: &mut [Option<&'static [FrameInfo]>] = zeroed(count as usize)?;
    for (i, slot) in chunks.iter_mut().enumerate() {
        let start = i as u64 * CHUNK_BYTES;
        let used = last_used(ram, Range::new(start, start + CHUNK_BYTES));
        *slot = match (used - start) / PAGE {
            0 => None,
            frames => Some(zeroed(frames as usize)?),
        };
    }
    Some(FrameTable::new(chunks))
}

/// The end of the last RAM within `r`; its start when there is none.
fn last_used(ram: &Ranges, r: Range) -> u64 {
    let inside = ram.as_slice().iter().filter(|x| x.start < r.end && x.end > r.start);
    inside.map(|x| x.end.min(r.end)).max().unwrap_or(r.start)
}

/// Types of which all zeroes is a value.
///
/// # Safety
/// It is one.
unsafe trait Zero {}
// SAFETY: three atomic words.
unsafe impl Zero for FrameInfo {}
// SAFETY: a null slice pointer is `None`; whatever the length beside it.
unsafe impl Zero for Option<&'static [FrameInfo]> {}

fn zeroed<T: Zero>(n: usize) -> Option<&'static mut [T]> {
    let bytes = (n * size_of::<T>()) as u64;
    let p = if n == 0 {
        without_provenance_mut(align_of::<T>())
    } else {
        paging::phys_ptr(early::alloc(bytes.next_multiple_of(PAGE), PAGE)?).cast::<T>()
    };
    // SAFETY: the memory is ours, zeroed, aligned and large enough.
    Some(unsafe { core::slice::from_raw_parts_mut(p, n) })
}
