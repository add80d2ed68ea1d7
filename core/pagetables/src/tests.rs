//! What a guest must not get, case by case. (`tests/guests` tries everything else.)

use std::cell::{Cell, RefCell};
use std::vec::Vec;

use fx_frames::{FrameTable, FrameType};
use fx_sim::{GuestSpace, Mmu, Ram, frame_table};
use fx_types::{DomId, Errno, GuestVirtExt, Maddr, Mfn, PhysMem};

use crate::*;

const ME: DomId = DomId(1);
const OTHER: DomId = DomId(2);
/// The first frame of the other domain's.
const FOREIGN: u64 = 16;
const RW: u64 = pte::PRESENT | pte::RW | pte::USER;
const RO: u64 = pte::PRESENT | pte::USER;

struct Host {
    ram: Ram,
    frames: FrameTable,
    flushed: RefCell<Vec<DomId>>,
    /// Whether something else always waits.
    busy: Cell<bool>,
    unfinished: Unfinished,
}

impl PtHost for Host {
    type Mem = Ram;
    fn mem(&self) -> &Ram {
        &self.ram
    }
    fn frames(&self) -> &FrameTable {
        &self.frames
    }
    fn flush_domain(&self, owner: DomId) {
        self.flushed.borrow_mut().push(owner);
    }
    fn io_allowed(&self, _: DomId, mfn: Mfn) -> bool {
        mfn.0 == 100
    }
    fn release(&self, _: Mfn) {}
    fn should_yield(&self) -> bool {
        self.busy.get()
    }
    fn unfinished(&self, mfn: Mfn) {
        assert!(self.unfinished.push(mfn));
    }
    fn fill_hypervisor_slots(&self, l4: Mfn) {
        self.ram.store64(l4.at(256 * 8), 0x1000_0000);
    }
}

/// Frames 1–15 are mine; 16–19 the other domain's.
fn host() -> Host {
    let h = Host {
        ram: Ram::new(20),
        frames: frame_table(20),
        flushed: RefCell::default(),
        busy: Cell::new(false),
        unfinished: Unfinished::new(),
    };
    for f in 1..20 {
        h.info(f).assign(if f < FOREIGN { ME } else { OTHER }, false);
    }
    h
}

impl Host {
    fn info(&self, f: u64) -> &'static fx_frames::FrameInfo {
        self.frames.get(Mfn(f)).unwrap()
    }

    fn set(&self, table: u64, slot: u64, to: u64, flags: u64) {
        self.ram.store64(Mfn(table).at(slot * 8), pte::entry(Mfn(to), flags));
    }

    fn exchange(&self, level: u8, table: u64, slot: u64, new: u64) -> fx_types::Result {
        let at = Mfn(table).at(slot * 8);
        exchange(self, &Change { at, level, new, owner: ME, target: ME, keep_ad: false })
    }

    /// Frame 1 → 2 → 3 → 4 are tables of level 4 to 1; page 0 is frame 5 writable.
    fn tree(&self) {
        for f in 1..5 {
            self.set(f, 0, f + 1, RW);
        }
        assert_eq!(pin(self, Mfn(1), ME, 4), Ok(()));
    }

    /// References and typed references.
    fn counts(&self, f: u64) -> (u64, u64) {
        let w = self.info(f).word();
        (w.refs(), w.type_refs())
    }
}

#[test]
fn a_tree_holds_what_it_names_and_lets_it_go() {
    let h = host();
    h.tree();
    assert!((1..=5).all(|f| h.counts(f) == (2, 1)));
    assert_eq!(h.ram.load64(Mfn(1).at(256 * 8)), 0x1000_0000, "the hypervisor's slots");
    assert_eq!(pin(&h, Mfn(1), ME, 4), Err(Errno::EINVAL), "pinned already");
    assert_eq!(unpin(&h, Mfn(1), OTHER), Err(Errno::EINVAL));
    assert_eq!(unpin(&h, Mfn(1), ME), Ok(()));
    assert_eq!(unpin(&h, Mfn(1), ME), Err(Errno::EINVAL));
    assert!((1..=5).all(|f| h.counts(f) == (1, 0)));
}

