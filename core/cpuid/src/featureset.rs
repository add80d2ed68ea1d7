//! Features as a bitmap, numbered as in `xen/arch-x86/cpufeatureset.h`.

use xen_abi::cpufeatureset::{FEATURESET_NR_ENTRIES, mask, word};

/// A set of CPU features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Featureset(pub [u32; FEATURESET_NR_ENTRIES]);

impl Featureset {
    /// No feature.
    pub const NONE: Self = Self([0; FEATURESET_NR_ENTRIES]);

    /// The set of the features with the numbers `features`.
    #[must_use]
    #[allow(clippy::indexing_slicing, reason = "evaluated at compile time, on constants")]
    pub const fn of(features: &[u32]) -> Self {
        let mut words = [0; FEATURESET_NR_ENTRIES];
        let mut i = 0usize;
        while i < features.len() {
            words[word(features[i])] |= mask(features[i]);
            i = i.wrapping_add(1);
        }
        Self(words)
    }

    /// The features of either set.
    #[must_use]
    #[allow(clippy::indexing_slicing, reason = "the index is below both lengths")]
    pub const fn or(self, other: Self) -> Self {
        let mut words = self.0;
        let mut i = 0usize;
        while i < FEATURESET_NR_ENTRIES {
            words[i] |= other.0[i];
            i = i.wrapping_add(1);
        }
        Self(words)
    }

    /// The features of both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut s = self;
        s.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= b);
        s
    }

    /// The features that `other` lacks.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        let mut s = self;
        s.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= !b);
        s
    }

    /// Whether `feature` is a member.
    #[must_use]
    pub fn has(&self, feature: u32) -> bool {
        self.0.get(word(feature)).is_some_and(|w| w & mask(feature) != 0)
    }

    /// Makes `feature` a member, or not.
    pub fn set(&mut self, feature: u32, member: bool) {
        if let Some(w) = self.0.get_mut(word(feature)) {
            *w = if member { *w | mask(feature) } else { *w & !mask(feature) };
        }
    }

    /// Makes all of `features` members.
    pub fn add(&mut self, features: &[u32]) {
        features.iter().for_each(|f| self.set(*f, true));
    }

    /// Makes none of `features` a member.
    pub fn remove(&mut self, features: &[u32]) {
        features.iter().for_each(|f| self.set(*f, false));
    }
}
