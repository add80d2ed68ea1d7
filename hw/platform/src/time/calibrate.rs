//! Measures the time stamp counter and the local APIC's timer by a counter of known frequency.

use super::counter::Counter;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The time stamp counter's frequency.
    pub tsc_hz: u64,
    /// The frequency of the local APIC's timer.
    pub lapic_hz: u64,
}

/// How long to measure by default, in microseconds. The error is that of two readings (some 0.1 µs together): about 10 ppm,
/// less than the oscillators' own.
pub const WINDOW_US: u64 = 10_000;

/// How often each end of the interval is read; the reading that took the shortest time counts.
const TRIES: u32 = 5;
/// How many readings without progress prove that the reference stands still.
const PATIENCE: u32 = 1_000_000;

#[derive(Clone, Copy)]
struct Sample {
    reference: u64,
    tsc: u64,
    lapic: u32,
}

/// Measures for `window_us` microseconds, which must be less than the reference takes to wrap around. `tsc` reads the time
/// stamp counter, `lapic` the local APIC's timer, which counts down. `None` when the reference stands still.
pub fn measure(
    reference: &impl Counter,
    window_us: u64,
    tsc: impl Fn() -> u64,
    lapic: impl Fn() -> u32,
) -> Option<Rates> {
    let window = (u128::from(reference.millihertz()) * u128::from(window_us) / 1_000_000_000) as u64;
    if window == 0 || window > reference.mask() / 2 {
        return None;
    }
    let first = sample(reference, &tsc, &lapic)?;
    wait(reference, first.reference, window)?;
    let last = sample(reference, &tsc, &lapic)?;
    let passed = last.reference.wrapping_sub(first.reference) & reference.mask();
    let rate = |ticks: u64| -> Option<u64> {
        let n = u128::from(ticks) * u128::from(reference.millihertz());
        let d = u128::from(passed) * 1000;
        u64::try_from((n + d / 2).checked_div(d)?).ok()
    };
    Some(Rates {
        tsc_hz: rate(last.tsc.wrapping_sub(first.tsc))?,
        lapic_hz: rate(u64::from(first.lapic.wrapping_sub(last.lapic)))?,
    })
}

/// Waits until `ticks` have passed since `from`.
fn wait(reference: &impl Counter, from: u64, ticks: u64) -> Option<()> {
    let (mut latest, mut stuck) = (from, 0);
    loop {
        let now = reference.read();
        if now.wrapping_sub(from) & reference.mask() >= ticks {
            return Some(());
        }
        stuck = if now == latest { stuck + 1 } else { 0 };
        if stuck > PATIENCE {
            return None;
        }
        latest = now;
        core::hint::spin_loop();
    }
}

/// The three counters at one moment: just after the reference has ticked.
fn sample(reference: &impl Counter, tsc: &impl Fn() -> u64, lapic: &impl Fn() -> u32) -> Option<Sample> {
    let mut best: Option<(u64, Sample)> = None;
    for _ in 0..TRIES {
        let (before, at) = next_tick(reference, tsc)?;
        let now = tsc();
        let s = Sample { reference: at, tsc: now, lapic: lapic() };
        let took = now.wrapping_sub(before);
        if best.is_none_or(|(t, _)| took < t) {
            best = Some((took, s));
        }
    }
    best.map(|(_, s)| s)
}

/// Waits for the reference's next value; returns the time stamp before the reading that saw it, and the value.
fn next_tick(reference: &impl Counter, tsc: &impl Fn() -> u64) -> Option<(u64, u64)> {
    let start = reference.read();
    for _ in 0..PATIENCE {
        let before = tsc();
        let v = reference.read();
        if v != start {
            return Some((before, v));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    /// Time passes by 7 ns with each reading of anything.
    struct World(Cell<u64>);

    impl World {
        fn read(&self, hz: u64) -> u64 {
            self.0.set(self.0.get() + 7);
            (u128::from(self.0.get()) * u128::from(hz) / 1_000_000_000) as u64
        }
    }

    struct Fake<'a>(&'a World, u64, u64);

    impl Counter for Fake<'_> {
        fn read(&self) -> u64 {
            self.0.read(self.1) & self.2
        }
        fn mask(&self) -> u64 {
            self.2
        }
        fn millihertz(&self) -> u64 {
            self.1 * 1000
        }
        fn name(&self) -> &'static str {
            "fake"
        }
    }

    fn check(hz: u64, mask: u64, start: u64, window: u64, ppm: u64) {
        let w = World(Cell::new(start));
        let r = Fake(&w, hz, mask);
        let lapic = || (w.read(62_500_000) as u32).wrapping_neg();
        let got = measure(&r, window, || w.read(2_450_000_000), lapic).unwrap();
        let off = |a: u64, b: u64| a.abs_diff(b) * 1_000_000 / b;
        assert!(off(got.tsc_hz, 2_450_000_000) <= ppm, "{got:?}");
        assert!(off(got.lapic_hz, 62_500_000) <= ppm, "{got:?}");
    }

    #[test]
    fn rates() {
        check(100_000_000, 0xffff_ffff, 5, 10_000, 10);
        // Wraps around during the measurement.
        check(3_579_545, 0xff_ffff, 4_686_900_000, 10_000, 20);
        check(1_193_182, 0xffff, 54_000_000, 10_000, 20);
    }

    #[test]
    fn a_dead_reference() {
        let w = World(Cell::new(0));
        let r = Fake(&w, 100_000_000, 0);
        assert_eq!(measure(&r, 1000, || w.read(1), || 0), None);
        struct Stuck;
        impl Counter for Stuck {
            fn read(&self) -> u64 {
                3
            }
            fn mask(&self) -> u64 {
                0xffff
            }
            fn millihertz(&self) -> u64 {
                1_000_000
            }
            fn name(&self) -> &'static str {
                "stuck"
            }
        }
        assert_eq!(measure(&Stuck, 1000, || w.read(1), || 0), None);
    }
}
