//! The hypervisor's own page tables: they are in slots 256 to 271 of every address space.

use core::sync::atomic::{AtomicU64, Ordering};

use fx_boot::{BootInfo, MemKind, Range, Ranges};
use fx_x86::{cr, pte};

use super::early;
use crate::cpu::init;
use crate::layout::{CPU_AREAS, DIRECT_MAP, FIRST_SLOT, IMAGE, IMAGE_OFFSET, IO, M2P, M2P_GUEST, SLOTS};

const PAGE: u64 = 4096;
const MIB2: u64 = 2 << 20;
/// Text-mode and VGA memory: device memory below 1 MiB.
const VGA: Range = Range { start: 0xa_0000, end: 0xc_0000 };

/// What physical address 0 is mapped at: 0 with the boot tables, the direct map afterwards.
static PHYS_BASE: AtomicU64 = AtomicU64::new(0);
/// Physical address of the hypervisor's own L4 table.
static ROOT: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __rodata_start: u8;
    static __rodata_end: u8;
    static __data_start: u8;
    static __image_end: u8;
}

/// A pointer to physical memory that is RAM.
#[inline]
pub fn phys_ptr(phys: u64) -> *mut u8 {
    (PHYS_BASE.load(Ordering::Relaxed) + phys) as *mut u8
}

/// Physical memory above this cannot be reached yet.
pub fn reachable() -> u64 {
    if PHYS_BASE.load(Ordering::Relaxed) == 0 { 1 << 32 } else { u64::MAX }
}

/// The physical address of something in the image.
pub fn image_phys(va: u64) -> u64 {
    va - IMAGE_OFFSET
}

/// The first physical address after the image.
pub fn image_end_phys() -> u64 {
    image_phys(&raw const __image_end as u64)
}

/// Physical address of the hypervisor's own L4 table: an address space without a guest.
pub fn root() -> u64 {
    ROOT.load(Ordering::Relaxed)
}

/// The hypervisor's entries for a guest's L4 table. They do not change any more.
pub fn slots() -> [u64; SLOTS] {
    let l4 = phys_ptr(root()).cast::<u64>();
    // SAFETY: the table exists and these entries are final.
    core::array::from_fn(|i| unsafe { l4.add(FIRST_SLOT + i).read() })
}

/// A piece of address space to map.
pub struct Mapping {
    /// First virtual address, a multiple of the page size.
    pub va: u64,
    /// First physical address.
    pub phys: u64,
    /// Length in bytes.
    pub len: u64,
    /// Bits of the entries.
    pub flags: u64,
    /// Level of the largest pages: 1 for 4 KiB, 2 for 2 MiB, 3 for 1 GiB.
    pub largest: u32,
}

/// Maps a piece of address space that is not mapped yet. `None` when there is no memory for tables.
pub fn map(m: &Mapping) -> Option<()> {
    let mut done = 0;
    while done < m.len {
        let (va, phys) = (m.va + done, m.phys + done);
        let mut level = m.largest;
        while level > 1 && ((va | phys) & (page_size(level) - 1) != 0 || m.len - done < page_size(level)) {
            level -= 1;
        }
        let large = if level > 1 { pte::PS } else { 0 };
        let slot = walk(va, level, m.flags & pte::US)?;
        // SAFETY: the slot is in a table of ours; what it maps was not mapped before.
        unsafe { slot.write_volatile(phys | m.flags | large) };
        done += page_size(level);
    }
    Some(())
}

/// The level-1 entry that maps `va`; its table is made when there is none.
pub fn entry_of(va: u64) -> Option<*mut u64> {
    walk(va, 1, 0)
}

/// Whether `va` is mapped.
pub fn is_mapped(va: u64) -> bool {
    phys_of(va).is_some()
}

/// The physical address that `va` is mapped to.
pub fn phys_of(va: u64) -> Option<u64> {
    let mut table = root();
    for level in (1..=4).rev() {
        let slot = phys_ptr(table).cast::<u64>().wrapping_add(pte::index(va, level));
        // SAFETY: the slot is in a table of ours.
        let entry = unsafe { slot.read_volatile() };
        if entry & pte::P == 0 {
            return None;
        }
        if level == 1 || entry & pte::PS != 0 {
            let offset = page_size(level) - 1;
            return Some((entry & pte::ADDR & !offset) | (va & offset));
        }
        table = entry & pte::ADDR;
    }
    None
}

