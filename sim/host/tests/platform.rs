//! The platform of HVM guests on the whole hypervisor: what they do with ports and memory, and the interrupts that come of it.

#[path = "platform/anything.rs"]
mod anything;
#[path = "fuzz/dice.rs"]
mod dice;
#[path = "platform/guest.rs"]
mod guest;
#[path = "platform/instructions.rs"]
mod instructions;
#[path = "platform/memory.rs"]
mod memory;
#[path = "platform/msrs.rs"]
mod msrs;
#[path = "platform/narrow.rs"]
mod narrow;
#[path = "platform/ticks.rs"]
mod ticks;
#[path = "platform/viridian.rs"]
mod viridian;
#[path = "platform/wild.rs"]
mod wild;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use fx_domain::domain::Domain;
use fx_domain::host::TIMER;
use fx_domain::hw::Hw;
use fx_domain::time::{APIC, PLATFORM};
use fx_domain::vcpu::RUN;
use fx_sim_host::{Step, invariants, on_cpu};
use fx_types::{CpuSet, DomId, Errno, PhysMem};
use guest::{DEVICES, MS, Scene, apic, byte, eoi, io, load, out, records, route, state_of, store};
use xen_abi::arch_x86::XEN_X86_EMU_LAPIC;
use xen_abi::dm_op as o;
use xen_abi::domctl as d;
use xen_abi::event_channel as e;
use xen_abi::hvm_params as p;
use xen_abi::hvm_save as s;
use xen_abi::hypercall as nr;
use zerocopy::FromBytes;

/// The guest's number.
const G: u16 = 5;

/// Linux, `init_8259A`: vectors from 0x30, all masked.
fn init_8259a() -> Vec<Step> {
    let master = [out(0x20, 0x11), out(0x21, 0x30), out(0x21, 4), out(0x21, 1), out(0x21, 0xff)];
    let slave = [out(0xa0, 0x11), out(0xa1, 0x38), out(0xa1, 2), out(0xa1, 1), out(0xa1, 0xff)];
    master.into_iter().chain(slave).collect()
}

/// The PIT's first counter interrupts 1000 times a second.
fn pit_1khz() -> Vec<Step> {
    vec![out(0x43, 0x34), out(0x40, 0xa9), out(0x40, 0x04)]
}

/// A guest that runs, with its local APIC on.
fn scene() -> (Scene, Arc<Domain>) {
    let mut s = Scene::new(1);
    let domain = s.create(G, 1, DEVICES);
    s.set_param(G, p::HVM_PARAM_TIMER_MODE, p::HVMPTM_NO_DELAY_FOR_MISSED_TICKS);
    s.start(&domain);
    s.play([apic(0xf0, 0x1ff)], MS);
    (s, domain)
}

#[test]
fn the_pit_through_the_8259() {
    let (mut s, _) = scene();
    s.handle(|_| vec![out(0x20, 0x20)]);
    s.play(init_8259a(), 0);
    s.play(pit_1khz(), 5 * MS);
    assert_eq!(s.vectors(), [], "masked");
    s.play([out(0x21, 0xfe)], 5 * MS);
    assert_eq!(s.vectors(), [], "LINT0 is masked");
    s.play([apic(0x350, 0x700)], 10 * MS);
    let got = s.vectors();
    assert!(got.iter().all(|v| *v == 0x30), "{got:x?}");
    assert!((9..=16).contains(&got.len()), "some were missed and are made up for: {}", got.len());
    // Through pin 0 of the I/O APIC instead, as hvmloader has it.
    s.play([apic(0x350, 0x10700)], 0);
    s.vectors();
    s.run(5 * MS);
    assert_eq!(s.vectors(), []);
    s.play(route(0, 0x700), 10 * MS);
    assert!(s.vectors().len() >= 9);
    // Without an end of interrupt there is no further one.
    s.handle(|_| vec![]);
    s.run(10 * MS);
    assert_eq!(s.vectors(), [0x30]);
}

