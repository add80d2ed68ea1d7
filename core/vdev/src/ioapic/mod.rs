//! The I/O APIC (82093AA data sheet), with 48 pins as Xen's: 16 for ISA, 32 for PCI.

mod entry;
mod pins;

pub use pins::Pins;

use entry::Entry;
use fx_types::operand::mask;
use xen_abi::hvm_save::{HvmHwVioapic, VIOAPIC_NUM_PINS};

use crate::lapic::{Delivery, Message, Target};

/// Where the registers are.
pub const BASE: u64 = 0xfec0_0000;
/// Bytes of the registers.
pub const SIZE: u64 = 0x100;
/// Number of pins.
pub const PINS: usize = VIOAPIC_NUM_PINS as usize;
/// Version 0x11 (no EOI register), and the number of the last pin.
const VERSION: u32 = 0x11 | (VIOAPIC_NUM_PINS - 1) << 16;

const SELECT: u64 = 0x00;
const WINDOW: u64 = 0x10;
const REG_ID: u8 = 0;
const REG_VERSION: u8 = 1;
const REG_ARBITRATION: u8 = 2;
const REG_TABLE: u8 = 0x10;

/// An I/O APIC.
#[derive(Clone, Debug)]
pub struct Ioapic {
    select: u8,
    id: u8,
    table: [Entry; PINS],
    /// Pins that are asserted.
    lines: u64,
}

impl Default for Ioapic {
    fn default() -> Self {
        Self { select: 0, id: 0, table: [Entry::RESET; PINS], lines: 0 }
    }
}

impl Ioapic {
    /// Reads from the registers in memory.
    #[must_use]
    pub fn read(&self, offset: u64, size: u8) -> u64 {
        let value = match offset {
            SELECT => u32::from(self.select),
            WINDOW => self.selected(),
            _ => 0,
        };
        u64::from(value) & mask(size)
    }

    fn selected(&self) -> u32 {
        match self.select {
            REG_ID | REG_ARBITRATION => u32::from(self.id) << 24,
            REG_VERSION => VERSION,
            r => {
                let Some((pin, high)) = place(r) else { return 0 };
                let bits = self.entry(pin).bits();
                if high { (bits >> 32) as u32 } else { bits as u32 }
            }
        }
    }

    /// Writes to the registers in memory; the pins that have something to say then.
    pub fn write(&mut self, offset: u64, size: u8, value: u64) -> Pins {
        let value = (value & mask(size)) as u32;
        match offset {
            SELECT => self.select = value as u8,
            WINDOW if self.select == REG_ID => self.id = (value >> 24) as u8 & 0xf,
            WINDOW => {
                if let Some((pin, high)) = place(self.select) {
                    self.put(pin, self.entry(pin).with_half(high, value));
                    return self.offer_level(pin);
                }
            }
            _ => {}
        }
        Pins::NONE
    }

    /// A pin is asserted or let go.
    pub fn set_line(&mut self, pin: u8, asserted: bool) -> Pins {
        let bit = Pins::of(pin).bits();
        let rises = asserted && self.lines & bit == 0;
        self.lines = if asserted { self.lines | bit } else { self.lines & !bit };
        let entry = self.entry(pin);
        if entry.is_level() {
            self.offer_level(pin)
        } else if rises && !entry.is_masked() {
            Pins::of(pin)
        } else {
            // An edge that comes while the pin is masked is lost.
            Pins::NONE
        }
    }

    /// A processor has dealt with a level-triggered interrupt: pins of that vector that are still asserted speak again.
    pub fn end_of_interrupt(&mut self, vector: u8) -> Pins {
        let mut again = Pins::NONE;
        for pin in Pins::ALL.iter() {
            let entry = self.entry(pin);
            if entry.vector() == vector && entry.is_waiting() {
                self.put(pin, entry.ended());
                again = again.and(self.offer_level(pin));
            }
        }
        again
    }

    /// Sends what a level-triggered pin has to say, unless its end is waited for.
    fn offer_level(&mut self, pin: u8) -> Pins {
        let (entry, pins) = (self.entry(pin), Pins::of(pin));
        let speaks = entry.is_level() && !entry.is_masked() && !entry.is_waiting();
        if !speaks || self.lines & pins.bits() == 0 {
            return Pins::NONE;
        }
        self.put(pin, entry.waiting());
        pins
    }

    /// The messages of pins that have something to say.
    pub fn messages(&self, pins: Pins) -> impl Iterator<Item = Message> {
        pins.iter().filter_map(|pin| self.entry(pin).message())
    }

    /// Whom pin 0 passes the legacy interrupt controller's output on to, if it does.
    #[must_use]
    pub fn extint(&self) -> Option<Target> {
        let entry = self.entry(0);
        entry.passes_extint().then(|| entry.target())
    }

    /// The vector of a pin's interrupts, if it has any.
    #[must_use]
    pub fn vector(&self, pin: u8) -> Option<u8> {
        let entry = self.entry(pin);
        entry.message().filter(|m| !entry.is_masked() && m.delivery != Delivery::Nmi).map(|m| m.vector)
    }

    fn entry(&self, pin: u8) -> Entry {
        self.table.get(usize::from(pin)).copied().unwrap_or(Entry::RESET)
    }

    fn put(&mut self, pin: u8, entry: Entry) {
        if let Some(slot) = self.table.get_mut(usize::from(pin)) {
            *slot = entry;
        }
    }

    /// The form in which it is saved.
    #[must_use]
    pub fn save(&self) -> HvmHwVioapic {
        HvmHwVioapic {
            base_address: BASE,
            ioregsel: u32::from(self.select),
            id: u32::from(self.id),
            redirtbl: self.table.map(Entry::bits),
        }
    }

    /// Takes what was saved; `false` when no I/O APIC can be so. [`Ioapic::settle`] is to follow when wires are known again.
    pub fn load(&mut self, k: &HvmHwVioapic) -> bool {
        if k.base_address != BASE {
            return false;
        }
        self.select = k.ioregsel as u8;
        self.id = k.id as u8 & 0xf;
        self.table = k.redirtbl.map(Entry::from_bits);
        true
    }

    /// The pins that are asserted, after a load. These are no new edges; what level-triggered ones have to say was said before, or
    /// is said now.
    pub fn settle(&mut self, lines: u64) -> Pins {
        self.lines = Pins::from_bits(lines).bits();
        Pins::ALL.iter().fold(Pins::NONE, |pins, pin| pins.and(self.offer_level(pin)))
    }
}

/// Which pin's entry a register is a half of, and whether it is the high one.
fn place(register: u8) -> Option<(u8, bool)> {
    let offset = register.checked_sub(REG_TABLE)?;
    let pin = offset >> 1;
    (usize::from(pin) < PINS).then_some((pin, offset & 1 != 0))
}

#[cfg(test)]
mod tests;
