//! Page tables of a contiguous range of addresses, written a page at a time.

use core::ops::Range;

use fx_types::{PAGE_SHIFT, PhysMem};
use zerocopy::IntoBytes;

use crate::build::DomainMemory;

/// Bits of a page-table entry (AMD64 manual, volume 2, section 5.3).
const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
/// Entry of a table above the lowest level.
pub const TABLE: u64 = PRESENT | WRITABLE | USER | ACCESSED;
/// Entry of a page that the guest may write.
pub const PAGE_RW: u64 = PRESENT | WRITABLE | USER | ACCESSED | DIRTY;
/// Entry of a page table: the guest may only read it.
pub const PAGE_RO: u64 = PRESENT | USER | ACCESSED;

const ENTRIES: u64 = 512;
const L1_SHIFT: u32 = PAGE_SHIFT;
const L2_SHIFT: u32 = 21;
const L3_SHIFT: u32 = 30;
const L4_SHIFT: u32 = 39;

/// How many page tables of each level a range needs. In memory they follow each other in the order root, L3, L2, L1, each
/// level by ascending address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableCounts {
    /// Tables of level 3.
    pub l3: u64,
    /// Tables of level 2.
    pub l2: u64,
    /// Tables of level 1.
    pub l1: u64,
}

impl TableCounts {
    /// The tables for `range`, which is not empty and does not wrap.
    #[must_use]
    pub fn of(range: Range<u64>) -> Self {
        let count = |shift| entries(&range, shift).count();
        Self { l3: count(L4_SHIFT), l2: count(L3_SHIFT), l1: count(L2_SHIFT) }
    }

    /// All tables but the root.
    #[must_use]
    pub const fn below_root(&self) -> u64 {
        self.l3.wrapping_add(self.l2).wrapping_add(self.l1)
    }

    /// All tables with the root.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.below_root().wrapping_add(1)
    }
}

/// Entries of one level, numbered as if all tables of the level stood side by side.
#[derive(Clone, Copy)]
struct Entries {
    first: u64,
    last: u64,
}

impl Entries {
    const fn count(self) -> u64 {
        self.last.wrapping_sub(self.first).wrapping_add(1)
    }
}

/// The entries that map `range` at the level of `shift`.
const fn entries(range: &Range<u64>, shift: u32) -> Entries {
    Entries { first: range.start.wrapping_shr(shift), last: range.end.wrapping_sub(1).wrapping_shr(shift) }
}

/// Writes the tables below the root that map `range`, from frame `first_pfn` on; `leaf(n)` is the entry of the range's n-th
/// page. Then writes the range's entries into the root table `root_pfn`, whose other entries stay.
pub fn map<D: DomainMemory>(
    d: &D,
    root_pfn: u64,
    first_pfn: u64,
    range: &Range<u64>,
    leaf: impl Fn(u64) -> u64,
) {
    let counts = TableCounts::of(range.clone());
    let l2_pfn = first_pfn.wrapping_add(counts.l3);
    let l1_pfn = l2_pfn.wrapping_add(counts.l2);
    let table = |base: u64| move |n: u64| entry(d, base.wrapping_add(n), TABLE);
    write_level(d, first_pfn, entries(range, L3_SHIFT), table(l2_pfn));
    write_level(d, l2_pfn, entries(range, L2_SHIFT), table(l1_pfn));
    write_level(d, l1_pfn, entries(range, L1_SHIFT), leaf);
    let root = d.mfn_of(root_pfn);
    let top = entries(range, L4_SHIFT);
    for n in 0..top.count() {
        let slot = top.first.wrapping_add(n) % ENTRIES;
        d.mem().store64(root.at(slot.wrapping_mul(8)), table(first_pfn)(n));
    }
}

/// An entry that points to the domain's frame `pfn`.
pub fn entry<D: DomainMemory>(d: &D, pfn: u64, flags: u64) -> u64 {
    d.mfn_of(pfn).addr().0 | flags
}

/// Fills the tables of one level: entry number `e.first + n` becomes `value(n)`, the others of these tables 0.
fn write_level<D: DomainMemory>(d: &D, first_pfn: u64, e: Entries, value: impl Fn(u64) -> u64) {
    let mut next = e.first;
    let mut pfn = first_pfn;
    while next <= e.last {
        let mut buf = [0u64; ENTRIES as usize];
        let slots = buf.iter_mut().skip((next % ENTRIES) as usize);
        for (slot, number) in slots.zip(next..=e.last) {
            *slot = value(number.wrapping_sub(e.first));
        }
        d.mem().write(d.mfn_of(pfn).addr(), buf.as_bytes());
        // The first entry of the next table.
        next = (next | ENTRIES.wrapping_sub(1)).wrapping_add(1);
        pfn = pfn.wrapping_add(1);
    }
}
