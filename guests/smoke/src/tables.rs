//! Page tables: updates, what Xen refuses, the writable-page-table path, pinning, roots.

use guest_lib::abi::hypercall::{
    HYPERVISOR_MULTICALL, HYPERVISOR_UPDATE_VA_MAPPING, HYPERVISOR_VM_ASSIST, HYPERVISOR_XEN_VERSION,
};
use guest_lib::abi::xen::*;
use guest_lib::hypercall::{EBUSY, EINVAL, ENOSYS, EPERM};
use guest_lib::mmu::{self, PAGE, RO, RW, Tree};
use guest_lib::report::{Outcome, Test};
use guest_lib::{boot, ensure, ensure_eq, hypercall, probe};

/// The tests of this file.
pub const TESTS: &[Test] = &[
    ("initial_tables", initial_tables),
    ("mmu_update", mmu_update),
    ("mmu_update_machphys", machphys),
    ("update_va_mapping", update_va_mapping),
    ("writable_table_refused", writable_table_refused),
    ("foreign_frame_refused", foreign_frame_refused),
    ("device_memory", device_memory),
    ("entry_flags", entry_flags),
    ("pin_refused_while_writable", pin_refused),
    ("pin_levels", pin_levels),
    ("writable_pagetables", writable_pagetables),
    ("new_baseptr", new_baseptr),
    ("clear_and_copy_page", clear_and_copy),
    ("tlb_operations", tlb_operations),
    ("multicall", multicall),
];

/// An address in the lower half for trees of tables.
const LOW: u64 = 0x70_0000_0000;

/// Frames that an entry can name.
const FRAMES: u64 = 1 << 40;
const GLOBAL: u64 = 0x100;
/// Write-through and cache-disable.
const UNCACHED: u64 = 0x18;

fn update(ptr: u64, val: u64) -> i64 {
    hypercall::mmu_update(&mut [MmuUpdate { ptr, val }], DOMID_SELF).0
}

fn initial_tables() -> Outcome {
    let info = boot::start_info();
    for index in 0..info.nr_pt_frames {
        let entry = mmu::entry(info.pt_base + index * PAGE);
        ensure_eq!(entry & (mmu::P | mmu::W), mmu::P);
    }
    let page = mmu::alloc_page();
    ensure_eq!((mmu::entry(page) & mmu::FRAME) / PAGE, mmu::mfn(page));
    Ok(())
}

fn mmu_update() -> Outcome {
    let (a, b) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(a, 0xaaaa);
    mmu::store(b, 0xbbbb);
    let Some(slot) = mmu::entry_address(a, 1) else {
        return Err(guest_lib::report::Failure::new(format_args!("no slot")));
    };
    let slot = mmu::machine(slot);
    let (result, done) =
        hypercall::mmu_update(&mut [MmuUpdate { ptr: slot, val: mmu::entry_for(b, RO) }], DOMID_SELF);
    ensure_eq!((result, done), (0, 1));
    ensure_eq!(hypercall::mmuext(MMUEXT_INVLPG_LOCAL, a, 0), 0);
    ensure_eq!(probe::read(a)?, 0xbbbb);
    // SAFETY: both pages are the test's own.
    ensure!(unsafe { probe::write(a, 1) }.is_err(), "the mapping is writable");
    ensure_eq!(update(slot | MMU_PT_UPDATE_PRESERVE_AD, mmu::entry_for(a, RW)), 0);
    ensure_eq!(hypercall::mmuext(MMUEXT_INVLPG_LOCAL, a, 0), 0);
    ensure_eq!(probe::read(a)?, 0xaaaa);
    Ok(())
}

fn machphys() -> Outcome {
    let page = mmu::alloc_page();
    let (pfn, mfn) = (mmu::pfn(page), mmu::mfn(page));
    ensure_eq!(update((mfn * PAGE) | MMU_MACHPHYS_UPDATE, 0x123), 0);
    ensure_eq!(mmu::m2p(mfn), 0x123);
    ensure_eq!(update((mfn * PAGE) | MMU_MACHPHYS_UPDATE, pfn), 0);
    ensure_eq!(mmu::m2p(mfn), pfn);
    Ok(())
}

fn update_va_mapping() -> Outcome {
    let (a, b) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(b, 0xb0b);
    ensure_eq!(mmu::map(a, mmu::mfn(b), RO), 0);
    ensure_eq!(probe::read(a)?, 0xb0b);
    ensure_eq!(hypercall::update_va_mapping(a, 0, UVMF_INVLPG | UVMF_ALL), 0);
    ensure!(probe::read(a).is_err(), "the address is still mapped");
    ensure_eq!(mmu::map(a, mmu::mfn(a), RW), 0);
    ensure_eq!(probe::read(a)?, 0);
    ensure_eq!(hypercall::update_va_mapping(LOW, 0, 0), EINVAL);
    Ok(())
}

