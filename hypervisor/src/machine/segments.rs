//! Segment registers at a context switch.

use core::arch::asm;

use fx_x86::{msr, segment};

use super::guest::fix;
use crate::cpu::init;

/// A vCPU's segment registers and bases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegState {
    /// The selectors DS, ES, FS and GS.
    pub sel: [u16; 4],
    /// Base of FS.
    pub fs_base: u64,
    /// Base of GS.
    pub gs_base: u64,
    /// The base of GS that SWAPGS would bring.
    pub gs_base_other: u64,
}

/// Loads a selector; one that the descriptor tables do not allow becomes null, and the result is false.
macro_rules! load {
    ($name:ident, $seg:literal) => {
        #[inline]
        fn $name(selector: u16) -> bool {
            // SAFETY: the segments are the guest's alone; a fault ends in the label, and a null selector never faults.
            unsafe {
                asm!("2:", concat!("mov ", $seg, ", {s:e}"), "3:", fix!("{bad}"), s = in(reg) u32::from(selector),
                    bad = label {
                        // SAFETY: a null selector never faults.
                        unsafe { asm!(concat!("mov ", $seg, ", {:e}"), in(reg) 0, options(nostack, preserves_flags)) };
                        return false;
                    },
                    options(nostack, preserves_flags));
            }
            true
        }
    };
}

load!(load_ds, "ds");
load!(load_es, "es");
load!(load_fs, "fs");
load!(load_gs, "gs");

/// The segment registers as they are.
#[inline]
pub fn save() -> SegState {
    SegState {
        sel: [segment::ds(), segment::es(), segment::fs(), segment::gs()],
        fs_base: fs_base(),
        gs_base: gs_base(),
        gs_base_other: segment::read_gs_shadow(),
    }
}

/// Loads segment registers; false when a selector had to be made null. The bases must be canonical.
#[inline]
pub fn load(s: &SegState) -> bool {
    let [ds, es, fs, gs] = s.sel;
    // All four are loaded whatever the others give.
    let ok = load_ds(ds) & load_es(es) & load_fs(fs) & load_gs(gs);
    set_fs_base(s.fs_base);
    set_gs_base(s.gs_base);
    set_gs_base_other(s.gs_base_other);
    ok
}

/// Loads the selector GS of the other mode; its base comes from the descriptor. False when it had to be made null.
pub fn load_other_gs(selector: u16) -> bool {
    segment::swapgs();
    let ok = load_gs(selector);
    segment::swapgs();
    ok
}

/// The base of FS.
#[inline]
pub fn fs_base() -> u64 {
    // SAFETY: CR4 has the bit when the processor has the feature; the register exists everywhere.
    unsafe { if init::has_fsgsbase() { segment::fsgsbase::rdfs() } else { msr::rdmsr(msr::FS_BASE) } }
}

/// The base of GS.
#[inline]
pub fn gs_base() -> u64 {
    // SAFETY: as for `fs_base`.
    unsafe { if init::has_fsgsbase() { segment::fsgsbase::rdgs() } else { msr::rdmsr(msr::GS_BASE) } }
}

/// Makes an address canonical, for a register that takes no other.
const fn canonical(v: u64) -> u64 {
    ((v << 16) as i64 >> 16) as u64
}

/// Sets the base of FS.
#[inline]
pub fn set_fs_base(v: u64) {
    let v = canonical(v);
    // SAFETY: the address is canonical, and CR4 has the bit when the processor has the feature.
    unsafe { if init::has_fsgsbase() { segment::fsgsbase::wrfs(v) } else { msr::wrmsr(msr::FS_BASE, v) } }
}

/// Sets the base of GS.
#[inline]
pub fn set_gs_base(v: u64) {
    let v = canonical(v);
    // SAFETY: as for `set_fs_base`.
    unsafe { if init::has_fsgsbase() { segment::fsgsbase::wrgs(v) } else { msr::wrmsr(msr::GS_BASE, v) } }
}

/// Sets the base of GS that SWAPGS would bring.
#[inline]
pub fn set_gs_base_other(v: u64) {
    // SAFETY: the address is canonical.
    unsafe { segment::write_gs_shadow(canonical(v)) };
}
