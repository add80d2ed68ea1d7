//! A set of physical CPUs.

use core::fmt;

/// The most CPUs that the hypervisor runs on.
pub const MAX_CPUS: usize = 4096;
const WORDS: usize = MAX_CPUS / 64;

/// A set of CPU numbers below [`MAX_CPUS`]; numbers above are never members.
#[derive(Clone, PartialEq, Eq)]
pub struct CpuSet([u64; WORDS]);

impl CpuSet {
    /// The empty set.
    pub const EMPTY: Self = Self([0; WORDS]);
    /// Every CPU there can be.
    pub const ALL: Self = Self([u64::MAX; WORDS]);

    /// The set of one CPU.
    #[must_use]
    pub fn one(cpu: usize) -> Self {
        let mut s = Self::EMPTY;
        s.insert(cpu);
        s
    }

    /// Adds `cpu`.
    pub fn insert(&mut self, cpu: usize) {
        if let Some(w) = self.0.get_mut(cpu / 64) {
            *w |= 1 << (cpu % 64);
        }
    }

    /// Removes `cpu`.
    pub fn remove(&mut self, cpu: usize) {
        if let Some(w) = self.0.get_mut(cpu / 64) {
            *w &= !(1 << (cpu % 64));
        }
    }

    /// Whether `cpu` is a member.
    #[must_use]
    pub fn contains(&self, cpu: usize) -> bool {
        self.0.get(cpu / 64).is_some_and(|w| w & (1 << (cpu % 64)) != 0)
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }

    /// The lowest member.
    #[must_use]
    pub fn first(&self) -> Option<usize> {
        self.iter().next()
    }

    /// How many members.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().fold(0, |n, w| w.count_ones().saturating_add(n))
    }

    /// The members of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut s = self.clone();
        for (a, b) in s.0.iter_mut().zip(other.0.iter()) {
            *a &= *b;
        }
        s
    }

    /// The members that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut s = self.clone();
        for (a, b) in s.0.iter_mut().zip(other.0.iter()) {
            *a &= !*b;
        }
        s
    }

    /// The members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(i, word)| {
            let mut w = *word;
            core::iter::from_fn(move || {
                if w == 0 {
                    return None;
                }
                let bit = w.trailing_zeros() as usize;
                w &= w.wrapping_sub(1);
                Some(i.saturating_mul(64).saturating_add(bit))
            })
        })
    }

    /// The set as a little-endian bitmap, as the control interfaces carry it.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().flat_map(|w| w.to_le_bytes())
    }

    /// The set from a little-endian bitmap; bits above [`MAX_CPUS`] are dropped.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut s = Self::EMPTY;
        for (w, chunk) in s.0.iter_mut().zip(bytes.chunks(8)) {
            let mut b = [0; 8];
            for (d, v) in b.iter_mut().zip(chunk) {
                *d = *v;
            }
            *w = u64::from_le_bytes(b);
        }
        s
    }
}

impl fmt::Debug for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members() {
        let mut s = CpuSet::EMPTY;
        s.insert(0);
        s.insert(65);
        s.insert(MAX_CPUS);
        assert_eq!(s.iter().collect::<alloc::vec::Vec<_>>(), [0, 65]);
        assert_eq!(s.count(), 2);
        assert_eq!(s.first(), Some(0));
        s.remove(0);
        assert!(!s.contains(0) && s.contains(65));
        let b: alloc::vec::Vec<u8> = s.bytes().collect();
        assert_eq!(CpuSet::from_bytes(&b), s);
        assert!(s.and(&CpuSet::one(1)).is_empty());
        assert!(s.without(&CpuSet::one(65)).is_empty());
        assert_eq!(s.without(&CpuSet::one(1)), s);
    }
}
