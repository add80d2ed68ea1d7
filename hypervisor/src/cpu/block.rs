//! A CPU's own data, found from the stack pointer: it is at the top of the CPU's stack.

use core::arch::asm;
use core::sync::atomic::AtomicU32;

use fx_types::{GuestRegs, Pcids};

use super::area;

/// Bytes of a stack, its interrupt stacks included; also its alignment.
pub const STACK_SIZE: u64 = 0x10000;
/// Bytes at the top of a stack that hold the [`CpuBlock`].
pub const BLOCK_SIZE: u64 = 1024;

/// What a CPU knows of itself.
#[repr(C, align(64))]
pub struct CpuBlock {
    /// Its number.
    pub cpu: u32,
    /// The id of its local APIC.
    pub apic_id: u32,
    /// The level-1 entries of its area.
    pub area_table: *mut u64,
    /// How many pages of the guest's GDT are shown in its window.
    pub gdt_pages: AtomicU32,
    /// Which pages of the guest's LDT are, a bit for each.
    pub ldt_pages: AtomicU32,
    /// How many descriptors the guest's LDT has.
    pub ldt_entries: AtomicU32,
    /// Which translations of its guest it may have.
    pub pcids: Pcids,
    /// The wiring's part.
    pub local: crate::wiring::CpuLocal,
}

const _: () = assert!(size_of::<CpuBlock>() as u64 <= BLOCK_SIZE);
const _: () = assert!(size_of::<GuestRegs>() == 168);

/// The stack pointer.
#[inline(always)]
pub fn rsp() -> u64 {
    let v;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) v, options(pure, nomem, nostack, preserves_flags)) };
    v
}

/// The base of the stack that an address is in.
pub const fn stack_of(va: u64) -> u64 {
    va & !(STACK_SIZE - 1)
}

/// This CPU's block. Valid as soon as the CPU runs on the stack of its area.
#[inline(always)]
pub fn this_cpu() -> &'static CpuBlock {
    let at = (rsp() | (STACK_SIZE - 1)) + 1 - BLOCK_SIZE;
    // SAFETY: every stack has its block there, filled before the CPU came to run on it.
    unsafe { &*(at as *const CpuBlock) }
}

/// This CPU's number, or 0 while it still runs on the stack of the boot code.
pub fn cpu_or_zero() -> u32 {
    if area::contains(rsp()) { this_cpu().cpu } else { 0 }
}

/// Where the registers of this CPU's guest are, while the CPU is in the hypervisor.
#[inline(always)]
pub fn guest_regs() -> *mut GuestRegs {
    let top = (rsp() | (STACK_SIZE - 1)) + 1 - BLOCK_SIZE;
    (top - size_of::<GuestRegs>() as u64) as *mut GuestRegs
}
