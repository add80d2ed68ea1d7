//! Sets of physical addresses as sorted ranges.

use crate::info::{BootInfo, MemKind};

/// The most ranges in a set.
pub const MAX_RANGES: usize = 256;

/// Addresses from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// First byte after it.
    pub end: u64,
}

impl Range {
    /// A range.
    #[must_use]
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// Length in bytes; 0 when the end is not above the start.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// The whole multiples of `align` (a power of two) inside.
    #[must_use]
    pub const fn shrink(&self, align: u64) -> Self {
        let up = self.start.saturating_add(align - 1) & !(align - 1);
        Self { start: up, end: self.end & !(align - 1) }
    }

    /// The smallest range of multiples of `align` (a power of two) that covers it.
    #[must_use]
    pub const fn grow(&self, align: u64) -> Self {
        let up = self.end.saturating_add(align - 1) & !(align - 1);
        Self { start: self.start & !(align - 1), end: up }
    }
}

/// A set of addresses: sorted ranges that neither overlap nor touch. When it is full, what is added is lost, so that the
/// set errs towards less memory.
#[derive(Clone, Debug)]
pub struct Ranges {
    list: [Range; MAX_RANGES],
    len: usize,
}

impl Ranges {
    /// No address.
    pub const EMPTY: Self = Self { list: [Range { start: 0, end: 0 }; MAX_RANGES], len: 0 };

    /// The ranges in ascending order.
    #[must_use]
    pub fn as_slice(&self) -> &[Range] {
        self.list.get(..self.len).unwrap_or(&[])
    }

    /// Whole pages of RAM in the loader's map; where regions overlap, one that is not RAM wins.
    #[must_use]
    pub fn ram(info: &BootInfo, page: u64) -> Self {
        let mut set = Self::EMPTY;
        for r in info.regions().iter().filter(|r| r.kind == MemKind::RAM) {
            set.add(Range::new(r.start, r.end).shrink(page));
        }
        for r in info.regions().iter().filter(|r| r.kind != MemKind::RAM) {
            set.remove(Range::new(r.start, r.end).grow(page));
        }
        set
    }

    /// Adds a range.
    pub fn add(&mut self, r: Range) {
        if r.is_empty() {
            return;
        }
        let mut new = r;
        let mut out = Self::EMPTY;
        let mut placed = false;
        for old in self.as_slice() {
            if old.end < new.start {
                out.push(*old);
            } else if old.start > new.end {
                if !placed {
                    out.push(new);
                    placed = true;
                }
                out.push(*old);
            } else {
                new = Range::new(new.start.min(old.start), new.end.max(old.end));
            }
        }
        if !placed {
            out.push(new);
        }
        *self = out;
    }

    /// Takes a range out.
    pub fn remove(&mut self, r: Range) {
        if r.is_empty() {
            return;
        }
        let mut out = Self::EMPTY;
        for old in self.as_slice() {
            out.push(Range::new(old.start, old.end.min(r.start)));
            out.push(Range::new(old.start.max(r.end), old.end));
        }
        *self = out;
    }

    /// Takes `size` bytes at a multiple of `align` (a power of two) out, from the highest place whose end is not above
    /// `limit`.
    pub fn take_high(&mut self, size: u64, align: u64, limit: u64) -> Option<u64> {
        let fits = |r: &Range| {
            let at = r.end.min(limit).checked_sub(size)? & !(align - 1);
            (at >= r.start).then_some(at)
        };
        let at = self.as_slice().iter().rev().find_map(fits)?;
        self.remove(Range::new(at, at + size));
        Some(at)
    }

    /// The end of the highest range.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.as_slice().last().map_or(0, |r| r.end)
    }

    /// How many bytes are in the set.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.as_slice().iter().map(Range::len).sum()
    }

    /// Whether all of `r` is in the set.
    #[must_use]
    pub fn contains(&self, r: Range) -> bool {
        self.as_slice().iter().any(|x| x.start <= r.start && r.end <= x.end)
    }

    /// Whether some of `r` is in the set.
    #[must_use]
    pub fn intersects(&self, r: Range) -> bool {
        self.as_slice().iter().any(|x| x.start < r.end && r.start < x.end)
    }

    fn push(&mut self, r: Range) {
        if !r.is_empty()
            && let Some(slot) = self.list.get_mut(self.len)
        {
            *slot = r;
            self.len += 1;
        }
    }
}