#[test]
fn a_table_is_not_mapped_writable() {
    let h = host();
    h.tree();
    for table in 1..5 {
        assert_eq!(h.exchange(1, 4, 1, pte::entry(Mfn(table), RW)), Err(Errno::EBUSY));
        assert_eq!(h.exchange(1, 4, 1, pte::entry(Mfn(table), RO)), Ok(()));
        assert_eq!(
            h.exchange(1, 4, 1, pte::entry(Mfn(table), RW)),
            Err(Errno::EBUSY),
            "the flag alone changes"
        );
    }
    assert_eq!(
        h.exchange(2, 3, 1, pte::entry(Mfn(5), RW)),
        Err(Errno::EBUSY),
        "mapped writable, so no table"
    );
    assert_eq!(
        h.exchange(2, 3, 1, pte::entry(Mfn(3), RW)),
        Err(Errno::EBUSY),
        "a level-2 table is none of level 1"
    );
}

#[test]
fn other_domains_frames_are_out_of_reach() {
    let h = host();
    h.tree();
    for flags in [RW, RO] {
        assert_eq!(h.exchange(1, 4, 1, pte::entry(Mfn(FOREIGN), flags)), Err(Errno::EINVAL));
    }
    assert_eq!(h.exchange(2, 3, 1, pte::entry(Mfn(FOREIGN), RW)), Err(Errno::EINVAL));
    assert_eq!(pin(&h, Mfn(FOREIGN), ME, 1), Err(Errno::EINVAL));
    assert_eq!(h.exchange(1, 4, 1, pte::entry(Mfn(99), RW)), Err(Errno::EPERM), "somebody else's device");
    assert_eq!(h.exchange(1, 4, 1, pte::entry(Mfn(100), RW | pte::PCD)), Ok(()), "my device");
    let c = Change {
        at: Mfn(4).at(8),
        level: 1,
        new: pte::entry(Mfn(FOREIGN), RW),
        owner: ME,
        target: OTHER,
        keep_ad: false,
    };
    assert_eq!(exchange(&h, &c), Ok(()), "with the right to");
    assert_eq!(h.counts(FOREIGN), (2, 1));
}

#[test]
fn flags_that_no_guest_may_set() {
    let h = host();
    h.tree();
    for bad in [pte::GRANT, pte::PAT_OR_SUPER, pte::PCD, pte::PWT] {
        assert_eq!(h.exchange(1, 4, 0, pte::entry(Mfn(5), RW | bad)), Err(Errno::EINVAL), "{bad:#x}");
        assert_eq!(h.exchange(3, 2, 0, pte::entry(Mfn(3), RW | bad)), Err(Errno::EINVAL), "{bad:#x}");
    }
    assert_eq!(h.exchange(4, 1, 256, 0), Err(Errno::EINVAL));
    assert_eq!(h.exchange(4, 1, 271, 0), Err(Errno::EINVAL));
    assert_eq!(h.exchange(1, 4, 0, pte::entry(Mfn(5), pte::PRESENT | pte::RW | pte::GLOBAL)), Ok(()));
    assert_eq!(h.ram.load64(Mfn(4).addr()), pte::entry(Mfn(5), RW), "reachable from ring 3, not global");
}

#[test]
fn every_change_of_type_owes_a_flush() {
    let h = host();
    h.tree();
    assert!(h.flushed.borrow().is_empty(), "nothing was ever mapped");
    assert_eq!(h.exchange(1, 4, 0, 0), Ok(()));
    assert_eq!(pin(&h, Mfn(5), ME, 1), Ok(()));
    assert_eq!(h.flushed.take(), [ME], "was writable, becomes a table");
    assert_eq!(unpin(&h, Mfn(5), ME), Ok(()));
    assert_eq!(h.exchange(1, 4, 0, pte::entry(Mfn(5), RW)), Ok(()));
    assert_eq!(h.flushed.take(), [ME], "was a table, becomes writable");
    assert_eq!(h.exchange(1, 4, 0, pte::entry(Mfn(5), RO)), Ok(()));
    assert_eq!(h.exchange(1, 4, 0, pte::entry(Mfn(5), RW)), Ok(()));
    assert!(h.flushed.take().is_empty(), "writable again");
}

#[test]
fn a_wrong_table_leaves_nothing_behind() {
    let h = host();
    h.set(4, 0, 5, RW);
    h.set(4, 1, 6, RO);
    h.set(4, 511, FOREIGN, RO);
    h.set(3, 0, 4, RW);
    assert_eq!(pin(&h, Mfn(3), ME, 2), Err(Errno::EINVAL));
    assert!((3..7).all(|f| h.counts(f) == (1, 0)));
}

