//! How important a message is, and which messages are printed.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// How important a message is, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    Error = 0,
    /// Something is not as it should be.
    Warning = 1,
    /// Worth knowing.
    Info = 2,
    /// For developers.
    Debug = 3,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Print,
    /// Print it unless there were too many.
    Limit,
    Drop,
}

/// `loglvl=` or `guest_loglvl=`: messages below `always` are printed, those below `limited` within a rate.
pub struct Thresholds {
    always: AtomicU8,
    limited: AtomicU8,
}

impl Thresholds {
    /// Thresholds: each the number of levels that pass it, 0 for none to 4 for all.
    #[must_use]
    pub const fn new(always: u8, limited: u8) -> Self {
        Self { always: AtomicU8::new(always), limited: AtomicU8::new(limited) }
    }

    /// Replaces both.
    pub fn set(&self, always: u8, limited: u8) {
        self.always.store(always, Relaxed);
        self.limited.store(limited, Relaxed);
    }

    /// Both, `always` first.
    pub fn get(&self) -> (u8, u8) {
        (self.always.load(Relaxed), self.limited.load(Relaxed))
    }

    pub(crate) fn judge(&self, level: Level) -> Verdict {
        let (always, limited) = self.get();
        match level as u8 {
            l if l < always => Verdict::Print,
            l if l < limited => Verdict::Limit,
            _ => Verdict::Drop,
        }
    }
}
