use proptest::prelude::*;
use xen_abi::hvm_save::HvmHwPciLink;

use super::*;
use crate::ioapic::{Ioapic, Pins};
use crate::pic::Pic;

fn raised(ioapic: u64, pic: u16) -> Change {
    Change { raised: Lines { ioapic, pic }, ..Change::default() }
}

fn lowered(ioapic: u64, pic: u16) -> Change {
    Change { lowered: Lines { ioapic, pic }, ..Change::default() }
}

#[test]
fn isa() {
    let mut r = Routing::default();
    assert_eq!(r.set_isa(0, true), raised(1 << 2, 1), "the timer is on pin 2");
    assert_eq!(r.set_isa(9, true), raised(1 << 9, 1 << 9));
    assert_eq!(r.set_isa(9, true), Change::default());
    assert_eq!(r.set_isa(16, true), Change::default());
    let edge = Lines { ioapic: 1 << 2, pic: 1 };
    assert_eq!(r.pulse(Wire::Isa(0)), Change { lowered: edge, raised: edge, ..Change::default() });
    assert_eq!(r.set_isa(0, false), lowered(1 << 2, 1));
    assert_eq!(r.pulse(Wire::Isa(0)), raised(1 << 2, 1));
}

#[test]
fn pci() {
    let mut r = Routing::default();
    assert_eq!(
        [intx_gsi(0, 0), intx_gsi(1, 0), intx_gsi(7, 3), intx_gsi(8, 0), intx_gsi(31, 3)],
        [16, 20, 47, 17, 18]
    );
    assert_eq!(r.set_intx(3, 0, true), raised(1 << 28, 0), "the link leads nowhere");
    assert_eq!(r.set_link(3, 10), Some(raised(1 << 10, 1 << 10)));
    assert_eq!(r.set_intx(7, 0, true), raised(1 << 44, 0), "the same link");
    assert_eq!(r.set_link(3, 11).map(|c| (c.lowered.pic, c.raised.pic)), Some((1 << 10, 1 << 11)));
    assert_eq!(r.set_intx(3, 0, false), lowered(1 << 28, 0));
    assert_eq!(r.set_intx(7, 0, false), lowered(1 << 44 | 1 << 11, 1 << 11));
    assert_eq!((r.set_link(4, 1), r.set_link(0, 16)), (None, None));
    assert_eq!((r.set_intx(32, 0, true), r.set_intx(0, 4, true)), (Change::default(), Change::default()));
}

#[test]
fn shared_pins() {
    let mut r = Routing::default();
    let _ = r.set_isa(5, true);
    let _ = r.set_link(0, 5);
    assert_eq!(r.set_intx(4, 0, true), raised(1 << 32, 0), "5 is asserted already");
    assert_eq!(r.set_isa(5, false), Change::default(), "and stays so");
    assert_eq!(r.pulse(Wire::Gsi(32)), Change::default(), "no edge of a pin that is asserted");
    assert_eq!(r.set_gsi(32, true), Change::default());
    assert_eq!(r.set_intx(4, 0, false), lowered(1 << 5, 1 << 5));
    let pin = Lines { ioapic: 1 << 32, pic: 0 };
    assert_eq!(r.set_gsi(32, false), lowered(1 << 32, 0));
    assert_eq!(r.pulse(Wire::Gsi(32)), Change { raised: pin, released: pin, ..Change::default() });
    assert_eq!(r.lines(), Lines::default(), "nothing stays of it");
    assert_eq!(r.set_gsi(48, true), Change::default());
}

