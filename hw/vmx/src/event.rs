//! Events in the processor's format (chapters 25.8.3 and 25.9.3 of the manual).

use fx_virt::{Event, EventKind};

use crate::context::Context;
use crate::vmcs::field;

/// There is one.
pub(crate) const VALID: u64 = 1 << 31;
/// It has an error code.
pub(crate) const HAS_ERROR: u64 = 1 << 11;
const CR0_PE: u64 = 1;
const NMI_BLOCKED: u64 = 8;

/// Kinds, as the processor numbers them.
pub(crate) const NMI: u64 = 2;
pub(crate) const PRIVILEGED_SOFTWARE: u64 = 5;

const fn number(kind: EventKind) -> u64 {
    match kind {
        EventKind::Interrupt => 0,
        EventKind::Nmi => NMI,
        EventKind::Exception => 3,
        EventKind::SoftwareInterrupt => 4,
        EventKind::PrivilegedSoftwareException => PRIVILEGED_SOFTWARE,
        EventKind::SoftwareException => 6,
    }
}

/// The kind of an event.
pub(crate) const fn kind(word: u64) -> u64 {
    word >> 8 & 7
}

/// An event as one word: the processor's, with the error code above.
pub(crate) fn word(e: &Event) -> u64 {
    let error = e.error.map_or(0, |error| u64::from(error) << 32 | HAS_ERROR);
    u64::from(e.vector) | number(e.kind) << 8 | VALID | error
}

/// The event of a word.
pub(crate) fn event_of(word: u64, length: u8) -> Option<Event> {
    if word & VALID == 0 {
        return None;
    }
    let kind = match kind(word) {
        0 => EventKind::Interrupt,
        NMI => EventKind::Nmi,
        4 => EventKind::SoftwareInterrupt,
        PRIVILEGED_SOFTWARE => EventKind::PrivilegedSoftwareException,
        6 => EventKind::SoftwareException,
        _ => EventKind::Exception,
    };
    let software = !matches!(kind, EventKind::Interrupt | EventKind::Nmi | EventKind::Exception);
    let error = (word & HAS_ERROR != 0).then_some((word >> 32) as u32);
    Some(Event { kind, vector: word as u8, error, length: if software { length } else { 0 } })
}

impl Context {
    /// Has an event delivered at the next entry.
    pub fn inject(&self, event: Option<&Event>) {
        self.event.set(event.map_or(0, word));
        self.event_length.set(event.map_or(0, |e| u32::from(e.length)));
    }

    /// The event that will be delivered at the next entry.
    #[must_use]
    #[inline]
    pub fn injecting(&self) -> Option<Event> {
        event_of(self.event.get(), self.event_length.get() as u8)
    }

    /// Gives the processor the event to deliver.
    pub(crate) fn put_event(&self) {
        let word = self.event.get();
        // Real mode pushes no error codes.
        let error = if self.cr0.get() & CR0_PE == 0 { 0 } else { word & HAS_ERROR };
        self.set(field::ENTRY_EVENT, word & (VALID | 0x7ff) | error);
        self.set(field::ENTRY_ERROR, word >> 32);
        if kind(word) > 3 {
            self.set(field::ENTRY_LENGTH, u64::from(self.event_length.get()));
        }
        if kind(word) == NMI {
            // One whose delivery was interrupted has blocked itself already.
            let blocked = self.get(field::GUEST_INTERRUPTIBILITY);
            self.set(field::GUEST_INTERRUPTIBILITY, blocked & !NMI_BLOCKED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        assert_eq!(event_of(0x20, 0), None);
        let e = Event::exception(14, Some(2));
        assert_eq!(word(&e), 2 << 32 | 0x8000_0b0e);
        for e in [e, Event::interrupt(0xf3), Event::nmi()] {
            assert_eq!(event_of(word(&e), 3), Some(e));
        }
        let e = Event { kind: EventKind::SoftwareException, vector: 3, error: None, length: 1 };
        assert_eq!(event_of(word(&e), 1), Some(e));
    }
}
