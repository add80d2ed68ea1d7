//! Whose state is still in a CPU: between the choice of another unit and [`crate::Sched::context_saved`].

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use fx_types::{Result, try_filled};

/// Somebody else wants the unit.
const WANTED: u64 = 1 << 63;

/// For each CPU the unit whose state it has yet to save: its id plus one, or 0.
pub(crate) struct Held(Box<[AtomicU64]>);

impl Held {
    pub(crate) fn new(cpus: usize) -> Result<Self> {
        Ok(Self(try_filled(cpus, |_| AtomicU64::new(0))?))
    }

    fn key(id: u32) -> u64 {
        u64::from(id).wrapping_add(1)
    }

    /// `cpu` has stopped running `id` and has its state. With `wanted`, somebody waits for it already.
    #[inline]
    pub(crate) fn hold(&self, cpu: usize, id: u32, wanted: bool) {
        if let Some(w) = self.0.get(cpu) {
            w.store(Self::key(id) | if wanted { WANTED } else { 0 }, Ordering::Release);
        }
    }

    /// `cpu` runs `id`: if it was the one whose state was still there, then nothing is left to save.
    #[inline]
    pub(crate) fn resume(&self, cpu: usize, id: u32) {
        if let Some(w) = self.0.get(cpu)
            && w.load(Ordering::Relaxed) & !WANTED == Self::key(id)
        {
            w.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the state of `id` is still in `cpu`; if so, that CPU will say when it is not any more.
    #[inline]
    pub(crate) fn is_held(&self, cpu: usize, id: u32) -> bool {
        let Some(w) = self.0.get(cpu) else { return false };
        if w.load(Ordering::Acquire) & !WANTED != Self::key(id) {
            return false;
        }
        match w.compare_exchange(Self::key(id), Self::key(id) | WANTED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(v) => v & !WANTED == Self::key(id),
        }
    }

    /// Who is held by `cpu`.
    #[inline]
    pub(crate) fn by(&self, cpu: usize) -> Option<u32> {
        let v = self.0.get(cpu)?.load(Ordering::Relaxed) & !WANTED;
        v.checked_sub(1).map(|id| id as u32)
    }

    /// `cpu` has saved the state: whether somebody waits for the unit.
    #[inline]
    pub(crate) fn release(&self, cpu: usize) -> bool {
        self.0.get(cpu).is_some_and(|w| w.swap(0, Ordering::AcqRel) & WANTED != 0)
    }
}
