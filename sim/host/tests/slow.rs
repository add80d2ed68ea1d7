//! A processor so slow that no work on page tables is done in one part: what a guest's later calls rely on must hold all the same.

use fx_pagetables::pte;
use fx_sim_host::{World, invariants};
use fx_types::{Mfn, PhysMem};
use xen_abi::hypercall as nr;
use xen_abi::xen::{MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE};

const READ_ONLY: u64 = pte::PRESENT | pte::USER;
const WRITABLE: u64 = READ_ONLY | pte::RW;
/// Pages of the control domain that become a second address space: its tables of levels 4, 3 and 2, then those of level 1.
const FIRST: usize = 20;
const LEVEL_1: usize = 6;
/// How often a call may have to be made again.
const PATIENCE: u32 = 2000;
const MS: u64 = 1_000_000;

/// The control domain on a slow processor, with a second address space that it pinned.
struct Scene {
    w: World,
}

impl Scene {
    fn new() -> Self {
        let mut s = Self { w: World::new(1, 1024, 0) };
        s.w.turn(0);
        assert_eq!(s.w.current(0).unwrap().d.id.0, 0);
        let frames = s.w.spaces[&0].frames.clone();
        let hw = &s.w.host.hw;
        let [l4, l3, l2] = [0, 1, 2].map(|n| frames[FIRST + n]);
        hw.store64(l4.at(0), pte::entry(l3, WRITABLE));
        hw.store64(l3.at(0), pte::entry(l2, WRITABLE));
        for n in 0..LEVEL_1 {
            let l1 = frames[FIRST + 3 + n];
            hw.store64(l2.at(n as u64 * 8), pte::entry(l1, WRITABLE));
            hw.store64(l1.at(0), pte::entry(frames[40], WRITABLE));
        }
        for page in FIRST..FIRST + 3 + LEVEL_1 {
            assert_eq!(s.remap(page, READ_ONLY), Ok(0));
        }
        s.w.host.hw.set_pace(3 * MS);
        let pin = s.mmuext(&[(MMUEXT_PIN_L4_TABLE, l4.0)]);
        assert_eq!(pin, Ok(0));
        s
    }

    fn frame(&self, page: usize) -> Mfn {
        self.w.spaces[&0].frames[page]
    }

    /// Puts words where the arguments of calls are.
    fn write(&self, offset: u64, words: &[u64]) -> u64 {
        let space = &self.w.spaces[&0];
        for (i, word) in (0u64..).zip(words) {
            self.w.host.hw.store64(space.scratch_frames()[0].at(offset + i * 8), *word);
        }
        space.scratch().0 + offset
    }

    fn remap(&mut self, page: usize, flags: u64) -> fx_types::Result<u64> {
        let entry = pte::entry(self.frame(page), flags);
        self.w.hypercall(0, nr::HYPERVISOR_UPDATE_VA_MAPPING, [(page as u64) << 12, entry, 0, 0, 0], PATIENCE)
    }

    fn mmuext(&mut self, ops: &[(u32, u64)]) -> fx_types::Result<u64> {
        let words: Vec<u64> = ops.iter().flat_map(|(op, mfn)| [u64::from(*op), *mfn, 0]).collect();
        let list = self.write(0, &words);
        let args = [list, ops.len() as u64, 0, u64::from(xen_abi::xen::DOMID_SELF), 0];
        self.w.hypercall(0, nr::HYPERVISOR_MMUEXT_OP, args, PATIENCE)
    }
}

/// What a kernel does at the end of a process (Linux: `xen_pgd_unpin`): one batch takes the pin off and makes what were tables
/// writable, the lowest first.
#[test]
fn what_was_unpinned_is_writable_in_the_same_batch() {
    let mut s = Scene::new();
    let unpin = s.write(0, &[u64::from(MMUEXT_UNPIN_TABLE), s.frame(FIRST).0, 0]);
    let mut calls =
        vec![[nr::HYPERVISOR_MMUEXT_OP.into(), 0, unpin, 1, 0, xen_abi::xen::DOMID_SELF.into(), 0, 0]];
    for page in (FIRST..FIRST + 3 + LEVEL_1).rev() {
        let entry = pte::entry(s.frame(page), WRITABLE);
        calls.push([nr::HYPERVISOR_UPDATE_VA_MAPPING.into(), 0, (page as u64) << 12, entry, 0, 0, 0, 0]);
    }
    let list = s.write(512, calls.as_flattened());
    let args = [list, calls.len() as u64, 0, 0, 0];
    assert_eq!(s.w.hypercall(0, nr::HYPERVISOR_MULTICALL, args, PATIENCE), Ok(0));
    let results: Vec<i64> = (0..calls.len() as u64)
        .map(|n| s.w.host.hw.load64(s.w.spaces[&0].scratch_frames()[0].at(512 + n * 64 + 8)) as i64)
        .collect();
    assert!(results.iter().all(|r| *r == 0), "{results:?}");
    invariants::check_all(&s.w);
}

/// The same in one list of `mmuext_op`: what was the first table of level 1 is a plain page for the operation after.
#[test]
fn what_was_unpinned_is_free_for_the_next_operation() {
    let mut s = Scene::new();
    let [l4, l1] = [FIRST, FIRST + 3].map(|page| s.frame(page).0);
    let answer = s.mmuext(&[(MMUEXT_UNPIN_TABLE, l4), (xen_abi::xen::MMUEXT_CLEAR_PAGE, l1)]);
    assert_eq!(answer.map(|a| a as i64), Ok(0));
    invariants::check_all(&s.w);
}

/// One list of `mmu_update` takes a tree out of a table and writes to what was a table in it.
#[test]
fn what_was_taken_out_is_free_for_the_next_update() {
    let mut s = Scene::new();
    let (l3, l1) = (s.frame(FIRST + 1), s.frame(FIRST + 3));
    let updates = [l3.at(0).0, 0, l1.at(8).0, 0x1234_5678_9abd];
    let list = s.write(0, &updates);
    let args = [list, 2, 0, u64::from(xen_abi::xen::DOMID_SELF), 0];
    let answer = s.w.hypercall(0, nr::HYPERVISOR_MMU_UPDATE, args, PATIENCE);
    assert_eq!(answer.map(|a| a as i64), Ok(0));
    assert_eq!(s.w.host.hw.load64(l1.at(8)), 0x1234_5678_9abd, "no entry of a table, which could not be so");
    invariants::check_all(&s.w);
}
