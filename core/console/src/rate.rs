//! The rate at which guests may cause messages: a token bucket of ten messages, one more every five seconds.

/// What one message costs, in nanoseconds.
const COST_NS: u64 = 5_000_000_000;
/// How many messages may come at once.
const BURST: u64 = 10;
const FULL: u64 = COST_NS.saturating_mul(BURST);

/// The bucket.
pub(crate) struct Bucket {
    tokens: u64,
    since: u64,
    suppressed: u64,
}

impl Bucket {
    pub(crate) const fn new() -> Self {
        Self { tokens: FULL, since: 0, suppressed: 0 }
    }

    /// Whether a message at `now` may be printed, and if so, how many were not since the last one.
    pub(crate) fn take(&mut self, now: u64) -> Option<u64> {
        let passed = now.saturating_sub(self.since);
        self.since = self.since.max(now);
        self.tokens = self.tokens.saturating_add(passed).min(FULL);
        match self.tokens.checked_sub(COST_NS) {
            Some(left) => {
                self.tokens = left;
                Some(core::mem::take(&mut self.suppressed))
            }
            None => {
                self.suppressed = self.suppressed.saturating_add(1);
                None
            }
        }
    }
}
