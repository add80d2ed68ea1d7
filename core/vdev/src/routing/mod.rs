//! Which wire leads where: ISA interrupts, PCI's INTA–INTD and the callback line to the pins of the interrupt controllers.
//!
//! The board is Xen's. GSIs are pins of the I/O APIC: ISA interrupts are pins 0–15, but that interrupt 0 is on pin 2; PCI lines share
//! pins 16–47. PCI lines also lead to four links (device + line, modulo 4) that a guest's firmware connects to ISA interrupts.
//! A pin is asserted when any of its wires is; what an operation returns is what it changes at the pins.

mod change;
mod saved;
mod via;

pub use change::{Change, Lines};
pub use via::Via;

/// PCI devices, of four lines each.
const DEVICES: u8 = 32;
/// The legacy controller's wire that is the cascade.
const CASCADE: u16 = 1 << 2;
const PCI_FIRST_GSI: u8 = 16;
const GSIS: u8 = crate::ioapic::PINS as u8;

/// A wire of a device that is not on the PCI bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// An ISA interrupt.
    Isa(u8),
    /// A pin of the I/O APIC only.
    Gsi(u8),
}

/// All wires.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    isa: u16,
    /// Bit device * 4 + line.
    pci: u128,
    /// GSIs that are driven by name.
    gsis: u64,
    /// The ISA interrupt of each link; 0 for none.
    links: [u8; 4],
    via: Via,
    via_asserted: bool,
}

/// The GSI of a PCI line.
#[must_use]
pub const fn intx_gsi(device: u8, line: u8) -> u8 {
    let mixed = (device << 2).wrapping_add(device >> 3).wrapping_add(line);
    (mixed & 31).wrapping_add(PCI_FIRST_GSI)
}

/// The pin of an ISA interrupt at the I/O APIC.
#[must_use]
pub const fn isa_gsi(irq: u8) -> u8 {
    if irq == 0 { 2 } else { irq }
}

const fn bit(n: u8) -> u64 {
    1u64.wrapping_shl(n as u32)
}

impl Routing {
    /// Does something to wires, and sees what it does to pins.
    fn change(&mut self, what: impl FnOnce(&mut Self)) -> Change {
        let before = self.lines();
        what(self);
        Change::between(before, self.lines())
    }

    /// An ISA interrupt's wire is asserted or let go.
    pub fn set_isa(&mut self, irq: u8, asserted: bool) -> Change {
        if irq > 15 {
            return Change::default();
        }
        let wire = bit(irq) as u16;
        self.change(|r| r.isa = if asserted { r.isa | wire } else { r.isa & !wire })
    }

    /// A wire is asserted or let go.
    pub fn set(&mut self, wire: Wire, asserted: bool) -> Change {
        match wire {
            Wire::Isa(irq) => self.set_isa(irq, asserted),
            Wire::Gsi(gsi) => self.set_gsi(gsi, asserted),
        }
    }

    /// A wire has a new edge. That of an ISA interrupt stays asserted until the next one, as the 8254's output is for most of the
    /// time: the legacy controller forgets an edge whose wire is let go. A pin of the I/O APIC remembers it, and others may share it.
    pub fn pulse(&mut self, wire: Wire) -> Change {
        match wire {
            Wire::Isa(irq) => {
                let fall = self.set_isa(irq, false);
                Change { raised: self.set_isa(irq, true).raised, ..fall }
            }
            Wire::Gsi(gsi) => {
                let rise = self.set_gsi(gsi, true);
                Change { released: self.set_gsi(gsi, false).lowered, ..rise }
            }
        }
    }

    /// A PCI line is asserted or let go.
    pub fn set_intx(&mut self, device: u8, line: u8, asserted: bool) -> Change {
        let Some(wire) = intx_bit(device, line) else { return Change::default() };
        self.change(|r| r.pci = if asserted { r.pci | wire } else { r.pci & !wire })
    }

    /// A device that is wired to a pin of the I/O APIC only asserts it or lets it go.
    pub fn set_gsi(&mut self, gsi: u8, asserted: bool) -> Change {
        if gsi >= GSIS {
            return Change::default();
        }
        self.change(|r| r.gsis = if asserted { r.gsis | bit(gsi) } else { r.gsis & !bit(gsi) })
    }

    /// Connects a link to an ISA interrupt, or to none with 0; `None` when there is no such link or interrupt.
    pub fn set_link(&mut self, link: u8, irq: u8) -> Option<Change> {
        if link > 3 || irq > 15 {
            return None;
        }
        Some(self.change(|r| {
            if let Some(slot) = r.links.get_mut(usize::from(link)) {
                *slot = irq;
            }
        }))
    }

    /// Where the callback line leads.
    #[must_use]
    pub fn via(&self) -> Via {
        self.via
    }

    /// Moves the callback line, with its level.
    pub fn set_via(&mut self, via: Via) -> Change {
        self.change(|r| r.via = via)
    }

    /// The callback line follows vCPU 0's pending events.
    pub fn set_callback(&mut self, asserted: bool) -> Change {
        self.change(|r| r.via_asserted = asserted)
    }

    /// Whether the callback line is asserted.
    #[must_use]
    pub fn callback(&self) -> bool {
        self.via_asserted
    }

    /// The pins that are asserted.
    #[must_use]
    pub fn lines(&self) -> Lines {
        let (mut pic, mut ioapic) = (self.isa, self.gsis);
        // Interrupt 0 is on pin 2.
        ioapic |= u64::from(self.isa & !1) | u64::from(self.isa & 1) << 2;
        let mut pci = self.pci;
        match self.via {
            Via::Gsi(gsi) if self.via_asserted => {
                ioapic |= bit(gsi);
                // Of GSIs beyond 15 nothing is left by the cast: the legacy controller does not have them.
                pic |= bit(gsi) as u16;
            }
            Via::Intx { device, line } if self.via_asserted => pci |= intx_bit(device, line).unwrap_or(0),
            _ => {}
        }
        while pci != 0 {
            let n = pci.trailing_zeros() as u8;
            pci &= pci.wrapping_sub(1);
            let (device, line) = (n >> 2, n & 3);
            ioapic |= bit(intx_gsi(device, line));
            let irq = self.link(device, line);
            if irq != 0 {
                ioapic |= bit(irq);
                pic |= bit(irq) as u16;
            }
        }
        Lines { ioapic, pic: pic & !CASCADE }
    }

    /// The ISA interrupt that a PCI line leads to; 0 for none.
    fn link(&self, device: u8, line: u8) -> u8 {
        let link = device.wrapping_add(line) & 3;
        self.links.get(usize::from(link)).copied().unwrap_or(0)
    }
}

fn intx_bit(device: u8, line: u8) -> Option<u128> {
    let n = u32::from(device << 2 | line & 3);
    (device < DEVICES && line < 4).then(|| 1u128.wrapping_shl(n))
}

#[cfg(test)]
mod tests;
