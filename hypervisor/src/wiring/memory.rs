//! Memory of the frame allocator for the heap.

use core::ptr::NonNull;

use fx_frames::{MAX_ORDER, Zone};
use fx_types::Mfn;

use super::HOST;
use crate::boot::paging;

const PAGE: usize = 4096;
const DIRECT_MAP: u64 = crate::layout::DIRECT_MAP;

fn order_of(bytes: usize) -> Option<u8> {
    let order = bytes.div_ceil(PAGE).next_power_of_two().trailing_zeros() as u8;
    (order <= MAX_ORDER).then_some(order)
}

/// Whole frames, for good or until [`free_pages`]. Their contents are what they were.
pub fn take_pages(bytes: usize) -> Option<NonNull<u8>> {
    let host = HOST.get()?;
    let mfn = host.free.lock().alloc(&host.frames, order_of(bytes)?, Zone::Any)?;
    NonNull::new(paging::phys_ptr(mfn.addr().0))
}

/// Gives back what [`take_pages`] gave for the same number of bytes.
pub fn free_pages(at: NonNull<u8>, bytes: usize) {
    if let (Some(host), Some(order)) = (HOST.get(), order_of(bytes)) {
        let mfn = Mfn((at.as_ptr() as u64).wrapping_sub(DIRECT_MAP) >> 12);
        host.free.lock().free(&host.frames, mfn, order);
    }
}
