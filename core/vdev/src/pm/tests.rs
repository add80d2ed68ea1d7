use proptest::prelude::*;

use super::*;

/// Nanoseconds after which the timer's highest bit changes: almost ten minutes.
const HALF: u64 = 599_932_015_941;

#[test]
fn timer() {
    let mut pm = Pm::default();
    assert_eq!(pm.read(8, 4, 1_000_000_000), 3_579_545);
    assert_eq!(pm.read(9, 1, 1_000_000_000), 3_579_545 >> 8 & 0xff);
    assert_eq!(pm.write(8, 4, 0, 1_000_000_000), Effect::None);
    assert_eq!(pm.read(8, 4, 2_000_000_000), 7_159_090);
    assert_eq!(pm.read(8, 4, 2 * HALF), 0, "it has 32 bits");
    assert_eq!(pm.read(4, 4, 0), u32::MAX);
}

#[test]
fn timer_event() {
    let mut pm = Pm::default();
    assert_eq!(pm.next_deadline(), None);
    assert_eq!((pm.read(0, 2, HALF - 1), pm.read(0, 2, HALF)), (0, 1));
    assert_eq!(pm.write(0, 4, 1 << 16 | 1, HALF), Effect::None, "cleared and enabled");
    assert_eq!(pm.next_deadline(), Some(2 * HALF));
    assert_eq!(pm.expire(2 * HALF - 1), Effect::None);
    assert_eq!(pm.expire(2 * HALF), Effect::Sci(true));
    assert_eq!(pm.next_deadline(), None, "until it is cleared");
    assert_eq!(pm.write(0, 1, 1, 2 * HALF + 1), Effect::Sci(false));
    assert_eq!(pm.next_deadline(), Some(3 * HALF - 1));
    assert_eq!(pm.expire(9 * HALF), Effect::Sci(true), "late");
}

/// ACPICA clears and enables by words; a guest may also do it by bytes.
#[test]
fn buttons() {
    let mut pm = Pm::default();
    assert_eq!(pm.press(Button::Power, 0), Effect::None, "not enabled");
    assert_eq!(pm.read(0, 2, 0), 0x100);
    assert_eq!(pm.write(2, 2, 0x320, 0), Effect::Sci(true));
    assert_eq!(pm.read(0, 4, 0), 0x0320_0100);
    assert_eq!(pm.write(0, 2, 0x200, 0), Effect::None);
    assert_eq!(pm.press(Button::Sleep, 0), Effect::None, "asserted already");
    assert_eq!(pm.write(1, 1, 1, 0), Effect::None);
    assert_eq!(pm.write(1, 1, 2, 0), Effect::Sci(false));
    assert_eq!(pm.write(3, 1, 0, 0), Effect::None);
    assert_eq!(pm.read(2, 2, 0), 0x20);
}

#[test]
fn saved_and_loaded() {
    let mut pm = Pm::default();
    assert_eq!(pm.write(2, 2, 0x101, 0), Effect::None);
    assert_eq!(pm.press(Button::Power, 5), Effect::Sci(true));
    let k = pm.save(HALF + 1_000_000_000);
    assert_eq!((k.tmr_val, k.pm1a_sts, k.pm1a_en), ((1 << 31) + 3_579_545, 0x101, 0x101));
    let mut other = Pm::default();
    other.load(&k, 77);
    assert_eq!((other.read(8, 4, 77), other.read(0, 2, 77)), (k.tmr_val, 0x101));
    assert_eq!(other.write(0, 2, 0x101, 77), Effect::Sci(false));
    assert_eq!(other.next_deadline(), Some(77 + HALF - 1_000_000_000));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Effects add up to the level that the registers say, and deadlines lie ahead.
    #[test]
    fn anything(steps in prop::collection::vec((0..5u8, any::<u16>(), any::<u8>(), any::<u32>(), 0..HALF), 0..100)) {
        let (mut pm, mut now, mut level) = (Pm::default(), 0, false);
        for (what, offset, size, value, later) in steps {
            now += later;
            let effect = match what {
                0 => pm.press(if size & 1 != 0 { Button::Power } else { Button::Sleep }, now),
                1 => pm.expire(now),
                _ => pm.write(offset & 0xf, size & 7, value, now),
            };
            let _ = pm.read(offset, size, now);
            if let Effect::Sci(new) = effect {
                prop_assert_ne!(new, level);
                level = new;
            }
            prop_assert_eq!(level, pm.sci());
            // What the write cleared, or a press found, may have come with the timer's event.
            if let Effect::Sci(new) = pm.expire(now) {
                level = new;
            }
            prop_assert!(pm.next_deadline().is_none_or(|due| due > now));
        }
    }

    #[test]
    fn any_record_loads(tmr_val: u32, pm1a_sts: u16, pm1a_en: u16, now: u64) {
        let mut pm = Pm::default();
        pm.load(&HvmHwPmtimer { tmr_val, pm1a_sts, pm1a_en }, now);
        prop_assert_eq!((pm.save(now).tmr_val, pm.save(now).pm1a_sts), (tmr_val, pm1a_sts));
        let _ = (pm.next_deadline(), pm.expire(u64::MAX));
    }
}
