//! Frames and page tables: a pool of pages, p2m and m2p, walking the current tables, building others.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use xen_abi::arch_x86::MACH2PHYS_VIRT_START;
use xen_abi::xen::UVMF_INVLPG;

use crate::{boot, hypercall, probe};

/// Address of the domain's frame 0.
pub const VIRT_BASE: u64 = 0xffff_ffff_8000_0000;
/// Size of a page in bytes.
pub const PAGE: u64 = 4096;

/// Entry: present.
pub const P: u64 = 1;
/// Entry: writable.
pub const W: u64 = 2;
/// Entry: user.
pub const U: u64 = 4;
/// Entry: accessed.
pub const A: u64 = 0x20;
/// Entry: dirty.
pub const D: u64 = 0x40;
/// Flags of a read-only page.
pub const RO: u64 = P | U | A;
/// Flags of a writable page, and of an entry that points to a table.
pub const RW: u64 = P | W | U | A | D;
/// The bits of an entry that hold the frame.
pub const FRAME: u64 = 0x000f_ffff_ffff_f000;

const POOL_PAGES: usize = 512;

/// Pages for tests.
#[repr(align(4096))]
struct Pool(#[expect(dead_code, reason = "only its address counts")] [[u8; PAGE as usize]; POOL_PAGES]);

static mut POOL: Pool = Pool([[0; PAGE as usize]; POOL_PAGES]);
static USED: AtomicUsize = AtomicUsize::new(0);
/// The page that was given back last; its first word is the one before.
static FREE: AtomicU64 = AtomicU64::new(0);

/// Takes `count` adjacent pages of zeros.
pub fn alloc_pages(count: usize) -> u64 {
    let first = USED.fetch_add(count, Ordering::Relaxed);
    if first + count > POOL_PAGES {
        boot::die("the pool of pages is empty");
    }
    (&raw const POOL) as u64 + first as u64 * PAGE
}

/// Takes one page of zeros.
pub fn alloc_page() -> u64 {
    match FREE.load(Ordering::Relaxed) {
        0 => alloc_pages(1),
        page => {
            FREE.store(load(page), Ordering::Relaxed);
            (0..PAGE).step_by(8).for_each(|n| store(page + n, 0));
            page
        }
    }
}

/// Gives back a page that is mapped writable as at first. Only one processor takes and gives back.
pub fn free_page(page: u64) {
    store(page, FREE.load(Ordering::Relaxed));
    FREE.store(page, Ordering::Relaxed);
}

/// The machine frame of a frame of the domain.
pub fn p2m(pfn: u64) -> u64 {
    let list = boot::start_info().mfn_list as *const u64;
    // SAFETY: the list has an entry for each of the domain's frames, and callers ask only for those.
    unsafe { list.add(pfn as usize).read_volatile() }
}

/// The domain's frame of a machine frame; all ones if the table has no such entry.
pub fn m2p(mfn: u64) -> u64 {
    probe::read(MACH2PHYS_VIRT_START + mfn * 8).unwrap_or(u64::MAX)
}

/// The domain's frame of an address in the first mapping.
pub fn pfn(address: u64) -> u64 {
    (address - VIRT_BASE) / PAGE
}

/// The machine frame of an address in the first mapping (as Xen built it, not as it may be mapped now).
pub fn mfn(address: u64) -> u64 {
    p2m(pfn(address))
}

/// Reads a word of memory that others may change.
pub fn load(address: u64) -> u64 {
    match probe::read(address) {
        Ok(value) => value,
        Err(trap) => boot::die(format_args!("cannot read {address:#x}: {trap:x?}")),
    }
}

/// Writes a word of a page from the pool.
pub fn store(address: u64, value: u64) {
    // SAFETY: pages of the pool are raw memory.
    if let Err(trap) = unsafe { probe::write(address, value) } {
        boot::die(format_args!("cannot write {address:#x}: {trap:x?}"));
    }
}

/// Where the entry of a level (1 to 4) for an address is, as an address of the kernel. The tables must be Xen's first
/// ones or pages of the pool.
pub fn entry_address(address: u64, level: u32) -> Option<u64> {
    let mut table = boot::start_info().pt_base;
    let mut current = 4;
    loop {
        let slot = table + (address >> (12 + 9 * (current - 1)) & 0x1ff) * 8;
        if current == level {
            return Some(slot);
        }
        let entry = load(slot);
        if entry & P == 0 {
            return None;
        }
        table = VIRT_BASE + m2p((entry & FRAME) / PAGE) * PAGE;
        current -= 1;
    }
}

/// The machine address of a word that the first mapping shows.
pub fn machine(address: u64) -> u64 {
    mfn(address) * PAGE + address % PAGE
}

/// The level-1 entry of an address; zero if there is none.
pub fn entry(address: u64) -> u64 {
    entry_address(address, 1).map_or(0, load)
}

/// Maps a machine frame at an address whose level-1 table exists.
pub fn map(address: u64, mfn: u64, flags: u64) -> i64 {
    hypercall::update_va_mapping(address, (mfn * PAGE) | flags, UVMF_INVLPG)
}

/// Makes a page of the pool read-only, as tables must be.
pub fn protect(page: u64) -> i64 {
    map(page, mfn(page), RO)
}

/// Makes a page of the pool writable again.
pub fn unprotect(page: u64) -> i64 {
    map(page, mfn(page), RW)
}

/// An entry that points to the frame of a page of the pool.
pub fn entry_for(page: u64, flags: u64) -> u64 {
    (mfn(page) * PAGE) | flags
}

/// A hand-made tree of tables that maps some pages at the beginning of a 2 MiB region.
pub struct Tree {
    /// The tables: levels 1, 2, 3, 4.
    pub tables: [u64; 4],
}

impl Tree {
    /// Fills four tables such that `base` (2 MiB aligned, in the lower half) shows `pages`; they are still writable.
    pub fn new(base: u64, pages: &[u64]) -> Self {
        let tables = [(); 4].map(|()| alloc_page());
        for (index, &page) in pages.iter().enumerate() {
            store(tables[0] + index as u64 * 8, entry_for(page, RW));
        }
        for level in 1..4 {
            let slot = base >> (12 + 9 * level) & 0x1ff;
            store(tables[level as usize] + slot * 8, entry_for(tables[level as usize - 1], RW));
        }
        Self { tables }
    }

    /// Shares the kernel's half with the current root.
    pub fn share_kernel(&self) {
        let root = boot::start_info().pt_base;
        store(self.tables[3] + 511 * 8, load(root + 511 * 8));
    }

    /// Makes all tables read-only; the first error ends it.
    pub fn protect(&self) -> i64 {
        self.tables.iter().map(|&table| protect(table)).find(|&result| result != 0).unwrap_or(0)
    }

    /// The machine frame of the root.
    pub fn root(&self) -> u64 {
        mfn(self.tables[3])
    }
}
