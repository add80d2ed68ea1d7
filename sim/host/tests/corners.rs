//! Corners of single calls, on the whole core.

use std::sync::atomic::Ordering::SeqCst;

use fx_domain::host::NMI;
use fx_domain::lifecycle::Create;
use fx_sim_host::{World, invariants, on_cpu};
use fx_types::{DomId, Errno, PhysMem};
use xen_abi::arch_x86::VcpuGuestContext;
use xen_abi::event_channel::{EVTCHNOP_BIND_PIRQ, EVTCHNOP_CLOSE};
use xen_abi::hypercall as nr;
use xen_abi::physdev as p;
use zerocopy::FromZeros;

/// The control domain on one processor, which makes calls.
struct Scene(World);

impl Scene {
    fn new(guests: u16) -> Self {
        let mut w = World::new(1, 1200, guests);
        w.turn(0);
        Self(w)
    }

    fn map_gsi(&mut self, gsi: i32, pirq: i32) -> i64 {
        let mut a = p::PhysdevMapPirq {
            domid: xen_abi::xen::DOMID_SELF,
            r#type: p::MAP_PIRQ_TYPE_GSI,
            index: gsi,
            pirq,
            ..FromZeros::new_zeroed()
        };
        let answer = self.0.call(nr::HYPERVISOR_PHYSDEV_OP, p::PHYSDEVOP_MAP_PIRQ.into(), &mut a, 0);
        if answer == 0 { i64::from(a.pirq) } else { answer }
    }

    /// The port, or the error.
    fn bind(&mut self, pirq: u32) -> i64 {
        let mut a = [pirq, 0, 0];
        let answer = self.0.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_BIND_PIRQ.into(), &mut a, 0);
        if answer == 0 { i64::from(a[2]) } else { answer }
    }

    fn free_pirq(&mut self) -> u32 {
        let mut a = p::PhysdevGetFreePirq { r#type: p::MAP_PIRQ_TYPE_GSI, ..FromZeros::new_zeroed() };
        assert_eq!(self.0.call(nr::HYPERVISOR_PHYSDEV_OP, p::PHYSDEVOP_GET_FREE_PIRQ.into(), &mut a, 0), 0);
        a.pirq
    }

    fn is_pending(&self, port: i64) -> bool {
        let shared = self.0.host.domain(DomId(0)).unwrap().shared_info();
        let pending = std::mem::offset_of!(xen_abi::xen::SharedInfo, evtchn_pending) as u64;
        self.0.host.hw.load64(shared.add(pending)) & (1 << port) != 0
    }
}

fn refused(e: Errno) -> i64 {
    e.to_ret()
}

#[test]
fn who_cannot_have_an_interrupt_does_not_take_it_from_who_has() {
    let mut s = Scene::new(0);
    let (first, second) = (s.map_gsi(5, 5), s.map_gsi(5, 300));
    assert_eq!((first, second), (5, 300));
    let port = s.bind(5);
    assert!(port > 0, "{port}");
    assert_eq!(s.bind(300), refused(Errno::EBUSY));
    assert!(on_cpu(0, || s.0.host.irq_raised(5)));
    assert!(s.is_pending(port));
    // When the first one lets go, the second one gets it.
    let close = s.0.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_CLOSE.into(), &mut (port as u32), 0);
    assert_eq!(close, 0);
    let port = s.bind(300);
    assert!(port > 0, "{port}");
    assert!(on_cpu(0, || s.0.host.irq_raised(5)));
}

#[test]
fn an_interrupt_that_cannot_be_let_in_is_not_bound() {
    let mut s = Scene::new(0);
    // The fake machine has 24 of them.
    assert_eq!(s.map_gsi(30, 30), 30);
    assert_eq!(s.bind(30), refused(Errno::EINVAL));
    assert!(!on_cpu(0, || s.0.host.irq_raised(30)));
    assert_eq!(s.bind(30), refused(Errno::EINVAL), "not EEXIST or EBUSY");
}

#[test]
fn a_number_that_was_kept_is_nobody_elses() {
    let mut s = Scene::new(0);
    let [a, b] = [s.free_pirq(), s.free_pirq()];
    assert_ne!(a, b);
    assert_eq!(s.bind(a), refused(Errno::EINVAL), "it stands for nothing yet");
    assert_eq!(s.map_gsi(7, a as i32), i64::from(a));
    assert!(s.bind(a) > 0);
    assert_eq!(s.map_gsi(8, a as i32), refused(Errno::EEXIST));
}

#[test]
fn debug_registers_come_with_the_context() {
    let s = Scene::new(1);
    let d = s.0.host.domain(DomId(1)).unwrap();
    let v = d.vcpus[1].clone();
    s.0.host.pause_domain(&d, false);
    let mut k = VcpuGuestContext::new_zeroed();
    s.0.host.get_context(&d, &v, &mut k);
    let (good, bad) = (0x40_1234, fx_types::HYP_VIRT_START + 8);
    k.debugreg = [good, bad, 0, 0, 0, 0, 0xffff_0ff1, 0x40f];
    s.0.host.set_context(&d, &v, &k).unwrap();
    let mut got = VcpuGuestContext::new_zeroed();
    s.0.host.get_context(&d, &v, &mut got);
    assert_eq!(got.debugreg, [good, 0, 0, 0, 0, 0, 0xffff_0ff1, 0x40f], "no breakpoint in the hypervisor");
    // An I/O breakpoint, and bits that the processor would refuse.
    for dr7 in [0x2_0401, 1 << 40 | 0x401] {
        k.debugreg[7] = dr7;
        s.0.host.set_context(&d, &v, &k).unwrap();
        s.0.host.get_context(&d, &v, &mut got);
        assert_eq!(got.debugreg[7], 0x400, "{dr7:#x}");
    }
    invariants::check(&s.0);
}

