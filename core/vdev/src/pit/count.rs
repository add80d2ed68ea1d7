//! How a counter counts, by its mode and the time.

use crate::ticks::{MIN_PERIOD_NS, nanoseconds, ticks};

/// Ticks in a second.
pub(super) const HZ: u32 = 1_193_182;
/// Ticks of the shortest period of interrupts.
const MIN_PERIOD: u64 = MIN_PERIOD_NS * HZ as u64 / 1_000_000_000 + 1;

/// Modes: the output rises at the end; a pulse when the gate rises; divider; square wave; pulse at the end; the same, when the gate
/// rises. No control word was written yet.
const TERMINAL: u8 = 0;
const ONE_SHOT: u8 = 1;
const RATE: u8 = 2;
const SQUARE: u8 = 3;
const STROBE: u8 = 4;
const HARD_STROBE: u8 = 5;
pub(super) const UNSET: u8 = 0xff;

/// What a counter is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for a count, or for the gate.
    Idle,
    /// It counts since this time.
    Since(u64),
    /// The gate holds it after so many nanoseconds of counting.
    Held(u64),
}

/// A counter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    pub mode: u8,
    /// Ticks to count, 1–65536.
    pub count: u32,
    pub gate: bool,
    state: State,
}

impl Counter {
    pub const fn new(gate: bool) -> Self {
        Self { mode: UNSET, count: 65_536, gate, state: State::Idle }
    }

    /// Sets the mode; counting stops until a count comes.
    pub fn set_mode(&mut self, mode: u8) {
        // The highest bit does not count for modes 2 and 3.
        self.mode = if mode & 2 != 0 { mode & 3 } else { mode & 7 };
        self.state = State::Idle;
    }

    fn by_gate(&self) -> bool {
        matches!(self.mode, ONE_SHOT | HARD_STROBE)
    }

    fn repeats(&self) -> bool {
        matches!(self.mode, RATE | SQUARE)
    }

    /// A count comes.
    pub fn load(&mut self, count: u32, now: u64) {
        self.count = count.clamp(1, 65_536);
        if self.mode != UNSET && !self.by_gate() {
            self.state = if self.gate { State::Since(now) } else { State::Held(0) };
        }
    }

    /// The gate opens or closes.
    pub fn set_gate(&mut self, open: bool, now: u64) {
        let rises = open && !self.gate;
        self.gate = open;
        self.state = match self.state {
            // One that divides starts anew when the gate opens.
            State::Since(_) if self.repeats() && !open => State::Held(0),
            State::Since(start) if !self.by_gate() && !open => State::Held(now.saturating_sub(start)),
            State::Held(ns) if open => State::Since(now.saturating_sub(ns)),
            _ if rises && self.by_gate() => State::Since(now),
            state => state,
        };
    }

    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Ticks since counting began.
    fn elapsed(&self, now: u64) -> u64 {
        match self.state {
            State::Idle => 0,
            State::Since(start) => ticks(now.saturating_sub(start), HZ),
            State::Held(ns) => ticks(ns, HZ),
        }
    }

    /// The count as it is now.
    pub fn value(&self, now: u64, modulus: u32) -> u16 {
        let (count, modulus) = (u64::from(self.count), u64::from(modulus));
        let done = match self.mode {
            RATE => rest(self.elapsed(now), count),
            SQUARE => rest(self.elapsed(now).saturating_mul(2), count),
            _ => rest(self.elapsed(now), modulus),
        };
        rest(count.saturating_add(modulus).saturating_sub(done), modulus) as u16
    }

    /// The output.
    pub fn output(&self, now: u64) -> bool {
        let (count, e) = (u64::from(self.count), self.elapsed(now));
        match (self.mode, self.state) {
            (TERMINAL, State::Idle) => false,
            (_, State::Idle) => true,
            (RATE | SQUARE, State::Held(_)) => true,
            (TERMINAL | ONE_SHOT, _) => e >= count,
            (RATE, _) => rest(e, count) != count.saturating_sub(1),
            (SQUARE, _) => rest(e, count) < count.saturating_add(1) >> 1,
            _ => e != count,
        }
    }

    /// Ticks from one interrupt to the next, or to the only one.
    fn interval(&self) -> u64 {
        let count = u64::from(self.count);
        match self.mode {
            STROBE | HARD_STROBE => count.saturating_add(1),
            RATE | SQUARE => count.max(MIN_PERIOD),
            _ => count,
        }
    }

    /// How often the output rose since counting began.
    pub fn rises(&self, now: u64) -> u64 {
        let rises = self.elapsed(now).checked_div(self.interval()).unwrap_or(0);
        if self.repeats() { rises } else { rises.min(1) }
    }

    /// When the output rises for the `n`th time.
    pub fn when(&self, n: u64) -> Option<u64> {
        let State::Since(start) = self.state else { return None };
        if n != 1 && !self.repeats() {
            return None;
        }
        start.checked_add(nanoseconds(self.interval().checked_mul(n)?, HZ))
    }
}

fn rest(value: u64, by: u64) -> u64 {
    value.checked_rem(by).unwrap_or(0)
}

/// Four decimal digits.
pub(super) fn decimal(value: u16) -> u16 {
    [1000u16, 100, 10, 1].iter().fold(0, |digits, unit| {
        let digit = value.checked_div(*unit).unwrap_or(0) % 10;
        digits << 4 | digit
    })
}

/// The value of four decimal digits.
pub(super) fn from_decimal(digits: u16) -> u32 {
    [12u32, 8, 4, 0].iter().fold(0u32, |value, shift| {
        let digit = u32::from(digits.wrapping_shr(*shift) & 0xf);
        value.saturating_mul(10).saturating_add(digit)
    })
}
