use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::lapic::{Delivery, Target};

fn write(a: &mut Ioapic, register: u8, value: u32) -> Pins {
    assert!(a.write(SELECT, 4, u64::from(register)).is_empty());
    a.write(WINDOW, 4, u64::from(value))
}

fn read(a: &mut Ioapic, register: u8) -> u32 {
    assert!(a.write(SELECT, 4, u64::from(register)).is_empty());
    a.read(WINDOW, 4) as u32
}

fn low(pin: u8) -> u8 {
    REG_TABLE + 2 * pin
}

#[test]
fn registers() {
    let mut a = Ioapic::default();
    assert_eq!(read(&mut a, 1), 0x002f_0011, "48 pins, no EOI register");
    assert!(write(&mut a, 0, 0xff00_0000).is_empty());
    assert_eq!((read(&mut a, 0), read(&mut a, 2)), (0x0f00_0000, 0x0f00_0000));
    assert!(write(&mut a, 1, 0).is_empty());
    assert_eq!(read(&mut a, 1), 0x002f_0011);
    assert_eq!((read(&mut a, low(47)), read(&mut a, low(47) + 1)), (0x1_0000, 0));
    assert_eq!(read(&mut a, low(47) + 2), 0, "there is no pin 48");
    assert!(write(&mut a, low(3), u32::MAX).is_empty());
    assert!(write(&mut a, low(3) + 1, u32::MAX).is_empty());
    assert_eq!((read(&mut a, low(3)), read(&mut a, low(3) + 1)), (0x1_afff, 0xff00_0000));
    assert_eq!(a.read(SELECT, 1), u64::from(low(3) + 1));
    assert_eq!((a.read(WINDOW, 2), a.read(0x20, 4), a.read(0x11, 4)), (0, 0, 0));
}

#[test]
fn edges() {
    let mut a = Ioapic::default();
    assert!(a.set_line(2, true).is_empty(), "masked");
    assert!(write(&mut a, low(2) + 1, 3 << 24).is_empty());
    assert!(write(&mut a, low(2), 0x931).is_empty(), "an edge of a masked pin is lost");
    assert!(a.set_line(2, true).is_empty(), "it stays high");
    assert!(a.set_line(2, false).is_empty());
    let pins = a.set_line(2, true);
    let all: Vec<_> = a.messages(pins).collect();
    let target = Target::Some { destination: 3, logical: true };
    let message = Message { delivery: Delivery::LowestPriority, vector: 0x31, level: false, target };
    assert_eq!(all, [message]);
    assert!(a.end_of_interrupt(0x31).is_empty());
}

#[test]
fn levels() {
    let mut a = Ioapic::default();
    let level = 0x8000;
    assert!(write(&mut a, low(20), level | 0x55).is_empty());
    assert!(write(&mut a, low(21), level | 0x55).is_empty());
    assert_eq!(a.set_line(20, true), Pins::of(20));
    assert_eq!(read(&mut a, low(20)), 0xc055, "remote IRR");
    assert!(a.set_line(20, false).is_empty() && a.set_line(20, true).is_empty(), "the end is waited for");
    assert_eq!(a.set_line(21, true), Pins::of(21));
    assert!(a.end_of_interrupt(0x56).is_empty());
    assert_eq!(a.end_of_interrupt(0x55), Pins::of(20).and(Pins::of(21)));
    let levels = a.messages(Pins::of(20)).map(|m| m.level).collect::<Vec<_>>();
    assert_eq!(levels, [true]);
    assert!(a.set_line(20, false).is_empty());
    assert_eq!(a.end_of_interrupt(0x55), Pins::of(21), "only what is still asserted");
    assert_eq!(read(&mut a, low(20)), 0x8055);
}

