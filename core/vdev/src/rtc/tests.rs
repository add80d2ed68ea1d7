use proptest::prelude::*;
use xen_abi::hvm_save::HvmHwRtc;

use super::*;

/// 2026-01-01 00:00:00 UTC, a Thursday.
const START: u64 = 1_767_225_600 * NS;

fn at(ms: u64) -> Time {
    Time { now: ms * 1_000_000, start: START }
}

fn clock() -> Rtc {
    Rtc::new(&at(0))
}

fn read(c: &mut Rtc, r: usize, ms: u64) -> u8 {
    assert_eq!(c.write(0x70, 1, r as u32 | 0x80, &at(ms)), Some(Effect::default()));
    c.read(0x71, 1, &at(ms)).unwrap().0 as u8
}

fn write(c: &mut Rtc, r: usize, value: u8, ms: u64) -> Effect {
    assert_eq!(c.write(0x70, 1, r as u32, &at(ms)), Some(Effect::default()));
    c.write(0x71, 1, u32::from(value), &at(ms)).unwrap()
}

fn irq(on: bool) -> Effect {
    Effect { irq: Some(on), shift: None }
}

#[test]
fn time_of_day() {
    let mut c = clock();
    let later = 13 * 3_600_000 + 59 * 60_000 + 58_500;
    let all = [0, 2, 4, 6, 7, 8, 9].map(|r| read(&mut c, r, later));
    assert_eq!(all, [0x58, 0x59, 0x13, 5, 1, 1, 0x26]);
    assert_eq!(write(&mut c, reg::B, B_BINARY, later), Effect::default());
    assert_eq!([0, 2, 4].map(|r| read(&mut c, r, later)), [58, 59, 0x81]);
    assert_eq!(read(&mut c, reg::D, 0), 0x80);
    assert_eq!(read(&mut c, reg::A, 0), 0x26);
    assert_eq!(
        (c.read(0x70, 1, &at(0)), c.read(0x71, 4, &at(0))),
        (Some((0xff, Effect::default())), Some((u32::MAX, Effect::default())))
    );
}

#[test]
fn rest_of_the_memory_is_elsewhere() {
    let mut c = clock();
    assert_eq!(c.write(0x70, 1, 0x8e, &at(0)), None, "the device model is to know the index");
    assert_eq!((c.read(0x71, 1, &at(0)), c.write(0x71, 1, 5, &at(0))), (None, None));
}

#[test]
fn the_toolstack_sets_the_offset() {
    let mut c = clock();
    assert_eq!(c.set_offset(-3600, &at(500)), Effect::default(), "the guest did not set it");
    assert_eq!([0, 2, 4, 7].map(|r| read(&mut c, r, 500)), [0, 0, 0x23, 0x31]);
}

/// Linux, `mc146818_set_time`, and what reads the clock around it.
#[test]
fn set() {
    let mut c = clock();
    assert_eq!(write(&mut c, reg::B, B_SET | B_24_HOURS, 500), Effect::default());
    assert_eq!(write(&mut c, reg::A, 0x70 | 6, 500), Effect::default());
    for (r, value) in [(9, 0x28), (8, 2), (7, 0x29), (4, 0x23), (2, 0x59), (0, 0x59)] {
        assert_eq!(write(&mut c, r, value, 600), Effect::default());
    }
    assert_eq!([0, 7].map(|r| read(&mut c, r, 5000)), [0x59, 0x29], "nothing moves meanwhile");
    let seconds = (365 + 365 + 31 + 29) * 86_400 - 1 - 5;
    let effect = write(&mut c, reg::B, B_24_HOURS, 5000);
    assert_eq!(effect, Effect { irq: None, shift: Some(seconds) });
    assert_eq!([0, 2, 4, 6, 7, 8, 9].map(|r| read(&mut c, r, 6000)), [0, 0, 0, 4, 1, 3, 0x28]);
    assert_eq!(write(&mut c, reg::HOURS, 0x05, 6000).shift, Some(5 * 3600), "without stopping it, too");
    assert_eq!(c.save(&at(0)).rtc_offset, seconds + 5 * 3600);
}

#[test]
fn update_in_progress() {
    let mut c = clock();
    assert_eq!(read(&mut c, reg::A, 999) & 0x80, 0);
    c.write(0x70, 1, 10, &at(0));
    let late = Time { now: NS - 200_000, start: START };
    assert_eq!(c.read(0x71, 1, &late).unwrap().0, 0xa6);
    assert_eq!(read(&mut c, reg::A, 1000) & 0x80, 0);
}

#[test]
fn periodic() {
    let mut c = clock();
    assert_eq!(read(&mut c, reg::C, 10), 0x40, "it has come, but is not enabled");
    assert_eq!(c.next_deadline(&at(10)), None);
    assert_eq!(write(&mut c, reg::B, B_24_HOURS | PERIODIC, 10), Effect::default());
    let due = c.next_deadline(&at(10)).unwrap();
    assert_eq!(due, 11 * NS / 1024 + 1, "1024 Hz");
    assert_eq!(c.expire(&Time { now: due - 1, start: START }), Effect::default());
    assert_eq!(c.expire(&Time { now: due, start: START }), irq(true));
    assert_eq!(c.next_deadline(&at(11)), None, "until register C is read");
    c.write(0x70, 1, 12, &at(11));
    assert_eq!(c.read(0x71, 1, &at(11)), Some((0xc0, irq(false))));
    assert_eq!(write(&mut c, reg::A, 0x2f, 11), Effect::default());
    assert_eq!(c.next_deadline(&at(11)), Some(NS / 2), "2 Hz");
    assert_eq!(write(&mut c, reg::A, 0x21, 11), Effect::default());
    assert_eq!(c.next_deadline(&at(11)), Some(3 * NS / 256), "256 Hz");
    assert_eq!(write(&mut c, reg::A, 0x70, 11), Effect::default());
    assert_eq!(c.next_deadline(&at(11)), None);
}

