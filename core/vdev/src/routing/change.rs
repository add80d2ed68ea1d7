//! What changes at the pins.

use crate::ioapic::{Ioapic, Pins};
use crate::pic::Pic;

/// Pins of both controllers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The I/O APIC's.
    pub ioapic: u64,
    /// The legacy controller's.
    pub pic: u16,
}

impl Lines {
    const NONE: Self = Self { ioapic: 0, pic: 0 };

    const fn without(self, others: Self) -> Self {
        Self { ioapic: self.ioapic & !others.ioapic, pic: self.pic & !others.pic }
    }
}

/// What changes: first some pins are let go, then some are asserted, then some of those are let go again. A pin that is let go before
/// or after has a new edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Change {
    /// Pins that are let go.
    pub lowered: Lines,
    /// Pins that are asserted.
    pub raised: Lines,
    /// Pins that are asserted for a moment only.
    pub released: Lines,
}

impl Change {
    pub(super) const fn between(before: Lines, after: Lines) -> Self {
        Self { lowered: before.without(after), raised: after.without(before), released: Lines::NONE }
    }

    /// Does it to the controllers: the pins of the I/O APIC with something to say then. The legacy controller has its output.
    pub fn apply(&self, ioapic: &mut Ioapic, pic: &mut Pic) -> Pins {
        let mut speaking = Pins::NONE;
        for (lines, asserted) in [(self.lowered, false), (self.raised, true), (self.released, false)] {
            for pin in Pins::from_bits(lines.ioapic).iter() {
                speaking = speaking.and(ioapic.set_line(pin, asserted));
            }
            for irq in Pins::from_bits(u64::from(lines.pic)).iter() {
                pic.set_line(irq, asserted);
            }
        }
        speaking
    }
}
