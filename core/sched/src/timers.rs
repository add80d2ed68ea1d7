//! A CPU's timers: which is due when. Whoever holds the queue locks it.

use alloc::vec::Vec;

use fx_types::{Errno, Result};

/// Timers by key, each with one deadline, in nanoseconds.
///
/// A CPU has few timers at a time (a handful for each vCPU), so the queue is a sorted array: the next one is at the end.
pub struct Timers<K> {
    due: Vec<(u64, K)>,
}

impl<K: Copy + Ord> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// No timers.
    #[must_use]
    pub const fn new() -> Self {
        Self { due: Vec::new() }
    }

    /// Makes room for `n` timers in all, so that setting that many cannot fail.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn reserve(&mut self, n: usize) -> Result {
        self.due.try_reserve(n.saturating_sub(self.due.len())).map_err(|_| Errno::ENOMEM)
    }

    /// Sets a timer; its deadline before is forgotten.
    ///
    /// # Errors
    /// `ENOMEM`; the timer is as it was then.
    #[inline]
    pub fn set(&mut self, key: K, deadline: u64) -> Result {
        let new = (deadline, key);
        let to = self.due.partition_point(|t| *t > new);
        if let Some(from) = self.due.iter().position(|t| t.1 == key) {
            self.shift(from, to, new);
            return Ok(());
        }
        self.due.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.due.insert(to, new);
        Ok(())
    }

    /// Puts `new` before `to` instead of the timer at `from`.
    fn shift(&mut self, from: usize, to: usize, new: (u64, K)) {
        let at = if from < to {
            if let Some(part) = self.due.get_mut(from..to) {
                part.rotate_left(1);
            }
            to.wrapping_sub(1)
        } else {
            if let Some(part) = self.due.get_mut(to..=from) {
                part.rotate_right(1);
            }
            to
        };
        if let Some(t) = self.due.get_mut(at) {
            *t = new;
        }
    }

    /// Cancels a timer; whether it was set.
    #[inline]
    pub fn cancel(&mut self, key: K) -> bool {
        let found = self.due.iter().position(|t| t.1 == key);
        if let Some(i) = found {
            self.due.remove(i);
        }
        found.is_some()
    }

    /// The earliest deadline.
    #[inline]
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.due.last().map(|t| t.0)
    }

    /// Takes out the timer that is due first, if any is due at `now`.
    #[inline]
    pub fn pop_expired(&mut self, now: u64) -> Option<K> {
        self.due.pop_if(|t| t.0 <= now).map(|t| t.1)
    }

    /// The deadline of a timer.
    #[must_use]
    pub fn deadline(&self, key: K) -> Option<u64> {
        self.due.iter().find(|t| t.1 == key).map(|t| t.0)
    }

    /// How many timers are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether no timer is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn agrees_with_a_map(ops in prop::collection::vec((0u8..3, 0u8..8, 0u64..50), 0..200)) {
            let (mut t, mut m) = (Timers::new(), BTreeMap::new());
            for (op, key, at) in ops {
                match op {
                    0 => {
                        t.set(key, at).unwrap();
                        m.insert(key, at);
                    }
                    1 => prop_assert_eq!(t.cancel(key), m.remove(&key).is_some()),
                    _ => {
                        let first = m.iter().map(|(k, d)| (*d, *k)).min().filter(|f| f.0 <= at);
                        prop_assert_eq!(t.pop_expired(at), first.map(|f| f.1));
                        first.map(|f| m.remove(&f.1));
                    }
                }
                prop_assert_eq!(t.next_deadline(), m.values().min().copied());
                prop_assert_eq!(t.len(), m.len());
                prop_assert_eq!(t.deadline(key), m.get(&key).copied());
            }
        }
    }
}
