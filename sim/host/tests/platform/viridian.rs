//! Hyper-V's interface to guests: what one finds, and what comes of using it.

use std::sync::Arc;

use fx_domain::domain::Domain;
use fx_sim_host::Step;
use fx_types::{Clock, Errno, GuestRegs, Maddr, PhysMem};
use fx_viridian::msrs as m;
use fx_virt::{Exit, Reason};
use xen_abi::hvm_op::{HVMOP_SET_PARAM, HvmParam};
use xen_abi::hvm_params as p;
use xen_abi::hvm_save as s;
use xen_abi::hypercall as nr;
use zerocopy::{FromBytes, IntoBytes};

use crate::G;
use crate::guest::{
    DEVICES, MS, Scene, apic, byte, cpuid, eoi, read_msr, records, running, state_of, write_msr,
};

/// The guest's frames for the interface's pages.
const CALLS: u64 = 2;
const ASSIST: u64 = 3;
const MESSAGES: u64 = 4;
const PARAMETERS: u64 = 5;

fn scene(features: u64) -> (Scene, Arc<Domain>) {
    let mut s = Scene::new(1);
    let domain = s.create(G, 2, DEVICES);
    for gfn in CALLS..=PARAMETERS {
        assert_eq!(s.populate(G, gfn), Ok(1));
    }
    s.set_param(G, p::HVM_PARAM_VIRIDIAN, features);
    s.start(&domain);
    s.play([apic(0xf0, 0x1ff)], MS);
    (s, domain)
}

/// With all features.
fn all() -> (Scene, Arc<Domain>) {
    scene(p::HVMPV_FEATURE_MASK & !p::HVMPV_NO_FREQ)
}

fn page(s: &Scene, domain: &Domain, gfn: u64) -> Maddr {
    domain.hvm.as_ref().unwrap().p2m.get(s.hw(), gfn).mfn.addr()
}

/// A call of 32-bit code: what is asked, and two words of parameters.
fn call(code: u64, first: u64, second: u64) -> Step {
    let low = |word: u64| word & 0xffff_ffff;
    let regs = GuestRegs {
        rax: low(code) | 1 << 31,
        rdx: code >> 32,
        rbx: first >> 32,
        rcx: low(first),
        rdi: second >> 32,
        rsi: low(second),
        ..running()
    };
    (Exit { reason: Reason::Hypercall, length: 3, interrupted: None }, regs)
}

const FAST: u64 = 1 << 16;

#[test]
fn what_the_toolstack_may_ask_for() {
    let mut s = Scene::new(1);
    let _domain = s.create(G, 1, DEVICES);
    for bad in [p::HVMPV_TIME_REF_COUNT, p::HVMPV_BASE_FREQ | 1 << 13] {
        let mut a = HvmParam { domid: G, pad: 0, index: p::HVM_PARAM_VIRIDIAN, value: bad };
        let answer = s.call(nr::HYPERVISOR_HVM_OP, Some(HVMOP_SET_PARAM), &mut a);
        assert_eq!(answer, Err(Errno::EINVAL));
    }
}

