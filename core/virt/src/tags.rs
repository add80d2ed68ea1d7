//! The tags (ASIDs, VPIDs) that tell guests' translations apart on one CPU.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The first tag; 0 is the host's.
const FIRST: u32 = 1;

/// A CPU's tags. Each is given out once in a *generation*: whoever holds one of an earlier generation needs a new one.
pub struct Tags {
    generation: AtomicU64,
    next: AtomicU32,
}

impl Tags {
    /// All are free.
    #[must_use]
    pub const fn new() -> Self {
        Self { generation: AtomicU64::new(1), next: AtomicU32::new(FIRST) }
    }

    /// The generation whose tags count; never 0.
    #[inline]
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Relaxed)
    }

    /// Retires all that were given out. Called on the CPU whose they are.
    #[inline]
    pub fn retire(&self) {
        self.generation.store(self.generation().wrapping_add(1), Relaxed);
    }

    /// Gives out a tag below `end`, of the present generation. When there is none left a generation begins with tag 1: whoever
    /// gets that one has the translations of all tags dropped. Called on the CPU whose they are.
    pub fn take(&self, end: u32) -> u32 {
        let tag = self.next.load(Relaxed);
        if tag < end {
            self.next.store(tag.wrapping_add(1), Relaxed);
            return tag;
        }
        self.retire();
        self.next.store(FIRST.wrapping_add(1), Relaxed);
        FIRST
    }
}

impl Default for Tags {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_given_out_once_in_a_generation() {
        let tags = Tags::new();
        let first = tags.generation();
        assert_eq!([tags.take(3), tags.take(3)], [1, 2]);
        assert_eq!(tags.generation(), first);
        assert_eq!([tags.take(3), tags.take(3)], [1, 2]);
        assert_ne!(tags.generation(), first);
    }

    #[test]
    fn what_is_retired_does_not_count() {
        let tags = Tags::new();
        let held = (tags.take(8), tags.generation());
        tags.retire();
        assert_ne!(tags.generation(), held.1);
        assert_ne!(tags.take(8), held.0);
    }
}
