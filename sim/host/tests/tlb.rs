//! What processors remember of page tables, and when they must not any more: one test, or one line of a table, for each flush.
//!
//! The fake processors keep a translation, under the identifier that it came under, until they are told to drop it. So the tests
//! look at a page in both modes of a vCPU first, which puts it into the TLB twice, and once more when something has changed.

use fx_pagetables::pte;
use fx_sim_host::{World, invariants, on_cpu};
use fx_types::{Clock, DomId, Mfn, PhysMem};
use xen_abi::grant_table::{
    GNTMAP_HOST_MAP, GNTTABOP_MAP_GRANT_REF, GNTTABOP_SETUP_TABLE, GNTTABOP_UNMAP_GRANT_REF,
    GTF_PERMIT_ACCESS,
};
use xen_abi::hypercall as nr;
use xen_abi::xen as x;

const PAGE: u64 = 4096;
/// Pages for arguments of calls, and for a bitmap of vCPUs.
const ARGUMENTS: usize = 8;
const BITMAP: usize = 9;
/// The tables of levels 2 and 1 that the guest starts with.
const L2: usize = 2;
const L1: usize = 3;
/// The page that is looked at, and a frame that it may get instead.
const SUBJECT: usize = 30;
const OTHER: usize = 31;
const READ_ONLY: u64 = pte::PRESENT | pte::USER;
const ORDINARY: u64 = READ_ONLY | pte::RW;
/// `UVMF_*`.
const NO_FLUSH: u64 = 0;
const FLUSH: u64 = 1;
const FLUSH_PAGE: u64 = 2;
const ALL: u64 = 4;

/// The control domain with a vCPU on each processor; with guests, these have the processors.
struct Scene {
    w: World,
    /// Who runs.
    who: u16,
}

impl Scene {
    fn new(cpus: usize) -> Self {
        let w = World::new(cpus, 1200, 0);
        w.host.hw.start_pcids();
        let mut s = Self { w, who: 0 };
        (0..cpus).for_each(|cpu| s.w.turn(cpu));
        s
    }

    fn frame(&self, page: usize) -> Mfn {
        self.w.spaces[&self.who].frames[page]
    }

    fn store(&self, page: usize, words: &[u64]) {
        for (n, word) in (0..).zip(words) {
            self.w.host.hw.store64(self.frame(page).at(n * 8), *word);
        }
    }

    fn call(&mut self, cpu: usize, number: u32, args: [u64; 5]) {
        assert_eq!(self.w.hypercall(cpu, number, args, 1000), Ok(0), "call {number} {args:x?}");
    }

    /// Maps a frame, or nothing, at a page.
    fn map(&mut self, page: usize, to: usize, rights: u64, flags: u64) {
        let entry = if rights == 0 { 0 } else { pte::entry(self.frame(to), rights) };
        self.call(0, nr::HYPERVISOR_UPDATE_VA_MAPPING, [page as u64 * PAGE, entry, flags, 0, 0]);
    }

    /// Writes an entry of a table.
    fn set_entry(&mut self, table: usize, slot: u64, entry: u64) {
        self.store(ARGUMENTS, &[self.frame(table).at(slot * 8).0, entry]);
        self.call(0, nr::HYPERVISOR_MMU_UPDATE, [ARGUMENTS as u64 * PAGE, 1, 0, x::DOMID_SELF.into(), 0]);
    }

    fn mmuext(&mut self, command: u32, arg1: u64, arg2: u64) {
        self.store(ARGUMENTS, &[command.into(), arg1, arg2]);
        self.call(0, nr::HYPERVISOR_MMUEXT_OP, [ARGUMENTS as u64 * PAGE, 1, 0, x::DOMID_SELF.into(), 0]);
    }

    fn grant_op(&mut self, command: u32, words: &[u64]) {
        self.store(ARGUMENTS, words);
        self.call(0, nr::HYPERVISOR_GRANT_TABLE_OP, [command.into(), ARGUMENTS as u64 * PAGE, 1, 0, 0]);
    }

    fn toggle(&self, cpu: usize) {
        let c = self.w.current(cpu).unwrap();
        assert!(on_cpu(cpu, || self.w.host.toggle_mode(&c)));
    }

    /// What an address is for a processor in its present mode.
    fn at(&self, cpu: usize, va: u64, write: bool) -> Option<Mfn> {
        let hw = &self.w.host.hw;
        hw.mmu(cpu).access(hw.ram(), hw.ram().frames(), va, write).map(fx_types::Maddr::mfn)
    }

