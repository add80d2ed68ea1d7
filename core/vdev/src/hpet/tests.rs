use proptest::prelude::*;
use xen_abi::hvm_save::HvmHwHpet;

use super::timer::{NARROW, PERIODIC, SET_VALUE};
use super::*;

const T0: u64 = REG_TIMERS;
const T2: u64 = REG_TIMERS + 2 * TIMER_SIZE;
const CMP: u64 = TIMER_COMPARATOR;

fn put(h: &mut Hpet, offset: u64, value: u64, now: u64) -> Effect {
    let effect = h.write(offset, 4, value, now);
    Effect { anew: Default::default(), ..effect }
}

/// Running since time 0, with timer 2 on pin 20.
fn running() -> Hpet {
    let mut h = Hpet::default();
    assert_eq!(put(&mut h, REG_CONFIG, RUNS, 0), Effect::default());
    assert_eq!(put(&mut h, T2, 20 << 9, 0), Effect::default());
    h
}

fn edge(n: usize, wire: Wire, times: u64) -> Effect {
    let mut effect = Effect::default();
    effect.edges[n] = Some((wire, times));
    effect
}

/// What is set anew is told: what it is set to, where it leads, and whether the counter runs.
#[test]
fn set_anew() {
    let mut h = running();
    let mut anew = |offset, value, now| h.write(offset, 4, value, now).anew;
    let (none, third) = ([false; TIMERS], [false, false, true]);
    assert_eq!(anew(T2, 20 << 9 | 4 | PERIODIC | SET_VALUE | NARROW, 0), third);
    assert_eq!(anew(T2 + CMP, 62_500, 0), third);
    assert_eq!(anew(T2 + CMP, 62_500, 0), none, "as it is");
    assert_eq!(anew(T2 + CMP, 62_501, 0), third);
    assert_eq!(anew(REG_STATUS, 7, 16_000_000), none, "time is no change");
    assert_eq!(anew(T2, 20 << 9 | 4 | PERIODIC | NARROW, 16_000_000), none);
    assert_eq!(anew(T2, 21 << 9 | 4 | PERIODIC | NARROW, 16_000_000), third);
    assert_eq!(anew(REG_CONFIG, RUNS, 16_000_001), none);
    assert_eq!(anew(REG_CONFIG, RUNS | LEGACY, 16_000_001), [true, true, false]);
    assert_eq!(anew(REG_CONFIG, LEGACY, 16_000_002), third);
}

/// What is left of a period of 64 bits when the timer is made one of 32 is no shorter than others.
#[test]
fn narrowed() {
    let mut h = running();
    let config = 20 << 9 | ENABLED | PERIODIC;
    let _ = put(&mut h, T2, config | SET_VALUE, 0);
    let _ = h.write(T2 + CMP, 8, 100_000, 0);
    let _ = h.write(T2 + CMP, 8, 1 << 32 | 1, 0);
    let _ = put(&mut h, T2, config | NARROW, 0);
    let due = h.next_deadline().unwrap();
    assert_eq!(h.expire(due), edge(2, Wire::Gsi(20), 1));
    assert_eq!(h.next_deadline(), Some(due + 100_000));
}

/// Linux, `hpet_enable`.
#[test]
fn identification() {
    let mut h = Hpet::default();
    assert_eq!(h.read(0, 4, 0), 0x8086_a201, "three timers, 64 bits, legacy routes");
    assert_eq!(h.read(4, 4, 0), 16_000_000, "femtoseconds of a tick");
    assert_eq!(h.read(T0, 4, 0), 0x30);
    assert_eq!((h.read(T0 + 4, 4, 0), h.read(T0 + CMP, 8, 0)), (0x00f0_0000, u64::MAX));
    assert_eq!((h.read(0x160, 4, 0), h.read(0x3f8, 8, 0), h.read(0x400, 4, 0)), (0, 0, 0xffff_ffff));
    assert_eq!((h.read(1, 4, 0), h.read(4, 8, 0)), (0xffff_ffff, u64::MAX), "not aligned");
    assert_eq!((h.read(2, 2, 0), h.read(1, 1, 0)), (0x8086, 0xa2));
    assert_eq!(put(&mut h, 0, 5, 0), Effect::default());
    assert_eq!(h.read(0, 4, 0), 0x8086_a201);
}

