//! A hostile device model: a domain that is privileged over one other, its target, and reaches for more.

use fx_pagetables::pte;
use fx_sim_host::{World, invariants, on_cpu};
use fx_types::{DomId, Errno, Mfn, PhysMem};
use xen_abi::domctl as d;
use xen_abi::event_channel as e;
use xen_abi::grant_table as g;
use xen_abi::hypercall as nr;
use xen_abi::memory as m;
use xen_abi::sched as s;
use xen_abi::xen as x;

const TARGET: u16 = 1;
const BYSTANDER: u16 = 2;
const MODEL: u16 = 3;
const SELF: u64 = x::DOMID_SELF as u64;
const ORDINARY: u64 = pte::PRESENT | pte::RW | pte::USER;
/// The level-1 table that domains start with, and a page of no use.
const L1: usize = 3;
const PAGE: usize = 30;

/// The device model runs; its target and the bystander stand still.
struct Scene(World);

impl Scene {
    fn new() -> Self {
        let mut w = World::new(1, 1400, 3);
        let domain = |id| w.host.domain(DomId(id)).unwrap();
        let (target, model) = (domain(TARGET), domain(MODEL));
        w.host.set_target(&model, &target).unwrap();
        for id in [TARGET, BYSTANDER] {
            w.host.pause_domain(&domain(id), false);
        }
        w.turn(0);
        let mut s = Self(w);
        s.run(MODEL);
        s
    }

    /// Has somebody run whose vCPUs may.
    fn run(&mut self, id: u16) {
        for _ in 0..100 {
            let c = self.0.current(0);
            if c.as_ref().is_some_and(|c| c.d.id.0 == id) {
                return;
            }
            let block = if c.is_some_and(|c| c.d.id.0 == 0) { s::SCHEDOP_BLOCK } else { s::SCHEDOP_YIELD };
            let _ = self.0.hypercall(0, nr::HYPERVISOR_SCHED_OP, [block.into(), 0, 0, 0, 0], 1);
            self.0.host.hw.advance(1_000_000);
            self.0.turn(0);
        }
        panic!("domain {id} does not run");
    }

    fn frame(&self, id: u16, page: usize) -> Mfn {
        self.0.spaces[&id].frames[page]
    }

    /// A call with arguments in memory; `at` is which argument points to them.
    fn call(&mut self, number: u32, mut args: [u64; 5], at: usize, words: &[u64]) -> i64 {
        let id = self.0.current(0).unwrap().d.id.0;
        let space = self.0.spaces[&id].clone();
        for (i, word) in (0..).zip(words) {
            self.0.host.hw.store64(space.scratch_frames()[0].at(i * 8), *word);
        }
        args[at] = space.scratch().0;
        self.0.hypercall(0, number, args, 1000).unwrap() as i64
    }

    /// The first words of the arguments as the call left them.
    fn word(&self, i: u64) -> u64 {
        let id = self.0.current(0).unwrap().d.id.0;
        self.0.host.hw.load64(self.0.spaces[&id].scratch_frames()[0].at(i * 8))
    }

    /// Writes an entry of somebody's level-1 table for somebody's frame.
    fn update(&mut self, tables: u16, slot: u64, frames: u64, entry: u64) -> i64 {
        let at = self.frame(tables, L1).at(slot * 8).0;
        let whose = if tables == MODEL { 0 } else { u64::from(tables) + 1 };
        self.call(nr::HYPERVISOR_MMU_UPDATE, [0, 1, 0, whose << 16 | frames, 0], 0, &[at, entry])
    }

    fn map(&mut self, slot: u64, whose: u16, page: usize) -> i64 {
        let entry = pte::entry(self.frame(whose, page), ORDINARY);
        self.update(MODEL, slot, whose.into(), entry)
    }

    fn memory(&mut self, command: u32, words: &[u64]) -> i64 {
        self.call(nr::HYPERVISOR_MEMORY_OP, [command.into(), 0, 0, 0, 0], 1, words)
    }

