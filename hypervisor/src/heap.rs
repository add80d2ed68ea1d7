//! The heap: for objects of the core's. It begins with one chunk and takes more from the wiring when that is used up; those that
//! become empty go back.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use fx_sync::Lock;
use talc::{OomHandler, Span, Talc};

/// The unit in which the heap grows, in bytes. Chunks but the first are aligned to it.
pub const CHUNK: usize = 1 << 20;

#[global_allocator]
static HEAP: Heap = Heap(Lock::new(Talc::new(More)));

struct Heap(Lock<Talc<More>>);

/// Gets another chunk for a request that did not fit.
struct More;

impl OomHandler for More {
    fn handle_oom(talc: &mut Talc<Self>, layout: Layout) -> Result<(), ()> {
        if layout.size() + layout.align() > CHUNK / 2 {
            return Err(());
        }
        let base = crate::wiring::take_pages(CHUNK).ok_or(())?;
        // SAFETY: the wiring gives the memory away until it is given back.
        unsafe { talc.claim(chunk_of(base)).map(|_| ()) }
    }
}

/// The chunk, other than the first, that an address is in.
fn chunk_of(p: NonNull<u8>) -> Span {
    Span::from_base_size(p.as_ptr().map_addr(|at| at & !(CHUNK - 1)), CHUNK)
}

/// Gives the heap its first memory.
///
/// # Safety
/// Nobody else uses the memory from now on.
pub unsafe fn init(base: *mut u8, len: usize) {
    FIRST.store(base as u64, Ordering::Relaxed);
    // SAFETY: the caller gives the memory away. A span too small to claim leaves the heap empty.
    let _ = unsafe { HEAP.0.lock().claim(Span::from_base_size(base, len)) };
}

/// Requests from this size on get frames of their own, which go back when they are freed.
const LARGE: usize = 1 << 16;

/// Where the first chunk begins: what was allocated before there was a frame allocator lies in it, whatever its size.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// Whether whole frames serve the request.
fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= 4096
}

/// Whether `p` is in the first chunk.
fn is_early(p: NonNull<u8>) -> bool {
    (p.as_ptr() as u64).wrapping_sub(FIRST.load(Ordering::Relaxed)) < CHUNK as u64
}

// SAFETY: the allocators behind keep the contract; a failure is a null pointer.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout)
            && let Some(p) = crate::wiring::take_pages(layout.size())
        {
            return p.as_ptr();
        }
        // SAFETY: the caller promises a size above zero.
        unsafe { self.0.lock().malloc(layout) }.map_or(core::ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if let Some(p) = NonNull::new(ptr) {
            if is_large(layout) && !is_early(p) {
                return crate::wiring::free_pages(p, layout.size());
            }
            let mut talc = self.0.lock();
            // SAFETY: the caller promises that it came from here with this layout.
            unsafe { talc.free(p, layout) };
            if !is_early(p) {
                give_back(&mut talc, chunk_of(p));
            }
        }
    }
}

/// Gives a chunk back if nothing is in it.
fn give_back(talc: &mut Talc<More>, chunk: Span) {
    // SAFETY: the chunk was claimed as it is: it is aligned, so nothing of it was left out.
    let empty = unsafe { talc.get_allocated_span(chunk) }.is_empty();
    if let Some((base, _)) = chunk.get_base_acme().filter(|_| empty)
        && let Some(base) = NonNull::new(base)
    {
        // SAFETY: as above; there is nothing in it that could be lost.
        unsafe { talc.truncate(chunk, Span::empty()) };
        crate::wiring::free_pages(base, CHUNK);
    }
}
