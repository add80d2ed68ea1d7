use proptest::prelude::*;

use super::count::{HZ, decimal, from_decimal};
use super::*;
use crate::ticks::nanoseconds;

fn out(p: &mut Pit, port: u16, values: &[u8], now: u64) {
    for value in values {
        p.write(port, 1, u32::from(*value), now);
    }
}

fn byte(p: &mut Pit, port: u16, now: u64) -> u8 {
    p.read(port, 1, now) as u8
}

fn word(p: &mut Pit, port: u16, now: u64) -> u16 {
    u16::from_le_bytes([byte(p, port, now), byte(p, port, now)])
}

/// Nanoseconds of some ticks.
fn at(ticks: u64) -> u64 {
    nanoseconds(ticks, HZ)
}

/// Linux, `pit_set_periodic`: mode 2 with 250 interrupts a second.
#[test]
fn periodic() {
    let mut p = Pit::default();
    assert_eq!(p.next_deadline(), None);
    out(&mut p, 0x43, &[0x34], 1000);
    assert_eq!(p.next_deadline(), None, "no count yet");
    out(&mut p, 0x40, &[0xa5], 1000);
    assert!(p.write(0x40, 1, 0x12, 1000));
    assert_eq!(p.next_deadline(), Some(1000 + at(0x12a5)));
    assert_eq!(p.expire(1000 + at(0x12a5) - 1), 0);
    assert_eq!(p.expire(1000 + at(0x12a5)), 1);
    assert_eq!(p.next_deadline(), Some(1000 + at(2 * 0x12a5)));
    assert_eq!(p.expire(1000 + at(5 * 0x12a5)), 4, "some came late");
    out(&mut p, 0x43, &[0], 1000 + at(5 * 0x12a5 + 5));
    assert_eq!(word(&mut p, 0x40, at(9_999_999)), 0x12a0, "latched");
    p.connect(false, 1000 + at(6 * 0x12a5));
    assert_eq!((p.next_deadline(), p.expire(1000 + at(9 * 0x12a5))), (None, 0));
    p.connect(true, 1000 + at(9 * 0x12a5));
    assert_eq!(p.next_deadline(), Some(1000 + at(10 * 0x12a5)));
}

/// Linux, `pit_next_event` and `pit_shutdown`: modes 4 and 0.
#[test]
fn single() {
    let mut p = Pit::default();
    out(&mut p, 0x43, &[0x38], 0);
    out(&mut p, 0x40, &[100, 0], 0);
    assert_eq!(p.next_deadline(), Some(at(101)));
    assert_eq!((p.expire(at(101)), p.next_deadline()), (1, None));
    out(&mut p, 0x40, &[50, 0], at(200));
    assert_eq!(p.next_deadline(), Some(at(200) + at(51)));
    out(&mut p, 0x43, &[0x30], at(210));
    assert_eq!(p.next_deadline(), None);
    out(&mut p, 0x40, &[0, 0], 0);
    assert_eq!(p.next_deadline(), Some(at(65_536)));
    assert_eq!((p.expire(at(1_000_000)), p.expire(at(2_000_000))), (1, 0));
    assert_eq!(word(&mut p, 0x40, at(65_537)), 0xffff, "it counts on");
}

/// Linux, `pit_calibrate_tsc`, and SeaBIOS, `tsctimer_setup`: counter 2 in mode 0, its output at port 0x61.
#[test]
fn calibration() {
    let mut p = Pit::default();
    assert_eq!(byte(&mut p, 0x61, 0) & 0x2f, 0x20);
    out(&mut p, 0x61, &[1], 0);
    out(&mut p, 0x43, &[0xb0], 0);
    assert_eq!(byte(&mut p, 0x61, 10) & 0x2f, 1);
    out(&mut p, 0x42, &[0x9b, 0x2e], 0);
    assert_eq!(byte(&mut p, 0x61, at(0x2e9b) - 1) & 0x2f, 1);
    assert_eq!(byte(&mut p, 0x61, at(0x2e9b)) & 0x2f, 0x21);
    assert_ne!(byte(&mut p, 0x61, 0) & 0x10, byte(&mut p, 0x61, 1 << 14) & 0x10, "the refresh bit");
    // `quick_pit_calibrate`: reads low and high bytes without latching.
    out(&mut p, 0x43, &[0xb0], 0);
    out(&mut p, 0x42, &[0xff, 0xff], 0);
    assert_eq!(word(&mut p, 0x42, at(0x100)), 0xfeff);
    assert_eq!(word(&mut p, 0x42, at(0x200)), 0xfdff);
}

