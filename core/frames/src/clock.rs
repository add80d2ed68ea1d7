//! The time in which it is told since when translations of a frame may be stale.

use core::sync::atomic::Ordering;

use crate::atomic::AtomicU64;

/// A count of the moments at which something ceased to be mapped.
///
/// A frame that loses its last typed reference, or is freed, is stamped with the present time, which thereby passes. Whoever
/// flushes TLBs reads [`now`](Self::now) *before* the flush and remembers it as the time of that flush afterwards: the flush
/// dropped everything that was stamped earlier. So a frame stamped `s` needs no flush on a CPU whose last one was at a time
/// greater than `s`. (A remembered time may be the last common one of many CPUs.)
#[derive(Debug)]
pub struct TlbClock(AtomicU64);

impl Default for TlbClock {
    fn default() -> Self {
        // 0 is the stamp of what was never mapped: any flush, even the one that never was (time 1), is later.
        Self(AtomicU64::new(1))
    }
}

impl TlbClock {
    /// The time to remember for a flush that starts after this.
    #[inline]
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// The time at which something that was just taken out of a table became stale.
    #[inline]
    pub fn stamp(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}
