//! Page tables, descriptors, grants.

use guest_lib::abi::grant_table::*;
use guest_lib::abi::hypercall::{HYPERVISOR_SET_GDT, HYPERVISOR_UPDATE_DESCRIPTOR, HYPERVISOR_VM_ASSIST};
use guest_lib::abi::xen::*;
use guest_lib::mmu::{self, PAGE, RO, RW, Tree};
use guest_lib::report::{Failure, Outcome};
use guest_lib::{boot, ensure_eq, events, hypercall, probe};

use crate::measure::{MANY, bench, bench_parts};

/// An address in the lower half for trees of tables.
const LOW: u64 = 0x70_0000_0000;
/// A writable or a read-only entry, in turns.
const FLAGS: [u64; 2] = [RO, RW];

fn slot_of(address: u64) -> Result<u64, Failure> {
    mmu::entry_address(address, 1).ok_or(Failure::new(format_args!("{address:#x} has no entry")))
}

/// Changes of single entries.
pub fn tables() -> Outcome {
    let pages = mmu::alloc_pages(32);
    let mut updates = [MmuUpdate::default(); 32];
    for (update, page) in updates.iter_mut().zip((pages..).step_by(PAGE as usize)) {
        *update = MmuUpdate { ptr: mmu::machine(slot_of(page)?), val: mmu::entry_for(page, RW) };
    }
    for (name, size) in [("mmu_update.1", 1), ("mmu_update.of_32", 32)] {
        bench_parts(name, MANY / 10, size as u64, 0, |index| {
            for update in &mut updates[..size] {
                update.val = (update.val & mmu::FRAME) | FLAGS[index as usize & 1];
            }
            hypercall::mmu_update(&mut updates[..size], DOMID_SELF).0
        })?;
    }
    bench("update_va_mapping", MANY, |index| {
        hypercall::update_va_mapping(pages, mmu::entry_for(pages, FLAGS[index as usize & 1]), 0)
    })?;
    bench("update_va_mapping.invlpg", MANY, |index| {
        hypercall::update_va_mapping(pages, mmu::entry_for(pages, FLAGS[index as usize & 1]), UVMF_INVLPG)
    })?;
    bench("update_va_mapping.unmap_and_map", MANY, |_| {
        hypercall::update_va_mapping(pages, 0, UVMF_INVLPG)
            | hypercall::update_va_mapping(pages, mmu::entry_for(pages, RW), 0)
    })?;
    let assist = [VMASST_CMD_ENABLE.into(), VMASST_TYPE_WRITABLE_PAGETABLES.into(), 0, 0, 0];
    hypercall::numbers(HYPERVISOR_VM_ASSIST, assist);
    let slot = slot_of(pages)?;
    bench("writable_pagetables.store", MANY, |index| {
        let value = mmu::entry_for(pages, FLAGS[index as usize & 1]);
        // SAFETY: the entry maps a page of the test.
        i64::from(unsafe { probe::write(slot, value) }.is_err())
    })?;
    flushes()
}

fn flushes() -> Outcome {
    bench("tlb_flush_local", MANY, |_| hypercall::mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0))?;
    bench("tlb_flush_all", MANY, |_| hypercall::mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0))?;
    bench("invlpg_local", MANY, |_| hypercall::mmuext(MMUEXT_INVLPG_LOCAL, LOW, 0))?;
    let (a, b) = (mmu::alloc_page(), mmu::alloc_page());
    bench("clear_page", MANY, |_| hypercall::mmuext(MMUEXT_CLEAR_PAGE, mmu::mfn(a), 0))?;
    bench("copy_page", MANY, |_| hypercall::mmuext(MMUEXT_COPY_PAGE, mmu::mfn(a), mmu::mfn(b)))
}

