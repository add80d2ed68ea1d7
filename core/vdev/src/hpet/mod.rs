//! The high precision event timer (IA-PC HPET specification 1.0a): a counter of 64 bits and three timers.
//!
//! A tick takes 16 ns, as with Xen. A comparator that is written when the counter has just passed its value counts as reached, so that
//! a guest that is slow to set it does not wait until the counter comes round.

mod saved;
mod timer;

use fx_types::operand::mask as bits;
use timer::{ENABLED, LEVEL, Timer};

use crate::routing::Wire;

/// Where the registers are.
pub const BASE: u64 = 0xfed0_0000;
/// Bytes of the registers.
pub const SIZE: u64 = 0x400;

/// Nanoseconds of a tick.
const TICK_NS: u64 = 16;
const TIMERS: usize = 3;
/// Period in femtoseconds; vendor, legacy routes, 64 bits, number of the last timer, revision.
const CAPABILITY: u64 = (TICK_NS * 1_000_000) << 32 | 0x8086_a201;

const REG_CAPABILITY: u64 = 0x000;
const REG_CONFIG: u64 = 0x010;
const REG_STATUS: u64 = 0x020;
const REG_COUNTER: u64 = 0x0f0;
const REG_TIMERS: u64 = 0x100;
const TIMER_SIZE: u64 = 0x20;
const TIMER_CONFIG: u64 = 0x00;
const TIMER_COMPARATOR: u64 = 0x08;

/// Configuration: the counter runs; timers 0 and 1 are in the places of the 8254 and the clock.
const RUNS: u64 = 1 << 0;
const LEGACY: u64 = 1 << 1;
const STATUS: u64 = (1 << TIMERS) - 1;

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Effect {
    /// Wires to let go.
    pub lowered: [Option<Wire>; TIMERS],
    /// Wires to assert.
    pub raised: [Option<Wire>; TIMERS],
    /// Wires that have new edges, and how many.
    pub edges: [Option<(Wire, u64)>; TIMERS],
    /// Timers that the guest has set anew: edges of theirs that it has not had yet are nothing to it now.
    pub anew: [bool; TIMERS],
    /// The 8254 and the clock are disconnected from interrupts 0 and 8 (`true`), or connected again.
    pub legacy: Option<bool>,
}

/// The device.
#[derive(Clone, Copy, Debug)]
pub struct Hpet {
    config: u64,
    status: u64,
    /// The counter at the time `since`; while it does not run, as it is.
    count: u64,
    since: u64,
    timers: [Timer; TIMERS],
}

impl Default for Hpet {
    fn default() -> Self {
        Self { config: 0, status: 0, count: 0, since: 0, timers: [Timer::RESET; TIMERS] }
    }
}

impl Hpet {
    const fn has(&self, bit: u64) -> bool {
        self.config & bit != 0
    }

    fn count(&self, now: u64) -> u64 {
        let run = if self.has(RUNS) { now.saturating_sub(self.since) / TICK_NS } else { 0 };
        self.count.wrapping_add(run)
    }

    fn wire(&self, n: usize) -> Wire {
        match n {
            0 if self.has(LEGACY) => Wire::Isa(0),
            1 if self.has(LEGACY) => Wire::Isa(8),
            _ => Wire::Gsi(self.timers.get(n).map_or(0, Timer::route)),
        }
    }

    /// The wires that are asserted for as long as the status says so.
    #[must_use]
    pub fn asserted(&self) -> [Option<Wire>; TIMERS] {
        let mut wires = [None; TIMERS];
        for (n, (wire, timer)) in wires.iter_mut().zip(&self.timers).enumerate() {
            let active = self.status >> n & 1 != 0;
            if active && self.has(RUNS) && timer.has(ENABLED) && timer.has(LEVEL) {
                *wire = Some(self.wire(n));
            }
        }
        wires
    }

    /// Does something to the device as it is now.
    fn change(&mut self, now: u64, what: impl FnOnce(&mut Self)) -> Effect {
        let (wires, legacy) = (self.asserted(), self.has(LEGACY));
        let mut effect = Effect { edges: self.events(now), ..Effect::default() };
        let plans = self.plans();
        what(self);
        for ((anew, old), new) in effect.anew.iter_mut().zip(plans).zip(self.plans()) {
            *anew = old != new;
        }
        if legacy != self.has(LEGACY) {
            effect.legacy = Some(!legacy);
        }
        let moves = effect.lowered.iter_mut().zip(&mut effect.raised);
        for ((lowered, raised), (old, new)) in moves.zip(wires.into_iter().zip(self.asserted())) {
            if old != new {
                (*lowered, *raised) = (old, new);
            }
        }
        effect
    }

    /// Where each timer leads, and what it is set to.
    fn plans(&self) -> [(Wire, timer::Plan); TIMERS] {
        let mut plans = [0, 1, 2].map(|n| (self.wire(n), timer::Plan::default()));
        for ((_, plan), timer) in plans.iter_mut().zip(&self.timers) {
            *plan = timer.plan();
        }
        plans
    }