#[test]
fn the_pit_through_the_ioapic() {
    let (mut s, _) = scene();
    s.handle(|_| vec![eoi()]);
    s.play(route(2, 0x31).into_iter().chain(pit_1khz()), 20 * MS);
    let got = s.vectors();
    assert!(got.iter().all(|v| *v == 0x31) && (19..=21).contains(&got.len()), "{got:x?}");
    s.play(route(2, 0x1_0031), 10 * MS);
    s.vectors();
    s.run(10 * MS);
    assert_eq!(s.vectors(), [], "masked");
    let seen = s.play([load(0xfec0_0010), byte(0x40), byte(0x61), byte(0x80)], 0);
    assert_eq!((seen[0], seen[3]), (0x1_0031, 0xff));
}

/// A guest that did not run gets the ticks that it missed, or not, as its timer mode says; never without end.
/// An interrupt that the task priority holds back comes as soon as the guest lowers that.
#[test]
fn task_priority() {
    let (mut s, _) = scene();
    s.handle(|_| vec![eoi()]);
    s.play([apic(0x80, 0x60), apic(0x300, 0x4_0041)], MS);
    assert_eq!(s.vectors(), []);
    s.hw().script().set_cr8([7, 5, 4, 3]);
    s.play([byte(0x61)], MS);
    assert_eq!(s.hw().script().take_opened(), [false, false, false, true]);
    assert_eq!(s.vectors(), [0x41]);
    // One that waits for the end of another as well is not waited for.
    s.handle(|_| vec![]);
    s.play([apic(0x300, 0x4_0051)], MS);
    s.play([apic(0x80, 0x60), apic(0x300, 0x4_0042)], MS);
    s.hw().script().set_cr8([0]);
    s.play([byte(0x61)], MS);
    assert_eq!((s.hw().script().take_opened(), s.vectors()), (vec![false], vec![0x51]));
    s.handle(|_| vec![eoi()]);
    s.play([eoi()], MS);
    assert_eq!(s.vectors(), [0x42]);
}

#[test]
fn missed_ticks() {
    let cases = [
        (p::HVMPTM_NO_DELAY_FOR_MISSED_TICKS, 48..=54),
        (p::HVMPTM_NO_MISSED_TICKS_PENDING, 11..=14),
        (p::HVMPTM_ONE_MISSED_TICK_PENDING, 11..=15),
    ];
    for (mode, wanted) in cases {
        let (mut s, domain) = scene();
        s.set_param(G, p::HVM_PARAM_TIMER_MODE, mode);
        s.handle(|_| vec![eoi()]);
        s.play(route(2, 0x31).into_iter().chain(pit_1khz()), 0);
        on_cpu(0, || s.0.host.pause_domain(&domain, true));
        s.run(40 * MS);
        on_cpu(0, || s.0.host.unpause_domain(&domain));
        s.run(10 * MS);
        let got = s.vectors().len();
        assert!(wanted.contains(&got), "mode {mode}: {got}");
    }
    let (mut s, domain) = scene();
    s.handle(|_| vec![eoi()]);
    s.play(route(2, 0x31).into_iter().chain(pit_1khz()), 0);
    on_cpu(0, || s.0.host.pause_domain(&domain, true));
    s.hw().advance(3_600_000 * MS);
    s.run(MS);
    on_cpu(0, || s.0.host.unpause_domain(&domain));
    s.run(20 * MS);
    let got = s.vectors().len();
    assert!((1900..2100).contains(&got), "an hour's ticks: {got}");
}

#[test]
fn message_signalled_interrupts() {
    let (mut s, _) = scene();
    s.handle(|_| vec![eoi()]);
    let msi = |addr, data| o::DmOpInjectMsi { data, pad: 0, addr };
    assert_eq!(s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &msi(0xfee0_0000, 0x41)), Ok(()));
    assert_eq!(s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &msi(0xfee0_2000, 0x42)), Ok(()), "for nobody");
    assert_eq!(s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &msi(0xfeef_f000, 0x143)), Ok(()), "for one of all");
    assert_eq!(s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &msi(0xfee0_0000, 0x241)), Err(Errno::EINVAL));
    s.run(MS);
    assert_eq!(s.vectors(), [0x43, 0x41]);
}