/// Whole tables.
pub fn pins() -> Outcome {
    let data = mmu::alloc_page();
    let tree = Tree::new(LOW, &[data; 512]);
    tree.share_kernel();
    ensure_eq!(tree.protect(), 0);
    let pin = |command: u32, table: u64| {
        hypercall::mmuext(command, mmu::mfn(table), 0)
            | hypercall::mmuext(MMUEXT_UNPIN_TABLE, mmu::mfn(table), 0)
    };
    bench("pin_and_unpin.l1_full", 100, |_| pin(MMUEXT_PIN_L1_TABLE, tree.tables[0]))?;
    bench("pin_and_unpin.l4_tree", 100, |_| pin(MMUEXT_PIN_L4_TABLE, tree.tables[3]))?;
    ensure_eq!(hypercall::mmuext(MMUEXT_PIN_L4_TABLE, tree.root(), 0), 0);
    let first = mmu::mfn(boot::start_info().pt_base);
    bench("new_baseptr.two", MANY, |_| {
        hypercall::mmuext(MMUEXT_NEW_BASEPTR, tree.root(), 0)
            | hypercall::mmuext(MMUEXT_NEW_BASEPTR, first, 0)
    })?;
    bench("new_user_baseptr", MANY, |_| hypercall::mmuext(MMUEXT_NEW_USER_BASEPTR, tree.root(), 0))
}

/// GDT and LDT.
pub fn descriptors() -> Outcome {
    const DATA: u64 = 0x00cf_f300_0000_ffff;
    let page = mmu::alloc_page();
    ensure_eq!(mmu::protect(page), 0);
    let frames = [mmu::mfn(page)];
    bench("set_gdt", MANY, |_| {
        // SAFETY: Xen only reads the list.
        unsafe { hypercall::raw(HYPERVISOR_SET_GDT, [frames.as_ptr() as u64, 512, 0, 0, 0]) }
    })?;
    bench("update_descriptor", MANY, |_| {
        hypercall::numbers(HYPERVISOR_UPDATE_DESCRIPTOR, [mmu::machine(page) + 16, DATA, 0, 0, 0])
    })?;
    let ldt = mmu::alloc_page();
    ensure_eq!(mmu::protect(ldt), 0);
    bench("set_ldt", MANY, |index| hypercall::mmuext(MMUEXT_SET_LDT, ldt, 512 * (index & 1)))
}

/// Grants of this domain to itself.
pub fn grants() -> Outcome {
    const REF: u32 = 20;
    let mut frame = 0u64;
    let frame_list = GuestHandle((&raw mut frame) as u64);
    let mut setup = GnttabSetupTable { dom: DOMID_SELF, nr_frames: 1, frame_list, ..Default::default() };
    ensure_eq!(hypercall::grant_table(GNTTABOP_SETUP_TABLE, &mut setup), 0);
    let (table, page, window) = (mmu::alloc_page(), mmu::alloc_page(), mmu::alloc_page());
    // SAFETY: Xen wrote the word while nobody looked.
    ensure_eq!(mmu::map(table, unsafe { (&raw const frame).read_volatile() }, RW), 0);
    let own = events::own_domid()?;
    mmu::store(table + u64::from(REF) * 8, 1 | u64::from(own) << 16 | mmu::mfn(page) << 32);
    bench("grant.map_and_unmap", MANY, |_| {
        let mut map = GnttabMapGrantRef {
            host_addr: window,
            flags: GNTMAP_HOST_MAP,
            r#ref: REF,
            dom: own,
            ..Default::default()
        };
        let mapped = hypercall::grant_table(GNTTABOP_MAP_GRANT_REF, &mut map);
        let mut unmap = GnttabUnmapGrantRef { host_addr: window, handle: map.handle, ..Default::default() };
        let unmapped = hypercall::grant_table(GNTTABOP_UNMAP_GRANT_REF, &mut unmap);
        mapped | unmapped | i64::from(map.status) | i64::from(unmap.status)
    })?;
    for (name, len) in [("grant.copy_64", 64), ("grant.copy_4096", 4096)] {
        bench(name, MANY, |_| {
            let source = GnttabCopyPtr { u: mmu::mfn(table - PAGE), domid: DOMID_SELF, offset: 0, _pad: 0 };
            let dest = GnttabCopyPtr { u: REF.into(), domid: own, offset: 0, _pad: 0 };
            let mut copy = GnttabCopy { source, dest, len, flags: GNTCOPY_DEST_GREF, ..Default::default() };
            hypercall::grant_table(GNTTABOP_COPY, &mut copy) | i64::from(copy.status)
        })?;
    }
    Ok(())
}
