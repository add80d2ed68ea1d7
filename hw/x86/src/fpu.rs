//! FPU and vector state: XSAVE where there is one, FXSAVE elsewhere.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::cpuid::{Features, cpuid};

/// Alignment of a save area in bytes.
pub const AREA_ALIGN: usize = 64;
/// Bytes of a save area without XSAVE.
const FXSAVE_SIZE: u32 = 512;
/// MXCSR at reset: every SIMD exception masked.
pub const MXCSR_DEFAULT: u32 = 0x1f80;
/// FCW at reset.
pub const FCW_DEFAULT: u16 = 0x37f;

/// The components that this host saves (XCR0); 0 without XSAVE.
static HOST_XCR0: AtomicU64 = AtomicU64::new(0);

/// The components that guests may have: x87, SSE, AVX, MPX, AVX-512. (Protection keys are for guests with paging of their own;
/// tile registers make the area larger than a page.)
const OFFERED: u64 = 0xff;

/// The state components in use and the save area that they need.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// XCR0 with every offered component on; 0 without XSAVE.
    pub xcr0: u64,
    /// Bytes of a save area in the standard format.
    pub size: u32,
}

/// Enables every component on this CPU.
///
/// # Safety
/// CR4.OSXSAVE is set when the processor has XSAVE.
pub unsafe fn init(f: &Features) -> Layout {
    if !f.xsave {
        return Layout { xcr0: 0, size: FXSAVE_SIZE };
    }
    let r = cpuid(0xd, 0);
    let xcr0 = ((u64::from(r.edx) << 32) | u64::from(r.eax)) & OFFERED;
    HOST_XCR0.store(xcr0, Relaxed);
    // SAFETY: the processor names these components as its own.
    unsafe { write_xcr0(xcr0) };
    // Now the leaf says what the enabled ones need.
    Layout { xcr0, size: cpuid(0xd, 0).ebx }
}

/// XCR0 as the host uses it; 0 without XSAVE.
#[must_use]
pub fn host_xcr0() -> u64 {
    HOST_XCR0.load(Relaxed)
}

/// Writes XCR0.
///
/// # Safety
/// CR4.OSXSAVE is set and the value is one that the processor takes.
#[inline]
pub unsafe fn write_xcr0(v: u64) {
    let (lo, hi) = (v as u32, (v >> 32) as u32);
    // SAFETY: the caller vouches for the value.
    unsafe {
        asm!("xsetbv", in("ecx") 0, in("eax") lo, in("edx") hi, options(nomem, nostack, preserves_flags))
    };
}

/// Saves the state into `area`.
///
/// # Safety
/// `area` is aligned to [`AREA_ALIGN`], has [`Layout::size`] bytes, nobody else uses it, and CR0.TS is clear.
#[inline]
pub unsafe fn save(area: *mut u8) {
    let x = host_xcr0();
    if x == 0 {
        // SAFETY: the caller vouches for the area.
        unsafe { asm!("fxsave64 [{}]", in(reg) area, options(nostack, preserves_flags)) };
    } else {
        let (lo, hi) = (x as u32, (x >> 32) as u32);
        // SAFETY: the caller vouches for the area.
        unsafe {
            asm!("xsave64 [{}]", in(reg) area, in("eax") lo, in("edx") hi, options(nostack, preserves_flags));
        }
    }
}

/// Loads the state from `area`.
///
/// # Safety
/// `area` was filled by [`save`] or [`init_area`], or checked to hold a state that the processor takes, and CR0.TS is
/// clear.
#[inline]
pub unsafe fn restore(area: *const u8) {
    let x = host_xcr0();
    if x == 0 {
        // SAFETY: the caller vouches for the area.
        unsafe { asm!("fxrstor64 [{}]", in(reg) area, options(nostack, preserves_flags)) };
    } else {
        let (lo, hi) = (x as u32, (x >> 32) as u32);
        // SAFETY: the caller vouches for the area.
        unsafe {
            asm!("xrstor64 [{}]", in(reg) area, in("eax") lo, in("edx") hi, options(nostack, preserves_flags));
        }
    }
}

/// Writes the state at reset into a zeroed area.
pub fn init_area(area: &mut [u8]) {
    if let Some(fcw) = area.get_mut(..2) {
        fcw.copy_from_slice(&FCW_DEFAULT.to_le_bytes());
    }
    if let Some(mxcsr) = area.get_mut(24..28) {
        mxcsr.copy_from_slice(&MXCSR_DEFAULT.to_le_bytes());
    }
}
