//! A CPU's area of address space: descriptor windows, stacks, stubs and task-state segment, 256 KiB for each CPU.

use core::sync::atomic::AtomicU32;

use fx_types::{MAX_CPUS, Pcids};
use fx_x86::pte;

use super::block::{BLOCK_SIZE, CpuBlock, STACK_SIZE};
use super::stubs;
use crate::boot::paging::{self, Mapping};
use crate::layout::CPU_AREAS;

/// Bytes of an area.
pub const SIZE: u64 = 0x4_0000;
/// Where the GDT window is in an area: 14 pages of the guest's, then one of the CPU's own.
pub const GDT: u64 = 0;
/// Where the LDT window is: 16 pages.
pub const LDT: u64 = 0x1_0000;
/// Where the stack is. Pages 0 to 5 are interrupt stacks, 6 and 7 are not mapped, the other 8 are the stack proper.
pub const STACK: u64 = 0x2_0000;
/// Where the page of entry stubs is.
pub const STUBS: u64 = 0x3_0000;
/// Where the page with the task-state segment is.
pub const TSS: u64 = 0x3_1000;

const PAGE: u64 = 4096;
/// Pages of the stack's interrupt stacks: three of two pages each, and a fourth in the page after the TSS.
const IST_PAGES: u64 = 6;
const GUARD_PAGES: u64 = 2;

/// First address of a CPU's area.
pub const fn base(cpu: u32) -> u64 {
    CPU_AREAS + cpu as u64 * SIZE
}

/// Whether an address is in some CPU's area.
pub const fn contains(va: u64) -> bool {
    va >= CPU_AREAS && va < CPU_AREAS + MAX_CPUS as u64 * SIZE
}

/// Where the GuestRegs end and an interrupt's frame begins on a CPU's stack.
pub const fn frame_top(cpu: u32) -> u64 {
    base(cpu) + STACK + STACK_SIZE - BLOCK_SIZE
}

/// The initial stack pointer of Rust code on a CPU's stack: below the GuestRegs, aligned to 16.
pub const fn rust_stack(cpu: u32) -> u64 {
    frame_top(cpu) - 176
}

/// The tops of the interrupt stacks 1 to 4: debug, NMI, machine check, double fault.
pub const fn ist(cpu: u32) -> [u64; 7] {
    let s = base(cpu) + STACK;
    [s + PAGE, s + 2 * PAGE, s + 4 * PAGE, s + 6 * PAGE, 0, 0, 0]
}

/// Maps and fills a CPU's area. `None` when there is no memory.
pub fn create(cpu: u32, apic_id: u32) -> Option<()> {
    let at = base(cpu);
    for page in 0..STACK_SIZE / PAGE {
        if !(IST_PAGES..IST_PAGES + GUARD_PAGES).contains(&page) {
            map_new(at + STACK + page * PAGE, pte::HOST_RW)?;
        }
    }
    let stub_page = map_new(at + STUBS, pte::HOST_RX)?;
    map_new(at + TSS, pte::HOST_RW)?;
    let gdt_page = map_new(at + GDT + super::init::OWN_GDT_OFFSET, pte::HOST_RW)?;
    let area_table = paging::entry_of(at)?;
    // SAFETY: the pages were mapped just now and nobody uses them yet.
    unsafe {
        (frame_top(cpu) as *mut CpuBlock).write(CpuBlock {
            cpu,
            apic_id,
            area_table,
            gdt_pages: AtomicU32::new(0),
            ldt_pages: AtomicU32::new(0),
            ldt_entries: AtomicU32::new(0),
            pcids: Pcids::default(),
            local: crate::wiring::CpuLocal::new(),
        });
        stubs::write(paging::phys_ptr(stub_page), cpu);
        super::init::write_gdt(paging::phys_ptr(gdt_page).cast(), cpu);
        super::init::write_tss(cpu);
    }
    Some(())
}

fn map_new(va: u64, flags: u64) -> Option<u64> {
    let phys = paging::page()?;
    paging::map(&Mapping { va, phys, len: PAGE, flags, largest: 1 })?;
    Some(phys)
}