#[test]
fn leaves_and_hypercall_pages() {
    let (mut s, domain) = scene(p::HVMPV_BASE_FREQ);
    let seen = s.play([cpuid(0x4000_0000), cpuid(0x4000_0002), cpuid(0x4000_0100), cpuid(0x4000_0101)], 0);
    assert_eq!(seen, [0x4000_0006, 0, 0x4000_0105, 0x0004_0014]);
    let seen = s.play([write_msr(m::GUEST_OS_ID, 0x1234), read_msr(m::GUEST_OS_ID), cpuid(0x4000_0002)], 0);
    assert_eq!(seen[1..], [0x1234, 0x1772]);
    s.play([write_msr(m::HYPERCALL, CALLS << 12 | 1)], 0);
    let mut code = [0; 9];
    s.hw().read(page(&s, &domain, CALLS), &mut code);
    assert_eq!(code, [0x0d, 0, 0, 0, 0x80, 0x0f, 0x01, 0xd9, 0xc3]);
    // Xen's own page by another register.
    s.play([write_msr(0x4000_0200, CALLS << 12)], 0);
    s.hw().read(page(&s, &domain, CALLS), &mut code);
    assert_eq!(code, [0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3]);
    assert_eq!(s.vectors(), []);
    // What was not asked for is not there.
    s.play([read_msr(m::TIME_REF_COUNT), read_msr(m::SIMP), write_msr(m::VP_ASSIST_PAGE, 0)], 0);
    assert_eq!(s.vectors(), [13, 13, 13]);
    let seen = s.play([read_msr(m::VP_INDEX), read_msr(m::TSC_FREQUENCY), read_msr(m::APIC_FREQUENCY)], 0);
    assert_eq!(seen, [0, 1_000_000_000, 100_000_000]);
}

#[test]
fn reference_time() {
    let (mut s, domain) = all();
    let first = s.play([read_msr(m::TIME_REF_COUNT)], 0)[0];
    s.hw().advance(1_000_000_000);
    let second = s.play([read_msr(m::TIME_REF_COUNT)], 0)[0];
    assert!((10_000_000..10_200_000).contains(&(second - first)), "{}", second - first);
    s.hw().set_pace(0);
    // The guest moves its counter, and the page follows.
    s.play([write_msr(m::REFERENCE_TSC, MESSAGES << 12 | 1), write_msr(0x10, 2_000_000_000)], 0);
    let at = page(&s, &domain, MESSAGES);
    let seen = s.play([read_msr(0x10), read_msr(m::TIME_REF_COUNT)], 0);
    let [sequence, scale, offset]: [u64; 3] = [0, 8, 16].map(|o| s.hw().load64(at.add(o)));
    let by_page = ((u128::from(seen[0]) * u128::from(scale)) >> 64) as u64;
    assert_eq!(sequence, 2);
    assert!(by_page.wrapping_add(offset).abs_diff(seen[1]) <= 1, "{by_page} {offset:#x} {}", seen[1]);
}

#[test]
fn the_apic_by_registers() {
    let (mut s, _domain) = all();
    s.handle(|_| vec![write_msr(m::EOI, 0)]);
    s.play([write_msr(m::ICR, 0x4_0041)], 0);
    s.play([write_msr(m::ICR, 0x4_0041)], 0);
    assert_eq!(s.vectors(), [0x41, 0x41]);
    let seen = s.play([write_msr(m::TPR, 0x60), read_msr(m::TPR), write_msr(m::ICR, 0x4_0041)], 0);
    assert_eq!((seen[1], s.vectors()), (0x60, vec![]));
    s.play([write_msr(m::TPR, 0)], 0);
    assert_eq!(s.vectors(), [0x41]);
}

/// The guest need not tell the end of an interrupt, unless another one waits for it.
#[test]
fn assisted_ends() {
    let (mut s, domain) = all();
    s.play([write_msr(m::VP_ASSIST_PAGE, ASSIST << 12 | 1)], 0);
    let at = page(&s, &domain, ASSIST);
    let host = s.0.host.clone();
    // What a guest does at the end: it takes the bit back, and tells the end only where it was not there.
    s.handle(move |_| if host.hw.fetch_and32(at, !1) & 1 != 0 { vec![byte(0x61)] } else { vec![eoi()] });
    for _ in 0..3 {
        s.play([apic(0x300, 0x4_0041)], 0);
    }
    assert_eq!(s.vectors(), [0x41; 3]);
    // Its handler lasts: the bit stays until something waits.
    s.handle(|_| vec![byte(0x61)]);
    s.play([apic(0x300, 0x4_0041)], 0);
    assert_eq!((s.vectors(), s.hw().load32(at)), (vec![0x41], 1));
    s.play([apic(0x300, 0x4_0042)], 0);
    assert_eq!((s.vectors(), s.hw().load32(at)), (vec![], 0));
    s.handle(|_| vec![eoi()]);
    s.play([eoi()], 0);
    assert_eq!(s.vectors(), [0x42]);
    // An end that is told all the same is one.
    s.play([apic(0x300, 0x4_0041)], 0);
    s.play([apic(0x300, 0x4_0041)], 0);
    assert_eq!(s.vectors(), [0x41; 2]);
}