#[test]
fn update_and_alarm() {
    let mut c = clock();
    assert_eq!(write(&mut c, reg::B, B_24_HOURS | UPDATE, 100), Effect::default());
    assert_eq!(c.next_deadline(&at(100)), Some(NS));
    assert_eq!(c.expire(&at(1000)), irq(true));
    assert_eq!(read(&mut c, reg::C, 1000) & 0x90, 0x90);
    assert_eq!(write(&mut c, reg::B, B_24_HOURS | ALARM, 1000), Effect::default());
    assert_eq!(c.next_deadline(&at(1000)), Some(86_400 * NS), "the next midnight");
    for (r, value) in [(5, 0xff), (3, 0x30), (1, 0x05)] {
        assert_eq!(write(&mut c, r, value, 1000), Effect::default());
    }
    assert_eq!(c.next_deadline(&at(1000)), Some(1805 * NS));
    assert_eq!(c.expire(&at(1_804_999)), Effect::default());
    assert_eq!(c.expire(&at(1_805_000)), irq(true));
    assert_eq!(read(&mut c, reg::C, 1_805_000) & 0xa0, 0xa0);
    assert_eq!(c.next_deadline(&at(1_805_000)), Some(5405 * NS));
    assert_eq!(write(&mut c, 1, 0xc0, 1_805_000), Effect::default());
    assert_eq!(c.next_deadline(&at(1_805_000)), Some(1806 * NS), "each second of that minute");
    assert_eq!(write(&mut c, 5, 0x24, 1_805_000), Effect::default());
    assert_eq!(c.next_deadline(&at(1_805_000)), None, "there is no such hour");
    assert_eq!(write(&mut c, reg::B, B_SET | B_24_HOURS | UPDATE, 1_805_500), Effect::default());
    assert_eq!(read(&mut c, reg::B, 1_805_500), B_SET | B_24_HOURS, "setting ends update interrupts");
}

#[test]
fn saved_and_loaded() {
    let mut c = clock();
    let _ = c.set_offset(3600, &at(0));
    assert_eq!(write(&mut c, reg::B, B_24_HOURS | UPDATE, 0), Effect::default());
    assert_eq!(c.expire(&at(1500)), irq(true));
    let k = c.save(&at(1500));
    assert_eq!((k.cmos_data[0], k.cmos_data[4], k.cmos_data[12] & 0x90, k.rtc_offset), (1, 1, 0x90, 3600));
    let mut d = clock();
    d.load(&k, &at(9000));
    assert_eq!(read(&mut d, reg::HOURS, 9000), 1);
    d.write(0x70, 1, 12, &at(9000));
    assert_eq!(d.read(0x71, 1, &at(9000)).unwrap().1, irq(false));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Effects add up to what registers say; deadlines lie ahead and bring the interrupt.
    #[test]
    fn anything(steps in prop::collection::vec((0..4u8, 0..20u8, any::<u8>(), 0..3_000_000_000u64), 0..150)) {
        let mut time = at(0);
        let (mut c, mut level, mut offset) = (clock(), false, 0i64);
        for (what, r, value, later) in steps {
            time.now += later;
            let _ = c.write(0x70, 1, u32::from(r), &time);
            let effect = match what {
                0 => c.expire(&time),
                1 => c.read(0x71, 1, &time).map_or(Effect::default(), |(_, e)| e),
                _ => c.write(0x71, 1, u32::from(value), &time).unwrap_or_default(),
            };
            for effect in [effect, c.expire(&time)] {
                if let Some(new) = effect.irq {
                    prop_assert_ne!(new, level);
                    level = new;
                }
                offset += effect.shift.unwrap_or(0);
            }
            prop_assert_eq!((level, offset), (c.irq(), c.save(&time).rtc_offset));
            if let Some(due) = c.next_deadline(&time) {
                prop_assert!(due > time.now);
                let (mut d, early) = (c, Time { now: due - 1, ..time });
                prop_assert_eq!(d.expire(&early), Effect::default());
                prop_assert_eq!(d.expire(&Time { now: due, ..time }), irq(true));
            }
        }
    }

    #[test]
    fn any_record_loads(cmos_data: [u8; 14], cmos_index: u8, rtc_offset: i64, now: u64, start: u64) {
        let mut c = clock();
        let time = Time { now, start };
        c.load(&HvmHwRtc { cmos_data, cmos_index, pad0: 0, rtc_offset }, &time);
        let _ = (c.next_deadline(&time), c.expire(&Time { now: u64::MAX, start }), c.save(&time));
        let _ = (c.write(0x70, 1, 11, &time), c.write(0x71, 1, 0x80, &time), c.write(0x71, 1, 0, &time));
    }
}
