//! Ticks of periodic timers that a guest was not fast enough to take (`HVM_PARAM_TIMER_MODE`).
//!
//! A wire has one edge at a time. While a guest does not take it, or does not run at all, further ones would be lost, and the time
//! of a guest that counts them would fall behind. So what is missed is remembered, and the next edge follows when one is taken.

use fx_vdev::routing::{Wire, isa_gsi};
use xen_abi::hvm_params::{HVMPTM_NO_MISSED_TICKS_PENDING, HVMPTM_ONE_MISSED_TICK_PENDING};

use super::Devices;

/// Timers that have edges: the HPET's three, and the PIT's first counter.
const SOURCES: usize = 4;
/// The PIT among them.
pub(super) const PIT: usize = 3;
/// The most ticks that a guest is given later: some seconds of usual rates. One that did not run for longer has lost time.
const MOST: u64 = 2000;

/// What of a timer the guest has not taken yet.
#[derive(Clone, Copy)]
struct Source {
    wire: Wire,
    /// An edge that was not taken.
    waiting: bool,
    /// How many are to follow.
    owed: u64,
}

/// All timers' ticks.
pub(super) struct Ticks {
    sources: [Source; SOURCES],
    /// `HVMPTM_*`.
    pub mode: u64,
}

impl Default for Ticks {
    fn default() -> Self {
        Self { sources: [Source { wire: Wire::Isa(0), waiting: false, owed: 0 }; SOURCES], mode: 0 }
    }
}

impl Ticks {
    /// Whether any tick was not taken yet.
    pub fn any(&self) -> bool {
        self.sources.iter().any(|s| s.waiting)
    }

    /// A timer was set anew: what it had to say before nobody waits for.
    pub fn forget(&mut self, source: usize) {
        if let Some(s) = self.sources.get_mut(source) {
            (s.waiting, s.owed) = (false, 0);
        }
    }

    /// How many ticks are made up for at most.
    const fn most(&self) -> u64 {
        match self.mode {
            HVMPTM_NO_MISSED_TICKS_PENDING => 0,
            HVMPTM_ONE_MISSED_TICK_PENDING => 1,
            _ => MOST,
        }
    }
}

impl Devices {
    /// Whether a wire's edges reach a processor.
    fn is_heard(&self, wire: Wire) -> bool {
        let (irq, gsi) = pins(wire);
        irq.and_then(|irq| self.pic.vector(irq)).is_some() || self.ioapic.vector(gsi).is_some()
    }

    /// A timer was due `times` times.
    pub(super) fn tick(&mut self, source: usize, wire: Wire, times: u64) {
        let (heard, most) = (self.is_heard(wire), self.ticks.most());
        if let Some(s) = self.ticks.sources.get_mut(source) {
            // One that is waiting still does not become two by another edge.
            let missed = if s.waiting { times } else { times.saturating_sub(1) };
            s.owed = if heard { s.owed.saturating_add(missed).min(most) } else { 0 };
            (s.waiting, s.wire) = (heard, wire);
        }
        self.pulse(wire);
    }

    fn pulse(&mut self, wire: Wire) {
        let change = self.wires.pulse(wire);
        self.apply(change);
    }

    /// A processor takes an interrupt of the 8259A.
    pub(super) fn taken_by_pic(&mut self, vector: u8) {
        self.take_ticks(|b, wire| pins(wire).0.and_then(|irq| b.pic.vector(irq)) == Some(vector));
    }

    /// A processor takes an interrupt that came by the I/O APIC.
    pub(super) fn taken_by_apic(&mut self, vector: u8) {
        self.take_ticks(|b, wire| b.ioapic.vector(pins(wire).1) == Some(vector));
    }

    fn take_ticks(&mut self, is_it: impl Fn(&Self, Wire) -> bool) {
        for n in 0..SOURCES {
            let Some(source) = self.ticks.sources.get(n).copied() else { return };
            if !source.waiting || !is_it(self, source.wire) {
                continue;
            }
            if let Some(s) = self.ticks.sources.get_mut(n) {
                s.waiting = source.owed != 0;
                s.owed = source.owed.saturating_sub(1);
            }
            if source.owed != 0 {
                self.pulse(source.wire);
            }
        }
    }
}

/// The wire of the 8259A, if it leads there, and the pin of the I/O APIC.
fn pins(wire: Wire) -> (Option<u8>, u8) {
    match wire {
        Wire::Isa(irq) => (Some(irq), isa_gsi(irq)),
        Wire::Gsi(gsi) => (None, gsi),
    }
}
