//! What a vCPU has: assist page, and the synthetic interrupt controller (TLFS, chapter 11).

use xen_abi::hvm_save::HvmViridianVcpuContext;

use crate::PageRegister;
use crate::timers::{TIMERS, Timer};

/// Synthetic interrupts of a vCPU.
pub const SINTS: usize = 16;
/// The first vector that is no exception.
const FIRST_VECTOR: u8 = 16;

/// A synthetic interrupt's register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sint(pub u64);

impl Default for Sint {
    fn default() -> Self {
        Self(Self::MASKED)
    }
}

impl Sint {
    const MASKED: u64 = 1 << 16;
    const AUTO_EOI: u64 = 1 << 17;
    const POLLING: u64 = 1 << 18;

    /// The vector.
    #[must_use]
    pub const fn vector(self) -> u8 {
        self.0 as u8
    }

    /// Whether a message interrupts.
    #[must_use]
    pub const fn interrupts(self) -> bool {
        self.0 & (Self::MASKED | Self::POLLING) == 0
    }

    /// Whether the interrupt is over when it is delivered.
    const fn ends_at_once(self) -> bool {
        self.0 & Self::AUTO_EOI != 0 && self.interrupts()
    }
}

/// The state of a vCPU.
#[derive(Clone, Debug, Default)]
pub struct VcpuState {
    /// Where its assist page is.
    pub assist: PageRegister,
    /// The interrupt whose end the guest was told to leave out. If it does, that shows in the page.
    pub assisted: bool,
    /// `SCONTROL`.
    pub control: u64,
    /// Where its page of event flags is; nothing puts any there.
    pub event_flags: PageRegister,
    /// Where its page of messages is.
    pub messages: PageRegister,
    /// Synthetic interrupts with a message that waits for room, one bit each.
    pub blocked: u16,
    /// Synthetic interrupts.
    pub sints: [Sint; SINTS],
    /// Synthetic timers.
    pub timers: [Timer; TIMERS],
}

impl VcpuState {
    /// Writes a synthetic interrupt's register; `false` for a vector that no interrupt has.
    pub fn set_sint(&mut self, n: usize, value: u64) -> bool {
        let sint = Sint(value);
        let Some(slot) = self.sints.get_mut(n).filter(|_| sint.vector() >= FIRST_VECTOR) else {
            return false;
        };
        *slot = sint;
        true
    }

    /// Whether an interrupt with this vector is over when it is delivered.
    #[must_use]
    pub fn ends_at_once(&self, vector: u8) -> bool {
        self.sints.iter().any(|s| s.ends_at_once() && s.vector() == vector)
    }

    /// The record of it.
    #[must_use]
    pub fn save(&self) -> HvmViridianVcpuContext {
        HvmViridianVcpuContext {
            vp_assist_msr: self.assist.0,
            apic_assist_pending: self.assisted.into(),
            _pad: [0; 7],
            simp_msr: self.messages.0,
            sint_msr: self.sints.map(|s| s.0),
            stimer_config_msr: self.timers.map(|t| t.config()),
            stimer_count_msr: self.timers.map(|t| t.count()),
        }
    }

    /// Takes what was saved; reference time is `now`. The switch of the controller is not part of the record: nothing depends on it.
    pub fn load(&mut self, k: &HvmViridianVcpuContext, now: u64) {
        *self = Self {
            assist: PageRegister(k.vp_assist_msr),
            assisted: k.apic_assist_pending != 0,
            messages: PageRegister(k.simp_msr),
            sints: k.sint_msr.map(Sint),
            ..Self::default()
        };
        let settings = k.stimer_config_msr.into_iter().zip(k.stimer_count_msr);
        for (timer, (config, count)) in self.timers.iter_mut().zip(settings) {
            *timer = Timer::saved(config, count, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_interrupts() {
        let mut v = VcpuState::default();
        assert!(!v.sints[3].interrupts() && v.sints[3].0 == 0x1_0000);
        assert!(!v.set_sint(3, 0x1_000f) && !v.set_sint(16, 0x30));
        assert!(v.set_sint(3, 0x30) && v.sints[3].interrupts() && !v.ends_at_once(0x30));
        assert!(v.set_sint(3, 0x2_0030) && v.ends_at_once(0x30) && !v.ends_at_once(0x31));
        assert!(v.set_sint(3, 0x6_0030) && !v.sints[3].interrupts());
    }

    #[test]
    fn saved_and_loaded() {
        let mut v = VcpuState { assist: PageRegister(0x5001), assisted: true, ..VcpuState::default() };
        v.set_sint(2, 0x77);
        v.messages = PageRegister(0x7001);
        v.timers[1].set_count(1000, 50);
        v.timers[1].set_config(2 << 16 | 3, 50);
        let k = v.save();
        let mut w = VcpuState::default();
        w.load(&k, 70);
        assert_eq!((w.save().sint_msr, w.save().stimer_config_msr), (k.sint_msr, k.stimer_config_msr));
        assert_eq!((w.assist.frame(), w.assisted, w.messages.frame()), (Some(5), true, Some(7)));
        assert_eq!(w.timers[1].due(), Some(1070));
    }
}