#[test]
fn lines_of_a_device_model() {
    let (mut s, _) = scene();
    let intx = |device, level| o::DmOpSetPciIntxLevel { device, level, ..Default::default() };
    s.handle(|_| vec![]);
    // INTA of device 3 is pin 28.
    s.play(route(28, 0x8060), 0);
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &intx(3, 1)), Ok(()));
    s.run(MS);
    assert_eq!(s.vectors(), [0x60]);
    s.play([eoi()], MS);
    assert_eq!(s.vectors(), [0x60], "it is asserted still");
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &intx(3, 0)), Ok(()));
    s.play([eoi()], MS);
    assert_eq!(s.vectors(), []);
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &intx(32, 1)), Err(Errno::EINVAL));
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &intx(3, 2)), Err(Errno::EINVAL));
    // ISA interrupt 14, and the link of the PCI line to ISA interrupt 11.
    s.handle(|_| vec![eoi()]);
    s.play(route(14, 0x3e).into_iter().chain(route(11, 0x803b)), 0);
    let isa = |isa_irq, level| o::DmOpSetIsaIrqLevel { isa_irq, level };
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_ISA_IRQ_LEVEL, &isa(14, 1)), Ok(()));
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_ISA_IRQ_LEVEL, &isa(16, 1)), Err(Errno::EINVAL));
    s.run(MS);
    assert_eq!(s.vectors(), [0x3e]);
    let link = |link, isa_irq| o::DmOpSetPciLinkRoute { link, isa_irq };
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_LINK_ROUTE, &link(3, 11)), Ok(()));
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_LINK_ROUTE, &link(4, 11)), Err(Errno::EINVAL));
    s.play(route(28, 0x1_8060), 0);
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &intx(3, 1)), Ok(()));
    s.handle(|_| vec![]);
    s.run(MS);
    assert_eq!(s.vectors(), [0x3b]);
}

#[test]
fn the_clock() {
    let (mut s, domain) = scene();
    // The alarm's owner reads what has come, else the line stays asserted.
    s.handle(|_| vec![out(0x70, 0x0c), byte(0x71), out(0xa0, 0x20), out(0x20, 0x20)]);
    s.play(init_8259a(), 0);
    s.play([out(0x21, 0xfb), out(0xa1, 0xfe), apic(0x350, 0x700)], 0);
    // Register B: periodic interrupts, 1024 a second as register A says.
    s.play([out(0x70, 0x0b), out(0x71, 0x42)], 20 * MS);
    let got = s.vectors();
    assert!(got.iter().all(|v| *v == 0x38) && (18..=22).contains(&got.len()), "{got:x?}");
    let year =
        s.play([out(0x70, 0x0b), out(0x71, 0x02), out(0x70, 9), byte(0x71), out(0x70, 7), byte(0x71)], 0);
    assert_eq!((year[3], year[5]), (0x23, 0x14), "the fake machine's clock begins in 2023, on November 14th");
    // The toolstack sets it back by a day; then the guest by another.
    let mut offset = d::DomctlSettimeoffset { time_offset_seconds: -86_400 };
    assert_eq!(s.domctl(G, d::XEN_DOMCTL_SETTIMEOFFSET, &mut offset), Ok(()));
    assert_eq!(s.play([byte(0x71)], 0), [0x13]);
    s.play([out(0x71, 0x12)], 0);
    assert_eq!(domain.time_offset.get() as i64, -2 * 86_400);
    assert_eq!(
        s.play([out(0x70, 0x0e), byte(0x71)], 0)[1],
        0xff,
        "the device model's part, and there is none"
    );
}

