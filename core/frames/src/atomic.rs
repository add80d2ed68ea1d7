//! The atomic word: the processor's, or, in loom's tests, loom's.

#[cfg(not(all(test, feature = "loom")))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(all(test, feature = "loom"))]
pub(crate) use loom::sync::atomic::AtomicU64;
