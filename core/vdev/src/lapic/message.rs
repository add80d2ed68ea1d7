//! Messages between processors.

use super::{Effect, Lapic, reg};

/// What a message does where it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// An interrupt.
    Fixed,
    /// An interrupt at one of those that are meant.
    LowestPriority,
    /// A non-maskable interrupt.
    Nmi,
    /// The processor is reset and waits.
    Init,
    /// A processor that waits starts at page `vector`.
    StartUp,
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The sender.
    Me,
    /// All.
    All,
    /// All but the sender.
    Others,
    /// Those that the number means: an id, or a set of them.
    Some {
        /// The number.
        destination: u32,
        /// It is a logical destination.
        logical: bool,
    },
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it does.
    pub delivery: Delivery,
    /// The vector, or the page to start at.
    pub vector: u8,
    /// It is level-triggered.
    pub level: bool,
    /// Whom it is for.
    pub target: Target,
}

/// Errors in ESR: a vector below 16 was to be sent.
const SEND_ILLEGAL_VECTOR: u32 = 1 << 5;

impl Lapic {
    /// The message that a command says; `None` when there is nothing to send.
    pub(crate) fn command(&mut self, low: u32, destination: u32) -> Effect {
        let delivery = match low >> 8 & 7 {
            0 => Delivery::Fixed,
            1 => Delivery::LowestPriority,
            4 => Delivery::Nmi,
            5 => Delivery::Init,
            6 => Delivery::StartUp,
            _ => return Effect::None,
        };
        let level = low & 1 << 15 != 0;
        // The other half of an INIT: it only synchronises ids.
        if delivery == Delivery::Init && level && low & 1 << 14 == 0 {
            return Effect::None;
        }
        let vector = low as u8;
        if matches!(delivery, Delivery::Fixed | Delivery::LowestPriority) && vector < 16 {
            self.errors |= SEND_ILLEGAL_VECTOR;
            return Effect::None;
        }
        let target = match low >> 18 & 3 {
            0 => Target::Some { destination, logical: low & 1 << 11 != 0 },
            1 => Target::Me,
            2 => Target::All,
            _ => Target::Others,
        };
        Effect::Send(Message { delivery, vector, level: false, target })
    }

    /// Whether a message for `destination` is for this APIC; `wide`: the sender's numbers have 32 bits.
    #[must_use]
    pub fn is_meant(&self, destination: u32, logical: bool, wide: bool) -> bool {
        let everybody = if wide { u32::MAX } else { 0xff };
        if destination == everybody {
            return true;
        }
        if !logical {
            return destination == if wide || self.is_x2apic() { self.id } else { self.id & 0xff };
        }
        let ldr = self.get(reg::LDR);
        if self.is_x2apic() {
            return ldr >> 16 == destination >> 16 && ldr & destination & 0xffff != 0;
        }
        let mine = ldr >> 24;
        if self.get(reg::DFR) >> 28 == 0xf {
            mine & destination & 0xff != 0
        } else {
            mine >> 4 == destination >> 4 & 0xf && mine & destination & 0xf != 0
        }
    }
}