#[test]
fn synthetic_timers() {
    let (mut s, domain) = all();
    s.handle(|_| vec![eoi()]);
    s.play([write_msr(m::SINT0 + 2, 0xf)], 0);
    assert_eq!(s.vectors(), [13], "no such vector");
    let set_up = [
        write_msr(m::SCONTROL, 1),
        write_msr(m::SIMP, MESSAGES << 12 | 1),
        write_msr(m::SINT0 + 2, 0x61),
        // Every 2 ms, to the second synthetic interrupt.
        write_msr(m::STIMER0_CONFIG + 3, 20_000),
        write_msr(m::STIMER0_CONFIG + 2, 2 << 16 | 3),
    ];
    s.play(set_up, 3 * MS);
    assert_eq!(s.vectors(), [0x61]);
    let at = page(&s, &domain, MESSAGES).add(2 * 256);
    let [head, _, timer, due, now]: [u64; 5] = [0, 8, 16, 24, 32].map(|o| s.hw().load64(at.add(o)));
    assert_eq!((head & 0xff_ffff_ffff, timer), (0x18_8000_0010, 1));
    assert!(due <= now && now - due < 5000, "{due} {now}");
    // The next message has no room: it says that it waits, and comes when it is told that there is.
    s.run(5 * MS);
    assert_eq!((s.vectors(), s.hw().load8(at.add(5))), (vec![], 1));
    s.hw().store64(at, 0);
    s.play([write_msr(m::EOM, 0)], 0);
    assert_eq!(s.vectors(), [0x61]);
    // Masked, it does not interrupt.
    s.hw().store64(at, 0);
    s.play([write_msr(m::SINT0 + 2, 0x1_0061), write_msr(m::EOM, 0)], 3 * MS);
    assert_eq!(s.vectors(), []);
    assert_eq!(s.hw().load32(at), 0x8000_0010);
}

/// A synthetic interrupt may be over as soon as it is delivered.
#[test]
fn an_interrupt_without_an_end() {
    let (mut s, _domain) = all();
    s.handle(|_| vec![]);
    s.play([write_msr(m::SINT0 + 3, 0x2_0070)], 0);
    s.play([apic(0x300, 0x4_0070)], 0);
    s.play([apic(0x300, 0x4_0070)], 0);
    assert_eq!(s.vectors(), [0x70, 0x70]);
}