    /// What an address is for a processor, in its other mode and in its present one.
    fn both(&self, cpu: usize, va: u64, write: bool) -> [Option<Mfn>; 2] {
        self.toggle(cpu);
        let other = self.at(cpu, va, write);
        self.toggle(cpu);
        [other, self.at(cpu, va, write)]
    }

    /// [`both`](Self::both) of the subject, for writing.
    fn look(&self, cpu: usize) -> [Option<Mfn>; 2] {
        self.both(cpu, SUBJECT as u64 * PAGE, true)
    }

    fn sees(&self, cpu: usize, page: usize) -> bool {
        self.look(cpu) == [Some(self.frame(page)); 2]
    }

    fn check(&self) {
        invariants::check(&self.w);
    }

    /// Whoever runs on a processor sleeps (the control domain less than a guest), and somebody else is next, if there is one.
    fn sleep(&mut self, cpu: usize) {
        let until = self.w.host.hw.now() + if self.who == 0 { 10_000_000 } else { 1_000_000_000 };
        self.store(ARGUMENTS, &[0, 0, until]);
        let args = [u64::from(xen_abi::sched::SCHEDOP_POLL), ARGUMENTS as u64 * PAGE, 0, 0, 0];
        let _ = self.w.hypercall(cpu, nr::HYPERVISOR_SCHED_OP, args, 1);
        self.who = self.w.current(cpu).unwrap().d.id.0;
    }

    /// As [`new`](Self::new), but a guest's vCPU has the one processor.
    fn with_guest() -> Self {
        let mut s = Self::new(1);
        s.w.create(DomId(1), 1).unwrap();
        s.sleep(0);
        assert_eq!(s.who, 1);
        s
    }
}

#[test]
fn translations_of_both_modes_stay() {
    let mut s = Scene::new(1);
    assert!(s.sees(0, SUBJECT));
    s.map(SUBJECT, OTHER, ORDINARY, NO_FLUSH);
    assert!(s.sees(0, SUBJECT), "no call flushed them, nor did the changes of mode");
    s.check();
}

#[test]
fn without_identifiers_a_change_of_mode_drops_them() {
    let mut s = Scene { w: World::new(1, 1024, 0), who: 0 };
    s.w.turn(0);
    assert!(s.sees(0, SUBJECT));
    s.map(SUBJECT, OTHER, ORDINARY, NO_FLUSH);
    assert!(s.sees(0, OTHER));
}

/// What a guest asks for after a change.
type Ask = fn(&mut Scene);

fn again(s: &mut Scene, flags: u64) {
    s.map(SUBJECT, OTHER, ORDINARY, flags);
}

const VA: u64 = SUBJECT as u64 * PAGE;
const VCPUS: u64 = BITMAP as u64 * PAGE;
const HERE: u64 = 1;
const THERE: u64 = 2;
/// Each way to ask for a flush, and the processors that it reaches, as a bitmap.
const FLUSHES: [(&str, u64, Ask); 13] = [
    ("update_va_mapping, all here", HERE, |s| again(s, FLUSH)),
    ("update_va_mapping, the page here", HERE, |s| again(s, FLUSH_PAGE)),
    ("update_va_mapping, all everywhere", HERE | THERE, |s| again(s, FLUSH | ALL)),
    ("update_va_mapping, the page everywhere", HERE | THERE, |s| again(s, FLUSH_PAGE | ALL)),
    ("update_va_mapping, all there", THERE, |s| again(s, FLUSH | VCPUS)),
    ("update_va_mapping, the page there", THERE, |s| again(s, FLUSH_PAGE | VCPUS)),
    ("MMUEXT_TLB_FLUSH_LOCAL", HERE, |s| s.mmuext(x::MMUEXT_TLB_FLUSH_LOCAL, 0, 0)),
    ("MMUEXT_INVLPG_LOCAL", HERE, |s| s.mmuext(x::MMUEXT_INVLPG_LOCAL, VA, 0)),
    ("MMUEXT_TLB_FLUSH_ALL", HERE | THERE, |s| s.mmuext(x::MMUEXT_TLB_FLUSH_ALL, 0, 0)),
    ("MMUEXT_INVLPG_ALL", HERE | THERE, |s| s.mmuext(x::MMUEXT_INVLPG_ALL, VA, 0)),
    ("MMUEXT_TLB_FLUSH_MULTI", THERE, |s| s.mmuext(x::MMUEXT_TLB_FLUSH_MULTI, 0, VCPUS)),
    ("MMUEXT_INVLPG_MULTI", THERE, |s| s.mmuext(x::MMUEXT_INVLPG_MULTI, VA, VCPUS)),
    ("MMUEXT_NEW_BASEPTR, the same", HERE, |s| s.mmuext(x::MMUEXT_NEW_BASEPTR, s.frame(0).0, 0)),
];