#[test]
fn gates() {
    let mut p = Pit::default();
    out(&mut p, 0x43, &[0xb0], 0);
    out(&mut p, 0x42, &[100, 0], 0);
    assert_eq!(word(&mut p, 0x42, at(50)), 100, "the gate is closed");
    out(&mut p, 0x61, &[3], at(50));
    out(&mut p, 0x61, &[2], at(60));
    assert_eq!(word(&mut p, 0x42, at(90)), 90, "it waits");
    out(&mut p, 0x61, &[3], at(1000));
    assert_eq!(byte(&mut p, 0x61, at(1089)) & 0x2f, 3);
    assert_eq!(byte(&mut p, 0x61, at(1091)) & 0x2f, 0x23);
    out(&mut p, 0x43, &[0xb2], 0);
    out(&mut p, 0x42, &[10, 0], 0);
    assert_eq!(byte(&mut p, 0x61, at(5)) & 0x20, 0x20, "a pulse only when the gate rises");
    out(&mut p, 0x61, &[0], at(20));
    out(&mut p, 0x61, &[1], at(20));
    assert_eq!([21, 29, 31].map(|t| byte(&mut p, 0x61, at(t)) & 0x20), [0, 0, 0x20]);
    out(&mut p, 0x43, &[0xb6], at(40));
    out(&mut p, 0x42, &[9, 0], at(40));
    let wave = [40, 44, 45, 48, 49, 53].map(|t| byte(&mut p, 0x61, at(t) + 1) >> 5 & 1);
    assert_eq!(wave, [1, 1, 0, 0, 1, 1], "of 9 ticks, 5 are high");
    out(&mut p, 0x61, &[0], at(46));
    assert_eq!(byte(&mut p, 0x61, at(47)) & 0x20, 0x20, "high while the gate is closed");
}

#[test]
fn read_back() {
    let mut p = Pit::default();
    out(&mut p, 0x43, &[0x36], 0);
    out(&mut p, 0x43, &[0xe2], 0);
    assert_eq!(byte(&mut p, 0x40, 0), 0xf6, "output, no count, both bytes, mode 3");
    out(&mut p, 0x40, &[0, 0], 0);
    out(&mut p, 0x43, &[0xc2], at(16));
    out(&mut p, 0x43, &[0xc2], at(32));
    assert_eq!(byte(&mut p, 0x40, at(40)), 0xb6, "status first");
    assert_eq!(word(&mut p, 0x40, at(40)), 0xffe0, "latched once");
    assert_eq!(byte(&mut p, 0x43, 0), 0);
    assert_eq!(p.read(0x40, 2, 0), 0xffff);
}

#[test]
fn decimals() {
    assert_eq!((decimal(9876), from_decimal(0x9876)), (0x9876, 9876));
    let mut p = Pit::default();
    out(&mut p, 0x43, &[0x31], 0);
    out(&mut p, 0x40, &[0, 0x10], 0);
    assert_eq!(word(&mut p, 0x40, at(1)), 0x0999);
    assert_eq!(word(&mut p, 0x40, at(1001)), 0x9999);
    assert_eq!(p.next_deadline(), Some(at(1000)));
}

#[test]
fn storms() {
    let mut p = Pit::default();
    out(&mut p, 0x43, &[0x14], 0);
    out(&mut p, 0x40, &[1], 0);
    assert!(p.next_deadline().is_some_and(|t| t >= 100_000));
    assert_eq!(p.expire(1_000_000_000) / 1000, 9);
}

#[test]
fn saved_and_loaded() {
    let mut p = Pit::default();
    assert_eq!(p.save().channels[0].mode, 0xff);
    out(&mut p, 0x43, &[0x34], 0);
    out(&mut p, 0x40, &[0x34, 0x12], 0);
    out(&mut p, 0x43, &[0], at(4));
    assert_eq!(byte(&mut p, 0x40, 0), 0x30);
    out(&mut p, 0x42, &[7], 0);
    out(&mut p, 0x61, &[3], 0);
    let k = p.save();
    assert_eq!((k.channels[0].count, k.channels[0].count_latched, k.channels[0].read_state), (0x1234, 2, 4));
    let mut q = Pit::default();
    q.load(&k, 5000);
    assert_eq!(q.next_deadline(), Some(5000 + at(0x1234)));
    assert_eq!(byte(&mut q, 0x40, 5000), 0x12);
    assert_eq!(byte(&mut q, 0x61, 0) & 3, 3);
    assert_eq!((q.save().channels[2].write_state, q.save().channels[2].write_latch), (4, 7));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Whatever is written and whenever: a deadline brings an edge, the next one is later, and storms are held off.
    #[test]
    fn anything(steps in prop::collection::vec((0..6u16, any::<u8>(), any::<u32>(), 0..2_000_000u64), 0..200)) {
        let (mut p, mut now) = (Pit::default(), 0u64);
        for (port, size, value, later) in steps {
            now += later;
            match port {
                4 => { p.write(0x61, 1, value, now); }
                5 => { p.connect(value & 1 != 0, now); }
                _ => { p.write(PORT + port, if size < 230 { 1 } else { size }, value, now); }
            }
            p.read(PORT + u16::from(size & 3), 1, now);
            p.expire(now);
            if let Some(due) = p.next_deadline() {
                prop_assert!(due > now);
                let mut q = p;
                prop_assert_eq!((q.expire(due - 1), q.expire(due)), (0, 1));
                prop_assert!(q.next_deadline().is_none_or(|next| next >= due + 99_000));
            }
            let mut q = p;
            q.load(&p.save(), now);
            prop_assert_eq!(q.save().channels.map(|c| (c.count, c.mode, c.gate)), p.save().channels.map(|c| (c.count, c.mode, c.gate)));
        }
    }

    #[test]
    fn any_record_loads(bytes in prop::collection::vec(any::<u8>(), 56), now: u64) {
        use zerocopy::FromBytes;
        let k = xen_abi::hvm_save::HvmHwPit::read_from_bytes(&bytes).unwrap();
        let mut p = Pit::default();
        p.load(&k, now);
        let _ = (p.expire(u64::MAX), p.next_deadline(), word(&mut p, 0x40, now), word(&mut p, 0x42, u64::MAX));
    }
}