#[test]
fn hypercalls() {
    let (mut s, domain) = all();
    s.handle(|_| vec![eoi()]);
    assert_eq!(s.play([call(8, 0, 0), call(0x77, 0, 0)], 0), [0, 2]);
    // To itself, and to a vCPU that there is not: by registers, by memory, by banks.
    assert_eq!(s.play([call(0xb | FAST, 0x51, 0b1001)], 0)[0], 0);
    let at = page(&s, &domain, PARAMETERS);
    let put = |s: &Scene, words: &[u64]| {
        (0u64..).zip(words).for_each(|(n, w)| s.hw().store64(at.add(n * 8), *w));
    };
    put(&s, &[0x52, 1]);
    assert_eq!(s.play([call(0xb, PARAMETERS << 12, 0)], 0)[0], 0);
    put(&s, &[0x53, 0, 0b1, 1]);
    assert_eq!(s.play([call(0x15, PARAMETERS << 12, 0)], 0)[0], 0);
    put(&s, &[0x54, 1, 0]);
    assert_eq!(s.play([call(0x15, PARAMETERS << 12, 0)], 0)[0], 0);
    assert_eq!(s.vectors(), [0x51, 0x52, 0x53, 0x54]);
    // A vector of an exception, another trust level, no memory, memory that is not aligned.
    let bad = [
        call(0xb | FAST, 0xf, 1),
        call(0xb | FAST, 0x51 | 1 << 32, 1),
        call(0xb, 0x77_0000, 0),
        call(0xb, 0x5004, 0),
    ];
    assert_eq!(s.play(bad, 0), [5; 4]);
    assert_eq!(s.vectors(), []);

    let flushed = |s: &mut Scene, step| {
        s.hw().script().take_flushes();
        (s.play([step], 0)[0], s.hw().script().take_flushes() != 0)
    };
    put(&s, &[0, 0, 0b10]);
    assert_eq!(flushed(&mut s, call(2, PARAMETERS << 12, 0)), (0, true));
    put(&s, &[0, 0, 0b100]);
    assert_eq!(flushed(&mut s, call(2, PARAMETERS << 12, 0)), (0, false), "there is no third one");
    put(&s, &[0, 1, 0]);
    // A list of five.
    assert_eq!(flushed(&mut s, call(3 | 5 << 32, PARAMETERS << 12, 0)), (0, true));
    put(&s, &[0, 0, 0, 0b1, 0b1]);
    assert_eq!(flushed(&mut s, call(0x13, PARAMETERS << 12, 0)), (0, true));
    assert_eq!(flushed(&mut s, call(2 | FAST, 0, 0)), (5, false));
}

#[test]
fn saved_and_loaded() {
    let (mut s, _domain) = all();
    let steps = [
        write_msr(m::GUEST_OS_ID, 0x8100_0000_0000),
        write_msr(m::SIMP, MESSAGES << 12 | 1),
        write_msr(m::SINT0 + 5, 0x91),
        write_msr(m::CRASH_P0 + 1, 77),
        write_msr(m::CRASH_CTL, 1 << 63),
    ];
    s.play(steps, 0);
    let [record] = s.saved(G, s::HVM_SAVE_CODE_VIRIDIAN_DOMAIN).try_into().unwrap();
    let mut domain = s::HvmViridianDomainContext::read_from_bytes(&record).unwrap();
    assert_eq!(domain.guest_os_id, 0x8100_0000_0000);
    let vcpus = s.saved(G, s::HVM_SAVE_CODE_VIRIDIAN_VCPU);
    assert_eq!(vcpus.len(), 2);
    let mut first = s::HvmViridianVcpuContext::read_from_bytes(&vcpus[0]).unwrap();
    assert_eq!((first.simp_msr, first.sint_msr[5], first.sint_msr[6]), (MESSAGES << 12 | 1, 0x91, 0x1_0000));

    (domain.guest_os_id, domain.time_ref_count) = (9, 1 << 30);
    first.sint_msr[6] = 0x92;
    let mut state = records(&s.save(G));
    state.iter_mut().filter(|r| r.1 == 0).for_each(|r| match r.0 {
        s::HVM_SAVE_CODE_VIRIDIAN_DOMAIN => r.2 = domain.as_bytes().to_vec(),
        s::HVM_SAVE_CODE_VIRIDIAN_VCPU => r.2 = first.as_bytes().to_vec(),
        _ => {}
    });
    s.load(G, &state_of(&state)).unwrap();
    let before = s.hw().now();
    let seen = s.play([read_msr(m::GUEST_OS_ID), read_msr(m::TIME_REF_COUNT), read_msr(m::SINT0 + 6)], 0);
    assert_eq!([seen[0], seen[2]], [9, 0x92]);
    assert!((1 << 30..(1 << 30) + 100_000).contains(&seen[1]) && s.hw().now() > before);
}
