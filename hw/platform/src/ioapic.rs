//! I/O APICs. Source: Intel 82093AA data sheet.

use alloc::vec::Vec;
use fx_sync::Lock;

use crate::mmio::Mmio;

const SELECT: usize = 0;
const WINDOW: usize = 0x10;
const REG_VERSION: u32 = 1;
/// The first of two registers for each pin.
const REG_TABLE: u32 = 0x10;

/// A redirection entry: what becomes of a pin's signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rte(pub u64);

impl Rte {
    const LOW: u64 = 1 << 13;
    const REMOTE_IRR: u64 = 1 << 14;
    const LEVEL: u64 = 1 << 15;
    const MASK: u64 = 1 << 16;
    /// Nothing goes through.
    pub const MASKED: Self = Self(Self::MASK);

    /// A masked entry that sends `vector` to the CPU with the (physical) APIC id.
    #[must_use]
    pub const fn fixed(vector: u8, apic_id: u8, level: bool, low: bool) -> Self {
        let line = if level { Self::LEVEL } else { 0 } | if low { Self::LOW } else { 0 };
        Self((apic_id as u64) << 56 | Self::MASK | line | vector as u64)
    }

    /// The same, masked or not.
    #[must_use]
    pub const fn with_mask(self, masked: bool) -> Self {
        Self(if masked { self.0 | Self::MASK } else { self.0 & !Self::MASK })
    }

    /// Whether nothing goes through.
    #[must_use]
    pub const fn masked(self) -> bool {
        self.0 & Self::MASK != 0
    }

    /// Whether a level-triggered interrupt was accepted by a CPU, which has not ended it yet.
    #[must_use]
    pub const fn remote_irr(self) -> bool {
        self.0 & Self::REMOTE_IRR != 0
    }

    /// Whether it is level-triggered.
    #[must_use]
    pub const fn level(self) -> bool {
        self.0 & Self::LEVEL != 0
    }

    /// Whether it is active low.
    #[must_use]
    pub const fn low(self) -> bool {
        self.0 & Self::LOW != 0
    }

    /// The vector.
    #[must_use]
    pub const fn vector(self) -> u8 {
        self.0 as u8
    }

    /// The destination's APIC id.
    #[must_use]
    pub const fn destination(self) -> u8 {
        (self.0 >> 56) as u8
    }
}

/// One I/O APIC.
pub struct IoApic {
    regs: Lock<Mmio>,
    addr: u64,
    gsi_base: u32,
    pins: u32,
}

impl IoApic {
    /// The I/O APIC at physical address `addr`, whose registers (at least 0x20 bytes) are mapped; all pins are masked.
    /// `None` when there is none.
    #[must_use]
    pub fn new(regs: Mmio, addr: u64, gsi_base: u32) -> Option<Self> {
        let mut apic = Self { regs: Lock::new(regs), addr, gsi_base, pins: 0 };
        let version = apic.read(REG_VERSION);
        if version == u32::MAX {
            return None;
        }
        apic.pins = ((version >> 16) & 0xff) + 1;
        for pin in 0..apic.pins {
            // A pin that the firmware uses for its own interrupts (SMI) is left alone.
            const SMI: u64 = 2 << 8;
            let rte = apic.rte(pin);
            if rte.0 & (7 << 8) != SMI {
                apic.set_rte(pin, Rte::MASKED);
            }
        }
        Some(apic)
    }

    /// Physical address of its registers.
    #[must_use]
    pub fn addr(&self) -> u64 {
        self.addr
    }

    /// Its global system interrupts: the first, and how many.
    #[must_use]
    pub fn gsis(&self) -> (u32, u32) {
        (self.gsi_base, self.pins)
    }

    /// Reads a register by its number.
    #[must_use]
    pub fn read(&self, register: u32) -> u32 {
        let regs = self.regs.lock();
        regs.write32(SELECT, register);
        regs.read32(WINDOW)
    }

    fn write(&self, register: u32, v: u32) {
        let regs = self.regs.lock();
        regs.write32(SELECT, register);
        regs.write32(WINDOW, v);
    }