#[test]
fn counter() {
    let mut h = Hpet::default();
    assert_eq!(h.read(REG_COUNTER, 8, 1000), 0);
    assert_eq!(h.write(REG_COUNTER, 8, 0xffff_fff0, 1000), Effect::default());
    assert_eq!(put(&mut h, REG_CONFIG, 1, 1000), Effect::default());
    assert_eq!(h.read(REG_COUNTER, 8, 1000 + 32 * 16), 0x1_0000_0010);
    assert_eq!((h.read(0xf0, 4, 1000 + 32 * 16), h.read(0xf4, 4, 1000 + 32 * 16)), (0x10, 1));
    assert_eq!(put(&mut h, REG_COUNTER, 0, 2000), Effect::default());
    assert_eq!(h.read(REG_COUNTER, 8, 1000 + 32 * 16), 0x1_0000_0010, "it runs");
    assert_eq!(put(&mut h, REG_CONFIG, 0, 1000 + 32 * 16), Effect::default());
    assert_eq!(put(&mut h, REG_COUNTER, 7, 2000), Effect::default());
    assert_eq!(h.read(REG_COUNTER, 8, 3000), 0x1_0000_0007, "only half was written");
}

/// Linux, `hpet_clkevt_set_state_periodic` on the legacy route.
#[test]
fn periodic() {
    let mut h = Hpet::default();
    let legacy = Effect { legacy: Some(true), ..Effect::default() };
    assert_eq!(put(&mut h, REG_CONFIG, RUNS | LEGACY, 0), legacy);
    let config = ENABLED | PERIODIC | SET_VALUE | NARROW;
    assert_eq!(put(&mut h, T0, config, 0), Effect::default());
    assert_eq!(put(&mut h, T0 + CMP, 100_000, 0), Effect::default());
    assert_eq!(put(&mut h, T0 + CMP, 62_500, 1000), Effect::default());
    assert_eq!(h.next_deadline(), Some(1_600_000));
    assert_eq!(h.read(T0 + CMP, 4, 1_599_999), 100_000);
    assert_eq!(h.expire(1_599_999), Effect::default());
    assert_eq!(h.expire(1_600_000), edge(0, Wire::Isa(0), 1));
    assert_eq!(h.next_deadline(), Some(2_600_000));
    assert_eq!(h.read(T0 + CMP, 4, 2_600_000), 225_000);
    assert_eq!(h.expire(4_600_000), edge(0, Wire::Isa(0), 3), "some came late");
    let off = Effect { legacy: Some(false), ..Effect::default() };
    assert_eq!(put(&mut h, REG_CONFIG, 0, 4_700_000), off);
    assert_eq!(h.next_deadline(), None);
    assert_eq!(put(&mut h, REG_CONFIG, RUNS, 9_700_000), Effect::default());
    assert_eq!(h.next_deadline(), Some(9_700_000 + 900_000), "the counter stood still");
}

/// A periodic timer of 32 bits that nobody touches for longer than its counter takes to come round.
#[test]
fn periodic_for_minutes() {
    let mut h = running();
    let config = 20 << 9 | ENABLED | PERIODIC | SET_VALUE | NARROW;
    assert_eq!(put(&mut h, T2, config, 0), Effect::default());
    assert_eq!(put(&mut h, T2 + CMP, 62_500_000, 0), Effect::default());
    for second in 1..=200 {
        assert_eq!(h.expire(second * 1_000_000_000), edge(2, Wire::Gsi(20), 1));
    }
    assert_eq!(h.read(T2 + CMP, 4, 200_000_000_000), (201 * 62_500_000) & 0xffff_ffff);
    assert_eq!(put(&mut h, REG_CONFIG, 0, 200_500_000_000), Effect::default());
    assert_eq!(put(&mut h, REG_CONFIG, RUNS, 300_000_000_000), Effect::default());
    assert_eq!(h.next_deadline(), Some(300_500_000_000));
}

/// Linux, `hpet_clkevt_set_next_event`: single, 32 bits.
#[test]
fn single() {
    let mut h = running();
    assert_eq!(put(&mut h, T2, 20 << 9 | ENABLED | NARROW, 0), Effect::default());
    assert_eq!(put(&mut h, T2 + CMP, 1000, 0), Effect::default());
    assert_eq!(h.next_deadline(), Some(16_000));
    assert_eq!(h.expire(16_000), edge(2, Wire::Gsi(20), 1));
    assert_eq!((h.next_deadline(), h.expire(1 << 40)), (None, Effect::default()));
    let now = 5_000_000_000;
    let count = h.read(REG_COUNTER, 4, now);
    assert_eq!(put(&mut h, T2 + CMP, count - 100, now), Effect::default());
    assert_eq!(h.next_deadline(), Some(now), "just missed");
    assert_eq!(h.expire(now), edge(2, Wire::Gsi(20), 1));
    assert_eq!(put(&mut h, T2 + CMP, count - 1_000_000, now), Effect::default());
    assert_eq!(h.next_deadline(), Some(now + ((1 << 32) - 1_000_000) * 16), "when the counter comes round");
}

