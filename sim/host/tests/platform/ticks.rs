//! Edges of timers, and those that are made up for.

use xen_abi::hvm_params as p;

use crate::guest::{MS, apic, eoi, route, store};
use crate::{G, scene};

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
