//! The form in which the device is saved (`hvm_hw_hpet`).

use xen_abi::hvm_save::{HvmHwHpet, HvmHwHpetTimers};

use super::timer::Timer;
use super::{CAPABILITY, Hpet, LEGACY, RUNS, STATUS};

impl Hpet {
    /// The form in which it is saved.
    #[must_use]
    pub fn save(&self, now: u64) -> HvmHwHpet {
        let count = self.count(now);
        let timers = self.timers.each_ref().map(|t| HvmHwHpetTimers {
            config: t.config(),
            cmp: t.comparator(count),
            fsb: 0,
            res4: 0,
        });
        HvmHwHpet {
            capability: CAPABILITY,
            config: self.config,
            isr: self.status,
            mc64: count,
            timers,
            period: self.timers.each_ref().map(Timer::period),
            ..HvmHwHpet::default()
        }
    }

    /// Takes what was saved; `false` for a device with other ticks. Wires are saved elsewhere.
    pub fn load(&mut self, k: &HvmHwHpet, now: u64) -> bool {
        if k.capability >> 32 != CAPABILITY >> 32 {
            return false;
        }
        self.config = k.config & (RUNS | LEGACY);
        self.status = k.isr & STATUS;
        self.count = k.mc64;
        self.since = now;
        for ((to, from), period) in self.timers.iter_mut().zip(&k.timers).zip(k.period) {
            *to = Timer::from_saved(from.config, from.cmp, period);
        }
        self.arm_all(now);
        true
    }

    /// Whether timers 0 and 1 are in the places of the 8254 and the clock.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.has(LEGACY)
    }
}
