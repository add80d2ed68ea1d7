//! Page-table entries and operations that would break the rule: no writable mapping of a table, only own frames.

use guest_lib::abi::hypercall::{HYPERVISOR_MMU_UPDATE, HYPERVISOR_MMUEXT_OP};
use guest_lib::abi::xen::*;
use guest_lib::hypercall::{self, ENOSYS};
use guest_lib::mmu::{self, PAGE, RO, RW, Tree};
use guest_lib::report::{Checks, Outcome};
use guest_lib::{boot, ensure_eq};

/// An address in the lower half for trees of tables.
const LOW: u64 = 0x70_0000_0000;

fn update(ptr: u64, val: u64) -> i64 {
    hypercall::mmu_update(&mut [MmuUpdate { ptr, val }], DOMID_SELF).0
}

/// Entries of a pinned tree.
pub fn entries() -> Outcome {
    let mut checks = Checks::new("entry");
    let data = mmu::alloc_page();
    let tree = Tree::new(LOW, &[data]);
    ensure_eq!(tree.protect(), 0);
    ensure_eq!(hypercall::mmuext(MMUEXT_PIN_L4_TABLE, tree.root(), 0), 0);
    let [l1, l2, l3, l4] = tree.tables;
    let slot = |table: u64, index: u64| mmu::machine(table) + index * 8;
    for table in tree.tables {
        checks.refused("a writable mapping of a table", update(slot(l1, 1), mmu::entry_for(table, RW)));
        checks.is("a read-only mapping of a table", update(slot(l1, 1), mmu::entry_for(table, RO)), 0);
    }
    checks.refused("L2: a large page", update(slot(l2, 1), mmu::entry_for(data, RW | 0x80)));
    checks.refused("L3: a huge page", update(slot(l3, 1), mmu::entry_for(data, RW | 0x80)));
    checks.refused("L2: an L2 table, writable", update(slot(l2, 1), mmu::entry_for(l2, RW)));
    checks.refused("L2: an L3 table", update(slot(l2, 1), mmu::entry_for(l3, RW)));
    checks.refused("L3: an L1 table", update(slot(l3, 1), mmu::entry_for(l1, RW)));
    checks.refused("L4: an L1 table", update(slot(l4, 1), mmu::entry_for(l1, RW)));
    checks.refused("L4: an L2 table", update(slot(l4, 1), mmu::entry_for(l2, RW)));
    checks.refused("L4: itself, writable", update(slot(l4, 1), mmu::entry_for(l4, RW)));
    checks.refused("L2: a page with a writable mapping", update(slot(l2, 1), mmu::entry_for(data, RW)));
    checks.refused("L4: the global bit", update(slot(l4, 1), mmu::entry_for(l3, RW | 0x100)));
    for index in [256, 257, 260, 261, 262, 271] {
        checks.refused(format_args!("L4: slot {index}"), update(slot(l4, index), mmu::entry_for(l3, RW)));
        checks.refused(format_args!("L4: slot {index} cleared"), update(slot(l4, index), 0));
    }
    checks.is("L4: slot 272", update(slot(l4, 272), mmu::entry_for(l3, RW)), 0);
    checks.is("L4: slot 255", update(slot(l4, 255), mmu::entry_for(l3, RW)), 0);
    checks.is("an unaligned entry", update(slot(l1, 1) + 4, 0), ENOSYS);
    ensure_eq!(hypercall::mmuext(MMUEXT_UNPIN_TABLE, tree.root(), 0), 0);
    for table in tree.tables {
        checks.is("free again", mmu::unprotect(table), 0);
    }
    checks.is("a table entry of a data page", update(slot(data, 1), 0x1234), 0);
    super::garbage::alive()?;
    checks.outcome()
}

/// Operations on frames that are not what they should be.
pub fn operations() -> Outcome {
    let mut checks = Checks::new("operation");
    let root = mmu::mfn(boot::start_info().pt_base);
    let shared = boot::start_info().shared_info / PAGE;
    let data = mmu::alloc_page();
    for frame in [0, 0x200, 1 << 24, 1 << 40, !0, shared, mmu::mfn(data)] {
        for command in [
            MMUEXT_PIN_L1_TABLE,
            MMUEXT_PIN_L2_TABLE,
            MMUEXT_PIN_L3_TABLE,
            MMUEXT_PIN_L4_TABLE,
            MMUEXT_UNPIN_TABLE,
            MMUEXT_NEW_BASEPTR,
        ] {
            let result = hypercall::mmuext(command, frame, 0);
            checks.refused(format_args!("operation {command} on frame {frame:#x}"), result);
        }
        if ![mmu::mfn(data), shared, 0].contains(&frame) {
            checks.refused("a new user root", hypercall::mmuext(MMUEXT_NEW_USER_BASEPTR, frame, 0));
            checks.refused("clear_page", hypercall::mmuext(MMUEXT_CLEAR_PAGE, frame, 0));
            checks.refused("copy_page to", hypercall::mmuext(MMUEXT_COPY_PAGE, frame, mmu::mfn(data)));
            checks.refused("copy_page from", hypercall::mmuext(MMUEXT_COPY_PAGE, mmu::mfn(data), frame));
            checks.refused("an entry there", update(frame << 12, 0));
            checks.refused("machphys there", update(frame << 12 | MMU_MACHPHYS_UPDATE, 0));
        }
    }
    checks.refused("clear_page of the root", hypercall::mmuext(MMUEXT_CLEAR_PAGE, root, 0));
    checks.refused("copy_page to the root", hypercall::mmuext(MMUEXT_COPY_PAGE, root, mmu::mfn(data)));
    for command in [13, 14, 19, 20, 21, 0x7fff_ffff] {
        checks.refused(format_args!("operation {command}"), hypercall::mmuext(command, !0, !0));
    }
    for address in
        [0xffff_8000_0000_0000, 0xffff_82d0_4020_0000, 0x0000_8000_0000_0000, 0x1234_5678_9abc_d000]
    {
        let result = hypercall::update_va_mapping(address, mmu::entry_for(data, RW), UVMF_INVLPG);
        checks.refused(format_args!("a mapping at {address:#x}"), result);
    }
    // A count that does not fit, and somebody else's tables.
    let mut request = MmuUpdate { ptr: mmu::machine(data) | 3, val: 0 };
    let list = (&raw mut request) as u64;
    for (label, count, domain) in
        [("a huge count", 0x7fff_ffff, DOMID_SELF), ("an idle domain", 1, DOMID_IDLE)]
    {
        // SAFETY: the requests are read only.
        let result = unsafe { hypercall::raw(HYPERVISOR_MMU_UPDATE, [list, count, 0, domain.into(), 0]) };
        checks.refused(label, result);
    }
    checks.refused(
        "mmuext of nobody",
        hypercall::numbers(HYPERVISOR_MMUEXT_OP, [list, 1, 0, DOMID_INVALID.into(), 0]),
    );
    super::garbage::alive()?;
    checks.outcome()
}