#[test]
fn the_hpet_in_the_place_of_the_pit() {
    const HPET: u64 = 0xfed0_0000;
    let (mut s, _) = scene();
    s.handle(|_| vec![eoi()]);
    let steps = [
        store(HPET + 0x100, 0x14c),
        store(HPET + 0x108, 125_000),
        store(HPET + 0x108, 62_500),
        store(HPET + 0x10, 3),
    ];
    assert_eq!(s.play([load(HPET)], 0), [0xffff_ffff], "not without the parameter");
    s.set_param(G, p::HVM_PARAM_HPET_ENABLED, 1);
    assert_eq!(s.play([load(HPET)], 0), [0x8086_a201]);
    s.play(route(2, 0x31).into_iter().chain(pit_1khz()).chain(steps), 20 * MS);
    // The first after 2 ms, then one each millisecond, and none of the PIT's.
    let got = s.vectors().len();
    assert!((18..=20).contains(&got), "{got}");
    // The clock is not connected either, until the HPET leaves its place.
    s.play(
        [store(HPET + 0x100, 0), out(0x70, 0x0b), out(0x71, 0x42)].into_iter().chain(route(8, 0x38)),
        5 * MS,
    );
    assert!(!s.vectors().contains(&0x38));
    s.play([store(HPET + 0x10, 1)], 5 * MS);
    assert_eq!(s.vectors().iter().filter(|v| **v == 0x38).count(), 1, "nobody reads what has come");
}

#[test]
fn the_power_button() {
    let (mut s, _) = scene();
    s.set_param(G, p::HVM_PARAM_ACPI_IOPORTS_LOCATION, 1);
    s.handle(|_| vec![io(0xb000, 2, 0x100, false), eoi()]);
    s.play(route(9, 0x8039), 0);
    s.play([io(0xb002, 2, 0x100, false)], 0);
    let mut press = d::DomctlSendtrigger { trigger: d::XEN_DOMCTL_SENDTRIGGER_POWER, vcpu: 0 };
    assert_eq!(s.domctl(G, d::XEN_DOMCTL_SENDTRIGGER, &mut press), Ok(()));
    s.run(MS);
    assert_eq!(s.vectors(), [0x39], "once: the guest has cleared it");
    let timer = s.play([io(0xb008, 4, 0, true), io(0xb008, 4, 0, true), io(0xb004, 2, 0, true)], MS);
    assert!(timer[1] >= timer[0] && timer[0] < 1 << 24, "{timer:x?}");
    assert_eq!(timer[2], 0xffff, "the control register is the device model's");
    assert_eq!(
        s.domctl(0, d::XEN_DOMCTL_SENDTRIGGER, &mut press),
        Err(Errno::EINVAL),
        "a PV domain has none"
    );
}

/// A message with the lowest priority goes to the vCPU that has it; one that its APIC does not accept goes nowhere.
#[test]
fn which_vcpu() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 3, DEVICES);
    let apics: Vec<_> = domain.vcpus.iter().map(|v| &v.hvm.as_ref().unwrap().lapic).collect();
    let now = fx_vdev::lapic::Time::default();
    for (lapic, priority) in apics.iter().zip([0x40, 0x20]) {
        let mut lapic = lapic.lock();
        lapic.mmio_write(0xf0, 0x1ff, &now);
        lapic.mmio_write(0x80, priority, &now);
    }
    let waiting = || [0, 1, 2].map(|n: usize| apics[n].lock().any_waiting());
    let all = o::DmOpInjectMsi { data: 0x151, pad: 0, addr: 0xfeef_f000 };
    assert_eq!(s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &all), Ok(()));
    assert_eq!(waiting(), [false, true, false]);
    let third = o::DmOpInjectMsi { data: 0x51, pad: 0, addr: 0xfee0_4000 };
    assert_eq!(s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &third), Ok(()));
    assert_eq!(waiting(), [false, true, false]);
    assert_eq!(s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &o::DmOpInjectMsi { data: 0x51, ..all }), Ok(()));
    assert_eq!(waiting(), [true, true, false]);
}

