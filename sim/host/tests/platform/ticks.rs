//! Edges of timers, and those that are made up for.

use fx_domain::domain::Domain;
use fx_sim_host::{Step, on_cpu};
use xen_abi::hvm_params as p;

use crate::guest::{MS, Scene, apic, eoi, out, route, store};
use crate::{G, pit_1khz, scene};

const HPET: u64 = 0xfed0_0000;

/// A timer of the HPET asserts the pin that it has for itself for a moment only, whatever the pin is.
#[test]
fn an_edge_is_over_at_once() {
    let (mut s, _) = scene();
    s.set_param(G, p::HVM_PARAM_HPET_ENABLED, 1);
    s.handle(|_| vec![eoi()]);
    // Pin 20, once after 1 ms.
    let timer = [store(HPET + 0x100, 20 << 9 | 0x104), store(HPET + 0x108, 62_500), store(HPET + 0x10, 1)];
    s.play(route(20, 0x8060).into_iter().chain(timer), 10 * MS);
    assert_eq!(s.vectors(), [0x60]);
    // Another device's line is the same pin.
    let line = xen_abi::dm_op::DmOpSetPciIntxLevel { device: 1, level: 1, ..Default::default() };
    s.play(route(20, 0x61), MS);
    assert_eq!(s.dm_op(G, xen_abi::dm_op::XEN_DMOP_SET_PCI_INTX_LEVEL, &line), Ok(()));
    s.play([apic(0x80, 0)], MS);
    assert_eq!(s.vectors(), [0x61]);
}

/// A guest that missed ticks does something to the timer before it takes any: how many it gets in 10 ms.
fn ticks_after(s: &mut Scene, domain: &Domain, steps: impl IntoIterator<Item = Step>) -> usize {
    s.handle(|_| vec![]);
    // It handles another interrupt of that priority meanwhile.
    let steps: Vec<_> = steps.into_iter().chain([eoi()]).collect();
    on_cpu(0, || s.0.host.pause_domain(domain, true));
    s.run(40 * MS);
    on_cpu(0, || s.0.host.unpause_domain(domain));
    s.vectors();
    s.play(steps, 0);
    s.handle(|_| vec![eoi()]);
    s.play([eoi()], 10 * MS);
    s.vectors().len()
}

/// A timer that is set anew has no ticks to make up for.
#[test]
fn what_is_owed_ends_with_the_setting() {
    let (mut s, domain) = scene();
    s.handle(|_| vec![]);
    s.play(route(2, 0x31).into_iter().chain(pit_1khz()), 2 * MS);
    assert!((40..54).contains(&ticks_after(&mut s, &domain, [])), "as it is");
    s.handle(|_| vec![]);
    s.run(2 * MS);
    let got = ticks_after(&mut s, &domain, pit_1khz());
    assert!((9..=13).contains(&got), "{got}");
    s.handle(|_| vec![]);
    s.run(2 * MS);
    // Counts down once, and says nothing after that.
    let got = ticks_after(&mut s, &domain, [out(0x43, 0x30), out(0x40, 0xa9), out(0x40, 0x04)]);
    assert!(got <= 2, "{got}");
}

#[test]
fn what_the_hpet_owes_ends_with_the_setting() {
    let (mut s, domain) = scene();
    s.set_param(G, p::HVM_PARAM_HPET_ENABLED, 1);
    let timer = [store(HPET + 0x100, 20 << 9 | 0x14c), store(HPET + 0x108, 62_500), store(HPET + 0x10, 1)];
    s.handle(|_| vec![]);
    s.play(route(20, 0x61).into_iter().chain(timer), 2 * MS);
    assert!((40..54).contains(&ticks_after(&mut s, &domain, [])), "as it is");
    s.handle(|_| vec![]);
    s.run(2 * MS);
    let got = ticks_after(&mut s, &domain, [store(HPET + 0x100, 20 << 9 | 0x108)]);
    assert!(got <= 2, "{got}");
}
