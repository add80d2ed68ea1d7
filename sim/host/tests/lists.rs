//! Lists of calls, whose later calls rely on what the earlier ones did.

use fx_pagetables::pte;
use fx_sim_host::{World, invariants};
use fx_types::PhysMem;
use xen_abi::hypercall::{HYPERVISOR_MMUEXT_OP, HYPERVISOR_MULTICALL, HYPERVISOR_UPDATE_VA_MAPPING};
use xen_abi::xen::{DOMID_SELF, MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE};

/// Pages for one tree of tables: levels 4, 3, 2, and two of level 1.
const TREE: std::ops::Range<usize> = 20..25;
/// Pages for the list of calls and for the operation of its first one.
const LIST: u64 = 8;
const OPERATION: u64 = 9;
const READ_ONLY: u64 = pte::PRESENT | pte::USER;

struct Guest(World);

impl Guest {
    fn store(&self, page: u64, at: u64, words: &[u64]) {
        let frame = self.0.spaces[&0].frames[page as usize];
        for (n, word) in (0..).zip(words) {
            self.0.host.hw.store64(frame.at(at + n * 8), *word);
        }
    }

    /// The entry that maps a page at its address.
    fn entry(&self, page: usize, flags: u64) -> u64 {
        pte::entry(self.0.spaces[&0].frames[page], flags)
    }

    /// Makes the tree's tables: two tables of level 1 are in its table of level 2.
    fn fill_tree(&self) {
        let [l4, l3, l2, l1a, l1b] = std::array::from_fn(|n| TREE.start + n);
        for (table, slot, to) in [(l4, 0, l3), (l3, 0, l2), (l2, 0, l1a), (l2, 1, l1b)] {
            self.store(table as u64, slot * 8, &[self.entry(to, READ_ONLY | pte::RW)]);
        }
    }

    /// Calls a list of an operation on the tree's root and of new rights for its pages; the answers.
    fn call_list(&mut self, operation: u32, rights: u64, operation_last: bool) -> Vec<u64> {
        let root = self.0.spaces[&0].frames[TREE.start];
        self.store(OPERATION, 0, &[u64::from(operation), root.0, 0]);
        let on_root =
            [u64::from(HYPERVISOR_MMUEXT_OP), 0, OPERATION * 4096, 1, 0, u64::from(DOMID_SELF), 0, 0];
        // From the leaves up, as Linux goes.
        let mut calls: Vec<[u64; 8]> = TREE
            .rev()
            .map(|page| {
                let entry = self.entry(page, rights);
                [u64::from(HYPERVISOR_UPDATE_VA_MAPPING), 0, page as u64 * 4096, entry, 0, 0, 0, 0]
            })
            .collect();
        calls.insert(if operation_last { calls.len() } else { 0 }, on_root);
        for (n, call) in (0..).zip(&calls) {
            self.store(LIST, n * 64, call);
        }
        let answer =
            self.0.hypercall(0, HYPERVISOR_MULTICALL, [LIST * 4096, calls.len() as u64, 0, 0, 0], 1000);
        assert_eq!(answer, Ok(0));
        let list = self.0.spaces[&0].frames[LIST as usize];
        (0..calls.len() as u64).map(|n| self.0.host.hw.load64(list.at(n * 64 + 8))).collect()
    }
}

/// Linux ends a process so: it unpins the tables and makes their pages writable, all in one list.
#[test]
fn pages_of_an_unpinned_tree_can_be_written_in_the_same_list() {
    let mut g = Guest(World::new(1, 1024, 0));
    g.0.turn(0);
    g.fill_tree();
    assert_eq!(g.call_list(MMUEXT_PIN_L4_TABLE, READ_ONLY, true), [0; 6]);
    invariants::check_all(&g.0);
    // Each look at the clock finds that the part of the work has lasted long enough.
    g.0.host.hw.set_pace(5_000_000);
    assert_eq!(g.call_list(MMUEXT_UNPIN_TABLE, READ_ONLY | pte::RW, false), [0; 6]);
    invariants::check_all(&g.0);
}