const fn page_size(level: u32) -> u64 {
    PAGE << (9 * (level - 1))
}

/// The entry for `va` in its table of `level`; missing tables on the way are made. `user` is set in all entries on the way.
fn walk(va: u64, level: u32, user: u64) -> Option<*mut u64> {
    let mut table = root();
    for l in (level + 1..=4).rev() {
        let slot = phys_ptr(table).cast::<u64>().wrapping_add(pte::index(va, l));
        // SAFETY: the slot is in a table of ours, and one CPU at a time changes these tables.
        unsafe {
            if slot.read_volatile() & pte::P == 0 {
                slot.write_volatile(page()? | pte::HOST_TABLE);
            }
            slot.write_volatile(slot.read_volatile() | user);
            table = slot.read_volatile() & pte::ADDR;
        }
    }
    Some(phys_ptr(table).cast::<u64>().wrapping_add(pte::index(va, level)))
}

/// A zeroed page that is never given back: from the early allocator, or, when the core has all memory, from the heap.
pub fn page() -> Option<u64> {
    early::alloc(PAGE, PAGE).or_else(|| {
        let layout = core::alloc::Layout::from_size_align(PAGE as usize, PAGE as usize).ok()?;
        // SAFETY: the size is not zero.
        let p = unsafe { alloc::alloc::alloc_zeroed(layout) };
        (!p.is_null()).then(|| p as u64 - DIRECT_MAP)
    })
}

/// Builds the tables and loads them.
pub fn create(info: &BootInfo) -> Option<()> {
    ROOT.store(early::alloc(PAGE, PAGE)?, Ordering::Relaxed);
    // The tables below L4 that later mappings need have to be there before the slots are copied into guests' tables.
    for va in [M2P_GUEST, IO, M2P, CPU_AREAS] {
        walk(va, 3, if va == M2P_GUEST { pte::US } else { 0 })?;
    }
    map_image()?;
    map_ram(info)?;
    // SAFETY: the new tables map the image where it runs; the boot stack is in the image.
    unsafe { cr::write_cr3(root()) };
    PHYS_BASE.store(DIRECT_MAP, Ordering::Relaxed);
    Some(())
}

fn map_image() -> Option<()> {
    let text = (&raw const __text_start as u64, &raw const __text_end as u64, pte::HOST_RX);
    let rodata = (&raw const __rodata_start as u64, &raw const __rodata_end as u64, pte::HOST_RO);
    let data = (&raw const __data_start as u64, &raw const __image_end as u64, pte::HOST_RW);
    debug_assert!(text.0 >= IMAGE);
    for (start, end, flags) in [text, rodata, data] {
        map(&Mapping { va: start, phys: image_phys(start), len: end - start, flags, largest: 1 })?;
    }
    Some(())
}

/// The direct map: RAM and firmware tables in the largest pages that the processor has, and the first MiB but VGA.
fn map_ram(info: &BootInfo) -> Option<()> {
    let mut set = Ranges::EMPTY;
    for r in info.regions().iter().filter(|r| [MemKind::RAM, MemKind::ACPI, MemKind::NVS].contains(&r.kind)) {
        set.add(Range::new(r.start, r.end).grow(MIB2));
    }
    // The first 2 MiB hold device memory, so they are mapped in small pages.
    set.remove(Range::new(0, MIB2));
    set.add(Range::new(0, VGA.start));
    set.add(Range::new(VGA.end, MIB2));
    let largest = if init::features().page1gb { 3 } else { 2 };
    for r in set.as_slice() {
        // Below 2 MiB 4 KiB pages, then 2 MiB pages up to the first whole GiB: `map` takes what fits.
        map(&Mapping {
            va: DIRECT_MAP + r.start,
            phys: r.start,
            len: r.len(),
            flags: pte::HOST_RW,
            largest,
        })?;
    }
    Some(())
}