#[test]
fn the_machines_nmi_wakes_the_hardware_domain() {
    const HANDLER: u64 = 0x1_0800;
    let mut s = Scene::new(0);
    let d = s.0.host.domain(DomId(0)).unwrap();
    d.vcpus[0].pv.nmi_callback.set(HANDLER);
    let block = [u64::from(xen_abi::sched::SCHEDOP_BLOCK), 0, 0, 0, 0];
    let v = s.0.current(0).unwrap().v;
    s.0.host.hw.store8(v.info(), 0);
    // It sleeps: then this CPU has nothing to do until the interrupt.
    s.0.host.cpus[0].pending.fetch_or(NMI, SeqCst);
    let _ = s.0.hypercall(0, nr::HYPERVISOR_SCHED_OP, block, 1);
    assert_eq!(s.0.regs(0).rip, HANDLER);
    let reason = std::mem::offset_of!(xen_abi::xen::SharedInfo, arch)
        + std::mem::offset_of!(xen_abi::arch_x86::ArchSharedInfo, nmi_reason);
    // The fake machine's ports read as ones.
    assert_eq!(s.0.host.hw.load64(d.shared_info().add(reason as u64)), xen_abi::nmi::XEN_NMIREASON_PCI_SERR);
}

#[test]
fn without_a_handler_an_nmi_hurts_nobody() {
    let mut s = Scene::new(0);
    let before = s.0.regs(0).rip;
    s.0.host.cpus[0].pending.fetch_or(NMI, SeqCst);
    s.0.turn(0);
    assert_eq!(s.0.regs(0).rip, before);
    let d = s.0.host.domain(DomId(0)).unwrap();
    assert_eq!(d.shutdown_code.load(SeqCst), fx_domain::domain::RUNNING);
}

#[test]
fn a_guest_cannot_flood_the_log() {
    let mut s = Scene::new(1);
    let host = s.0.host.clone();
    let log = fx_domain::hw::Hw::log(&host.hw);
    log.guest_levels.set(0, 4);
    // The control domain sleeps, so a vCPU of the guest's runs.
    let block = [u64::from(xen_abi::sched::SCHEDOP_BLOCK), 0, 0, 0, 0];
    assert_eq!(s.0.hypercall(0, nr::HYPERVISOR_SCHED_OP, block, 1), Err(Errno::EINTR));
    assert_eq!(s.0.current(0).unwrap().d.id, DomId(1));
    let space = s.0.spaces[&1].clone();
    let text: Vec<u8> = b"flood\n".repeat(100);
    host.hw.write(space.scratch_frames()[0].addr(), &text);
    let write = [u64::from(xen_abi::console::CONSOLEIO_WRITE), text.len() as u64, space.scratch().0, 0, 0];
    assert_eq!(s.0.hypercall(0, nr::HYPERVISOR_CONSOLE_IO, write, 100), Ok(0));
    let mut seen = vec![0; 1 << 14];
    let count = log.read(false, false, 0, &mut seen).count;
    let seen = String::from_utf8_lossy(&seen[..count]).into_owned();
    assert_eq!(seen.matches("(d1) flood\n").count(), 10, "{seen}");
}

/// With ever more frames it comes further, until it is made.
#[test]
fn a_domain_that_cannot_be_made_leaves_nothing() {
    let s = Scene::new(0);
    let host = &s.0.host;
    let domain = Create {
        id: DomId(5),
        privileged: false,
        hardware: false,
        flags: 0,
        container: None,
        pool: 0,
        handle: [0; 16],
        ssidref: 0,
        max_vcpus: 40,
        max_evtchn_port: u32::MAX,
        max_grant_frames: 4,
        max_maptrack_frames: 4,
        max_grant_version: 2,
    };
    for left in 0..200 {
        let mut rest: Vec<_> = std::iter::from_fn(|| host.alloc_own(0).ok()).collect();
        rest.drain(..left).for_each(|mfn| host.free_own(mfn, 0));
        let made = on_cpu(0, || host.create_domain(&domain));
        let free = host.free.lock().free_frames();
        rest.into_iter().for_each(|mfn| host.free_own(mfn, 0));
        if let Ok(d) = made {
            while on_cpu(0, || host.destroy_domain(&d)).is_err() {}
            assert!(left > 40, "{left}");
            return invariants::check_all(&s.0);
        }
        assert_eq!((made.err(), free), (Some(Errno::ENOMEM), left as u64));
        assert_eq!(host.domain(DomId(5)).err(), Some(Errno::ESRCH));
    }
    panic!("it was never made");
}

#[test]
fn a_guest_switches_on_what_its_policy_has() {
    const CODE: usize = 0x11;
    const HANDLER: u64 = 0x1_0900;
    let mut s = Scene::new(0);
    let c = s.0.current(0).unwrap();
    c.v.pv.traps[13].address.set(HANDLER);
    c.v.pv.traps[13].info.set(0xe033);
    s.0.host.hw.write(s.0.spaces[&0].frames[CODE].addr(), &[0x0f, 0x01, 0xd1]);
    let mut xsetbv = |value: u64| {
        let r = s.0.regs(0);
        (r.rip, r.rax, r.rcx, r.rdx) = ((CODE as u64) << 12, value, 0, 0);
        (r.entry_vector, r.error_code) = (13, 0);
        s.0.entry(0);
        (s.0.regs(0).rip, c.v.pv.xcr0.get())
    };
    let after = (CODE as u64) << 12 | 3;
    assert_eq!(xsetbv(3), (after, 3));
    // The fake processor takes AVX state, but has no AVX to show in a policy.
    assert_eq!(xsetbv(7), (HANDLER, 3));
    assert_eq!(xsetbv(1), (after, 1));
}