#[test]
fn what_a_guest_asks_to_forget_is_forgotten_in_both_modes() {
    for (name, reach, ask) in FLUSHES {
        for user_mode_there in [false, true] {
            let mut s = Scene::new(2);
            s.store(BITMAP, &[THERE]);
            if user_mode_there {
                s.toggle(1);
            }
            assert!(s.sees(0, SUBJECT) && s.sees(1, SUBJECT));
            s.map(SUBJECT, OTHER, ORDINARY, NO_FLUSH);
            assert!(s.sees(0, SUBJECT) && s.sees(1, SUBJECT), "they are cached");
            ask(&mut s);
            for cpu in (0..2).filter(|cpu| reach & 1 << cpu != 0) {
                assert!(s.sees(cpu, OTHER), "{name}: CPU {cpu} sees {:x?}", s.look(cpu));
            }
            s.check();
        }
    }
}

/// Makes an empty level-4 table, whose change of type has been flushed.
fn empty_l4(s: &mut Scene) -> Mfn {
    s.map(OTHER, OTHER, READ_ONLY, FLUSH);
    let l4 = s.frame(OTHER);
    s.mmuext(x::MMUEXT_PIN_L4_TABLE, l4.0, 0);
    l4
}

#[test]
fn a_new_space_for_user_mode_is_there_at_once() {
    let mut s = Scene::new(1);
    let l4 = empty_l4(&mut s);
    assert!(s.sees(0, SUBJECT));
    s.mmuext(x::MMUEXT_NEW_USER_BASEPTR, l4.0, 0);
    s.check();
    assert_eq!(s.look(0), [None, Some(s.frame(SUBJECT))]);
}

#[test]
fn a_new_space_for_the_kernel_is_there_at_once() {
    let mut s = Scene::new(1);
    let l4 = empty_l4(&mut s);
    assert!(s.sees(0, SUBJECT));
    s.mmuext(x::MMUEXT_NEW_BASEPTR, l4.0, 0);
    s.check();
    assert_eq!(s.look(0), [Some(s.frame(SUBJECT)), None]);
}

#[test]
fn another_vcpu_sees_nothing_of_the_last_one() {
    let mut s = Scene::new(1);
    s.w.create(DomId(1), 1).unwrap();
    assert!(s.sees(0, SUBJECT));
    s.sleep(0);
    assert_eq!(s.who, 1);
    s.check();
    assert!(s.sees(0, SUBJECT), "its own");
    s.sleep(0);
    assert_eq!(s.who, 0);
    s.check();
    assert!(s.sees(0, SUBJECT));
}

/// The fake machine looks at its processor whenever it idles.
#[test]
fn an_idle_cpu_has_let_go_of_its_guest() {
    let mut s = Scene::new(1);
    assert!(s.sees(0, SUBJECT));
    s.sleep(0);
    assert_eq!(s.who, 0);
    s.check();
}

#[test]
fn a_page_that_becomes_a_table_can_be_written_by_no_mode() {
    for cpus in [1, 2] {
        let mut s = Scene::new(cpus);
        assert!((0..cpus).all(|cpu| s.sees(cpu, SUBJECT)));
        s.map(SUBJECT, SUBJECT, READ_ONLY, NO_FLUSH);
        assert!((0..cpus).all(|cpu| s.sees(cpu, SUBJECT)), "they are cached");
        s.mmuext(x::MMUEXT_PIN_L1_TABLE, s.frame(SUBJECT).0, 0);
        s.check();
        assert!((0..cpus).all(|cpu| s.look(cpu) == [None; 2]));
    }
}

