//! What a guest is interrupted with.

/// Kinds of events, as both vendors tell them apart (APM volume 2, 15.20; SDM volume 3, 25.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An interrupt of the interrupt controllers.
    Interrupt,
    /// A non-maskable interrupt.
    Nmi,
    /// An exception.
    Exception,
    /// `int n`.
    SoftwareInterrupt,
    /// `int3` or `into`.
    SoftwareException,
    /// `int1`.
    PrivilegedSoftwareException,
}

/// An event to deliver to a guest, or one whose delivery an exit interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is.
    pub kind: EventKind,
    /// Its vector.
    pub vector: u8,
    /// The error code that is pushed, if one is.
    pub error: Option<u32>,
    /// Length of the instruction that caused it; only of the software kinds.
    pub length: u8,
}

impl Event {
    /// An interrupt.
    #[must_use]
    pub fn interrupt(vector: u8) -> Self {
        Self { kind: EventKind::Interrupt, vector, error: None, length: 0 }
    }

    /// A non-maskable interrupt.
    #[must_use]
    pub fn nmi() -> Self {
        Self { kind: EventKind::Nmi, vector: 2, error: None, length: 0 }
    }

    /// Whether it is a debug exception; `int 1` is an interrupt.
    #[must_use]
    pub fn is_debug(&self) -> bool {
        self.vector == 1 && matches!(self.kind, EventKind::Exception | EventKind::PrivilegedSoftwareException)
    }

    /// An exception.
    #[must_use]
    pub fn exception(vector: u8, error: Option<u32>) -> Self {
        Self { kind: EventKind::Exception, vector, error, length: 0 }
    }
}