fn writable_table_refused() -> Outcome {
    let root = boot::start_info().pt_base;
    ensure_eq!(mmu::unprotect(root), EBUSY);
    ensure_eq!(mmu::unprotect(root + PAGE), EBUSY);
    // SAFETY: the table is mapped read-only; the value would not change anything.
    ensure!(unsafe { probe::write(root, mmu::load(root)) }.is_err(), "the root is writable");
    Ok(())
}

/// Frames that are not this domain's memory: the hypervisor's own, and those behind the address space.
fn foreign_frame_refused() -> Outcome {
    let page = mmu::alloc_page();
    // The hypervisor's image lies above 1 MiB.
    for frame in [0x200, 0xfee00, 1 << 28, 1 << 36, FRAMES - 1] {
        let result = mmu::map(page, frame, RW);
        ensure!(result < 0, "frame {frame:#x} was mapped: {result}");
    }
    ensure_eq!(mmu::map(page, 0xfee00, RO), EPERM);
    ensure_eq!(mmu::map(page, FRAMES - 1, RW), EINVAL);
    ensure_eq!(mmu::load(page), 0);
    Ok(())
}

/// Device memory is Dom0's; a page that only Xen may write becomes read-only, and all of it is uncached.
fn device_memory() -> Outcome {
    let page = mmu::alloc_page();
    let vga = mmu::map(page, 0xb8, RW);
    if !boot::is_dom0() {
        ensure!(vga < 0, "an unprivileged domain mapped device memory");
        return Ok(());
    }
    ensure_eq!((vga, mmu::entry(page) & 0xfff & !GLOBAL), (0, RW | UNCACHED));
    ensure_eq!(mmu::map(page, 0x100_0000, RW), 0);
    ensure_eq!(mmu::entry(page) & 0xfff & !GLOBAL, RW | UNCACHED);
    ensure_eq!(mmu::map(page, 0xfec00, RW), 0);
    ensure_eq!(mmu::entry(page) & mmu::W, 0);
    ensure_eq!(mmu::unprotect(page), 0);
    Ok(())
}

/// What becomes of the flags of an entry. Whether user pages are global and how kernel pages are marked is the hypervisor's
/// own business.
fn entry_flags() -> Outcome {
    const NO_EXECUTE: u64 = 1 << 63;
    const KERNEL: u64 = 1 << 52;
    let page = mmu::alloc_page();
    let frame = mmu::entry_for(page, 0);
    let own = !(mmu::A | mmu::D | GLOBAL | KERNEL);
    for (flags, want) in [
        (RW, RW),
        (RO, RO),
        (RW & !mmu::U, RW),
        (RW | GLOBAL, RW),
        (RW | NO_EXECUTE, RW | NO_EXECUTE),
        (RW | 1 << 58, RW | 1 << 58),
        (RW | 7 << 9, RW | 7 << 9),
        (RW | UNCACHED, RW | UNCACHED),
        (RW | 1 << 7, RW | 1 << 7),
        (RW & !mmu::P, RW & !mmu::P),
    ] {
        // Without device memory a domain may not choose how memory is cached.
        let refused = !boot::is_dom0() && flags & (UNCACHED | 1 << 7) != 0;
        let result = hypercall::update_va_mapping(page, frame | flags, UVMF_INVLPG);
        ensure_eq!((flags, result), (flags, if refused { EINVAL } else { 0 }));
        if refused {
            continue;
        }
        // The processor may add the dirty and accessed bits.
        ensure_eq!((flags, mmu::entry(page) & !frame & own), (flags, want & own));
    }
    ensure_eq!(hypercall::update_va_mapping(page, !mmu::P, UVMF_INVLPG), 0);
    ensure_eq!(mmu::unprotect(page), 0);
    Ok(())
}

fn pin_refused() -> Outcome {
    let page = mmu::alloc_page();
    ensure_eq!(hypercall::mmuext(MMUEXT_PIN_L1_TABLE, mmu::mfn(page), 0), EINVAL);
    Ok(())
}

fn pin_levels() -> Outcome {
    let data = mmu::alloc_page();
    let tree = Tree::new(LOW, &[data]);
    ensure_eq!(tree.protect(), 0);
    let pins = [MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE];
    for (pin, table) in pins.into_iter().zip(tree.tables) {
        ensure_eq!(hypercall::mmuext(pin, mmu::mfn(table), 0), 0);
        ensure_eq!(mmu::unprotect(table), EBUSY);
    }
    ensure_eq!(hypercall::mmuext(MMUEXT_PIN_L1_TABLE, tree.root(), 0), EINVAL);
    ensure_eq!(hypercall::mmuext(MMUEXT_PIN_L4_TABLE, tree.root(), 0), EINVAL);
    for table in tree.tables.into_iter().rev() {
        ensure_eq!(hypercall::mmuext(MMUEXT_UNPIN_TABLE, mmu::mfn(table), 0), 0);
    }
    ensure_eq!(hypercall::mmuext(MMUEXT_UNPIN_TABLE, tree.root(), 0), EINVAL);
    for table in tree.tables {
        ensure_eq!(mmu::unprotect(table), 0);
        mmu::store(table, 0);
    }
    Ok(())
}

