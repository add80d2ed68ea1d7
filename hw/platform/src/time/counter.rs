//! Counters whose frequency is known: HPET, the power-management timer, and the PIT's second channel.

use fx_acpi::Gas;

use crate::mmio::Mmio;
use crate::ports::Ports;

/// A counter of known frequency.
pub trait Counter {
    /// The present value.
    fn read(&self) -> u64;
    /// The bits that count; the value wraps around at them.
    fn mask(&self) -> u64;
    /// Ticks per second, times 1000.
    fn millihertz(&self) -> u64;
    /// For messages.
    fn name(&self) -> &'static str;
}

/// The main counter of an HPET (IA-PC HPET Specification 1.0a).
pub struct Hpet {
    regs: Mmio,
    millihertz: u64,
}

const HPET_CAPABILITIES: usize = 0;
const HPET_PERIOD: usize = 4;
const HPET_CONFIG: usize = 0x10;
const HPET_COUNTER: usize = 0xf0;
const HPET_ENABLE: u32 = 1;
const HPET_LEGACY: u32 = 2;
const FEMTOSECONDS: u64 = 1_000_000_000_000_000;

impl Hpet {
    /// Starts the counter of the HPET whose registers (1 KiB) are mapped; its timers interrupt nobody. `None` when there is
    /// no such device.
    #[must_use]
    pub fn new(regs: Mmio) -> Option<Self> {
        let period = u64::from(regs.read32(HPET_PERIOD));
        let capabilities = regs.read32(HPET_CAPABILITIES);
        // The specification's upper limit is 100 ns.
        if capabilities == u32::MAX || !(1..=100_000_000).contains(&period) {
            return None;
        }
        let config = regs.read32(HPET_CONFIG);
        regs.write32(HPET_CONFIG, (config & !HPET_LEGACY) | HPET_ENABLE);
        Some(Self { regs, millihertz: FEMTOSECONDS * 1000 / period })
    }
}

impl Counter for Hpet {
    fn read(&self) -> u64 {
        self.regs.read32(HPET_COUNTER).into()
    }

    fn mask(&self) -> u64 {
        u32::MAX.into()
    }

    fn millihertz(&self) -> u64 {
        self.millihertz
    }

    fn name(&self) -> &'static str {
        "HPET"
    }
}

/// The ACPI power-management timer (ACPI 4.8.3.3), at an I/O port.
pub struct PmTimer<P> {
    io: P,
    port: u16,
    mask: u64,
}

impl<P: Ports> PmTimer<P> {
    /// The timer where the FADT says that it is; `None` when it is not at a port.
    #[must_use]
    pub fn new(io: P, at: &Gas, wide: bool) -> Option<Self> {
        Some(Self { io, port: at.port()?, mask: if wide { 0xffff_ffff } else { 0xff_ffff } })
    }
}

impl<P: Ports> Counter for PmTimer<P> {
    fn read(&self) -> u64 {
        u64::from(self.io.in32(self.port)) & self.mask
    }

    fn mask(&self) -> u64 {
        self.mask
    }

    fn millihertz(&self) -> u64 {
        3_579_545_000
    }

    fn name(&self) -> &'static str {
        "ACPI PM timer"
    }
}

/// Channel 2 of the programmable interval timer (Intel 8254 data sheet), running free from 65536 down.
pub struct Pit<P> {
    io: P,
}

const PIT_CHANNEL_2: u16 = 0x42;
const PIT_COMMAND: u16 = 0x43;
/// The speaker's port: bit 0 is the gate of channel 2, bit 1 lets it be heard.
const SPEAKER: u16 = 0x61;

impl<P: Ports> Pit<P> {
    /// Starts the channel.
    #[must_use]
    pub fn new(io: P) -> Self {
        io.out8(SPEAKER, (io.in8(SPEAKER) & !2) | 1);
        // Channel 2, low then high byte, mode 2 (rate generator), binary; a reload value of 0 means 65536.
        io.out8(PIT_COMMAND, 0xb4);
        io.out8(PIT_CHANNEL_2, 0);
        io.out8(PIT_CHANNEL_2, 0);
        Self { io }
    }
}

impl<P: Ports> Counter for Pit<P> {
    fn read(&self) -> u64 {
        // Latch channel 2.
        self.io.out8(PIT_COMMAND, 0x80);
        let low = self.io.in8(PIT_CHANNEL_2);
        let high = self.io.in8(PIT_CHANNEL_2);
        u64::from(u16::from_le_bytes([low, high]).wrapping_neg())
    }

    fn mask(&self) -> u64 {
        0xffff
    }

    fn millihertz(&self) -> u64 {
        1_193_181_667
    }

    fn name(&self) -> &'static str {
        "PIT"
    }
}

/// Switches the PIT's periodic interrupt (channel 0) off: programmed to count once and stop.
pub fn silence_pit<P: Ports>(io: P) {
    // Channel 0, low then high byte, mode 0 (interrupt on terminal count), without a count: it does not start.
    io.out8(PIT_COMMAND, 0x30);
}
