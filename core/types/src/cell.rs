//! State that one CPU at a time owns (a vCPU's registers, its callbacks): a plain load and store each, no lock.
//!
//! The owner is the CPU on which the vCPU runs, or, while the vCPU is paused, the one that paused it. Whoever hands the
//! ownership over goes through a lock or a release/acquire pair, so relaxed accesses suffice here.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// A 64-bit value with one owner at a time.
#[derive(Default, Debug)]
#[repr(transparent)]
pub struct Own64(AtomicU64);

impl Own64 {
    /// A cell that holds `v`.
    #[must_use]
    pub const fn new(v: u64) -> Self {
        Self(AtomicU64::new(v))
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Replaces the value.
    #[inline]
    pub fn set(&self, v: u64) {
        self.0.store(v, Relaxed);
    }
}

/// A 32-bit value with one owner at a time.
#[derive(Default, Debug)]
#[repr(transparent)]
pub struct Own32(AtomicU32);

impl Own32 {
    /// A cell that holds `v`.
    #[must_use]
    pub const fn new(v: u32) -> Self {
        Self(AtomicU32::new(v))
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Replaces the value.
    #[inline]
    pub fn set(&self, v: u32) {
        self.0.store(v, Relaxed);
    }
}
