//! A reader-writer spin lock: many readers or one writer; a waiting writer keeps new readers out.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering};

const WRITER: u32 = 1 << 31;
const WAITING: u32 = 1 << 30;
const READERS: u32 = WAITING - 1;

/// A value that many CPUs may read or one may change.
pub struct RwLock<T> {
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands out shared references to readers, or one exclusive one.
unsafe impl<T: Send + Sync> Sync for RwLock<T> {}
// SAFETY: moving the lock moves the value.
unsafe impl<T: Send> Send for RwLock<T> {}

impl<T> RwLock<T> {
    /// An unlocked lock.
    pub const fn new(value: T) -> Self {
        Self { word: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Waits until there is no writer, and reads. Not for nesting: a writer that waits in between would block the second.
    #[inline]
    pub fn read(&self) -> ReadGuard<'_, T> {
        loop {
            let w = self.word.load(Ordering::Relaxed);
            if w & (WRITER | WAITING) == 0
                && self.word.compare_exchange_weak(w, w + 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return ReadGuard { lock: self };
            }
            crate::relax();
        }
    }

    /// Waits until nobody reads or writes, and takes the value.
    #[inline]
    pub fn write(&self) -> WriteGuard<'_, T> {
        loop {
            let w = self.word.load(Ordering::Relaxed);
            if w & (WRITER | READERS) == 0 {
                if self.word.compare_exchange_weak(w, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    return WriteGuard { lock: self };
                }
            } else if w & WAITING == 0 {
                self.word.fetch_or(WAITING, Ordering::Relaxed);
            }
            crate::relax();
        }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// The right to read.
pub struct ReadGuard<'a, T> {
    lock: &'a RwLock<T>,
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this reader is counted, so there is no writer.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.word.fetch_sub(1, Ordering::Release);
    }
}

/// The right to change.
pub struct WriteGuard<'a, T> {
    lock: &'a RwLock<T>,
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only holder.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only holder, and is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.word.fetch_and(!WRITER, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::vec::Vec;

    #[test]
    fn writers_exclude_everybody() {
        crate::set_relax_hook(std::thread::yield_now);
        let l = Arc::new(RwLock::new((0u64, 0u64)));
        let threads: Vec<_> = (0..4)
            .map(|i| {
                let l = l.clone();
                std::thread::spawn(move || {
                    for _ in 0..20_000 {
                        if i < 2 {
                            let mut g = l.write();
                            g.0 += 1;
                            g.1 += 1;
                        } else {
                            let g = l.read();
                            assert_eq!(g.0, g.1);
                        }
                    }
                })
            })
            .collect();
        for t in threads {
            t.join().unwrap();
        }
        assert_eq!(l.read().0, 40_000);
    }
}