#[test]
fn a_granted_page_is_given_back_only_for_its_own_entry() {
    let h = host();
    h.tree();
    let at = |slot: u64| Mfn(4).at(slot * 8);
    let entry = |slot: u64, writable| GrantEntry { at: at(slot), owner: ME, mfn: Mfn(FOREIGN), writable };
    assert_eq!(map_grant(&h, at(1), ME, Mfn(FOREIGN), pte::RW), Ok(()));
    assert_eq!(map_grant(&h, at(2), ME, Mfn(FOREIGN), 0), Ok(()));
    assert_eq!(h.counts(FOREIGN), (1, 0), "the pin is somebody else's business");
    assert_eq!(replace_grant(&h, &entry(2, true), None), Err(Errno::EINVAL), "mapped read-only");
    assert_eq!(replace_grant(&h, &entry(1, false), None), Err(Errno::EINVAL), "mapped writable");
    assert_eq!(replace_grant(&h, &entry(0, true), None), Err(Errno::EINVAL), "not a grant");
    let wrong = GrantEntry { mfn: Mfn(FOREIGN + 1), ..entry(1, true) };
    assert_eq!(replace_grant(&h, &wrong, Some(at(0))), Err(Errno::EINVAL));
    assert_eq!(h.counts(5), (2, 1), "nothing moved");
    assert_eq!(replace_grant(&h, &entry(1, true), Some(at(1))), Err(Errno::EINVAL));
    assert_eq!(replace_grant(&h, &entry(1, true), Some(at(0))), Ok(()));
    assert_eq!((h.ram.load64(at(0)), h.ram.load64(at(1))), (0, pte::entry(Mfn(5), RW)));
    assert_eq!(h.counts(5), (2, 1), "moved with its reference");
    assert_eq!(replace_grant(&h, &entry(2, false), None), Ok(()));
    assert_eq!(replace_grant(&h, &entry(2, false), None), Err(Errno::EINVAL), "once");
    let elsewhere = GrantEntry { at: Mfn(5).addr(), ..entry(0, true) };
    assert_eq!(replace_grant(&h, &elsewhere, None), Err(Errno::EINVAL), "no table");
    assert_eq!(map_grant(&h, Mfn(FOREIGN).addr(), ME, Mfn(FOREIGN), 0), Err(Errno::EINVAL));
}

#[test]
fn a_guests_compare_exchange() {
    let h = host();
    h.tree();
    let c = |new| Change { at: Mfn(4).addr(), level: 1, new, owner: ME, target: ME, keep_ad: false };
    let old = pte::entry(Mfn(5), RW);
    assert_eq!(exchange_if(&h, &c(pte::entry(Mfn(6), RW)), old | pte::DIRTY), Ok(Err(old)));
    assert_eq!(h.counts(6), (1, 0));
    assert_eq!(exchange_if(&h, &c(pte::entry(Mfn(4), RW)), old), Err(Errno::EBUSY));
    assert_eq!(exchange_if(&h, &c(pte::entry(Mfn(6), RO)), old), Ok(Ok(())));
    assert_eq!((h.counts(5), h.counts(6)), ((1, 0), (2, 0)));
}

#[test]
fn accessed_and_dirty_stay_if_wanted() {
    let h = host();
    h.tree();
    h.ram.fetch_or64(Mfn(4).addr(), pte::DIRTY);
    let c = Change {
        at: Mfn(4).addr(),
        level: 1,
        new: pte::entry(Mfn(5), RW),
        owner: ME,
        target: ME,
        keep_ad: true,
    };
    assert_eq!(exchange(&h, &c), Ok(()));
    assert_eq!(h.ram.load64(Mfn(4).addr()), pte::entry(Mfn(5), RW | pte::DIRTY));
    assert_eq!(exchange(&h, &Change { keep_ad: false, ..c }), Ok(()));
    assert_eq!(h.ram.load64(Mfn(4).addr()), pte::entry(Mfn(5), RW));
}

