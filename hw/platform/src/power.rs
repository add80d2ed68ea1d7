//! Restarting the machine and switching it off.

use fx_acpi::{Fadt, Gas, SleepTypes, space};

use crate::mmio::Mmio;
use crate::pci::{Config, Sbdf};
use crate::ports::Ports;

const KEYBOARD_STATUS: u16 = 0x64;
const KEYBOARD_BUSY: u8 = 1 << 1;
/// Command: pulse the line that resets the processor.
const KEYBOARD_RESET: u8 = 0xfe;
/// The reset control register of most chipsets.
const RESET_CONTROL: u16 = 0xcf9;
const SLEEP_ENABLE: u16 = 1 << 13;
const SLEEP_TYPE: u16 = 7 << 10;

/// A way to restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// The register that the firmware names.
    Acpi,
    /// The keyboard controller.
    Keyboard,
    /// The chipset's reset control register.
    Chipset,
    /// A fault that cannot be handled.
    TripleFault,
}

/// What the machine's power is controlled by.
pub struct Power<P> {
    io: P,
    reset: Option<(Gas, u8)>,
    reset_memory: Option<Mmio>,
    control: [Option<u16>; 2],
    off: Option<SleepTypes>,
}

impl<P: Ports> Power<P> {
    /// Of a machine with these tables, as far as there are any. `reset_memory` is the mapped reset register, for a machine
    /// whose register is in memory.
    #[must_use]
    pub fn new(io: P, fadt: Option<&Fadt>, off: Option<SleepTypes>, reset_memory: Option<Mmio>) -> Self {
        let control = fadt.map(|f| [f.pm1_control.a, f.pm1_control.b]).unwrap_or_default();
        Self {
            io,
            reset: fadt.and_then(|f| f.reset),
            reset_memory,
            control: control.map(|g| g.and_then(|g| g.port())),
            off,
        }
    }

    /// Restarts: first in the way `first`, then in all others.
    pub fn restart(&self, pci: &impl Config, first: Restart) -> ! {
        self.restart_by(pci, first);
        for way in [Restart::Acpi, Restart::Keyboard, Restart::Chipset] {
            self.restart_by(pci, way);
        }
        fx_x86::cpu::triple_fault()
    }

    /// Tries one way; returns when it had no effect.
    fn restart_by(&self, pci: &impl Config, way: Restart) {
        match way {
            Restart::Acpi => self.acpi_reset(pci),
            Restart::Keyboard => self.keyboard_reset(),
            Restart::Chipset => {
                // Choose a reset of everything, then trigger it.
                let v = self.io.in8(RESET_CONTROL) & !6;
                self.io.out8(RESET_CONTROL, v | 2);
                self.io.out8(RESET_CONTROL, v | 6);
            }
            Restart::TripleFault => fx_x86::cpu::triple_fault(),
        }
        self.pause();
    }

    fn acpi_reset(&self, pci: &impl Config) {
        let Some((gas, value)) = self.reset else { return };
        match (gas.space, gas.port(), &self.reset_memory) {
            (_, Some(port), _) => self.io.out8(port, value),
            (space::MEMORY, _, Some(m)) => m.write8(0, value),
            (space::PCI_CONFIG, ..) => {
                let f = Sbdf::new(0, 0, (gas.addr >> 32) as u8, (gas.addr >> 16) as u8);
                pci.write(f, gas.addr as u16, 1, value.into());
            }
            _ => {}
        }
    }

    fn keyboard_reset(&self) {
        for _ in 0..1000 {
            if self.io.in8(KEYBOARD_STATUS) & KEYBOARD_BUSY == 0 {
                self.io.out8(KEYBOARD_STATUS, KEYBOARD_RESET);
                return;
            }
        }
    }

    /// Gives a reset that was asked for the time to happen: some 100 ms of accesses to a slow port.
    fn pause(&self) {
        const SLOW: u16 = 0x80;
        for _ in 0..100_000 {
            self.io.out8(SLOW, 0);
        }
    }

    /// Switches off; returns when that had no effect.
    pub fn off(&self) {
        if let Some(t) = self.off {
            self.sleep(u16::from(t.a) << 10, u16::from(t.b) << 10);
        }
    }

    /// Enters the sleep state whose values for PM1a and PM1b control the hardware domain has found
    /// (`XENPF_enter_acpi_sleep`: `pm1a_cnt_val`, `pm1b_cnt_val`). Returns when that had no effect, or after a wake-up.
    pub fn sleep(&self, a: u16, b: u16) {
        let values = [a, b];
        // First the type in both registers, then the trigger in both (ACPI 4.8.3.2).
        for trigger in [0, SLEEP_ENABLE] {
            for (port, v) in self.control.iter().zip(values) {
                let Some(port) = *port else { continue };
                let now = self.io.in16(port) & !(SLEEP_TYPE | SLEEP_ENABLE);
                self.io.out16(port, now | (v & SLEEP_TYPE) | trigger);
            }
        }
        self.pause();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pci::Pci;
    use crate::testing::{FakePorts, Plain};
    use fx_acpi::PmBlock;
    use std::vec::Vec;

    #[test]
    fn off() {
        let io = FakePorts::new(Plain::default());
        let control = PmBlock { a: Some(Gas::io(0x604, 16)), b: Some(Gas::io(0x704, 16)), len: 2 };
        let fadt = Fadt { pm1_control: control, ..Fadt::default() };
        let p = Power::new(io, Some(&fadt), Some(SleepTypes { a: 5, b: 1 }), None);
        io.with(|d| d.cells.insert(0x604, 1));
        p.off();
        let log: Vec<_> = io.with(|d| d.log.iter().filter(|(p, _)| *p != 0x80).copied().collect());
        let first = [(0x604, 1), (0x605, 0x14), (0x704, 0), (0x705, 0x04)];
        let then = [(0x604, 1), (0x605, 0x34), (0x704, 0), (0x705, 0x24)];
        assert_eq!(log, [first, then].concat());
    }

    #[test]
    fn resets() {
        let io = FakePorts::new(Plain::default());
        let fadt = Fadt { reset: Some((Gas::io(0xcf9, 8), 0xf)), ..Fadt::default() };
        let p = Power::new(io, Some(&fadt), None, None);
        p.restart_by(&Pci::new(io), Restart::Acpi);
        p.restart_by(&Pci::new(io), Restart::Keyboard);
        p.restart_by(&Pci::new(io), Restart::Chipset);
        let log: Vec<_> = io.with(|d| d.log.iter().filter(|(p, _)| *p != 0x80).copied().collect());
        assert_eq!(log, [(0xcf9, 0xf), (0x64, 0xfe), (0xcf9, 0xb), (0xcf9, 0xf)]);
        // Nothing is known: nothing is done.
        let p = Power::new(io, None, None, None);
        let before = io.with(|d| d.log.len());
        p.off();
        p.restart_by(&Pci::new(io), Restart::Acpi);
        assert!(io.with(|d| d.log[before..].iter().all(|(p, _)| *p == 0x80)));
    }
}
