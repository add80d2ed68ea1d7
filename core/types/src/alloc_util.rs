//! Fallible allocation, for every path on which a guest or an operator decides how much is allocated.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::{Errno, Result};

/// A boxed value.
///
/// # Errors
/// `ENOMEM` when the heap is exhausted.
pub fn try_box<T>(value: T) -> Result<Box<[T]>> {
    let mut v = Vec::new();
    v.try_reserve_exact(1).map_err(|_| Errno::ENOMEM)?;
    v.push(value);
    Ok(v.into_boxed_slice())
}

/// A reference-counted value. The heap keeps a reserve for these small objects, so that the one allocation of an `Arc`
/// (for which the stable library has no fallible form) succeeds when the probing allocation of the same size did.
///
/// # Errors
/// `ENOMEM` when the heap is exhausted.
pub fn try_arc<T>(value: T) -> Result<Arc<T>> {
    let mut probe: Vec<u8> = Vec::new();
    let size = core::mem::size_of::<T>().saturating_add(64);
    probe.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
    drop(probe);
    Ok(Arc::new(value))
}

/// A slice of `n` values made by `make(index)`.
///
/// # Errors
/// `ENOMEM` when the heap is exhausted.
pub fn try_filled<T>(n: usize, mut make: impl FnMut(usize) -> T) -> Result<Box<[T]>> {
    let mut v = Vec::new();
    v.try_reserve_exact(n).map_err(|_| Errno::ENOMEM)?;
    for i in 0..n {
        v.push(make(i));
    }
    Ok(v.into_boxed_slice())
}
