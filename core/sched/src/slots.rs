//! Unit ids: where the unit of an id is. A lookup takes no lock; the table grows in chunks that never move.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use fx_sync::{Lock, Once};
use fx_types::{Errno, Result, try_filled};

const NOWHERE: u64 = u64::MAX;
const NO_CPU: u32 = u32::MAX;
/// log2 of the size of the first chunk; each chunk is twice the one before.
const FIRST_SHIFT: u32 = 6;
const CHUNKS: usize = 20;

/// What is known of a unit without a lock.
pub(crate) struct Slot {
    home: AtomicU64,
    cpu: AtomicU32,
}

/// The place of a unit: run queue and index there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home(u64);

impl Home {
    pub(crate) fn new(queue: usize, index: u32) -> Self {
        Self((queue as u64) << 32 | u64::from(index))
    }

    pub(crate) fn queue(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub(crate) fn index(self) -> u32 {
        self.0 as u32
    }
}

impl Slot {
    fn empty() -> Self {
        Self { home: AtomicU64::new(NOWHERE), cpu: AtomicU32::new(NO_CPU) }
    }

    /// Where the unit is; it may have moved by the time that the run queue is locked.
    #[inline]
    pub(crate) fn home(&self) -> Option<Home> {
        let v = self.home.load(Ordering::Acquire);
        (v != NOWHERE).then_some(Home(v))
    }

    pub(crate) fn set_home(&self, home: Option<Home>) {
        self.home.store(home.map_or(NOWHERE, |h| h.0), Ordering::Release);
    }

    /// The CPU that runs the unit or has its state.
    #[inline]
    pub(crate) fn cpu(&self) -> Option<usize> {
        let v = self.cpu.load(Ordering::Acquire);
        (v != NO_CPU).then_some(v as usize)
    }

    #[inline]
    pub(crate) fn set_cpu(&self, cpu: usize) {
        self.cpu.store(cpu as u32, Ordering::Release);
    }

    /// `cpu` has no longer anything of the unit.
    #[inline]
    pub(crate) fn leave_cpu(&self, cpu: usize) {
        let _ = self.cpu.compare_exchange(cpu as u32, NO_CPU, Ordering::AcqRel, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Ids {
    next: u32,
    free: Vec<u32>,
}

/// All ids.
pub(crate) struct Slots {
    chunks: [Once<Box<[Slot]>>; CHUNKS],
    ids: Lock<Ids>,
}

fn place(id: u32) -> (usize, usize) {
    let n = u64::from(id).wrapping_add(1 << FIRST_SHIFT);
    let top = n.checked_ilog2().unwrap_or(FIRST_SHIFT);
    (top.wrapping_sub(FIRST_SHIFT) as usize, (n & 1u64.wrapping_shl(top).wrapping_sub(1)) as usize)
}

impl Slots {
    pub(crate) fn new() -> Self {
        Self { chunks: [const { Once::new() }; CHUNKS], ids: Lock::default() }
    }

    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&Slot> {
        let (chunk, index) = place(id);
        self.chunks.get(chunk)?.get()?.get(index)
    }

    /// An unused id.
    pub(crate) fn alloc(&self) -> Result<u32> {
        let mut ids = self.ids.lock();
        if let Some(id) = ids.free.pop() {
            return Ok(id);
        }
        let id = ids.next;
        let (chunk, _) = place(id);
        let cell = self.chunks.get(chunk).ok_or(Errno::ENOSPC)?;
        if cell.get().is_none() {
            let _ = cell
                .set(try_filled(1usize.wrapping_shl((chunk as u32).wrapping_add(FIRST_SHIFT)), |_| {
                    Slot::empty()
                })?);
        }
        // So that giving ids back needs no memory.
        let most = id.wrapping_add(1) as usize;
        let have = ids.free.len();
        ids.free.try_reserve(most.saturating_sub(have)).map_err(|_| Errno::ENOMEM)?;
        ids.next = id.wrapping_add(1);
        Ok(id)
    }

    /// Takes an id back.
    pub(crate) fn free(&self, id: u32) {
        if let Some(s) = self.get(id) {
            s.set_home(None);
        }
        self.ids.lock().free.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_dense() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(63), (0, 63));
        assert_eq!(place(64), (1, 0));
        assert_eq!(place(191), (1, 127));
        assert_eq!(place(192), (2, 0));
    }

    #[test]
    fn ids_are_reused() {
        let s = Slots::new();
        let ids: Vec<u32> = (0..200).map(|_| s.alloc().unwrap()).collect();
        assert_eq!(ids, (0..200).collect::<Vec<_>>());
        s.free(7);
        assert_eq!(s.alloc(), Ok(7));
        assert!(s.get(199).is_some() && s.get(1 << 30).is_none());
    }
}