#[test]
fn a_table_that_becomes_a_page_is_walked_in_no_mode() {
    const SECOND: u64 = 512 * PAGE;
    for cpus in [1, 2] {
        let mut s = Scene::new(cpus);
        // The subject is a table that maps itself at the second 2 MiB.
        s.map(SUBJECT, SUBJECT, READ_ONLY, FLUSH);
        s.store(SUBJECT, &[pte::entry(s.frame(SUBJECT), READ_ONLY)]);
        s.set_entry(L2, 1, pte::entry(s.frame(SUBJECT), ORDINARY));
        let known = [Some(s.frame(SUBJECT)); 2];
        assert!((0..cpus).all(|cpu| s.both(cpu, SECOND, false) == known));
        s.set_entry(L2, 1, 0);
        assert!((0..cpus).all(|cpu| s.both(cpu, SECOND, false) == known), "they are cached");
        s.map(SUBJECT, SUBJECT, ORDINARY, NO_FLUSH);
        s.check();
        assert!((0..cpus).all(|cpu| s.both(cpu, SECOND, false) == [None; 2]));
    }
}

#[test]
fn memory_that_was_given_back_is_seen_in_no_mode_when_somebody_else_has_it() {
    let mut s = Scene::with_guest();
    let given = s.frame(SUBJECT);
    assert!(s.sees(0, SUBJECT));
    s.map(SUBJECT, SUBJECT, 0, NO_FLUSH);
    // `xen_memory_reservation`: where the list is, how many, order, domain.
    let list = ARGUMENTS as u64 * PAGE + 64;
    s.store(ARGUMENTS, &[list, 1, 0, x::DOMID_SELF.into(), 0, 0, 0, 0, given.0]);
    let decrease = u64::from(xen_abi::memory::XENMEM_DECREASE_RESERVATION);
    let args = [decrease, ARGUMENTS as u64 * PAGE, 0, 0, 0];
    assert_eq!(s.w.hypercall(0, nr::HYPERVISOR_MEMORY_OP, args, 1000), Ok(1));
    assert!(s.sees(0, SUBJECT), "they are cached");
    let mut taken = Vec::new();
    while taken.last() != Some(&given) {
        taken.push(on_cpu(0, || s.w.host.alloc_own(0)).unwrap());
    }
    assert_eq!(s.look(0), [None; 2]);
    s.check();
}

#[test]
fn a_page_that_was_lent_is_seen_in_no_mode_when_it_was_given_back() {
    let mut s = Scene::new(1);
    s.w.create(DomId(1), 1).unwrap();
    // The control domain's table: its frame is written to the page of the bitmap. Its entry 8 lets domain 1 have a frame.
    let list = BITMAP as u64 * PAGE;
    s.grant_op(GNTTABOP_SETUP_TABLE, &[u64::from(x::DOMID_SELF) | 1 << 32, 0, list]);
    let table = Mfn(s.w.host.hw.load64(s.frame(BITMAP).addr()));
    let lent = s.frame(OTHER);
    s.w.host.hw.store64(table.at(8 * 8), u64::from(GTF_PERMIT_ACCESS) | 1 << 16 | lent.0 << 32);
    s.sleep(0);
    s.map(SUBJECT, SUBJECT, 0, FLUSH);
    let flags = u64::from(GNTMAP_HOST_MAP) | 8 << 32;
    s.grant_op(GNTTABOP_MAP_GRANT_REF, &[VA, flags, 0]);
    // The granter's number, the status, the handle.
    let answer = s.w.host.hw.load64(s.frame(ARGUMENTS).at(16));
    let handle = answer >> 32;
    assert_eq!(answer & 0xffff_ffff, 0);
    assert_eq!(s.look(0), [Some(lent); 2]);
    s.check();
    s.grant_op(GNTTABOP_UNMAP_GRANT_REF, &[VA, 0, handle]);
    s.check();
    assert_eq!(s.look(0), [None; 2]);
}

#[test]
fn a_write_that_only_a_stale_table_forbade_is_tried_again() {
    const SECOND: u64 = 512 * PAGE + SUBJECT as u64 * PAGE;
    let mut s = Scene::new(1);
    let l1 = s.frame(L1);
    s.set_entry(L2, 1, pte::entry(l1, READ_ONLY));
    assert_eq!(s.at(0, SECOND, false), Some(s.frame(SUBJECT)));
    s.set_entry(L2, 1, pte::entry(l1, ORDINARY));
    assert_eq!(s.at(0, SECOND, true), None, "the table was cached with what it may");
    s.w.host.hw.set_fault(0, SECOND);
    let r = s.w.regs(0);
    (r.entry_vector, r.error_code) = (14, 7);
    s.w.entry(0);
    assert_eq!(s.at(0, SECOND, true), Some(s.frame(SUBJECT)));
}
