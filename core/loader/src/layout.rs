//! Where everything goes in the start-of-day memory (public header `xen.h`).

use core::ops::Range;

use fx_types::{PAGE_SIZE, guest_range_ok};

use crate::tables::TableCounts;
use crate::{KernelInfo, LoadError};

/// The mapped region ends on such a boundary.
const REGION_ALIGN: u64 = 4 << 20;
/// Padding that the guest finds at least after the last element.
const SLACK: u64 = 512 << 10;
/// Bytes of an entry of the p2m.
const P2M_ENTRY: u64 = 8;
/// Addresses that one entry of the root table covers.
const ROOT_ENTRY: u64 = 1 << 39;

/// The plan of Dom0's memory at its start. Frames are numbered from `v_start`: pseudo-physical frame `n` is mapped at
/// `v_start + n * 4096` up to `v_end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// First mapped address.
    pub v_start: u64,
    /// First address after the mapped region.
    pub v_end: u64,
    /// Frames of the ramdisk; empty without one. A caller that has the ramdisk in whole frames may make these frames the
    /// domain's and pass [`InitrdSource::InPlace`](crate::InitrdSource::InPlace).
    pub initrd_pfns: Range<u64>,
    /// Whether the ramdisk lies in the mapped region (else the kernel gets its frame number).
    pub initrd_mapped: bool,
    /// Size of the ramdisk in bytes.
    pub initrd_len: u64,
    /// Virtual address of the p2m.
    pub p2m_va: u64,
    /// Frames of the p2m itself.
    pub p2m_pfns: Range<u64>,
    /// Page tables that map the p2m, right before it, when it has a region of its own; else none.
    pub p2m_tables: Option<TableCounts>,
    /// Virtual address of the start information.
    pub start_info_va: u64,
    /// Virtual address of the root page table, the first of `tables`.
    pub tables_va: u64,
    /// Page tables of the mapped region, root first.
    pub tables: TableCounts,
    /// Initial stack pointer.
    pub stack: u64,
    /// How many of the domain's first frames are used or mapped.
    pub used_pages: u64,
    /// All pages of the domain.
    pub nr_pages: u64,
}

impl Layout {
    /// Plans a domain of `nr_pages` frames with `kernel` and a ramdisk of `initrd_len` bytes.
    ///
    /// # Errors
    /// [`LoadError::TooSmall`] when `nr_pages` do not suffice, [`LoadError::BadAddress`] when the kernel's addresses leave
    /// no room.
    pub fn plan(kernel: &KernelInfo<'_>, initrd_len: u64, nr_pages: u64) -> Result<Self, LoadError> {
        let v_start = kernel.virt_base;
        let p2m_pages = pages(nr_pages.checked_mul(P2M_ENTRY).ok_or(NO_ROOM)?);
        let initrd_pages = pages(initrd_len);
        let initrd_mapped = initrd_len != 0 && !kernel.notes.mod_start_pfn;
        let pfn_of = |va: u64| va.wrapping_sub(v_start) / PAGE_SIZE;

        let mut va = Cursor::addresses(kernel.end.checked_next_multiple_of(PAGE_SIZE).ok_or(NO_ROOM)?);
        let initrd_va = va.take(if initrd_mapped { initrd_pages } else { 0 })?;
        let p2m_va = match kernel.notes.init_p2m {
            Some(own) => own,
            None => va.take(p2m_pages)?,
        };
        let start_info_va = va.take(1)?;
        let Region { tables, stack, v_end } = close_region(v_start, va.next)?;

        // What is not mapped in the region follows it: the ramdisk, the tables of the p2m, the p2m.
        let mut pfn = Cursor::frames(pfn_of(v_end));
        let initrd = if initrd_mapped { pfn_of(initrd_va) } else { pfn.take(initrd_pages)? };
        let (p2m_tables, p2m) = match kernel.notes.init_p2m {
            Some(own) => {
                let tables = own_p2m(own, p2m_pages, v_start, v_end)?;
                pfn.take(tables.below_root())?;
                (Some(tables), pfn.take(p2m_pages)?)
            }
            None => (None, pfn_of(p2m_va)),
        };
        if pfn.next > nr_pages {
            return Err(LoadError::TooSmall { need: pfn.next, have: nr_pages });
        }
        Ok(Self {
            v_start,
            v_end,
            initrd_pfns: initrd..initrd.saturating_add(initrd_pages),
            initrd_mapped,
            initrd_len,
            p2m_va,
            p2m_pfns: p2m..p2m.saturating_add(p2m_pages),
            p2m_tables,
            start_info_va,
            tables_va: va.next,
            tables,
            stack,
            used_pages: pfn.next,
            nr_pages,
        })
    }

