//! What is known of one irq.

use super::vectors::Slot;
use crate::ioapic::Pin;
use crate::pci::msi::Msi;
use crate::pci::msix::Entry;

/// How a line signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Level-triggered, not edge-triggered.
    pub level: bool,
    /// Active low, not high.
    pub low: bool,
}

impl Line {
    /// As on the ISA bus.
    pub const ISA: Self = Self { level: false, low: false };
    /// As on the PCI bus.
    pub const PCI: Self = Self { level: true, low: true };
}

/// Where the message of an irq is set.
#[derive(Clone, Copy, Debug)]
pub enum MsiSource {
    /// In configuration space.
    Msi(Msi),
    /// In an entry of a table.
    Msix(Entry),
}

/// Where an irq comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// Nowhere: the number is free.
    None,
    /// From a pin.
    Pin(Pin, Line),
    /// From a message.
    Message(MsiSource),
}

/// One irq.
pub(super) struct State {
    pub source: Source,
    /// The vector that it has while it is started.
    pub slot: Option<Slot>,
    /// A vector on its previous CPU, where a late one might still arrive.
    pub old: Option<Slot>,
    /// Masked on purpose, apart from being in service.
    pub masked: bool,
    /// Level-triggered, has arrived, and was not ended yet.
    pub in_service: bool,
    /// The CPU to go to when it arrives next.
    pub move_to: Option<u32>,
}

impl State {
    pub const fn new(source: Source) -> Self {
        Self { source, slot: None, old: None, masked: false, in_service: false, move_to: None }
    }
}
