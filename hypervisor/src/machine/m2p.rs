//! The machine-to-physical map. Frames without RAM have no entry: writing one does nothing, reading gives "invalid".

use core::arch::asm;

use fx_types::{HYP_VIRT_START, Mfn};

use super::guest::fix;
use crate::layout::{M2P, M2P_GUEST};

/// What an entry without a pfn holds.
pub const INVALID: u64 = u64::MAX;

const _: () = assert!(M2P_GUEST == HYP_VIRT_START);

/// Frames that the map's part of the address space has room for.
const MAX_FRAMES: u64 = (crate::layout::IMAGE - M2P) / 8;

/// The entry for `mfn`.
#[inline]
pub fn get(mfn: Mfn) -> u64 {
    if mfn.0 >= MAX_FRAMES {
        return INVALID;
    }
    let v: u64;
    // SAFETY: reads the map; where there is none the fault skips the load and the register keeps its value.
    unsafe {
        asm!("2:", "mov {v}, [{a}]", "3:", fix!("3b"), v = inout(reg) INVALID => v, a = in(reg) M2P + mfn.0 * 8,
            options(nostack, readonly, preserves_flags));
    }
    v
}

/// Sets the entry for `mfn`.
#[inline]
pub fn set(mfn: Mfn, pfn: u64) {
    if mfn.0 >= MAX_FRAMES {
        return;
    }
    // SAFETY: writes the map; where there is none the fault skips the store.
    unsafe {
        asm!("2:", "mov [{a}], {v}", "3:", fix!("3b"), v = in(reg) pfn, a = in(reg) M2P + mfn.0 * 8,
            options(nostack, preserves_flags));
    }
}
