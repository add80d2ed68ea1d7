//! Time that passes only when a test says so.

use std::sync::atomic::{AtomicU64, Ordering};

use fx_types::Clock;

/// A clock that stands still.
#[derive(Debug, Default)]
pub struct SimClock(AtomicU64);

impl SimClock {
    /// A clock that shows `ns`.
    #[must_use]
    pub const fn new(ns: u64) -> Self {
        Self(AtomicU64::new(ns))
    }

    /// Lets `ns` nanoseconds pass.
    pub fn advance(&self, ns: u64) {
        self.0.fetch_add(ns, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_on_request() {
        let c = SimClock::new(5);
        c.advance(7);
        assert_eq!(c.now(), 12);
    }
}
