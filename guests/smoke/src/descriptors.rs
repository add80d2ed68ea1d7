//! GDT and LDT: pages that Xen validates, and single descriptors.

use guest_lib::abi::hypercall::{HYPERVISOR_SET_GDT, HYPERVISOR_UPDATE_DESCRIPTOR};
use guest_lib::abi::xen::MMUEXT_SET_LDT;
use guest_lib::hypercall::{EBUSY, EINVAL};
use guest_lib::report::{Outcome, Test};
use guest_lib::{ensure, ensure_eq, hypercall, mmu, probe};

/// The tests of this file.
pub const TESTS: &[Test] =
    &[("set_gdt", set_gdt), ("update_descriptor", update_descriptor), ("set_ldt", set_ldt)];

/// A flat data segment of ring 3.
const DATA: u64 = 0x00cf_f300_0000_ffff;
/// The same of ring 0: Xen makes it ring 3's or refuses it.
const GATE: u64 = 0x0000_8e00_0000_0000;

fn load_gdt(page: u64, entries: u64) -> i64 {
    let frames = [mmu::mfn(page)];
    // SAFETY: Xen only reads the list.
    unsafe { hypercall::raw(HYPERVISOR_SET_GDT, [frames.as_ptr() as u64, entries, 0, 0, 0]) }
}

fn update(page: u64, index: u64, descriptor: u64) -> i64 {
    hypercall::numbers(HYPERVISOR_UPDATE_DESCRIPTOR, [mmu::machine(page) + index * 8, descriptor, 0, 0, 0])
}

fn set_gdt() -> Outcome {
    let page = mmu::alloc_page();
    mmu::store(page + 8, DATA);
    ensure_eq!(load_gdt(page, 512), EINVAL);
    ensure_eq!(mmu::protect(page), 0);
    ensure_eq!(load_gdt(page, 512), 0);
    ensure_eq!(mmu::unprotect(page), EBUSY);
    probe::load_fs(8 | 3)?;
    probe::load_fs(0)?;
    ensure!(probe::load_fs(16 | 3).is_err(), "an empty descriptor was loaded");
    ensure!(load_gdt(page, 100_000) < 0, "too many entries were taken");
    Ok(())
}

fn update_descriptor() -> Outcome {
    let page = mmu::alloc_page();
    ensure_eq!(update(page, 1, DATA), 0);
    ensure_eq!(mmu::load(page + 8), DATA);
    ensure_eq!(mmu::protect(page), 0);
    ensure_eq!(load_gdt(page, 512), 0);
    ensure_eq!(update(page, 2, DATA), 0);
    probe::load_fs(16 | 3)?;
    probe::load_fs(0)?;
    ensure_eq!(update(page, 3, GATE), EINVAL);
    ensure_eq!(update(page, 2, 0), 0);
    ensure!(probe::load_fs(16 | 3).is_err(), "a cleared descriptor was loaded");
    Ok(())
}

fn set_ldt() -> Outcome {
    let page = mmu::alloc_page();
    mmu::store(page + 16, DATA);
    ensure_eq!(mmu::protect(page), 0);
    ensure_eq!(hypercall::mmuext(MMUEXT_SET_LDT, page, 512), 0);
    probe::load_fs(16 | 7)?;
    probe::load_fs(0)?;
    ensure_eq!(hypercall::mmuext(MMUEXT_SET_LDT, 0, 0), 0);
    ensure!(probe::load_fs(16 | 7).is_err(), "the LDT is still loaded");
    ensure_eq!(mmu::unprotect(page), 0);
    Ok(())
}