#[test]
fn a_pin_with_nmis() {
    let (mut s, _) = scene();
    s.play(route(5, 0x400), 0);
    assert_eq!(
        s.dm_op(G, o::XEN_DMOP_SET_ISA_IRQ_LEVEL, &o::DmOpSetIsaIrqLevel { isa_irq: 5, level: 1 }),
        Ok(())
    );
    s.run(MS);
    assert_eq!(s.hw().script().take_events(), [fx_virt::Event::nmi()]);
}

/// An event channel between the control domain and the guest; the control domain's end.
fn connect(s: &mut Scene) -> u32 {
    let mut a = e::EvtchnAllocUnbound { dom: G, remote_dom: 0, port: 0 };
    assert_eq!(s.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, Some(e::EVTCHNOP_ALLOC_UNBOUND), &mut a), Ok(0));
    let mut b = e::EvtchnBindInterdomain { remote_dom: G, _pad: 0, remote_port: a.port, local_port: 0 };
    assert_eq!(s.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, Some(e::EVTCHNOP_BIND_INTERDOMAIN), &mut b), Ok(0));
    b.local_port
}

#[test]
fn events_by_a_wire() {
    // A GSI, and INTA of device 3, which is pin 28 as well.
    for via in [28, 1 << 56 | 3 << 11] {
        let (mut s, domain) = scene();
        let port = connect(&mut s);
        s.set_param(G, p::HVM_PARAM_CALLBACK_IRQ, via);
        let (info, host) = (domain.vcpus[0].info(), s.0.host.clone());
        // The guest looks at its events the second time only.
        let mut calls = 0;
        s.handle(move |_| {
            calls += 1;
            if calls % 2 == 0 {
                host.hw.store64(info.add(8), 0);
                host.hw.store64(info, 0);
                host.hw.store64(domain.shared_info().add(0x800), 0);
            }
            vec![eoi()]
        });
        s.play(route(28, 0x8060), 0);
        let mut send = port;
        assert_eq!(s.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, Some(e::EVTCHNOP_SEND), &mut send), Ok(0));
        s.run(MS);
        assert_eq!(s.vectors(), [0x60, 0x60]);
        s.run(MS);
        assert_eq!(s.vectors(), [], "let go");
        assert_eq!(s.call(nr::HYPERVISOR_EVENT_CHANNEL_OP, Some(e::EVTCHNOP_SEND), &mut send), Ok(0));
        // What is pending moves with the callback.
        s.set_param(G, p::HVM_PARAM_CALLBACK_IRQ, 29);
        s.play(route(29, 0x8061), MS);
        assert_eq!(s.vectors(), [0x60, 0x61]);
    }
}

/// Device records of one guest are taken by another, which goes on with them.
#[test]
fn saved_and_loaded() {
    let (mut s, _) = scene();
    s.handle(|_| vec![eoi()]);
    let mut steps = init_8259a();
    steps.extend(route(2, 0x31));
    steps.extend(route(28, 0x8060));
    steps.extend([out(0x70, 0x0a), io(0x1f42, 2, 0x101, false)]);
    steps.extend(pit_1khz());
    s.play(steps, 0);
    let intx = o::DmOpSetPciIntxLevel { device: 3, level: 1, ..Default::default() };
    s.handle(|v| if v == 0x60 { vec![] } else { vec![eoi()] });
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &intx), Ok(()));
    assert_eq!(
        s.dm_op(G, o::XEN_DMOP_SET_PCI_LINK_ROUTE, &o::DmOpSetPciLinkRoute { link: 3, isa_irq: 10 }),
        Ok(())
    );
    s.run(5 * MS);
    assert_eq!(s.vectors().iter().filter(|v| **v == 0x60).count(), 1, "not ended yet");
    let saved = s.save(G);
    let codes: Vec<_> = records(&saved).iter().map(|(code, instance, _)| (*code, *instance)).collect();
    assert!(codes.windows(2).all(|w| w[0].0 <= w[1].0 || w[1].0 == s::HVM_SAVE_CODE_END), "{codes:?}");
    let devices = [3, 4, 7, 8, 9, 10, 11, 12, 13];
    assert!(devices.iter().all(|code| codes.contains(&(*code, 0))) && codes.contains(&(3, 1)), "{codes:?}");
    // Only parts: the second PIC, and one that there is not.
    let slave = s.save_one(G, s::HVM_SAVE_CODE_PIC, 1).unwrap();
    assert_eq!(s::HvmHwVpic::read_from_bytes(&slave).unwrap().irq_base, 0x38);
    assert_eq!(s.save_one(G, s::HVM_SAVE_CODE_PIC, 2), Err(Errno::ENOENT));
    s.0.destroy(DomId(G));
    let _ = s.vectors();

    let other = s.create(6, 1, DEVICES);
    assert_eq!(s.load(6, &saved), Ok(()));
    let again = s.save(6);
    let still = [3, 4, 5, 7, 8, 9, 10];
    let of = |state: &[u8]| records(state).into_iter().filter(|r| still.contains(&r.0)).collect::<Vec<_>>();
    assert_eq!(of(&again), of(&saved));
    s.start(&other);
    s.run(5 * MS);
    assert_eq!(s.vectors(), [], "0x60 is being handled, which has the higher priority");
    s.play([eoi()], 5 * MS);
    let got = s.vectors();
    assert_eq!(got.iter().filter(|v| **v == 0x60).count(), 1, "it is asserted still: {got:x?}");
    let off = o::DmOpSetPciIntxLevel { level: 0, ..intx };
    assert_eq!(s.dm_op(6, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &off), Ok(()));
    s.play([eoi()], 10 * MS);
    let got = s.vectors();
    assert!(got.len() >= 10 && got.iter().all(|v| *v == 0x31), "the timer goes on: {got:x?}");
}