#[test]
fn descriptors() {
    const CODE64: u64 = 0x00af_9a00_0000_ffff;
    assert_eq!(descriptor(CODE64), Ok(CODE64 | (3 << 45)));
    assert_eq!(descriptor(0x0000_8900_0000_0067), Err(Errno::EINVAL), "a TSS");
    assert_eq!(descriptor(0x0000_8c00_0008_0000), Err(Errno::EINVAL), "a call gate");
    assert_eq!(descriptor(0x00af_9e00_0000_ffff), Err(Errno::EINVAL), "conforming code");
    assert_eq!(descriptor(0x1234), Ok(0x1234), "absent");
    let h = host();
    h.ram.store64(Mfn(7).at(8), CODE64);
    assert_eq!(get_typed(&h, Mfn(7), ME, FrameType::SegDesc), Ok(()));
    assert_eq!(h.ram.load64(Mfn(7).at(8)), CODE64 | (3 << 45));
    assert_eq!(get_typed(&h, Mfn(7), ME, FrameType::Writable), Err(Errno::EBUSY));
    put_typed(&h, Mfn(7));
    h.ram.store64(Mfn(7).at(16), 0x0000_8900_0000_0067);
    assert_eq!(get_typed(&h, Mfn(7), ME, FrameType::SegDesc), Err(Errno::EINVAL));
    assert_eq!(h.counts(7), (1, 0));
}

#[test]
fn walks_agree_with_the_processors() {
    let h = host();
    h.tree();
    h.set(4, 1, 6, RO);
    let mut mmu = Mmu::default();
    mmu.load_cr3(Some(Mfn(1)));
    for va in [0u64, 0x1000, 0x2000, 1 << 21, 1 << 30, 1 << 39, 0xffff_ffff_ffff_f000] {
        let seen = mmu.access(&h.ram, 20, va, false).map(Maddr::mfn);
        let walked = leaf(&h.ram, &h.frames, Mfn(1), va).map(|(_, e)| pte::frame(e));
        assert_eq!(walked, seen, "{va:#x}");
    }
    assert_eq!(table_of(&h.ram, &h.frames, Mfn(1), 0x1000, 1), Some(Mfn(4).at(8)));
    assert_eq!(table_of(&h.ram, &h.frames, Mfn(1), 5 << 30, 3), Some(Mfn(2).at(40)));
    let space = GuestSpace::new(&h.ram, Mfn(1));
    assert!(space.write_val(0, &7u64).is_ok() && space.write_val(0x1000, &7u64).is_err());
    assert_eq!(h.ram.load64(Mfn(5).addr()), 7);
}

/// Two level-1 tables below a level-2 table below a level-3 table, which come and go in parts.
#[test]
fn long_work_is_done_in_parts() {
    let h = host();
    h.set(1, 0, 2, RW);
    h.set(2, 0, 3, RW);
    h.set(2, 1, 4, RW);
    h.set(3, 0, 5, RW);
    h.set(4, 0, 6, RO);
    h.busy.set(true);
    let mut parts = 1;
    while pin(&h, Mfn(1), ME, 3) == Err(Errno::ERESTART) {
        parts += 1;
        assert_eq!(get_typed_again(&h, Mfn(1), ME, FrameType::L3), Err(Errno::EINVAL), "not before the end");
    }
    assert_eq!(parts, 4, "one for each entry above level 1, and the end");
    assert!((1..7).all(|f| h.counts(f).0 == 2));
    assert_eq!(unpin(&h, Mfn(1), ME), Ok(()));
    assert!(!h.unfinished.is_empty());
    while let Some(f) = h.unfinished.pop(&h.frames) {
        finish(&h, f);
        assert!(h.unfinished.has_room());
    }
    assert!((1..7).all(|f| h.counts(f) == (1, 0)));
}

/// A guest that does not go on with a pin may use the frame for something else, or give it up.
#[test]
fn half_a_table_is_let_go_when_something_else_is_wanted() {
    let h = host();
    h.set(1, 0, 2, RW);
    h.set(1, 1, 3, RW);
    h.busy.set(true);
    assert_eq!(pin(&h, Mfn(1), ME, 2), Err(Errno::ERESTART));
    assert!(h.info(1).word().partial());
    assert_eq!(h.counts(2), (2, 1));
    assert_eq!(get_typed(&h, Mfn(1), ME, FrameType::Writable), Ok(()));
    assert_eq!((h.counts(1), h.counts(2)), ((2, 1), (1, 0)));
    assert_eq!(h.flushed.take(), [ME]);
    put_typed(&h, Mfn(1));
    assert_eq!(pin(&h, Mfn(1), ME, 2), Err(Errno::ERESTART));
    finish(&h, Mfn(1));
    finish(&h, Mfn(1));
    assert!((1..3).all(|f| h.counts(f) == (1, 0)));
}
