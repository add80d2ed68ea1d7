//! Sets of numbers as sorted ranges: ports, frames, interrupts that a domain may touch.

use alloc::vec::Vec;

use fx_types::{Errno, Result};

/// The most ranges that a set may fall into.
const MOST: usize = 4096;

/// A set of numbers.
#[derive(Default, Debug, Clone)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The set of all numbers from `first` to `last`.
    #[must_use]
    pub fn all(first: u64, last: u64) -> Self {
        let mut r = Self::default();
        let _ = r.insert(first, last);
        r
    }

    /// Adds `first..=last`.
    ///
    /// # Errors
    /// `EINVAL` when they are the wrong way round, `ENOMEM` when the set falls into too many ranges.
    pub fn insert(&mut self, first: u64, last: u64) -> Result {
        if first > last {
            return Err(Errno::EINVAL);
        }
        let (mut lo, mut hi) = (first, last);
        let mut kept = self.others(1)?;
        for &(a, b) in &self.0 {
            if a <= hi.saturating_add(1) && b.saturating_add(1) >= lo {
                lo = lo.min(a);
                hi = hi.max(b);
            } else {
                kept.push((a, b));
            }
        }
        kept.push((lo, hi));
        kept.sort_unstable();
        self.0 = kept;
        Ok(())
    }

    /// Whether some number from `first` to `last` is in the set.
    #[must_use]
    pub fn overlaps(&self, first: u64, last: u64) -> bool {
        self.0.iter().any(|(a, b)| *a <= last && *b >= first)
    }

    /// Takes `first..=last` out.
    ///
    /// # Errors
    /// As [`Self::insert`].
    pub fn remove(&mut self, first: u64, last: u64) -> Result {
        if first > last {
            return Err(Errno::EINVAL);
        }
        let mut kept = self.others(2)?;
        for &(a, b) in &self.0 {
            if b < first || a > last {
                kept.push((a, b));
                continue;
            }
            if a < first {
                kept.push((a, first.wrapping_sub(1)));
            }
            if b > last {
                kept.push((last.wrapping_add(1), b));
            }
        }
        self.0 = kept;
        Ok(())
    }

    fn others(&self, extra: usize) -> Result<Vec<(u64, u64)>> {
        let n = self.0.len().saturating_add(extra);
        if n > MOST {
            return Err(Errno::ENOMEM);
        }
        let mut v = Vec::new();
        v.try_reserve_exact(n).map_err(|_| Errno::ENOMEM)?;
        Ok(v)
    }

    /// Whether all of `first..=last` are members.
    #[must_use]
    pub fn contains(&self, first: u64, last: u64) -> bool {
        self.0.iter().any(|&(a, b)| a <= first && last <= b)
    }

    /// The ranges, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_and_splits() {
        let mut r = Ranges::all(0, 0xffff);
        r.remove(0x3f8, 0x3ff).unwrap();
        assert!(!r.contains(0x3f8, 0x3f8) && r.contains(0x400, 0xffff) && !r.contains(0x3f0, 0x400));
        r.insert(0x3f8, 0x3ff).unwrap();
        assert_eq!(r.iter().collect::<Vec<_>>(), [(0, 0xffff)]);
        assert_eq!(r.insert(2, 1), Err(Errno::EINVAL));
    }
}
