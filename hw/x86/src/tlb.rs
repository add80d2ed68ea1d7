//! The TLB of this CPU.

use core::arch::asm;

use crate::cr;

/// Drops the entries for the page at `va`, global ones included.
#[inline]
pub fn invlpg(va: u64) {
    // SAFETY: dropping a cached translation changes nothing that was right.
    unsafe { asm!("invlpg [{}]", in(reg) va, options(nostack, preserves_flags)) };
}

/// Drops every entry, global ones included.
pub fn flush_all() {
    let cr4 = cr::read_cr4();
    // SAFETY: toggling PGE changes only what the TLB holds.
    unsafe {
        cr::write_cr4(cr4 & !cr::CR4_PGE);
        cr::write_cr4(cr4);
    }
}
