//! Model-specific registers.

use core::arch::asm;

/// Extended feature enables.
pub const EFER: u32 = 0xc000_0080;
/// Selectors of SYSCALL and SYSRET.
pub const STAR: u32 = 0xc000_0081;
/// Where SYSCALL goes from 64-bit code.
pub const LSTAR: u32 = 0xc000_0082;
/// Where SYSCALL goes from compatibility-mode code.
pub const CSTAR: u32 = 0xc000_0083;
/// Flags that SYSCALL clears.
pub const SFMASK: u32 = 0xc000_0084;
/// Base of FS.
pub const FS_BASE: u32 = 0xc000_0100;
/// Base of GS.
pub const GS_BASE: u32 = 0xc000_0101;
/// The base that SWAPGS exchanges with GS's.
pub const KERNEL_GS_BASE: u32 = 0xc000_0102;
/// What RDTSCP and RDPID give besides the counter.
pub const TSC_AUX: u32 = 0xc000_0103;
/// Code selector of SYSENTER.
pub const SYSENTER_CS: u32 = 0x174;
/// Stack of SYSENTER.
pub const SYSENTER_ESP: u32 = 0x175;
/// Where SYSENTER goes.
pub const SYSENTER_EIP: u32 = 0x176;
/// Memory types of the page-attribute table.
pub const PAT: u32 = 0x277;

/// EFER: SYSCALL enable.
pub const EFER_SCE: u64 = 1 << 0;
/// EFER: long mode enable.
pub const EFER_LME: u64 = 1 << 8;
/// EFER: long mode active.
pub const EFER_LMA: u64 = 1 << 10;
/// EFER: no-execute enable.
pub const EFER_NXE: u64 = 1 << 11;

/// The page-attribute table that every PV guest is told of: WB, WT, UC-, UC, WC, WP, UC, UC.
pub const PAT_VALUE: u64 = 0x0000_0501_0007_0406;

/// Reads a register that exists on this processor.
///
/// # Safety
/// The register must exist: reading another one faults.
#[inline]
#[must_use]
pub unsafe fn rdmsr(msr: u32) -> u64 {
    let (lo, hi): (u32, u32);
    // SAFETY: the caller says that it exists; reading has no side effects that matter to memory.
    unsafe {
        asm!("rdmsr", in("ecx") msr, out("eax") lo, out("edx") hi, options(nomem, nostack, preserves_flags));
    };
    (u64::from(hi) << 32) | u64::from(lo)
}

/// Writes a register.
///
/// # Safety
/// The register must exist, take the value, and the processor's state with it must be one that the rest of the
/// hypervisor can run in.
#[inline]
pub unsafe fn wrmsr(msr: u32, value: u64) {
    let (lo, hi) = (value as u32, (value >> 32) as u32);
    // SAFETY: the caller vouches for register and value.
    unsafe { asm!("wrmsr", in("ecx") msr, in("eax") lo, in("edx") hi, options(nostack, preserves_flags)) };
}
