//! When the devices have something to say by themselves: one timer of a CPU's for all of them.

use fx_vdev::routing::Wire;
use fx_vdev::{hpet, pm, rtc};

use super::{Devices, ticks};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::time::PLATFORM;

/// While a domain is paused nobody takes its ticks, and its timer fires this seldom (ns).
const PAUSED: u64 = 10_000_000;

impl Devices {
    fn next_deadline(&self) -> Option<u64> {
        let (rtc, pm) = (self.rtc.next_deadline(&self.time), self.pm.next_deadline());
        [self.pit.next_deadline(), self.hpet.next_deadline(), rtc, pm].into_iter().flatten().min()
    }

    /// What time has brought.
    pub(super) fn expire(&mut self) {
        self.timed = true;
        let time = self.time;
        let ticks = self.pit.expire(time.now);
        if ticks != 0 {
            self.tick(ticks::PIT, Wire::Isa(0), ticks);
        }
        let (hpet, rtc) = (self.hpet.expire(time.now), self.rtc.expire(&time));
        self.hpet_effect(&hpet);
        self.rtc_effect(&rtc);
        let pm = self.pm.expire(time.now);
        self.pm_effect(pm);
    }

    pub(super) fn hpet_effect(&mut self, effect: &hpet::Effect) {
        self.timed = true;
        for (wires, level) in [(effect.lowered, false), (effect.raised, true)] {
            for wire in wires.into_iter().flatten() {
                let change = self.wires.set(wire, level);
                self.apply(change);
            }
        }
        for (n, (wire, times)) in effect.edges.into_iter().enumerate().filter_map(|(n, e)| Some((n, e?))) {
            self.tick(n, wire, times);
        }
        for (n, _) in effect.anew.iter().enumerate().filter(|(_, anew)| **anew) {
            self.ticks.forget(n);
        }
        if let Some(legacy) = effect.legacy {
            self.ticks.forget(ticks::PIT);
            self.pit.connect(!legacy, self.time.now);
            self.drive_rtc();
        }
    }

    pub(super) fn rtc_effect(&mut self, effect: &rtc::Effect) {
        self.timed = true;
        self.shift = self.shift.saturating_add(effect.shift.unwrap_or(0));
        if effect.irq.is_some() {
            self.drive_rtc();
        }
    }

    /// The clock's wire, unless a timer of the HPET is in its place.
    pub(super) fn drive_rtc(&mut self) {
        let change = self.wires.set_isa(rtc::IRQ, self.rtc.irq() && !self.hpet.is_legacy());
        self.apply(change);
    }

    pub(super) fn pm_effect(&mut self, effect: pm::Effect) {
        self.timed = true;
        if let pm::Effect::Sci(level) = effect {
            let change = self.wires.set_isa(pm::SCI, level);
            self.apply(change);
        }
    }
}

impl<H: Hw> Host<H> {
    /// Puts the timer on this CPU's queue, unless another has it with the same deadline. What another has with another deadline is
    /// seen to be no more when it fires.
    pub(super) fn arm_platform(&self, d: &Domain, b: &mut Devices) {
        let key = (d.id.0, 0, PLATFORM);
        let earliest = if d.is_paused() { b.time.now.saturating_add(PAUSED) } else { 1 };
        let Some(due) = b.next_deadline().map(|due| due.max(earliest)) else {
            b.armed = None;
            return self.arm(&key, 0);
        };
        if b.armed.is_some_and(|(_, armed)| armed == due) {
            return;
        }
        b.armed = Some((self.hw.cpu(), due));
        self.arm(&key, due);
    }

    /// The timer of this CPU fired.
    pub(crate) fn platform_expired(&self, d: &Domain) {
        let here = self.hw.cpu();
        self.with_platform(d, |b| {
            if b.armed.take_if(|(cpu, _)| *cpu == here).is_some() {
                b.expire();
            }
        });
    }

    /// vCPU 0 came here from another CPU: the timer follows, so that no other CPU has to be interrupted for it.
    pub(crate) fn rearm_platform(&self, c: &VcpuRef) {
        if c.v.id != 0 {
            return;
        }
        let here = self.hw.cpu();
        self.with_platform(&c.d, |b| b.timed = b.armed.take_if(|(cpu, _)| *cpu != here).is_some());
    }

    /// The toolstack sets by how many seconds the guest's time is ahead of UTC.
    pub(crate) fn set_clock_offset(&self, d: &Domain, seconds: i64) {
        self.with_platform(d, |b| {
            let effect = b.rtc.set_offset(seconds, &b.time);
            b.rtc_effect(&effect);
        });
    }
}
