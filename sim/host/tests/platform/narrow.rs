//! Hypercalls of a guest whose kernel is 32-bit code, and what it shares with the hypervisor.

use std::sync::Arc;

use fx_domain::domain::Domain;
use fx_sim_host::Step;
use fx_types::{Errno, GuestRegs, Maddr, PhysMem};
use fx_virt::{Exit, Reason};
use xen_abi::event_channel as e;
use xen_abi::grant_table as g;
use xen_abi::hypercall as nr;
use xen_abi::memory as m;
use xen_abi::vcpu as v;
use xen_abi::version::XENVER_PLATFORM_PARAMETERS;
use xen_abi::xen::DOMID_SELF;
use zerocopy::IntoBytes;

use crate::G;
use crate::guest::{DEVICES, MS, Scene, running};

/// Where its arguments are, on a page after which there is none.
const PAGE: u64 = 0x2000;
/// Where its shared information page is put.
const SHARED: u64 = 8;
const SELF: u32 = DOMID_SELF as u32;

struct Guest {
    s: Scene,
    domain: Arc<Domain>,
    page: Maddr,
}

impl Guest {
    /// With its shared information page in place.
    fn new() -> Self {
        let mut s = Scene::new(1);
        let domain = s.create(G, 1, DEVICES);
        assert_eq!(s.populate(G, PAGE >> 12), Ok(1));
        let page = domain.hvm.as_ref().unwrap().p2m.get(s.hw(), PAGE >> 12).mfn.addr();
        s.start(&domain);
        let mut guest = Self { s, domain, page };
        guest.put(0, &[SELF, m::XENMAPSPACE_SHARED_INFO, 0, SHARED as u32]);
        assert_eq!(guest.call(nr::HYPERVISOR_MEMORY_OP, [m::XENMEM_ADD_TO_PHYSMAP, PAGE as u32, 0]), 0);
        guest
    }

    fn put(&self, at: u64, words: &[u32]) {
        self.s.hw().write(self.page.add(at), words.as_bytes());
    }

    fn get<const N: usize>(&self, at: u64) -> [u32; N] {
        let mut words = [0u32; N];
        self.s.hw().read(self.page.add(at), words.as_mut_bytes());
        words
    }

    fn call(&mut self, number: u32, [a, b, c]: [u32; 3]) -> i32 {
        let regs = GuestRegs { rax: number.into(), rbx: a.into(), rcx: b.into(), rdx: c.into(), ..running() };
        let step: Step = (Exit { reason: Reason::Hypercall, length: 3, interrupted: None }, regs);
        self.s.play([step], MS)[0] as i32
    }

    fn event(&mut self, command: u32, words: &[u32]) -> i32 {
        self.put(0, words);
        self.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, [command, PAGE as u32, 0])
    }

    fn shared(&self, offset: u64) -> u32 {
        self.s.hw().load32(self.domain.shared_info().add(offset))
    }
}

#[test]
fn shared_information() {
    let mut guest = Guest::new();
    assert!(guest.shared(0x904) != 0, "the wall clock");
    // A port above the first word of 32.
    let ports: Vec<u32> = (0..40)
        .map(|_| {
            assert_eq!(guest.event(e::EVTCHNOP_BIND_IPI, &[0, 0]), 0);
            guest.get::<2>(0)[1]
        })
        .collect();
    let (low, high) = (ports[0], *ports.last().unwrap());
    assert!(low < 32 && (32..64).contains(&high));
    // Masked, it is pending only.
    let info = guest.domain.vcpus[0].info();
    let mask = guest.domain.shared_info().add(0x880 + 4);
    guest.s.hw().store32(mask, 1 << (high - 32));
    assert_eq!(guest.event(e::EVTCHNOP_SEND, &[high]), 0);
    assert_eq!((guest.shared(0x804), guest.s.hw().load32(info.add(4))), (1 << (high - 32), 0));
    assert_eq!(guest.event(e::EVTCHNOP_UNMASK, &[high]), 0);
    assert_eq!((guest.shared(0x884), guest.s.hw().load32(info.add(4))), (0, 1 << 1));
    assert_eq!(guest.event(e::EVTCHNOP_SEND, &[low]), 0);
    assert_eq!((guest.shared(0x800), guest.s.hw().load32(info.add(4))), (1 << low, 0b11));
    assert_eq!((guest.s.hw().load8(info), guest.s.hw().load32(info.add(8))), (1, 0));
}