#[test]
fn callback() {
    assert_eq!(Via::from_param(0), Via::None);
    assert_eq!(Via::from_param(48), Via::None);
    assert_eq!(Via::from_param(28), Via::Gsi(28));
    assert_eq!(Via::from_param(1 << 56 | 3 << 11 | 1), Via::Intx { device: 3, line: 1 });
    assert_eq!(Via::from_param(2 << 56 | 0xf3), Via::Vector(0xf3));
    assert_eq!(Via::from_param(3 << 56 | 1), Via::None);
    let mut r = Routing::default();
    assert_eq!(r.set_callback(true), Change::default());
    assert_eq!(r.set_via(Via::Gsi(9)), raised(1 << 9, 1 << 9));
    let platform_device = Via::Intx { device: 3, line: 0 };
    let moved = Change { lowered: Lines { ioapic: 1 << 9, pic: 1 << 9 }, ..raised(1 << 28, 0) };
    assert_eq!(r.set_via(platform_device), moved);
    assert_eq!(r.set_intx(3, 0, true), Change::default(), "the device itself, too");
    assert_eq!(r.set_callback(false), Change::default());
    assert_eq!(r.set_via(Via::Vector(0xf3)), Change::default());
    assert_eq!((r.set_callback(true), r.callback(), r.via()), (Change::default(), true, Via::Vector(0xf3)));
    assert_eq!(r.set_via(Via::Gsi(30)), raised(1 << 30, 0));
}

#[test]
fn applied() {
    let (mut r, mut ioapic, mut pic) = (Routing::default(), Ioapic::default(), Pic::default());
    let _ = ioapic.write(0, 4, 0x14);
    let _ = ioapic.write(0x10, 4, 0x30);
    assert_eq!(r.pulse(Wire::Isa(0)).apply(&mut ioapic, &mut pic), Pins::of(2));
    assert!(pic.output());
    pic.acknowledge();
    pic.write(0x20, 1, 0x20);
    assert_eq!(
        r.pulse(Wire::Isa(0)).apply(&mut ioapic, &mut pic),
        Pins::of(2),
        "a wire that stayed high has a new edge"
    );
    assert!(pic.output());
    assert!(r.set_isa(0, false).apply(&mut ioapic, &mut pic).is_empty());
    assert!(!pic.output());
}

#[test]
fn saved_and_loaded() {
    let mut r = Routing::default();
    let _ = r.set_isa(14, true);
    let _ = r.set_link(2, 10);
    let _ = r.set_intx(2, 0, true);
    let _ = r.set_intx(31, 3, true);
    let _ = r.set_via(Via::Gsi(40));
    let _ = r.set_callback(true);
    let mut s = Routing::default();
    s.load_pci(&r.save_pci());
    s.load_isa(&r.save_isa());
    assert!(s.load_links(&r.save_links()));
    let _ = r.set_callback(false);
    assert_eq!(s.lines(), r.lines());
    assert_eq!(s.lines().pic, 1 << 14 | 1 << 10);
    assert!(!s.load_links(&HvmHwPciLink { route: [0, 16, 0, 0], ..Default::default() }));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Changes add up to the lines that there are; with everything let go, none is asserted.
    #[test]
    fn anything(steps in prop::collection::vec((0..7u8, any::<u8>(), 0..5u8, any::<bool>(), any::<u64>()), 0..100)) {
        let mut r = Routing::default();
        let mut sum = Lines::default();
        for (what, n, line, on, value) in &steps {
            let change = match what {
                0 => r.set_isa(n & 31, *on),
                1 => r.set_intx(n & 63, *line, *on),
                2 => r.set_gsi(n & 63, *on),
                3 => r.set_link(*line, n & 31).unwrap_or_default(),
                4 => r.set_via(Via::from_param(value & 0x0300_0000_0000_003f)),
                5 => r.set_callback(*on),
                _ => r.pulse(if *on { Wire::Isa(n & 31) } else { Wire::Gsi(n & 63) }),
            };
            sum.ioapic = (sum.ioapic & !change.lowered.ioapic | change.raised.ioapic) & !change.released.ioapic;
            sum.pic = (sum.pic & !change.lowered.pic | change.raised.pic) & !change.released.pic;
            prop_assert_eq!(sum, r.lines());
            prop_assert_eq!((sum.ioapic >> 48, sum.pic & 4), (0, 0));
        }
        for (_, n, line, ..) in steps {
            let _ = (r.set_isa(n & 31, false), r.set_isa(n & 15, false), r.set_intx(n & 63, line, false), r.set_gsi(n & 63, false));
        }
        let _ = r.set_callback(false);
        prop_assert_eq!(r.lines(), Lines::default());
    }
}
