//! Instructions of the hypervisor's that may fault, and where to go on when they do; and those that depend on SMAP.

use crate::boot::paging;

/// A fault of an instruction from `start` up to `end` continues at `fixup`.
#[repr(C)]
struct Entry {
    start: u64,
    end: u64,
    fixup: u64,
}

unsafe extern "C" {
    static __ex_table_start: Entry;
    static __ex_table_end: Entry;
    static __stac_sites_start: u64;
    static __stac_sites_end: u64;
    static __clac_sites_start: u64;
    static __clac_sites_end: u64;
    static __sysret_checks_start: [u64; 2];
    static __sysret_checks_end: [u64; 2];
}

/// A section that the linker script delimits.
///
/// # Safety
/// Both symbols delimit an array of `T` that is never changed.
unsafe fn section<T>(start: *const T, end: *const T) -> &'static [T] {
    // SAFETY: the caller vouches for the array.
    unsafe { core::slice::from_raw_parts(start, end.offset_from_unsigned(start)) }
}

/// Where to go on after a fault at `rip`.
#[cold]
pub fn find(rip: u64) -> Option<u64> {
    // SAFETY: the linker script delimits the table.
    let table = unsafe { section(&raw const __ex_table_start, &raw const __ex_table_end) };
    table.iter().find(|e| (e.start..e.end).contains(&rip)).map(|e| e.fixup)
}

/// Puts STAC and CLAC in where the code has a no-operation of the same size. Only while no other CPU runs.
pub fn enable_smap() {
    const STAC: [u8; 3] = [0x0f, 0x01, 0xcb];
    const CLAC: [u8; 3] = [0x0f, 0x01, 0xca];
    // SAFETY: the linker script delimits the lists of sites.
    let (stac, clac) = unsafe {
        (
            section(&raw const __stac_sites_start, &raw const __stac_sites_end),
            section(&raw const __clac_sites_start, &raw const __clac_sites_end),
        )
    };
    for (sites, code) in [(stac, STAC), (clac, CLAC)] {
        for site in sites {
            patch(*site, &code);
        }
    }
}

/// On AMD processors SYSRET needs no check of its target: jump over each. Only while no other CPU runs.
pub fn skip_sysret_checks() {
    const JMP_SHORT: u8 = 0xeb;
    // SAFETY: the linker script delimits the list.
    let checks = unsafe { section(&raw const __sysret_checks_start, &raw const __sysret_checks_end) };
    for [start, end] in checks {
        patch(*start, &[JMP_SHORT, (end - start - 2) as u8]);
    }
}

/// Writes over code of the image.
fn patch(va: u64, code: &[u8]) {
    let to = paging::phys_ptr(paging::image_phys(va));
    // SAFETY: the place is code of the image, reached through its alias in the direct map; the boot CPU is alone.
    unsafe { core::ptr::copy_nonoverlapping(code.as_ptr(), to, code.len()) };
}