    /// The frame mapped at `va`, which lies within the mapped region.
    #[must_use]
    pub const fn pfn(&self, va: u64) -> u64 {
        va.wrapping_sub(self.v_start) / PAGE_SIZE
    }

    /// Frames of the page tables of the mapped region.
    #[must_use]
    pub const fn table_pfns(&self) -> Range<u64> {
        let first = self.pfn(self.tables_va);
        first..first.wrapping_add(self.tables.total())
    }

    /// Frames of the p2m together with its page tables, as the kernel is told them; empty when it has no own region.
    #[must_use]
    pub fn p2m_region(&self) -> Range<u64> {
        match &self.p2m_tables {
            Some(t) => self.p2m_pfns.start.wrapping_sub(t.below_root())..self.p2m_pfns.end,
            None => 0..0,
        }
    }
}

const NO_ROOM: LoadError = LoadError::BadAddress("start-of-day memory");

const fn pages(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE_SIZE)
}

/// Hands out `unit`s of address space, or frames, one after the other.
struct Cursor {
    next: u64,
    unit: u64,
}

impl Cursor {
    const fn addresses(next: u64) -> Self {
        Self { next, unit: PAGE_SIZE }
    }

    const fn frames(next: u64) -> Self {
        Self { next, unit: 1 }
    }

    /// The first of `nr` consecutive ones.
    fn take(&mut self, nr: u64) -> Result<u64, LoadError> {
        let end = nr.checked_mul(self.unit).and_then(|len| self.next.checked_add(len)).ok_or(NO_ROOM)?;
        Ok(core::mem::replace(&mut self.next, end))
    }
}

/// The end of the mapped region.
struct Region {
    tables: TableCounts,
    stack: u64,
    v_end: u64,
}

/// Places page tables (at `tables_va`), stack and padding. The tables must map themselves, so their number is grown until it
/// suffices; it can only grow, and by ever less, so a few rounds do.
fn close_region(v_start: u64, tables_va: u64) -> Result<Region, LoadError> {
    let mut nr_tables = 4;
    loop {
        let mut va = Cursor::addresses(tables_va);
        va.take(nr_tables)?;
        va.take(1)?;
        let stack = va.next;
        let padded = stack.checked_add(SLACK).and_then(|end| end.checked_next_multiple_of(REGION_ALIGN));
        let v_end = padded.filter(|end| guest_range_ok(v_start, end.wrapping_sub(v_start))).ok_or(NO_ROOM)?;
        let tables = TableCounts::of(v_start..v_end);
        if tables.total() <= nr_tables {
            return Ok(Region { tables, stack, v_end });
        }
        nr_tables = tables.total();
    }
}

/// The tables of a p2m in a region of its own: page-aligned, in the guest's address space, under root entries that the mapped
/// region does not use.
fn own_p2m(va: u64, nr: u64, v_start: u64, v_end: u64) -> Result<TableCounts, LoadError> {
    let bad = LoadError::BadAddress("INIT_P2M");
    let len = nr.checked_mul(PAGE_SIZE).filter(|len| *len != 0).ok_or(bad)?;
    let end = va.checked_add(len).ok_or(bad)?;
    let apart =
        end.div_ceil(ROOT_ENTRY) <= v_start / ROOT_ENTRY || va / ROOT_ENTRY >= v_end.div_ceil(ROOT_ENTRY);
    if !va.is_multiple_of(PAGE_SIZE) || !guest_range_ok(va, len) || !apart {
        return Err(bad);
    }
    Ok(TableCounts::of(va..end))
}
