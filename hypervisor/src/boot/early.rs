//! Memory before there is an allocator: taken off the top of the free ranges, never given back.

use fx_boot::Ranges;
use fx_sync::Lock;

use super::paging;

static FREE: Lock<Ranges> = Lock::new(Ranges::EMPTY);

/// Starts with these ranges.
pub fn init(free: Ranges) {
    *FREE.lock() = free;
}

/// Zeroed memory of `size` bytes at a multiple of `align`, both multiples of the page size: its physical address.
pub fn alloc(size: u64, align: u64) -> Option<u64> {
    let at = FREE.lock().take_high(size, align, paging::reachable())?;
    // SAFETY: the range was free RAM and is reachable.
    unsafe { core::ptr::write_bytes(paging::phys_ptr(at), 0, size as usize) };
    Some(at)
}

/// What is left, for the core; nothing remains here.
pub fn finish() -> Ranges {
    core::mem::replace(&mut FREE.lock(), Ranges::EMPTY)
}