#[test]
fn what_no_device_can_be_is_refused() {
    let mut s = Scene::new(1);
    s.create(G, 1, DEVICES);
    s.create(6, 1, XEN_X86_EMU_LAPIC);
    let saved = s.save(G);
    let whole = records(&saved);
    assert_eq!(state_of(&whole), saved);
    for code in [s::HVM_SAVE_CODE_PIC, s::HVM_SAVE_CODE_RTC, s::HVM_SAVE_CODE_PIT] {
        let mut changed = whole.clone();
        changed.iter_mut().find(|r| r.0 == code).unwrap().1 = 9;
        assert_eq!(s.load(G, &state_of(&changed)), Err(Errno::EINVAL), "no such instance of {code}");
    }
    let mut changed = whole.clone();
    changed.iter_mut().find(|r| r.0 == s::HVM_SAVE_CODE_PCI_LINK).unwrap().2[0] = 16;
    assert_eq!(s.load(G, &state_of(&changed)), Err(Errno::EINVAL));
    assert_eq!(s.load(6, &saved), Err(Errno::ENODEV), "a PVH domain has no such devices");
    assert_eq!(s.load(G, &saved), Ok(()));
}

/// Firmware says what it does by the debug port.
#[test]
fn the_debug_port() {
    let (mut s, _) = scene();
    s.hw().log().guest_levels.set(4, 4);
    s.hw().log().attach_ring(vec![0; 4096]);
    s.play(b"POST\n".iter().map(|b| out(0xe9, (*b).into())), MS);
    let mut ring = [0; 4096];
    let read = s.hw().log().read(true, false, 0, &mut ring);
    let text = String::from_utf8_lossy(&ring[..read.count]);
    assert!(text.contains("(d5) POST\n"), "{text}");
}

#[test]
fn a_pvh_domain_has_none_of_it() {
    let mut s = Scene::new(1);
    let domain = s.create(G, 1, XEN_X86_EMU_LAPIC);
    s.start(&domain);
    let seen =
        s.play([byte(0x40), byte(0x21), io(0x70, 1, 0, true), load(0xfec0_0010), load(0xfee0_0030)], MS);
    assert_eq!(seen, [0xff, 0xff, 0xff, 0xffff_ffff, 0x0005_0014]);
    let intx = o::DmOpSetPciIntxLevel { device: 3, level: 1, ..Default::default() };
    assert_eq!(s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &intx), Err(Errno::EINVAL));
    assert_eq!(
        s.domctl(G, d::XEN_DOMCTL_SENDTRIGGER, &mut d::DomctlSendtrigger { trigger: 3, vcpu: 0 }),
        Ok(())
    );
    assert!(records(&s.save(G)).iter().all(|r| !(7..=13).contains(&r.0) && !(3..=4).contains(&r.0)));
}