#[test]
fn levels() {
    let mut h = running();
    assert_eq!(put(&mut h, T2, 21 << 9 | ENABLED | LEVEL | PERIODIC, 0), Effect::default());
    let _ = h.write(T2 + CMP, 8, 10_000, 0);
    // The comparator was not set: the first event is one period after the value that it had.
    let mut raised = Effect::default();
    raised.raised[2] = Some(Wire::Gsi(21));
    let due = h.next_deadline().unwrap();
    assert_eq!(h.expire(due), raised);
    assert_eq!((h.read(REG_STATUS, 4, due), h.next_deadline()), (4, None));
    assert_eq!(h.expire(due + 160_000), Effect::default(), "asserted already");
    let mut moved = raised;
    moved.lowered[2] = Some(Wire::Gsi(21));
    moved.raised[2] = Some(Wire::Gsi(23));
    assert_eq!(put(&mut h, T2, 23 << 9 | ENABLED | LEVEL | PERIODIC, due), moved);
    let mut lowered = Effect::default();
    lowered.lowered[2] = Some(Wire::Gsi(23));
    assert_eq!(put(&mut h, REG_STATUS, 7, due), lowered);
    assert!(h.next_deadline().is_some());
    assert_eq!(put(&mut h, T2, 3 << 9, due), Effect::default());
    assert_eq!(h.read(T2, 2, due), 23 << 9 | 0x30, "there is no way to pin 3");
}

#[test]
fn saved_and_loaded() {
    let mut h = Hpet::default();
    let _ = put(&mut h, REG_CONFIG, RUNS | LEGACY, 0);
    let _ = put(&mut h, T0, ENABLED | PERIODIC | SET_VALUE | NARROW, 0);
    let _ = put(&mut h, T0 + CMP, 100_000, 0);
    let _ = put(&mut h, T0 + CMP, 62_500, 0);
    let k = h.save(1_000_000);
    assert_eq!((k.capability, k.mc64, k.period[0]), (CAPABILITY, 62_500, 62_500));
    assert_eq!((k.timers[0].config, k.timers[0].cmp), (0x00f0_0000_0000_013c, 100_000));
    let mut g = Hpet::default();
    assert!(g.load(&k, 7) && g.is_legacy());
    assert_eq!(g.next_deadline(), Some(7 + 600_000));
    assert!(!g.load(&HvmHwHpet { capability: 0, ..k }, 7));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    /// Wires are raised and lowered by turns, deadlines lie ahead and bring something, and there is no storm.
    #[test]
    fn anything(steps in prop::collection::vec((0..12usize, 0..5usize, any::<u64>(), any::<u8>(), 0..3_000_000u64), 0..150)) {
        const OFFSETS: [u64; 12] = [0x10, 0x10, 0x20, 0xf0, 0x100, 0x108, 0x120, 0x128, 0x140, 0x148, 0x150, 0x160];
        let (mut h, mut now) = (Hpet::default(), 0u64);
        let mut wires = [None; TIMERS];
        for (r, size, value, shift, later) in steps {
            now += later;
            let offset = OFFSETS[r] + u64::from(shift & 7);
            let effect = h.write(if size < 2 { OFFSETS[r] } else { offset }, [8, 4, 1, 2, 3][size], value >> (shift & 63), now);
            for e in [effect, h.expire(now)] {
                for (n, wire) in wires.iter_mut().enumerate() {
                    prop_assert!(e.lowered[n].is_none() || e.lowered[n] == *wire);
                    *wire = if e.lowered[n].is_some() { e.raised[n] } else { e.raised[n].or(*wire) };
                }
            }
            prop_assert_eq!(wires, h.asserted());
            let _ = h.read(offset, size as u8, now);
            if let Some(due) = h.next_deadline() {
                prop_assert!(due > now);
                let mut g = h;
                prop_assert_eq!(g.expire(due - 1), Effect::default());
                prop_assert_ne!(g.expire(due), Effect::default());
            }
            let mut g = h;
            prop_assert!(g.load(&h.save(now), now));
        }
    }

    #[test]
    fn any_record_loads(config: u64, isr: u64, mc64: u64, period: [u64; 3], timer: [u64; 2], now: u64, later: u64) {
        let mut k = HvmHwHpet { capability: CAPABILITY, config, isr, mc64, period, ..HvmHwHpet::default() };
        k.timers[1].config = timer[0];
        k.timers[1].cmp = timer[1];
        let mut h = Hpet::default();
        prop_assert!(h.load(&k, now));
        prop_assert_eq!(h.save(now).mc64, mc64);
        let _ = (h.next_deadline(), h.expire(later), h.write(0x10, 8, u64::MAX, later), h.expire(u64::MAX));
    }
}
