//! Waiting, time stamps and the interrupt flag.

use core::arch::asm;

/// Stops this CPU until an interrupt comes, with interrupts enabled only for that; they are off again on return.
///
/// # Safety
/// The interrupt handlers must be in place, and the caller holds no lock that one of them takes.
#[inline]
pub unsafe fn wait_for_interrupt() {
    // SAFETY: the caller vouches for the handlers; `sti` takes effect after `hlt` has begun, so no wake-up is lost.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Lets pending interrupts in, and returns with interrupts off again.
///
/// # Safety
/// As for [`wait_for_interrupt`].
#[inline]
pub unsafe fn interrupt_window() {
    // SAFETY: the caller vouches for the handlers.
    unsafe { asm!("sti", "nop", "cli", options(nostack)) };
}

/// Stops this CPU for good.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: with interrupts off nothing but a non-maskable interrupt resumes the CPU, and then it halts again.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// The time-stamp counter, in its own ticks.
#[inline]
#[must_use]
pub fn rdtsc() -> u64 {
    let (lo, hi): (u32, u32);
    // SAFETY: reads a counter.
    unsafe { asm!("rdtsc", out("eax") lo, out("edx") hi, options(nomem, nostack, preserves_flags)) };
    (u64::from(hi) << 32) | u64::from(lo)
}

/// The time-stamp counter, read after all earlier loads and instructions are done.
#[inline]
#[must_use]
pub fn rdtsc_ordered() -> u64 {
    wait_for_loads();
    rdtsc()
}

/// No later instruction begins before all earlier ones are done.
#[inline]
pub fn wait_for_loads() {
    // SAFETY: a fence.
    unsafe { asm!("lfence", options(nostack, preserves_flags)) };
}

/// Resets the machine through an unhandleable fault: a breakpoint with an empty interrupt table.
pub fn triple_fault() -> ! {
    let empty = crate::desc::TablePointer { limit: 0, base: 0 };
    // SAFETY: this CPU executes nothing after it.
    unsafe { asm!("lidt [{}]", "int3", "2: hlt", "jmp 2b", in(reg) &raw const empty, options(noreturn)) };
}

/// Executes an instruction that does not exist, to see what the machine does then.
pub fn undefined() -> ! {
    // SAFETY: it only faults; whoever handles that does not come back.
    unsafe { asm!("ud2", options(noreturn)) };
}

/// Writes the caches back and empties them.
pub fn wbinvd() {
    // SAFETY: memory keeps its contents.
    unsafe { core::arch::asm!("wbinvd", options(nostack, preserves_flags)) };
}