    fn domctl(&mut self, command: u32, id: u16) -> i64 {
        let head = u64::from(command) | u64::from(d::XEN_DOMCTL_INTERFACE_VERSION) << 32;
        self.call(nr::HYPERVISOR_DOMCTL, [0; 5], 0, &[head, id.into(), 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Everything that one domain may do to another, each tried on `id`: its name, and the answer.
    fn attempts(&mut self, id: u16) -> Vec<(&'static str, i64)> {
        let who = u64::from(id);
        let theirs = pte::entry(self.frame(id, PAGE), ORDINARY);
        let own = pte::entry(self.frame(MODEL, PAGE), ORDINARY);
        let scratch = self.0.spaces[&MODEL].scratch().0;
        let mut all = vec![
            ("map", self.map(50, id, PAGE)),
            ("unmap", self.update(MODEL, 50, who, 0)),
            ("write its tables", self.update(id, 50, SELF, own)),
            ("write its tables back", self.update(id, 50, who, 0)),
        ];
        let va = nr::HYPERVISOR_UPDATE_VA_MAPPING_OTHERDOMAIN;
        all.push(("map by address", self.call(va, [51 << 12, theirs, 0, who, 0], 4, &[])));
        all.push(("unmap by address", self.call(va, [51 << 12, 0, 0, who, 0], 4, &[])));
        let table = self.frame(id, L1).0;
        let pin = [x::MMUEXT_PIN_L1_TABLE.into(), table, 0];
        all.push(("pin", self.call(nr::HYPERVISOR_MMUEXT_OP, [0, 1, 0, who, 0], 0, &pin)));
        let unpin = [x::MMUEXT_UNPIN_TABLE.into(), table, 0];
        all.push(("unpin", self.call(nr::HYPERVISOR_MMUEXT_OP, [0, 1, 0, who, 0], 0, &unpin)));
        let frame = self.frame(id, PAGE + 1).0;
        let list = scratch + 64;
        let extents = |order: u64| [list, 1, order, who, 0, 0, 0, 0, frame];
        all.push(("take a frame", self.memory(m::XENMEM_DECREASE_RESERVATION, &extents(0))));
        all.push(("give a frame", self.memory(m::XENMEM_INCREASE_RESERVATION, &extents(0))));
        let resource = [who | 1 << 16, 1, 0, list];
        all.push(("a grant frame", self.memory(m::XENMEM_ACQUIRE_RESOURCE, &resource)));
        all.push(("grant version", self.grant_version(who)));
        all.push(("allocate a port", self.event(e::EVTCHNOP_ALLOC_UNBOUND, who | SELF << 16)));
        all.push(("status of a port", self.event(e::EVTCHNOP_STATUS, who | 1 << 32)));
        all.push(("reset ports", self.event(e::EVTCHNOP_RESET, who)));
        let shutdown = [who | u64::from(s::SHUTDOWN_SUSPEND) << 32];
        let command = s::SCHEDOP_REMOTE_SHUTDOWN.into();
        all.push(("shut down", self.call(nr::HYPERVISOR_SCHED_OP, [command, 0, 0, 0, 0], 1, &shutdown)));
        all
    }

    fn grant_version(&mut self, who: u64) -> i64 {
        let command = g::GNTTABOP_GET_VERSION.into();
        self.call(nr::HYPERVISOR_GRANT_TABLE_OP, [command, 0, 1, 0, 0], 1, &[who])
    }

    fn event(&mut self, command: u32, word: u64) -> i64 {
        self.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, [command.into(), 0, 0, 0, 0], 1, &[word, 0, 0])
    }
}

const EPERM: i64 = Errno::EPERM.to_ret();

#[test]
fn it_reaches_its_target() {
    let mut s = Scene::new();
    for (what, answer) in s.attempts(TARGET) {
        assert!(answer >= 0, "{what}: {answer}");
        invariants::check(&s.0);
    }
    invariants::check_all(&s.0);
}

#[test]
fn it_does_not_reach_beyond() {
    for id in [0, BYSTANDER] {
        let mut s = Scene::new();
        for (what, answer) in s.attempts(id) {
            assert_eq!(answer, EPERM, "{what} of domain {id}");
        }
        let setup = [u64::from(id) | 1 << 32, 0, s.0.spaces[&MODEL].scratch().0 + 64];
        let args = [g::GNTTABOP_SETUP_TABLE.into(), 0, 1, 0, 0];
        assert_eq!(s.call(nr::HYPERVISOR_GRANT_TABLE_OP, args, 1, &setup), 0);
        assert_eq!(s.word(1) as i16, g::GNTST_PERMISSION_DENIED);
        let dm = [id.into(), 1, 0, 0, 0];
        assert_eq!(s.call(nr::HYPERVISOR_DM_OP, dm, 2, &[0, 0]), EPERM);
        invariants::check_all(&s.0);
    }
}

/// What the toolstack does to domains and machine is not for it, not even where its target is concerned.
#[test]
fn it_is_no_toolstack() {
    let mut s = Scene::new();
    for command in 1..=d::XEN_DOMCTL_GET_PAGING_MEMPOOL_SIZE {
        for id in [0, TARGET, BYSTANDER, MODEL] {
            let answer = s.domctl(command, id);
            let connects = [d::XEN_DOMCTL_IOPORT_MAPPING, d::XEN_DOMCTL_MEMORY_MAPPING]
                .into_iter()
                .chain([d::XEN_DOMCTL_BIND_PT_IRQ, d::XEN_DOMCTL_UNBIND_PT_IRQ])
                .any(|c| c == command);
            assert!(answer < 0, "{command} of domain {id}: {answer}");
            if !(connects && id == TARGET) {
                assert_eq!(answer, EPERM, "{command} of domain {id}");
            }
        }
    }
    let sysctl = (nr::HYPERVISOR_SYSCTL, xen_abi::sysctl::XEN_SYSCTL_INTERFACE_VERSION);
    let platform = (nr::HYPERVISOR_PLATFORM_OP, xen_abi::platform::XENPF_INTERFACE_VERSION);
    for command in 1..64 {
        for (number, version) in [sysctl, platform] {
            let head = command | u64::from(version) << 32;
            assert_eq!(s.call(number, [0; 5], 0, &[head; 16]), EPERM, "{command} of {number}");
        }
    }
    invariants::check_all(&s.0);
}

/// Domains' numbers are used again. Who was privileged over the one that had it is not over the one that has it.
#[test]
fn a_later_domain_of_the_same_number_is_not_its_target() {
    let mut s = Scene::new();
    s.0.destroy(DomId(TARGET));
    assert_eq!(s.0.host.domain(DomId(TARGET)).err(), Some(Errno::ESRCH));
    s.0.create(DomId(TARGET), 2).unwrap();
    s.run(MODEL);
    assert_eq!(s.map(50, TARGET, PAGE), EPERM);
    let free = u32::MAX;
    let model = s.0.host.domain(DomId(MODEL)).unwrap();
    assert_eq!(model.target.load(std::sync::atomic::Ordering::SeqCst), free, "it may get another");
    invariants::check_all(&s.0);
}

/// A domain that was to be its own device model may still get one.
#[test]
fn nobody_is_a_model_of_itself() {
    let s = Scene::new();
    let bystander = s.0.host.domain(DomId(BYSTANDER)).unwrap();
    let target = s.0.host.domain(DomId(TARGET)).unwrap();
    assert_eq!(s.0.host.set_target(&bystander, &bystander), Err(Errno::EINVAL));
    assert_eq!(s.0.host.set_target(&bystander, &target), Ok(()));
    assert_eq!(s.0.host.set_target(&bystander, &target), Err(Errno::EINVAL), "once");
}

/// A frame of the target's that the model could write until just now becomes a page table: the model's stale translation of it
/// must be gone then.
#[test]
fn it_cannot_write_what_became_a_table() {
    let mut s = Scene::new();
    let frame = s.frame(TARGET, PAGE);
    assert_eq!(s.map(50, TARGET, PAGE), 0);
    let write = |s: &Scene| {
        let hw = &s.0.host.hw;
        hw.mmu(0).access(hw.ram(), hw.ram().frames(), 50 << 12, true).map(fx_types::Maddr::mfn)
    };
    assert_eq!(write(&s), Some(frame));
    assert_eq!(s.update(MODEL, 50, TARGET.into(), 0), 0);
    assert_eq!(write(&s), Some(frame), "nobody has asked for a flush yet");
    // The target gives up its own mapping, and pins the frame: as its vCPU on another CPU would.
    let host = s.0.host.clone();
    let change = fx_pagetables::Change {
        at: s.frame(TARGET, L1).at(PAGE as u64 * 8),
        level: 1,
        new: 0,
        owner: DomId(TARGET),
        target: DomId(TARGET),
        keep_ad: false,
    };
    on_cpu(0, || fx_pagetables::exchange(&*host, &change)).unwrap();
    host.hw.zero_frame(frame);
    on_cpu(0, || fx_pagetables::pin(&*host, frame, DomId(TARGET), 1)).unwrap();
    assert_eq!(write(&s), None);
    invariants::check(&s.0);
}

/// The grant table of a domain that ends does not grow any more: nobody would give the frames back.
#[test]
fn a_dying_domain_gets_no_frames() {
    let mut s = Scene::new();
    assert_eq!(s.map(50, TARGET, PAGE), 0);
    s.0.destroy(DomId(TARGET));
    assert!(s.0.host.domain(DomId(TARGET)).is_ok(), "the model still has a frame of it");
    s.run(MODEL);
    let list = s.0.spaces[&MODEL].scratch().0 + 64;
    let resource = [u64::from(TARGET) | 1 << 16, 1, 2, list];
    assert_eq!(s.memory(m::XENMEM_ACQUIRE_RESOURCE, &resource), Errno::ENOMEM.to_ret());
    assert_eq!(s.update(MODEL, 50, TARGET.into(), 0), 0);
    assert_eq!(s.0.host.domain(DomId(TARGET)).err(), Some(Errno::ESRCH));
    invariants::check_all(&s.0);
}