#[test]
fn vcpu_operations() {
    let mut guest = Guest::new();
    // A structure of 12 bytes at the end of memory.
    guest.put(0xff4, &[u32::MAX, 1, 0]);
    let single = [v::VCPUOP_SET_SINGLESHOT_TIMER, 0, PAGE as u32 + 0xff4];
    assert_eq!(guest.call(nr::HYPERVISOR_VCPU_OP, single), 0);
    assert_eq!(guest.call(nr::HYPERVISOR_SET_TIMER_OP, [5, 1, 0]), 0);
    assert_eq!(guest.domain.vcpus[0].timer.load(std::sync::atomic::Ordering::SeqCst), 5 | 1 << 32);
    // A run state of 44 bytes, to the end of memory.
    let area = PAGE as u32 + 0xfd4;
    guest.put(0, &[area, u32::MAX]);
    let register = [v::VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, PAGE as u32];
    assert_eq!(guest.call(nr::HYPERVISOR_VCPU_OP, register), 0);
    guest.s.play([crate::guest::byte(0x61)], MS);
    let got = [v::VCPUOP_GET_RUNSTATE_INFO, 0, PAGE as u32];
    assert_eq!(guest.call(nr::HYPERVISOR_VCPU_OP, got), 0);
    let (asked, kept): ([u32; 11], [u32; 11]) = (guest.get(0), guest.get(0xfd4));
    assert_eq!((asked[0], kept[0]), (0, 0), "it runs");
    let word = |w: &[u32; 11], n: usize| u64::from(w[n]) | u64::from(w[n + 1]) << 32;
    assert_eq!(word(&asked, 1), word(&kept, 1), "since when");
    assert!(word(&kept, 7) >= word(&kept, 3) && word(&kept, 7) > MS, "it has waited longer than run");
}

#[test]
fn grants() {
    let mut guest = Guest::new();
    guest.put(0, &[SELF, 1, 0, PAGE as u32 + 0x100]);
    assert_eq!(guest.call(nr::HYPERVISOR_GRANT_TABLE_OP, [g::GNTTABOP_SETUP_TABLE, PAGE as u32, 1]), 0);
    let ([status], [frame]) = (guest.get(8), guest.get(0x100));
    assert_eq!(status & 0xffff, 0);
    assert_eq!(u64::from(frame), guest.domain.grants.shared_frame(0).unwrap().0);
    guest.put(0, &[SELF, 0, 0, 0]);
    assert_eq!(guest.call(nr::HYPERVISOR_GRANT_TABLE_OP, [g::GNTTABOP_QUERY_SIZE, PAGE as u32, 1]), 0);
    assert_eq!(guest.get::<3>(0)[1..], [1, 4]);
    // More copies than one pass does: from one place of the page to another.
    let (copies, from) = (130u32, 0xff0u32);
    guest.put(from.into(), &[0x1234_5678]);
    for n in 0..copies {
        let gfn = (PAGE >> 12) as u32;
        let end = |offset: u32| [gfn, SELF | offset << 16];
        let [[source, of], [dest, to]] = [end(from), end(0xff4)];
        guest.put(u64::from(n) * 24, &[source, of, dest, to, 4, 0x7777]);
    }
    let number = nr::HYPERVISOR_GRANT_TABLE_OP;
    let left = guest.call(number, [g::GNTTABOP_COPY, PAGE as u32, copies]);
    assert_eq!(left, number as i32, "it is to be made again");
    let is_done = |guest: &Guest, n: u32| guest.get::<6>(u64::from(n) * 24)[5] & 0xffff == 0;
    assert!((0..copies).all(|n| is_done(&guest, n) == (n < 128)));
    assert_eq!(guest.get(0xff4), [0x1234_5678]);
    assert_eq!(guest.call(number, [g::GNTTABOP_COPY, PAGE as u32 + 128 * 24, 2]), 0);
    assert!(is_done(&guest, 129));
    assert_eq!(guest.call(nr::HYPERVISOR_GRANT_TABLE_OP, [g::GNTTABOP_DUMP_TABLE, PAGE as u32, 1]), -38);
}

#[test]
fn others() {
    let mut guest = Guest::new();
    guest.put(0, &[7, 8]);
    assert_eq!(guest.call(nr::HYPERVISOR_XEN_VERSION, [XENVER_PLATFORM_PARAMETERS, PAGE as u32, 0]), 0);
    assert_eq!(guest.get::<2>(0), [0, 8]);
    let no = i32::try_from(Errno::ENOSYS.to_ret()).unwrap();
    assert_eq!(guest.call(nr::HYPERVISOR_PHYSDEV_OP, [0, PAGE as u32, 0]), no);
}
