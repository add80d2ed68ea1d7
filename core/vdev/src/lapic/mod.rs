//! The local APIC of a vCPU (Intel SDM volume 3, chapter 11; APM volume 2, chapter 16): xAPIC registers in memory and x2APIC
//! registers as MSRs.

mod access;
mod interrupts;
mod message;
mod saved;
mod timer;

pub use message::{Delivery, Message, Target};
pub use timer::Time;

/// `APIC_BASE`: the bootstrap processor's.
pub const BASE_BSP: u64 = 1 << 8;
/// `APIC_BASE`: in x2APIC mode.
pub const BASE_X2APIC: u64 = 1 << 10;
/// `APIC_BASE`: switched on.
pub const BASE_ENABLED: u64 = 1 << 11;
/// Where the registers are in memory.
pub const BASE_ADDRESS: u64 = 0xfee0_0000;
/// Bytes of the registers in memory.
pub const SIZE: u64 = 4096;

/// Registers by their offset in memory divided by 16; in x2APIC mode the MSR is 0x800 plus this.
pub(crate) mod reg {
    pub const ID: usize = 0x02;
    pub const VERSION: usize = 0x03;
    pub const TPR: usize = 0x08;
    pub const APR: usize = 0x09;
    pub const PPR: usize = 0x0a;
    pub const EOI: usize = 0x0b;
    pub const RRD: usize = 0x0c;
    pub const LDR: usize = 0x0d;
    pub const DFR: usize = 0x0e;
    pub const SVR: usize = 0x0f;
    pub const ISR: usize = 0x10;
    pub const TMR: usize = 0x18;
    pub const IRR: usize = 0x20;
    pub const ESR: usize = 0x28;
    pub const CMCI: usize = 0x2f;
    pub const ICR: usize = 0x30;
    pub const ICR2: usize = 0x31;
    pub const LVT_TIMER: usize = 0x32;
    pub const LVT_LINT0: usize = 0x35;
    pub const LVT_LINT1: usize = 0x36;
    pub const LVT_ERROR: usize = 0x37;
    pub const TIMER_INITIAL: usize = 0x38;
    pub const TIMER_CURRENT: usize = 0x39;
    pub const TIMER_DIVIDE: usize = 0x3e;
    pub const SELF_IPI: usize = 0x3f;
}

/// An entry of the local vector table that is masked.
pub(crate) const MASKED: u32 = 1 << 16;
/// Spurious-interrupt vector register: the APIC is enabled by software.
const SOFTWARE_ENABLED: u32 = 1 << 8;
/// Version 0x14, six entries in the local vector table.
const VERSION: u32 = 0x0005_0014;
/// All logical destinations are flat.
const FLAT: u32 = 0xffff_ffff;

/// A local APIC.
#[derive(Clone, Debug)]
pub struct Lapic {
    pub(crate) regs: [u32; 64],
    pub(crate) base: u64,
    pub(crate) id: u32,
    pub(crate) timer: timer::Timer,
    /// Errors that the next write to ESR shows.
    pub(crate) errors: u32,
}

/// What an access asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// A message to other processors (or this one).
    Send(Message),
    /// A level-triggered interrupt of this vector is dealt with: the I/O APIC is to be told.
    Done(u8),
    /// The timer was set or stopped: see [`Lapic::deadline`].
    Timer,
    /// What can be delivered may have changed.
    Priority,
}

impl Lapic {
    /// The APIC of a processor after reset.
    #[must_use]
    pub fn new(id: u32, bootstrap: bool) -> Self {
        let base = BASE_ADDRESS | BASE_ENABLED | if bootstrap { BASE_BSP } else { 0 };
        let mut a = Self { regs: [0; 64], base, id, timer: timer::Timer::default(), errors: 0 };
        a.reset();
        a
    }

    /// Reset and INIT: everything but the mode and the id.
    pub fn reset(&mut self) {
        self.regs = [0; 64];
        self.timer = timer::Timer::default();
        self.errors = 0;
        self.put(reg::VERSION, VERSION);
        self.put(reg::DFR, FLAT);
        self.put(reg::SVR, 0xff);
        for r in reg::LVT_TIMER..=reg::LVT_ERROR {
            self.put(r, MASKED);
        }
        self.put_ids();
    }

    /// The register of ids, and in x2APIC mode what follows from it.
    fn put_ids(&mut self) {
        if self.is_x2apic() {
            let id = self.id;
            self.put(reg::ID, id);
            self.put(reg::LDR, (id >> 4) << 16 | 1u32.wrapping_shl(id & 15));
        } else {
            self.put(reg::ID, self.id.wrapping_shl(24));
        }
    }

    pub(crate) fn get(&self, r: usize) -> u32 {
        self.regs.get(r).copied().unwrap_or(0)
    }

    pub(crate) fn put(&mut self, r: usize, value: u32) {
        if let Some(slot) = self.regs.get_mut(r) {
            *slot = value;
        }
    }

    /// `APIC_BASE`.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Whether it is on at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.base & BASE_ENABLED != 0
    }

    /// Whether it is in x2APIC mode.
    #[must_use]
    pub fn is_x2apic(&self) -> bool {
        self.base & BASE_X2APIC != 0
    }

    /// Whether it takes interrupts.
    #[must_use]
    pub fn accepts(&self) -> bool {
        self.is_enabled() && self.get(reg::SVR) & SOFTWARE_ENABLED != 0
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Writes `APIC_BASE`; `false` for a value that a processor refuses. `x2apic`: the guest may have that mode.
    pub fn set_base(&mut self, value: u64, x2apic: bool) -> bool {
        const MODES: u64 = BASE_ENABLED | BASE_X2APIC;
        let (old, new) = (self.base & MODES, value & MODES);
        // Registers cannot be moved, and x2APIC mode is left only by switching off.
        let valid = value & !(MODES | BASE_BSP) == BASE_ADDRESS
            && new != BASE_X2APIC
            && (new & BASE_X2APIC == 0 || x2apic)
            && !(old == MODES && new == BASE_ENABLED)
            && !(old == 0 && new == MODES);
        if !valid {
            return false;
        }
        self.base = value;
        if old & BASE_ENABLED != 0 && new == 0 {
            self.reset();
        }
        if old != new {
            self.put_ids();
        }
        true
    }
}

#[cfg(test)]
mod tests;
