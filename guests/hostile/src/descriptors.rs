//! Descriptors that would give more than ring 3, tables that are not the domain's.

use guest_lib::abi::hypercall::{HYPERVISOR_SET_GDT, HYPERVISOR_UPDATE_DESCRIPTOR};
use guest_lib::abi::xen::MMUEXT_SET_LDT;
use guest_lib::hypercall::{self, EINVAL};
use guest_lib::report::{Checks, Outcome};
use guest_lib::{boot, ensure_eq, mmu};

/// Code and data of inner rings: Xen makes them ring 3's.
const RAISED: [u64; 3] = [0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff, 0x00af_bb00_0000_ffff];
/// The descriptor's privilege level.
const DPL: u64 = 3 << 45;

/// Descriptors that must not stand in a table.
const BAD: &[(&str, u64)] = &[
    ("a call gate of ring 3 to ring 0", 0x0000_ec00_e008_0000),
    ("an interrupt gate", 0x0000_ee00_e008_0000),
    ("a trap gate", 0x0000_ef00_e008_0000),
    ("a task state segment", 0x0000_8900_0000_0067),
    ("an LDT", 0x0000_e200_0000_ffff),
    ("a task gate", 0x0000_e500_e040_0000),
];

/// All of this file.
pub fn run() -> Outcome {
    let mut checks = Checks::new("descriptor");
    let page = mmu::alloc_page();
    for &(label, descriptor) in BAD {
        checks.is(label, update(page, descriptor), EINVAL);
        let table = mmu::alloc_page();
        mmu::store(table + 8, descriptor);
        ensure_eq!(mmu::protect(table), 0);
        checks.is(format_args!("a GDT with {label}"), load_gdt(mmu::mfn(table)), EINVAL);
    }
    for descriptor in RAISED {
        checks.is("an inner ring", (update(page, descriptor), mmu::load(page)), (0, descriptor | DPL));
        let table = mmu::alloc_page();
        mmu::store(table + 8, descriptor);
        ensure_eq!(mmu::protect(table), 0);
        checks.is("a GDT with an inner ring", load_gdt(mmu::mfn(table)), 0);
        checks.is("its privilege level", mmu::load(table + 8), descriptor | DPL);
    }
    for frame in [0, 0x200, 1 << 24, !0, mmu::mfn(boot::start_info().pt_base)] {
        checks.refused(format_args!("a GDT in frame {frame:#x}"), load_gdt(frame));
        let result = hypercall::numbers(HYPERVISOR_UPDATE_DESCRIPTOR, [frame << 12, 0, 0, 0, 0]);
        checks.refused(format_args!("a descriptor in frame {frame:#x}"), result);
    }
    checks.refused("a GDT in the shared page", load_gdt(boot::start_info().shared_info >> 12));
    checks.is(
        "an unaligned descriptor",
        hypercall::numbers(HYPERVISOR_UPDATE_DESCRIPTOR, [mmu::machine(page) + 4, 0, 0, 0, 0]),
        EINVAL,
    );
    checks.is("a GDT too long", hypercall::numbers(HYPERVISOR_SET_GDT, [0, 7169, 0, 0, 0]), EINVAL);
    checks.is("an LDT too long", hypercall::mmuext(MMUEXT_SET_LDT, page, 8193), EINVAL);
    checks.is("an unaligned LDT", hypercall::mmuext(MMUEXT_SET_LDT, page + 8, 1), EINVAL);
    checks.is("an LDT in Xen", hypercall::mmuext(MMUEXT_SET_LDT, 0xffff_82d0_4020_0000, 1), EINVAL);
    checks.is("no GDT", hypercall::numbers(HYPERVISOR_SET_GDT, [0; 5]), 0);
    super::garbage::alive()?;
    checks.outcome()
}

fn update(page: u64, descriptor: u64) -> i64 {
    hypercall::numbers(HYPERVISOR_UPDATE_DESCRIPTOR, [mmu::machine(page), descriptor, 0, 0, 0])
}

fn load_gdt(frame: u64) -> i64 {
    // SAFETY: Xen only reads the list.
    unsafe { hypercall::raw(HYPERVISOR_SET_GDT, [(&raw const frame) as u64, 512, 0, 0, 0]) }
}
