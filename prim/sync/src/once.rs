//! A cell that is written once and read ever after.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

const EMPTY: u8 = 0;
const BUSY: u8 = 1;
const READY: u8 = 2;

/// A value that is set once.
pub struct Once<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is written before `READY` is published and only read afterwards.
unsafe impl<T: Send + Sync> Sync for Once<T> {}

impl<T> Once<T> {
    /// An empty cell.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: AtomicU8::new(EMPTY), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// The value, when there is one already.
    pub fn set(&self, value: T) -> Result<(), T> {
        if self.state.compare_exchange(EMPTY, BUSY, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return Err(value);
        }
        // SAFETY: `BUSY` was taken from `EMPTY`, so this is the only access until `READY`.
        unsafe { (*self.value.get()).write(value) };
        self.state.store(READY, Ordering::Release);
        Ok(())
    }

    /// The value, if it was set.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if self.state.load(Ordering::Acquire) == READY {
            // SAFETY: `READY` says that it was written, and nobody writes again.
            Some(unsafe { (*self.value.get()).assume_init_ref() })
        } else {
            None
        }
    }
}

impl<T> Drop for Once<T> {
    fn drop(&mut self) {
        if *self.state.get_mut() == READY {
            // SAFETY: `READY` says that it was written; nobody else has the cell any more.
            unsafe { self.value.get_mut().assume_init_drop() };
        }
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_once() {
        let o = Once::new();
        assert!(o.get().is_none());
        assert!(o.set(1).is_ok());
        assert_eq!(o.set(2), Err(2));
        assert_eq!(o.get(), Some(&1));
    }

    #[test]
    fn dropped_with_the_cell() {
        let value = std::rc::Rc::new(());
        let (full, empty) = (Once::new(), Once::<std::rc::Rc<()>>::new());
        assert!(full.set(value.clone()).is_ok());
        drop((full, empty));
        assert_eq!(std::rc::Rc::strong_count(&value), 1);
    }
}
