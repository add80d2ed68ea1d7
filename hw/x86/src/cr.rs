//! Control registers.

use core::arch::asm;

/// CR0: protected mode.
pub const CR0_PE: u64 = 1 << 0;
/// CR0: WAIT honours TS.
pub const CR0_MP: u64 = 1 << 1;
/// CR0: task switched, FPU instructions fault.
pub const CR0_TS: u64 = 1 << 3;
/// CR0: extension type (fixed).
pub const CR0_ET: u64 = 1 << 4;
/// CR0: native FPU errors.
pub const CR0_NE: u64 = 1 << 5;
/// CR0: supervisor writes honour read-only pages.
pub const CR0_WP: u64 = 1 << 16;
/// CR0: alignment checks in ring 3.
pub const CR0_AM: u64 = 1 << 18;
/// CR0: paging.
pub const CR0_PG: u64 = 1 << 31;

/// CR3, written: what is cached under the identifier stays.
pub const CR3_KEEP: u64 = 1 << 63;
/// CR3: the address of the level-4 table.
pub const CR3_TABLE: u64 = 0x000f_ffff_ffff_f000;

/// CR4: time-stamp counter only for ring 0.
pub const CR4_TSD: u64 = 1 << 2;
/// CR4: debugging extensions.
pub const CR4_DE: u64 = 1 << 3;
/// CR4: physical-address extension.
pub const CR4_PAE: u64 = 1 << 5;
/// CR4: machine checks.
pub const CR4_MCE: u64 = 1 << 6;
/// CR4: global pages.
pub const CR4_PGE: u64 = 1 << 7;
/// CR4: performance counters for ring 3.
pub const CR4_PCE: u64 = 1 << 8;
/// CR4: FXSAVE and SSE.
pub const CR4_OSFXSR: u64 = 1 << 9;
/// CR4: SIMD exceptions.
pub const CR4_OSXMMEXCPT: u64 = 1 << 10;
/// CR4: user-mode instruction prevention.
pub const CR4_UMIP: u64 = 1 << 11;
/// CR4: RDFSBASE and its siblings.
pub const CR4_FSGSBASE: u64 = 1 << 16;
/// CR4: process-context identifiers.
pub const CR4_PCIDE: u64 = 1 << 17;
/// CR4: XSAVE.
pub const CR4_OSXSAVE: u64 = 1 << 18;
/// CR4: supervisor-mode execution prevention.
pub const CR4_SMEP: u64 = 1 << 20;
/// CR4: supervisor-mode access prevention.
pub const CR4_SMAP: u64 = 1 << 21;

macro_rules! control_register {
    ($(#[$rd:meta])* $read:ident, $(#[$wd:meta])* $write:ident, $name:literal) => {
        $(#[$rd])*
        #[inline]
        #[must_use]
        pub fn $read() -> u64 {
            let v;
            // SAFETY: reads a register.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) v, options(nomem, nostack, preserves_flags)) };
            v
        }

        $(#[$wd])*
        ///
        /// # Safety
        /// Code, stack and data must stay mapped and usable with the new value.
        #[inline]
        pub unsafe fn $write(v: u64) {
            // SAFETY: the caller vouches for the value.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) v, options(nostack, preserves_flags)) };
        }
    };
}

control_register!(
    /// Reads CR0.
    read_cr0,
    /// Writes CR0.
    write_cr0,
    "cr0"
);
control_register!(
    /// Reads CR2: the linear address of the last page fault.
    read_cr2,
    /// Writes CR2.
    write_cr2,
    "cr2"
);
control_register!(
    /// Reads CR3: the physical address of the L4 table.
    read_cr3,
    /// Writes CR3 and so drops the TLB's non-global entries.
    write_cr3,
    "cr3"
);
control_register!(
    /// Reads CR4.
    read_cr4,
    /// Writes CR4.
    write_cr4,
    "cr4"
);

/// Makes the FPU instructions of ring 3 fault (`true`) or work (`false`): CR0.TS.
#[inline]
pub fn set_ts(on: bool) {
    if on {
        // SAFETY: the hypervisor executes no FPU instruction except in `fpu`, whose callers clear TS first.
        unsafe { write_cr0(read_cr0() | CR0_TS) };
    } else {
        // SAFETY: as above; clearing it is harmless.
        unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) };
    }
}

/// Makes `rdtsc` of ring 3 fault (`true`) or work (`false`): CR4.TSD.
#[inline]
pub fn set_tsd(on: bool) {
    let old = read_cr4();
    let new = if on { old | CR4_TSD } else { old & !CR4_TSD };
    if new != old {
        // SAFETY: ring 0 reads the counter whatever the bit says.
        unsafe { write_cr4(new) };
    }
}
