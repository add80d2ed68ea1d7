//! Segment selectors and bases of the guest that is current: they stay in the processor while the hypervisor runs.

use core::arch::asm;

use crate::msr;

/// Reads the selector of DS, ES, FS or GS.
macro_rules! selector {
    ($(#[$doc:meta])* $name:ident, $seg:literal) => {
        $(#[$doc])*
        #[inline]
        #[must_use]
        pub fn $name() -> u16 {
            let v: u32;
            // SAFETY: reads a register.
            unsafe { asm!(concat!("mov {:e}, ", $seg), out(reg) v, options(nomem, nostack, preserves_flags)) };
            v as u16
        }
    };
}

selector!(
    /// The selector in DS.
    ds,
    "ds"
);
selector!(
    /// The selector in ES.
    es,
    "es"
);
selector!(
    /// The selector in FS.
    fs,
    "fs"
);
selector!(
    /// The selector in GS.
    gs,
    "gs"
);

selector!(
    /// The selector in CS.
    cs,
    "cs"
);
selector!(
    /// The selector in SS.
    ss,
    "ss"
);

/// The selector in the task register.
#[must_use]
pub fn tr() -> u16 {
    let v: u32;
    // SAFETY: reads a register.
    unsafe { asm!("str {:e}", out(reg) v, options(nomem, nostack, preserves_flags)) };
    v as u16
}

/// Access to the bases by the FSGSBASE instructions. For processors that have them, with CR4.FSGSBASE on.
pub mod fsgsbase {
    use super::asm;

    macro_rules! base {
        ($read:ident, $write:ident, $rd:literal, $wr:literal) => {
            #[doc = concat!("Executes ", $rd, ".")]
            ///
            /// # Safety
            /// CR4.FSGSBASE is on.
            #[inline]
            #[must_use]
            pub unsafe fn $read() -> u64 {
                let v;
                // SAFETY: the caller vouches for CR4.
                unsafe { asm!(concat!($rd, " {}"), out(reg) v, options(nomem, nostack, preserves_flags)) };
                v
            }

            #[doc = concat!("Executes ", $wr, ".")]
            ///
            /// # Safety
            /// CR4.FSGSBASE is on and the address is canonical.
            #[inline]
            pub unsafe fn $write(v: u64) {
                // SAFETY: the caller vouches for CR4 and the address; the hypervisor itself uses neither base.
                unsafe { asm!(concat!($wr, " {}"), in(reg) v, options(nomem, nostack, preserves_flags)) };
            }
        };
    }

    base!(rdfs, wrfs, "rdfsbase", "wrfsbase");
    base!(rdgs, wrgs, "rdgsbase", "wrgsbase");
}

/// Exchanges GS's base with the other one.
#[inline]
pub fn swapgs() {
    // SAFETY: the hypervisor itself uses no base of GS.
    unsafe { asm!("swapgs", options(nomem, nostack, preserves_flags)) };
}

/// The base that SWAPGS would bring.
#[inline]
#[must_use]
pub fn read_gs_shadow() -> u64 {
    // SAFETY: every 64-bit processor has it.
    unsafe { msr::rdmsr(msr::KERNEL_GS_BASE) }
}

/// Sets the base that SWAPGS would bring.
///
/// # Safety
/// The address is canonical.
#[inline]
pub unsafe fn write_gs_shadow(v: u64) {
    // SAFETY: every 64-bit processor has it, and the caller vouches for the address.
    unsafe { msr::wrmsr(msr::KERNEL_GS_BASE, v) };
}
