//! Grants that do not exist, handles that were never given, copies that leave their page.

use guest_lib::abi::grant_table::*;
use guest_lib::abi::hypercall::HYPERVISOR_GRANT_TABLE_OP;
use guest_lib::abi::xen::{DOMID_SELF, GuestHandle};
use guest_lib::hypercall::{self, EFAULT};
use guest_lib::report::{Checks, Outcome};
use guest_lib::{events, mmu};

/// All of this file.
pub fn run() -> Outcome {
    let mut checks = Checks::new("grant");
    let own = events::own_domid()?;
    maps(&mut checks, own);
    copies(&mut checks, own);
    tables(&mut checks);
    let mut argument = 0u64;
    let list = (&raw mut argument) as u64;
    for command in 0..16u64 {
        let call = |list: u64, count: u64| {
            hypercall::numbers(HYPERVISOR_GRANT_TABLE_OP, [command, list, count, 0, 0])
        };
        checks.refused(format_args!("operation {command} at Xen's memory"), call(0xffff_82d0_4020_0000, 1));
        checks.refused(format_args!("operation {command} 2^31 times"), call(list, 1 << 31));
    }
    super::garbage::alive()?;
    checks.outcome()
}

fn maps(checks: &mut Checks, own: u16) {
    let page = mmu::alloc_page();
    for (label, dom, reference, host_addr, flags) in [
        ("map without an address", own, 30, 0, GNTMAP_HOST_MAP),
        ("map at Xen's memory", own, 30, 0xffff_82d0_4020_0000, GNTMAP_HOST_MAP),
        ("map at a non-canonical address", own, 30, 1 << 63, GNTMAP_HOST_MAP),
        ("map without a kind", own, 30, page, 0),
        ("map into an entry in frame 0", own, 30, 0, GNTMAP_HOST_MAP | GNTMAP_CONTAINS_PTE),
        ("map reference -1", own, !0, page, GNTMAP_HOST_MAP),
        ("map of nobody", 0x7123, 30, page, GNTMAP_HOST_MAP),
        ("map of the idle domain", 0x7fff, 30, page, GNTMAP_HOST_MAP),
    ] {
        let mut map =
            GnttabMapGrantRef { host_addr, flags, r#ref: reference, dom, status: 0, ..Default::default() };
        let result = hypercall::grant_table(GNTTABOP_MAP_GRANT_REF, &mut map);
        checks.is(label, (result, map.status < 0), (0, true));
    }
    for handle in [0, 1, 0xffff, 1 << 20, !0] {
        let mut unmap = GnttabUnmapGrantRef { host_addr: page, handle, status: 0, ..Default::default() };
        let result = hypercall::grant_table(GNTTABOP_UNMAP_GRANT_REF, &mut unmap);
        checks.is(format_args!("unmap {handle}"), (result, unmap.status), (0, GNTST_BAD_HANDLE));
        let mut replace =
            GnttabUnmapAndReplace { host_addr: page, new_addr: page, handle, ..Default::default() };
        let result = hypercall::grant_table(GNTTABOP_UNMAP_AND_REPLACE, &mut replace);
        checks.is(format_args!("replace {handle}"), (result, replace.status < 0), (0, true));
    }
    checks.is("the window", mmu::load(page), 0);
}

fn copies(checks: &mut Checks, own: u16) {
    let page = mmu::mfn(mmu::alloc_page());
    let at = |u: u64, domid: u16, offset: u16| GnttabCopyPtr { u, domid, offset, _pad: 0 };
    for (label, source, dest, flags) in [
        ("copy over the end", at(page, DOMID_SELF, 4090), at(page, DOMID_SELF, 0), 0),
        ("copy to frame 0x200", at(page, DOMID_SELF, 0), at(0x200, DOMID_SELF, 0), 0),
        ("copy from frame 0x200", at(0x200, DOMID_SELF, 0), at(page, DOMID_SELF, 0), 0),
        ("copy from frame -1", at(!0, DOMID_SELF, 0), at(page, DOMID_SELF, 0), 0),
        ("copy from nobody's frame", at(page, 0x7123, 0), at(page, DOMID_SELF, 0), 0),
        ("copy from an empty grant", at(31, own, 0), at(page, DOMID_SELF, 0), GNTCOPY_SOURCE_GREF),
        ("copy from grant -1", at(!0, own, 0), at(page, DOMID_SELF, 0), GNTCOPY_SOURCE_GREF),
        ("copy between grants of nobody", at(1, 0x7123, 0), at(1, 0x7123, 0), 3),
        (
            "copy to a page table",
            at(page, DOMID_SELF, 0),
            at(mmu::mfn(guest_lib::boot::start_info().pt_base), DOMID_SELF, 0),
            0,
        ),
    ] {
        let mut copy = GnttabCopy { source, dest, len: 64, flags, status: 0, _pad: 0 };
        let result = hypercall::grant_table(GNTTABOP_COPY, &mut copy);
        checks.is(label, (result, copy.status < 0), (0, true));
    }
}

fn tables(checks: &mut Checks) {
    let mut frames = [0u64; 4];
    let frame_list = GuestHandle(frames.as_mut_ptr() as u64);
    let mut setup = GnttabSetupTable { dom: DOMID_SELF, nr_frames: !0, frame_list, ..Default::default() };
    let result = hypercall::grant_table(GNTTABOP_SETUP_TABLE, &mut setup);
    checks.is("a table of 2^32 frames", result < 0 || setup.status < 0, true);
    let mut setup = GnttabSetupTable { dom: 0x7123, nr_frames: 1, frame_list, ..Default::default() };
    let result = hypercall::grant_table(GNTTABOP_SETUP_TABLE, &mut setup);
    checks.is("a table of nobody", result < 0 || setup.status < 0, true);
    let frame_list = GuestHandle(0xffff_82d0_4020_0000);
    let mut setup = GnttabSetupTable { dom: DOMID_SELF, nr_frames: 1, frame_list, ..Default::default() };
    let result = hypercall::grant_table(GNTTABOP_SETUP_TABLE, &mut setup);
    checks.is("a list in Xen's memory", result == EFAULT || setup.status < 0, true);
    let mut version = GnttabSetVersion { version: 3 };
    checks.refused("version 3", hypercall::grant_table(GNTTABOP_SET_VERSION, &mut version));
    let mut transfer = GnttabTransfer { mfn: 0x200, domid: 0x7123, ..Default::default() };
    let result = hypercall::grant_table(GNTTABOP_TRANSFER, &mut transfer);
    checks.is("a transfer of frame 0x200", result < 0 || transfer.status < 0, true);
    let mut swap = GnttabSwapGrantRef { ref_a: !0, ref_b: 1 << 30, ..Default::default() };
    let result = hypercall::grant_table(GNTTABOP_SWAP_GRANT_REF, &mut swap);
    checks.is("a swap of references -1 and 2^30", result < 0 || swap.status < 0, true);
}
