//! The atomic word: the processor's, or, in loom's tests, loom's.

#[cfg(not(all(test, feature = "loom")))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(all(test, feature = "loom"))]
pub(crate) use tried::AtomicU64;

#[cfg(all(test, feature = "loom"))]
mod tried {
    use core::sync::atomic::Ordering;

    /// Loom's, with every access an exchange. Loom remembers only the last access to a word, so that a thread's own load hides
    /// from it that another thread's load before it depends on the exchange that follows; and it would let a store pass an
    /// exchange. What remains is every interleaving of the accesses.
    #[derive(Debug, Default)]
    pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64);

    impl AtomicU64 {
        pub(crate) fn new(v: u64) -> Self {
            Self(loom::sync::atomic::AtomicU64::new(v))
        }

        pub(crate) fn load(&self, _: Ordering) -> u64 {
            self.0.fetch_or(0, Ordering::AcqRel)
        }

        pub(crate) fn store(&self, v: u64, _: Ordering) {
            self.0.swap(v, Ordering::AcqRel);
        }

        pub(crate) fn fetch_add(&self, v: u64, o: Ordering) -> u64 {
            self.0.fetch_add(v, o)
        }

        pub(crate) fn fetch_max(&self, v: u64, o: Ordering) -> u64 {
            self.0.fetch_max(v, o)
        }

        pub(crate) fn compare_exchange(
            &self,
            old: u64,
            new: u64,
            ok: Ordering,
            not: Ordering,
        ) -> Result<u64, u64> {
            self.0.compare_exchange(old, new, ok, not)
        }
    }
}
