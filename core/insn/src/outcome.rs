//! How an emulation ends.

use fx_virt::{Event, EventKind};

use crate::cpu::{Exception, Stop};

/// What an instruction holds off until after the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shadow {
    /// Nothing.
    #[default]
    None,
    /// Interrupts: it was an `sti` that enabled them.
    Sti,
    /// Interrupts and debug traps: it loaded SS.
    MovSs,
}

/// What is to be done after an instruction that completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The interrupt shadow from now on; one that was there before ends.
    pub shadow: Shadow,
    /// The guest single-steps: a #DB with `DR6.BS` is due.
    pub single_step: bool,
    /// It was `hlt`: the vCPU waits for an interrupt.
    pub halt: bool,
    /// It was `iret`: NMIs are no longer blocked.
    pub iret: bool,
}

/// How an emulation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The instruction completed, `rip` is at the next. (With `single_step`, possibly only one iteration did.)
    Done(Done),
    /// Registers are consistent but the instruction is not complete: the guest goes on at `rip`, or it is emulated again.
    Again,
    /// The vCPU waits for an answer, then the same instruction is emulated again ([`Stop::Retry`]).
    Retry,
    /// An event to deliver to the guest. `rip` is at the instruction; software events know its length.
    Raise {
        /// The event.
        event: Event,
        /// What CR2 becomes, for a page fault.
        address: Option<u64>,
    },
    /// Not an instruction that is emulated, or something that is not possible; nothing changed.
    Unhandled,
}

impl From<Exception> for Outcome {
    fn from(e: Exception) -> Self {
        Self::Raise { event: Event::exception(e.vector, e.error), address: e.address }
    }
}

impl From<Stop> for Outcome {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Exception(e) => e.into(),
            Stop::Retry => Self::Retry,
            Stop::Again => Self::Again,
            Stop::Unhandled => Self::Unhandled,
        }
    }
}

/// `int n`, `int3`, `into`, `int1`.
pub(crate) fn software(kind: EventKind, vector: u8, length: usize) -> Outcome {
    Outcome::Raise { event: Event { kind, vector, error: None, length: length as u8 }, address: None }
}