    /// What timers were due: edges, or status.
    fn events(&mut self, now: u64) -> [Option<(Wire, u64)>; TIMERS] {
        let mut edges = [None; TIMERS];
        let wires = [0, 1, 2].map(|n| self.wire(n));
        for (n, ((edge, timer), wire)) in edges.iter_mut().zip(&mut self.timers).zip(wires).enumerate() {
            let times = timer.expire(now);
            if times != 0 && timer.has(LEVEL) {
                self.status |= 1u64.wrapping_shl(n as u32);
            } else if times != 0 {
                *edge = Some((wire, times));
            }
        }
        edges
    }

    /// When the next timer is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        // One whose wire is asserted has nothing to say.
        let free = self.timers.iter().zip(self.asserted()).filter(|(_, wire)| wire.is_none());
        free.filter_map(|(timer, _)| timer.due).min()
    }

    /// What time has brought.
    pub fn expire(&mut self, now: u64) -> Effect {
        self.change(now, |_| ())
    }

    /// Sets when a timer is due; `written`: because of its comparator.
    fn arm(&mut self, n: usize, written: bool, now: u64) {
        let (runs, count, base, since) = (self.has(RUNS), self.count(now), self.count, self.since);
        let Some(timer) = self.timers.get_mut(n) else { return };
        timer.due = None;
        if !runs || !timer.has(ENABLED) {
            return;
        }
        let ahead = timer.ahead(count, written);
        let since_start = count.wrapping_sub(base).checked_add(ahead);
        let due = since_start.and_then(|t| since.checked_add(t.checked_mul(TICK_NS)?));
        timer.due = if ahead == 0 { Some(now) } else { due };
    }

    fn register(&self, register: u64, now: u64) -> u64 {
        match register {
            REG_CAPABILITY => CAPABILITY,
            REG_CONFIG => self.config,
            REG_STATUS => self.status,
            REG_COUNTER => self.count(now),
            _ => {
                let Some((n, r)) = place(register) else { return 0 };
                let Some(timer) = self.timers.get(n) else { return 0 };
                match r {
                    TIMER_CONFIG => timer.config(),
                    TIMER_COMPARATOR => timer.comparator(self.count(now)),
                    _ => 0,
                }
            }
        }
    }

    /// Reads registers.
    #[must_use]
    pub fn read(&self, offset: u64, size: u8, now: u64) -> u64 {
        if !is_possible(offset, size) {
            return bits(size);
        }
        self.register(offset & !7, now).wrapping_shr(shift(offset)) & bits(size)
    }

    /// Writes registers.
    pub fn write(&mut self, offset: u64, size: u8, value: u64, now: u64) -> Effect {
        if !is_possible(offset, size) {
            return Effect::default();
        }
        let replaced = bits(size).wrapping_shl(shift(offset));
        let new = value.wrapping_shl(shift(offset)) & replaced;
        self.change(now, |hpet| {
            let old = hpet.register(offset & !7, now);
            hpet.put(offset & !7, new, old & !replaced | new, now);
        })
    }

    /// Writes a register: `new` has the bits that were written, `value` the others, too.
    fn put(&mut self, register: u64, new: u64, value: u64, now: u64) {
        match register {
            REG_CONFIG => {
                let switched = (self.config ^ value) & RUNS != 0;
                if switched {
                    self.count = self.count(now);
                    self.since = now;
                }
                self.config = value & (RUNS | LEGACY);
                if switched {
                    self.arm_all(now);
                }
            }
            REG_STATUS => self.status &= !new,
            REG_COUNTER if !self.has(RUNS) => self.count = value,
            _ => {
                let Some((n, r)) = place(register) else { return };
                let Some(timer) = self.timers.get_mut(n) else { return };
                match r {
                    TIMER_CONFIG if timer.set_config(value) => self.arm(n, false, now),
                    TIMER_COMPARATOR => {
                        timer.set_comparator(value);
                        self.arm(n, true, now);
                    }
                    _ => {}
                }
            }
        }
    }

    fn arm_all(&mut self, now: u64) {
        for n in 0..TIMERS {
            self.arm(n, false, now);
        }
    }
}

/// Which timer, and which of its registers, a register is.
fn place(register: u64) -> Option<(usize, u64)> {
    let offset = register.checked_sub(REG_TIMERS)?;
    Some(((offset / TIMER_SIZE) as usize, offset % TIMER_SIZE))
}

/// Where in its register an access begins, in bits.
const fn shift(offset: u64) -> u32 {
    (offset as u32 & 7) << 3
}

/// Whether an access is aligned and has one of the sizes that there are.
fn is_possible(offset: u64, size: u8) -> bool {
    matches!(size, 1 | 2 | 4 | 8) && offset & u64::from(size.saturating_sub(1)) == 0 && offset < SIZE
}

#[cfg(test)]
mod tests;