    /// A pin's entry.
    #[must_use]
    pub fn rte(&self, pin: u32) -> Rte {
        let at = REG_TABLE + 2 * pin;
        Rte(u64::from(self.read(at)) | u64::from(self.read(at + 1)) << 32)
    }

    /// Replaces a pin's entry. In between nothing goes through to a wrong CPU: a masked one is masked first, another is
    /// unmasked last.
    pub fn set_rte(&self, pin: u32, rte: Rte) {
        let at = REG_TABLE + 2 * pin;
        if rte.masked() {
            self.write(at, rte.0 as u32);
            self.write(at + 1, (rte.0 >> 32) as u32);
        } else {
            self.write(at + 1, (rte.0 >> 32) as u32);
            self.write(at, rte.0 as u32);
        }
    }

    /// Masks or unmasks a pin whose entry is otherwise `rte`.
    pub fn set_mask(&self, pin: u32, rte: Rte, masked: bool) {
        self.write(REG_TABLE + 2 * pin, rte.with_mask(masked).0 as u32);
    }
}

/// A pin: which I/O APIC of the list, and which of its pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Index in [`IoApics`].
    pub apic: u16,
    /// Number of the pin.
    pub pin: u16,
}

/// All I/O APICs.
#[derive(Default)]
pub struct IoApics(pub Vec<IoApic>);

impl IoApics {
    /// The pin of a global system interrupt.
    #[must_use]
    pub fn pin_of(&self, gsi: u32) -> Option<Pin> {
        self.0.iter().enumerate().find_map(|(i, a)| {
            let n = gsi.checked_sub(a.gsi_base).filter(|n| *n < a.pins)?;
            Some(Pin { apic: i as u16, pin: n as u16 })
        })
    }

    /// The I/O APIC of a pin.
    #[must_use]
    pub fn get(&self, pin: Pin) -> Option<&IoApic> {
        self.0.get(usize::from(pin.apic))
    }

    /// How many global system interrupts there are: one more than the highest.
    #[must_use]
    pub fn gsi_count(&self) -> u32 {
        self.0.iter().map(|a| a.gsi_base.saturating_add(a.pins)).max().unwrap_or(0)
    }

    /// A register as the hardware domain sees it (`PHYSDEVOP_apic_read`). `None` when there is no I/O APIC at the address.
    #[must_use]
    pub fn guest_read(&self, addr: u64, register: u32) -> Option<u32> {
        let a = self.0.iter().find(|a| a.addr == addr)?;
        Some(a.read(register & 0xff))
    }

    /// What a write of the hardware domain (`PHYSDEVOP_apic_write`) asks for: the trigger mode and polarity of a global
    /// system interrupt as `(gsi, level, low)`. Vectors, destinations and masks are the hypervisor's business; writes of
    /// anything but an entry's low word change nothing.
    ///
    /// # Errors
    /// `ENODEV` when there is no I/O APIC at the address.
    pub fn guest_write(
        &self,
        addr: u64,
        register: u32,
        value: u32,
    ) -> fx_types::Result<Option<(u32, bool, bool)>> {
        let a = self.0.iter().find(|a| a.addr == addr).ok_or(fx_types::Errno::ENODEV)?;
        let Some(n) = register.checked_sub(REG_TABLE) else { return Ok(None) };
        let rte = Rte(value.into());
        let entry = n % 2 == 0 && n / 2 < a.pins;
        Ok(entry.then(|| (a.gsi_base + n / 2, rte.level(), rte.low())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let r = Rte::fixed(0x41, 3, true, true);
        assert_eq!(r.0, 0x0300_0000_0001_a041);
        assert!(r.masked() && r.level() && r.low() && !r.remote_irr());
        assert_eq!((r.vector(), r.destination()), (0x41, 3));
        assert_eq!(r.with_mask(false).0, 0x0300_0000_0000_a041);
        assert_eq!(Rte::fixed(0x30, 0, false, false).0, 0x1_0030);
    }
}
