//! The guest's descriptor tables, shown to the processor through this CPU's windows.

use core::sync::atomic::Ordering::Relaxed;

use fx_types::Mfn;
use fx_x86::{pte, tlb};

use crate::cpu::{area, init, this_cpu};

/// Pages of a guest's GDT.
pub const GDT_PAGES: usize = 14;
/// Pages of a guest's LDT.
pub const LDT_PAGES: u32 = 16;
const PAGE: u64 = 4096;

/// Writes an entry of this CPU's area if it is another one, and drops its translation.
#[inline]
fn set_entry(offset: u64, entry: u64) {
    let block = this_cpu();
    let slot = block.area_table.wrapping_add((offset / PAGE) as usize);
    // SAFETY: the slot is one of this CPU's windows, which only this CPU changes.
    unsafe {
        if slot.read_volatile() != entry {
            slot.write_volatile(entry);
            tlb::invlpg(area::base(block.cpu) + offset);
        }
    }
}

// An `invlpg` that drops a window's translation drops it whatever address space is loaded.
const _: () = assert!(pte::HOST_RW & pte::G != 0);

/// The processor sets "accessed" bits in descriptors, so the windows are writable (for ring 0).
const fn entry(mfn: Mfn) -> u64 {
    mfn.addr().0 | pte::HOST_RW
}

/// Shows `frames` as the first pages of this CPU's GDT, and nothing in the guest's other pages.
#[inline]
pub fn set_gdt(frames: &[Mfn]) {
    let shown = &this_cpu().gdt_pages;
    let before = shown.load(Relaxed) as usize;
    let now = frames.len().min(GDT_PAGES);
    for (page, mfn) in frames.iter().take(GDT_PAGES).enumerate() {
        set_entry(area::GDT + page as u64 * PAGE, entry(*mfn));
    }
    for page in now..before {
        set_entry(area::GDT + page as u64 * PAGE, 0);
    }
    shown.store(now as u32, Relaxed);
}

/// Sets this CPU's LDT to `entries` descriptors (at most 8192), none of which is mapped yet.
#[inline]
pub fn set_ldt(entries: u32) {
    let block = this_cpu();
    let mut shown = block.ldt_pages.swap(0, Relaxed);
    while shown != 0 {
        set_entry(area::LDT + u64::from(shown.trailing_zeros()) * PAGE, 0);
        shown &= shown - 1;
    }
    if entries != 0 || block.ldt_entries.load(Relaxed) != 0 {
        block.ldt_entries.store(entries, Relaxed);
        init::load_ldt(entries.min(8192));
    }
}

/// Shows `mfn` as page `page` of this CPU's LDT.
pub fn map_ldt_page(page: u32, mfn: Mfn) {
    if page < LDT_PAGES {
        this_cpu().ldt_pages.fetch_or(1 << page, Relaxed);
        set_entry(area::LDT + u64::from(page) * PAGE, entry(mfn));
    }
}

/// Which page of this CPU's LDT window `va` is in.
pub fn ldt_page_of(va: u64) -> Option<u32> {
    let at = va.checked_sub(area::base(this_cpu().cpu) + area::LDT)? / PAGE;
    u32::try_from(at).ok().filter(|p| *p < LDT_PAGES)
}
