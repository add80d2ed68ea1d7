//! memory_op: frames that the domain does not have, sizes that it may not ask for.

use guest_lib::abi::memory::*;
use guest_lib::abi::xen::{DOMID_SELF, GuestHandle};
use guest_lib::ensure_eq;
use guest_lib::hypercall;
use guest_lib::mmu;
use guest_lib::report::{Checks, Outcome};

fn reserve(command: u32, frame: &mut u64, nr_extents: u64, extent_order: u32, domid: u16) -> i64 {
    let extent_start = GuestHandle((&raw mut *frame) as u64);
    let mut reservation = MemoryReservation {
        extent_start,
        nr_extents,
        extent_order,
        mem_flags: 0,
        domid,
        ..Default::default()
    };
    hypercall::memory(command, &mut reservation)
}

/// All of this file.
pub fn run() -> Outcome {
    let mut checks = Checks::new("memory");
    for frame in [0, 0x200, 1 << 24, 1 << 40, !0] {
        let result = reserve(XENMEM_DECREASE_RESERVATION, &mut frame.clone(), 1, 0, DOMID_SELF);
        checks.is(format_args!("giving frame {frame:#x} away"), result, 0);
    }
    let result = reserve(XENMEM_DECREASE_RESERVATION, &mut 0, 1, 40, DOMID_SELF);
    checks.is("giving an extent of order 40 away", result, 0);
    for (label, command) in [("populate", XENMEM_POPULATE_PHYSMAP), ("increase", XENMEM_INCREASE_RESERVATION)]
    {
        checks.is(format_args!("{label} order 40"), reserve(command, &mut 0x10_0000, 1, 40, DOMID_SELF), 0);
        let other = reserve(command, &mut 0x10_0000, 1, 0, 0x7123);
        checks.is(format_args!("{label} for another domain"), other, 0);
        let many = reserve(command, &mut 0x10_0000, !0, 0, DOMID_SELF);
        checks.is(format_args!("{label} too many"), many > 1, false);
    }
    ballooning(&mut checks)?;
    let mut physmap =
        AddToPhysmap { domid: DOMID_SELF, space: XENMAPSPACE_SHARED_INFO, ..Default::default() };
    checks.refused("add_to_physmap", hypercall::memory(XENMEM_ADD_TO_PHYSMAP, &mut physmap));
    let mut exchange = MemoryExchange::default();
    checks.is("an empty exchange", hypercall::memory(XENMEM_EXCHANGE, &mut exchange) <= 0, true);
    let mut domain = 0x7123u16;
    checks.refused("pages of nobody", hypercall::memory(XENMEM_CURRENT_RESERVATION, &mut domain));
    checks.refused("an unknown operation", hypercall::memory(63, &mut domain));
    super::garbage::alive()?;
    checks.outcome()
}

/// A page given away and taken again; it can not be given twice, nor mapped meanwhile.
fn ballooning(checks: &mut Checks) -> Outcome {
    let page = mmu::alloc_page();
    let (pfn, mfn) = (mmu::pfn(page), mmu::mfn(page));
    ensure_eq!(hypercall::update_va_mapping(page, 0, 2), 0);
    ensure_eq!(reserve(XENMEM_DECREASE_RESERVATION, &mut mfn.clone(), 1, 0, DOMID_SELF), 1);
    checks.is(
        "giving a page twice",
        reserve(XENMEM_DECREASE_RESERVATION, &mut mfn.clone(), 1, 0, DOMID_SELF),
        0,
    );
    checks.refused("mapping a page that was given away", mmu::map(page, mfn, mmu::RW));
    let mut frame = pfn;
    ensure_eq!(reserve(XENMEM_POPULATE_PHYSMAP, &mut frame, 1, 0, DOMID_SELF), 1);
    // SAFETY: Xen wrote the new frame while nobody looked.
    let new = unsafe { (&raw const frame).read_volatile() };
    checks.is("the new frame's m2p", mmu::m2p(new), pfn);
    ensure_eq!(mmu::map(page, new, mmu::RW), 0);
    checks.is("the new page's contents", mmu::load(page), 0);
    Ok(())
}