/// A plain store to a level-1 table in use: Xen emulates it.
fn writable_pagetables() -> Outcome {
    let assist = [VMASST_CMD_ENABLE.into(), VMASST_TYPE_WRITABLE_PAGETABLES.into(), 0, 0, 0];
    ensure_eq!(hypercall::numbers(HYPERVISOR_VM_ASSIST, assist), 0);
    let (a, b) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(b, 0xb1b1);
    let slot = mmu::entry_address(a, 1).unwrap_or(0);
    let old = mmu::load(slot);
    // SAFETY: the entry maps a page of the test.
    unsafe { probe::write(slot, mmu::entry_for(b, RW)) }?;
    hypercall::mmuext(MMUEXT_INVLPG_LOCAL, a, 0);
    ensure_eq!(probe::read(a)?, 0xb1b1);
    let now = mmu::load(slot);
    // SAFETY: the entry maps a page of the test.
    ensure!(unsafe { probe::compare_exchange(slot, now, old) }?, "the exchange found another value");
    hypercall::mmuext(MMUEXT_INVLPG_LOCAL, a, 0);
    ensure_eq!(probe::read(a)?, 0);
    // SAFETY: Xen must refuse the entry, for it would map a table writable.
    let trap = unsafe { probe::write(slot, mmu::entry_for(boot::start_info().pt_base, RW)) };
    ensure!(matches!(trap, Err(trap) if trap.vector == 14), "a bad entry gave {trap:x?}");
    Ok(())
}

fn new_baseptr() -> Outcome {
    let data = mmu::alloc_page();
    mmu::store(data, 0x600d);
    let tree = Tree::new(LOW, &[data]);
    tree.share_kernel();
    ensure_eq!(tree.protect(), 0);
    ensure_eq!(hypercall::mmuext(MMUEXT_PIN_L4_TABLE, tree.root(), 0), 0);
    ensure!(probe::read(LOW).is_err(), "mapped before the switch");
    ensure_eq!(hypercall::mmuext(MMUEXT_NEW_BASEPTR, tree.root(), 0), 0);
    let seen = probe::read(LOW);
    let back = hypercall::mmuext(MMUEXT_NEW_BASEPTR, mmu::mfn(boot::start_info().pt_base), 0);
    ensure_eq!(back, 0);
    ensure_eq!(seen?, 0x600d);
    ensure_eq!(hypercall::mmuext(MMUEXT_UNPIN_TABLE, tree.root(), 0), 0);
    ensure_eq!(mmu::unprotect(tree.tables[3]), 0);
    ensure_eq!(hypercall::mmuext(MMUEXT_NEW_BASEPTR, mmu::mfn(data), 0), EINVAL);
    Ok(())
}

fn clear_and_copy() -> Outcome {
    let (a, b) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(a + 4088, 7);
    ensure_eq!(hypercall::mmuext(MMUEXT_COPY_PAGE, mmu::mfn(b), mmu::mfn(a)), 0);
    ensure_eq!(mmu::load(b + 4088), 7);
    ensure_eq!(hypercall::mmuext(MMUEXT_CLEAR_PAGE, mmu::mfn(b), 0), 0);
    ensure_eq!(mmu::load(b + 4088), 0);
    Ok(())
}

fn tlb_operations() -> Outcome {
    for command in [MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_TLB_FLUSH_ALL] {
        ensure_eq!(hypercall::mmuext(command, 0, 0), 0);
    }
    for command in [MMUEXT_INVLPG_LOCAL, MMUEXT_INVLPG_ALL] {
        ensure_eq!(hypercall::mmuext(command, LOW, 0), 0);
    }
    let vcpus = 1u64;
    ensure_eq!(hypercall::mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, (&raw const vcpus) as u64), 0);
    ensure!(hypercall::mmuext(99, 0, 0) < 0, "an unknown operation was taken");
    Ok(())
}

fn multicall() -> Outcome {
    let (a, b) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(b, 0x3141);
    let call = |op: u32, args: [u64; 6]| MulticallEntry { op: op.into(), result: 0x5555, args };
    let map = [a, mmu::entry_for(b, RW), UVMF_INVLPG, 0, 0, 0];
    let mut calls = [
        call(HYPERVISOR_XEN_VERSION, [0; 6]),
        call(HYPERVISOR_UPDATE_VA_MAPPING, map),
        call(63, [0; 6]),
        call(HYPERVISOR_XEN_VERSION, [0; 6]),
    ];
    let list = calls.as_mut_ptr() as u64;
    // SAFETY: Xen reads and writes the list only.
    let result = unsafe { hypercall::raw(HYPERVISOR_MULTICALL, [list, calls.len() as u64, 0, 0, 0]) };
    ensure_eq!(result, 0);
    ensure_eq!(calls.map(|call| call.result as i64), [0x4_0014, 0, ENOSYS, 0x4_0014]);
    ensure_eq!(probe::read(a)?, 0x3141);
    Ok(())
}