/// Linux, `__eoi_ioapic_pin` for version 0x11: edge and masked, then back.
#[test]
fn ended_by_edge_and_back() {
    let mut a = Ioapic::default();
    assert!(write(&mut a, low(17), 0x8060).is_empty());
    assert_eq!(a.set_line(17, true), Pins::of(17));
    assert!(write(&mut a, low(17), 0x1_0060).is_empty());
    assert_eq!(read(&mut a, low(17)), 0x1_0060);
    assert_eq!(write(&mut a, low(17), 0x8060), Pins::of(17), "still asserted, unmasked");
    assert!(write(&mut a, low(17), 0x1_8060).is_empty());
    assert_eq!(read(&mut a, low(17)), 0x1_c060, "masking leaves remote IRR");
    assert!(a.end_of_interrupt(0x60).is_empty(), "masked");
    assert_eq!(write(&mut a, low(17), 0x8060), Pins::of(17));
}

#[test]
fn ways_of_delivery() {
    let mut a = Ioapic::default();
    assert_eq!(a.extint(), None);
    assert!(write(&mut a, low(0), 0x700).is_empty());
    assert_eq!(a.extint(), Some(Target::Some { destination: 0, logical: false }));
    assert!(write(&mut a, low(0) + 1, 2 << 24).is_empty());
    assert_eq!(a.extint(), Some(Target::Some { destination: 2, logical: false }));
    let pins = a.set_line(0, true);
    assert_eq!(a.messages(pins).count(), 0);
    assert_eq!(a.vector(0), None);
    assert!(write(&mut a, low(2), 0x131).is_empty());
    assert_eq!((a.vector(2), a.vector(3)), (Some(0x31), None));
    assert!(write(&mut a, low(1), 0x8400).is_empty());
    let pins = a.set_line(1, true);
    let all: Vec<_> = a.messages(pins).map(|m| (m.delivery, m.level)).collect();
    assert_eq!((all, a.vector(1)), (Vec::from([(Delivery::Nmi, false)]), None));
    assert_eq!(read(&mut a, low(1)), 0x8400, "an NMI has no end");
}

#[test]
fn saved_and_loaded() {
    let mut a = Ioapic::default();
    assert!(write(&mut a, low(20), 0x8055).is_empty());
    assert!(write(&mut a, low(22), 0x8057).is_empty());
    assert_eq!(a.set_line(20, true), Pins::of(20));
    let mut b = Ioapic::default();
    assert!(b.load(&a.save()));
    assert_eq!(b.settle(1 << 20 | 1 << 22 | 1 << 60), Pins::of(22));
    assert_eq!(b.end_of_interrupt(0x55), Pins::of(20));
    assert!(!b.load(&HvmHwVioapic { base_address: 0, ..a.save() }));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Whatever is done: reserved bits stay clear, only level-triggered pins wait, and an asserted one that could speak waits.
    #[test]
    fn anything(steps in prop::collection::vec((0..4u8, any::<u8>(), any::<u8>(), any::<u64>()), 0..200)) {
        let mut a = Ioapic::default();
        for (what, n, size, value) in steps {
            let pins = match what {
                0 => a.write(u64::from(n & 0x11), size % 9, value),
                1 => a.set_line(n, value & 1 != 0),
                2 => a.end_of_interrupt(n),
                _ => {
                    let _ = a.read(value & 0x1f, size);
                    write(&mut a, n, value as u32)
                }
            };
            prop_assert!(a.messages(pins).count() <= PINS);
            for pin in Pins::ALL.iter() {
                let e = a.entry(pin);
                prop_assert_eq!(e.bits() & !0xff00_0000_0001_efff, 0);
                prop_assert!(!e.is_waiting() || e.is_level());
                let speaks = e.is_level() && !e.is_masked() && a.lines >> pin & 1 != 0;
                prop_assert!(!speaks || e.is_waiting());
            }
            let saved = a.save();
            let mut b = Ioapic::default();
            prop_assert!(b.load(&saved) && b.settle(a.lines).is_empty());
            prop_assert_eq!(b.save().redirtbl, saved.redirtbl);
        }
    }
}
