//! A mutual-exclusion spin lock, fair by tickets.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering};

/// A value that one CPU at a time may use. Tickets make it fair: CPUs get it in the order in which they asked.
///
/// The word holds the next ticket in its high and the ticket being served in its low 16 bits, so that an uncontended
/// `lock` is one atomic instruction.
pub struct Lock<T> {
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands out one exclusive reference at a time.
unsafe impl<T: Send> Sync for Lock<T> {}
// SAFETY: moving the lock moves the value.
unsafe impl<T: Send> Send for Lock<T> {}

const TICKET: u32 = 1 << 16;

impl<T> Lock<T> {
    /// An unlocked lock.
    pub const fn new(value: T) -> Self {
        Self { word: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock and takes it.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_, T> {
        let w = self.word.fetch_add(TICKET, Ordering::Acquire);
        if (w >> 16) != (w & 0xffff) {
            self.wait(w >> 16);
        }
        LockGuard { lock: self }
    }

    #[cold]
    fn wait(&self, ticket: u32) {
        while self.word.load(Ordering::Acquire) & 0xffff != ticket {
            crate::relax();
        }
    }

    /// Takes the lock if nobody has it.
    #[inline]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        let w = self.word.load(Ordering::Relaxed);
        if (w >> 16) != (w & 0xffff) {
            return None;
        }
        self.word
            .compare_exchange(w, w.wrapping_add(TICKET), Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|_| LockGuard { lock: self })
    }

    /// The value, for whoever has the lock itself exclusively.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// The lock, held; dropping it lets the next one in.
pub struct LockGuard<'a, T> {
    lock: &'a Lock<T>,
}

// SAFETY: a shared guard gives only shared references to the value.
unsafe impl<T: Sync> Sync for LockGuard<'_, T> {}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so this CPU holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard exists, so this CPU holds the lock, and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Only the holder changes the low half; the carry out of it must not reach the ticket counter.
        let w = self.lock.word.load(Ordering::Relaxed);
        if w & 0xffff == 0xffff {
            self.lock.word.fetch_sub(0xffff, Ordering::Release);
        } else {
            self.lock.word.fetch_add(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::vec::Vec;

    #[test]
    fn counts_exactly_across_the_ticket_wrap() {
        crate::set_relax_hook(std::thread::yield_now);
        let l = Arc::new(Lock::new(0u64));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let l = l.clone();
                std::thread::spawn(move || {
                    for _ in 0..40_000 {
                        *l.lock() += 1;
                    }
                })
            })
            .collect();
        for t in threads {
            t.join().unwrap();
        }
        assert_eq!(*l.lock(), 80_000);
    }

    #[test]
    fn try_lock_refuses_when_held() {
        let l = Lock::new(());
        let g = l.lock();
        assert!(l.try_lock().is_none());
        drop(g);
        assert!(l.try_lock().is_some());
    }
}
