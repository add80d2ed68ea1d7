//! RAM through the direct map.

use core::arch::asm;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use fx_types::{Maddr, Mfn, PAGE_SIZE, PhysMem};
use fx_x86::cr;

use super::Machine;
use crate::layout::DIRECT_MAP;

/// Where RAM at `a` is mapped.
#[inline(always)]
pub fn ptr(a: Maddr) -> *mut u8 {
    (DIRECT_MAP + a.0) as *mut u8
}

macro_rules! atomic {
    ($name:ident, $atomic:ty, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        fn $name(a: Maddr) -> &'static $atomic {
            // SAFETY: the port's contract: RAM that exists, aligned. Guests may access it at the same time, atomically as far
            // as the processor is concerned, and the hypervisor has no other kind of reference to it.
            unsafe { <$atomic>::from_ptr(ptr(a).cast()) }
        }
    };
}

atomic!(word64, AtomicU64, "The word at `a`.");
atomic!(word32, AtomicU32, "The word at `a`.");
atomic!(byte, AtomicU8, "The byte at `a`.");

/// Copies bytes that others may change meanwhile.
///
/// # Safety
/// Both ranges are mapped and do not overlap.
#[inline]
pub unsafe fn copy_bytes(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: the caller vouches for the ranges; the compiler assumes nothing about what assembly reads.
    unsafe {
        asm!("rep movsq", "mov ecx, {tail:e}", "rep movsb", tail = in(reg) len & 7,
            inout("rcx") len >> 3 => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
}

/// Zeroes a frame in half as many instructions as with general registers. The guest's XMM0 is kept.
///
/// # Safety
/// `at` is a frame that is mapped; CR0.TS is clear.
unsafe fn zero_by_vector(at: *mut u8) {
    let mut kept = [0u64; 2];
    // SAFETY: the caller vouches for the frame; 4 rounds of 64 stores of 16 bytes are a page.
    unsafe {
        asm!(
            "movups [{kept}], xmm0",
            "xorps xmm0, xmm0",
            "2:",
            ".set byte_at, 0",
            ".rept 64",
            "movaps [{at} + byte_at], xmm0",
            ".set byte_at, byte_at + 16",
            ".endr",
            "add {at}, 1024",
            "dec {n:e}",
            "jnz 2b",
            "movups xmm0, [{kept}]",
            kept = in(reg) &raw mut kept, at = inout(reg) at => _, n = inout(reg) 4 => _, options(nostack)
        );
    }
}

impl PhysMem for Machine {
    #[inline(always)]
    fn load64(&self, a: Maddr) -> u64 {
        word64(a).load(Relaxed)
    }

    #[inline(always)]
    fn store64(&self, a: Maddr, v: u64) {
        word64(a).store(v, Relaxed);
    }

    #[inline(always)]
    fn cas64(&self, a: Maddr, old: u64, new: u64) -> Result<(), u64> {
        word64(a).compare_exchange(old, new, SeqCst, SeqCst).map(|_| ())
    }

    #[inline(always)]
    fn fetch_or64(&self, a: Maddr, bits: u64) -> u64 {
        word64(a).fetch_or(bits, SeqCst)
    }

    #[inline(always)]
    fn fetch_and64(&self, a: Maddr, bits: u64) -> u64 {
        word64(a).fetch_and(bits, SeqCst)
    }

    #[inline(always)]
    fn load32(&self, a: Maddr) -> u32 {
        word32(a).load(Relaxed)
    }

    #[inline(always)]
    fn store32(&self, a: Maddr, v: u32) {
        word32(a).store(v, Relaxed);
    }

    #[inline(always)]
    fn cas32(&self, a: Maddr, old: u32, new: u32) -> Result<(), u32> {
        word32(a).compare_exchange(old, new, SeqCst, SeqCst).map(|_| ())
    }

    #[inline(always)]
    fn fetch_or32(&self, a: Maddr, bits: u32) -> u32 {
        word32(a).fetch_or(bits, SeqCst)
    }

    #[inline(always)]
    fn fetch_and32(&self, a: Maddr, bits: u32) -> u32 {
        word32(a).fetch_and(bits, SeqCst)
    }

    #[inline(always)]
    fn load8(&self, a: Maddr) -> u8 {
        byte(a).load(Relaxed)
    }

    #[inline(always)]
    fn store8(&self, a: Maddr, v: u8) {
        byte(a).store(v, Relaxed);
    }

    #[inline(always)]
    fn swap8(&self, a: Maddr, v: u8) -> u8 {
        byte(a).swap(v, SeqCst)
    }

    #[inline]
    fn read(&self, a: Maddr, buf: &mut [u8]) {
        // SAFETY: the port's contract: RAM, within one frame.
        unsafe { copy_bytes(buf.as_mut_ptr(), ptr(a), buf.len()) };
    }

    #[inline]
    fn write(&self, a: Maddr, buf: &[u8]) {
        // SAFETY: the port's contract: RAM, within one frame.
        unsafe { copy_bytes(ptr(a), buf.as_ptr(), buf.len()) };
    }

    fn zero_frame(&self, mfn: Mfn) {
        let at = ptr(mfn.addr());
        // With TS set the vector instructions would fault.
        if cr::read_cr0() & cr::CR0_TS == 0 {
            // SAFETY: the port's contract: RAM.
            unsafe { zero_by_vector(at) };
        } else {
            // SAFETY: the port's contract: RAM.
            unsafe {
                asm!("rep stosq", inout("rcx") PAGE_SIZE / 8 => _, inout("rdi") at => _, in("rax") 0,
                    options(nostack, preserves_flags));
            }
        }
    }

    fn copy_frame(&self, to: Mfn, from: Mfn) {
        // SAFETY: the port's contract: two frames of RAM.
        unsafe { copy_bytes(ptr(to.addr()), ptr(from.addr()), PAGE_SIZE as usize) };
    }

    fn copy(&self, to: Maddr, from: Maddr, len: u64) {
        // SAFETY: the port's contract: RAM, within one frame each, not overlapping.
        unsafe { copy_bytes(ptr(to), ptr(from), len as usize) };
    }
}