/// A guest that runs on the first of two CPUs does some steps, then its timer's vector comes on the second one. What timers of a
/// kind the CPUs have after that, and when those fired that they had.
fn timers_after_a_move(steps: impl IntoIterator<Item = Step>, kind: u8) -> [[Option<u64>; 2]; 2] {
    let mut s = Scene::new(2);
    let domain = s.create(G, 1, DEVICES);
    let (v, other) = (domain.vcpus[0].clone(), s.0.current(1).unwrap());
    s.0.host.set_affinity(&domain, &v, &CpuSet::one(0), &CpuSet::ALL).unwrap();
    s.start(&domain);
    s.handle(|_| vec![eoi()]);
    s.play([apic(0xf0, 0x1ff)].into_iter().chain(steps), 10 * MS);
    assert!((9..=11).contains(&s.vectors().len()));
    let timers = |s: &Scene| [0, 1].map(|cpu| s.0.host.cpus[cpu].timers.lock().deadline((G, 0, kind)));
    assert!(matches!(timers(&s), [Some(_), None]));
    // It has to run on the other CPU, whose control vCPU stands still until the guest is interrupted there.
    s.0.host.set_affinity(&domain, &v, &CpuSet::one(1), &CpuSet::ALL).unwrap();
    on_cpu(0, || s.0.host.pause_vcpu(&other.d, &other.v, false));
    let (host, mut paused) = (s.0.host.clone(), true);
    s.handle(move |_| {
        if std::mem::take(&mut paused) {
            host.unpause_vcpu(&other.d, &other.v);
        }
        vec![eoi()]
    });
    s.hw().advance(MS);
    s.0.turn(0);
    assert_eq!(v.blocked.load(SeqCst), RUN, "the timer of the first CPU wakes it");
    s.0.turn(1);
    assert_eq!((v.cpu.load(SeqCst), s.vectors().first()), (1, Some(&0x31)));
    let moved = timers(&s);
    s.hw().advance(2 * MS);
    s.0.host.cpus[0].pending.fetch_or(TIMER, SeqCst);
    s.0.turn(0);
    [moved, timers(&s)]
}

/// What is left on the first CPU ends when it fires.
#[test]
fn the_timer_follows_the_vcpu() {
    let platform = timers_after_a_move(route(2, 0x31).into_iter().chain(pit_1khz()), PLATFORM);
    assert!(matches!(platform, [[Some(_), here @ Some(_)], [None, then]] if here == then), "{platform:?}");
    // The APIC's, periodic, with 100 MHz.
    let apic = timers_after_a_move([apic(0x3e0, 0xb), apic(0x320, 0x2_0031), apic(0x380, 100_000)], APIC);
    assert!(matches!(apic, [[Some(_), here @ Some(_)], [None, then]] if here == then), "{apic:?}");
}

#[test]
fn everything_comes_back() {
    let mut s = Scene::new(1);
    let before = s.0.host.free.lock().free_frames();
    for _ in 0..2 {
        let domain = s.create(G, 4, DEVICES);
        s.start(&domain);
        s.handle(|_| vec![eoi()]);
        s.play([apic(0xf0, 0x1ff)].into_iter().chain(route(2, 0x31)).chain(pit_1khz()), 5 * MS);
        assert!(!s.vectors().is_empty());
        drop(domain);
        s.0.destroy(DomId(G));
        assert_eq!(s.0.host.domain(DomId(G)).err(), Some(Errno::ESRCH));
        s.run(5 * MS);
        assert_eq!(s.vectors(), [], "its timer is nobody's");
        assert_eq!(s.0.host.free.lock().free_frames(), before);
        invariants::check_all(&s.0);
    }
}
