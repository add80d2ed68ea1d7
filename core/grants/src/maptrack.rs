//! Maptrack: the mappings that a domain has made of others' grants, by handle.
//!
//! A slot is two atomic words. Handles are given out and taken back under a lock; a live slot is read without, and whoever
//! sets its busy bit owns it.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use fx_sync::{Lock, Once};
use fx_types::{DomId, Mfn, Result, try_filled};
use xen_abi::grant_table::{GNTMAP_DEVICE_MAP, GNTMAP_HOST_MAP};

/// Handles that one maptrack frame stands for in the limit (Xen's count).
const PER_FRAME: u32 = 256;
/// Slots in a chunk.
const CHUNK: usize = 1024;
/// The end of the list of free handles.
const NONE: u32 = u32::MAX;

/// The `GNTMAP_*` flags that a slot keeps.
const KEPT: u32 = 0x1f;
/// Either kind of mapping.
pub(crate) const KINDS: u32 = GNTMAP_HOST_MAP | GNTMAP_DEVICE_MAP;
const FLAGS_SHIFT: u32 = 48;
const BUSY: u64 = 1 << 63;

/// A mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The granter.
    pub domid: DomId,
    pub gref: u32,
    /// `GNTMAP_*`; the kinds are those that are still mapped.
    pub flags: u32,
    pub mfn: Mfn,
}

/// `word` is the entry's number, the granter << 32, the flags << 48 and [`BUSY`]; in a free slot the next free handle.
struct Slot {
    word: AtomicU64,
    mfn: AtomicU64,
}

struct Free {
    /// Handles that were given back, linked through their slots.
    head: u32,
    /// The lowest handle that was never given out.
    fresh: u32,
}

pub(crate) struct Maptrack {
    chunks: Box<[Once<Box<[Slot]>>]>,
    free: Lock<Free>,
    limit: u32,
}

fn pack(m: &Mapping) -> u64 {
    u64::from(m.gref) | u64::from(m.domid.0) << 32 | u64::from(m.flags & KEPT) << FLAGS_SHIFT
}

impl Maptrack {
    pub fn new(max_frames: u32) -> Result<Self> {
        let limit = max_frames.saturating_mul(PER_FRAME);
        let chunks = try_filled((limit as usize).div_ceil(CHUNK), |_| Once::new())?;
        Ok(Self { chunks, free: Lock::new(Free { head: NONE, fresh: 0 }), limit })
    }

    #[inline]
    fn slot(&self, handle: u32) -> Option<&Slot> {
        let n = handle as usize;
        self.chunks.get(n / CHUNK)?.get()?.get(n % CHUNK)
    }

    /// A handle for a new mapping; none when the limit or the heap is exhausted.
    #[inline]
    pub fn alloc(&self) -> Option<u32> {
        let mut free = self.free.lock();
        let head = free.head;
        if head != NONE {
            free.head = self.slot(head)?.word.load(Ordering::Relaxed) as u32;
            return Some(head);
        }
        let handle = free.fresh;
        if handle >= self.limit {
            return None;
        }
        if self.slot(handle).is_none() {
            self.add_chunk(handle)?;
        }
        free.fresh = handle.saturating_add(1);
        Some(handle)
    }

    #[cold]
    fn add_chunk(&self, handle: u32) -> Option<()> {
        let slots = try_filled(CHUNK, |_| Slot { word: AtomicU64::new(0), mfn: AtomicU64::new(0) }).ok()?;
        self.chunks.get(handle as usize / CHUNK)?.set(slots).ok()
    }

    /// Gives a handle back, which the caller owns: from [`alloc`](Self::alloc) or [`claim`](Self::claim).
    pub fn free(&self, handle: u32) {
        let Some(slot) = self.slot(handle) else { return };
        let mut free = self.free.lock();
        slot.word.store(u64::from(free.head), Ordering::Relaxed);
        free.head = handle;
    }

    /// Makes the slot of a handle that the caller owns a live mapping, which anybody may claim.
    #[inline]
    pub fn publish(&self, handle: u32, m: &Mapping) {
        if let Some(slot) = self.slot(handle) {
            slot.mfn.store(m.mfn.0, Ordering::Relaxed);
            slot.word.store(pack(m), Ordering::Release);
        }
    }

    /// Takes the ownership of a live mapping, until [`publish`](Self::publish) or [`free`](Self::free); none when there is
    /// no such mapping or somebody else owns it.
    #[inline]
    pub fn claim(&self, handle: u32) -> Option<Mapping> {
        let slot = self.slot(handle)?;
        let word = slot.word.load(Ordering::Acquire);
        let flags = (word >> FLAGS_SHIFT) as u32 & KEPT;
        if flags & KINDS == 0 || word & BUSY != 0 {
            return None;
        }
        slot.word.compare_exchange(word, word | BUSY, Ordering::Acquire, Ordering::Relaxed).ok()?;
        let mfn = Mfn(slot.mfn.load(Ordering::Relaxed));
        Some(Mapping { domid: DomId((word >> 32) as u16), gref: word as u32, flags, mfn })
    }

    /// One more than the highest handle ever given out.
    pub fn high_water(&self) -> u32 {
        self.free.lock().fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn handles_are_unique_and_limited() {
        let mt = Maptrack::new(5).unwrap();
        let all: BTreeSet<u32> = (0..5 * PER_FRAME).map(|_| mt.alloc().unwrap()).collect();
        assert_eq!(all.len(), 5 * 256);
        assert!(mt.alloc().is_none());
        mt.free(7);
        assert_eq!(mt.alloc(), Some(7));
        assert!(mt.alloc().is_none());
        assert!(Maptrack::new(0).unwrap().alloc().is_none());
    }

    #[test]
    fn claims_exclude_each_other() {
        let mt = Maptrack::new(1).unwrap();
        let h = mt.alloc().unwrap();
        assert_eq!(mt.claim(h), None);
        let m = Mapping { domid: DomId(0x7fef), gref: u32::MAX, flags: 0x1f, mfn: Mfn(9) };
        mt.publish(h, &m);
        assert_eq!(mt.claim(h), Some(m));
        assert_eq!(mt.claim(h), None);
        mt.publish(h, &m);
        assert_eq!(mt.claim(h), Some(m));
        mt.free(h);
        assert_eq!(mt.claim(h), None);
        assert_eq!(mt.claim(u32::MAX), None);
        assert_eq!(mt.claim(1), None);
    }
}
