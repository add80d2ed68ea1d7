//! The heap: for objects of the core's. It begins with one chunk and takes more from the wiring when that is used up.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

use fx_sync::Lock;
use talc::{OomHandler, Span, Talc};

/// The unit in which the heap grows, in bytes.
pub const CHUNK: usize = 1 << 20;

#[global_allocator]
static HEAP: Heap = Heap(Lock::new(Talc::new(More)));

struct Heap(Lock<Talc<More>>);

/// Gets another chunk for a request that did not fit.
struct More;

impl OomHandler for More {
    fn handle_oom(talc: &mut Talc<Self>, layout: Layout) -> Result<(), ()> {
        let need = (layout.size() + layout.align() + 4096).max(CHUNK).next_power_of_two();
        let base = crate::wiring::more_heap(need).ok_or(())?;
        // SAFETY: the wiring gives the memory away for good.
        unsafe { talc.claim(Span::from_base_size(base.as_ptr(), need)).map(|_| ()) }
    }
}

/// Gives the heap its first memory.
///
/// # Safety
/// Nobody else uses the memory from now on.
pub unsafe fn init(base: *mut u8, len: usize) {
    // SAFETY: the caller gives the memory away. A span too small to claim leaves the heap empty.
    let _ = unsafe { HEAP.0.lock().claim(Span::from_base_size(base, len)) };
}

// SAFETY: the allocator behind the lock keeps the contract; a failure is a null pointer.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a size above zero.
        unsafe { self.0.lock().malloc(layout) }.map_or(core::ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if let Some(p) = NonNull::new(ptr) {
            // SAFETY: the caller promises that it came from here with this layout.
            unsafe { self.0.lock().free(p, layout) }
        }
    }
}
