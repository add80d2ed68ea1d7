//! The hardware under the irqs: I/O APICs, local APICs, and functions' messages.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::NonNull;

use fx_sync::Lock;
use fx_types::{Errno, Result};

use super::MsiSource;
use crate::ioapic::{IoApics, Pin, Rte};
use crate::lapic::Lapic;
use crate::mmio::Mmio;
use crate::pci::msi::{Message, Msi};
use crate::pci::msix::{self, Entry, Msix};
use crate::pci::{Pci, Sbdf};
use crate::ports::Ports;

/// What [`super::Irqs`] needs of the hardware.
pub trait Controllers {
    /// Ends the interrupt in service on this CPU.
    fn local_eoi(&self);
    /// The APIC id by which devices reach a CPU; `None` when they cannot.
    fn destination(&self, cpu: u32) -> Option<u8>;
    /// Replaces a pin's entry.
    fn set_rte(&self, pin: Pin, rte: Rte);
    /// Masks or unmasks a pin whose entry is otherwise `rte`.
    fn mask_pin(&self, pin: Pin, rte: Rte, masked: bool);
    /// Whether a CPU has accepted the pin's level-triggered interrupt and not ended it.
    fn remote_irr(&self, pin: Pin) -> bool;
    /// Sets the message of a source.
    fn program(&self, source: &MsiSource, m: Message);
    /// Masks or unmasks a source. Does nothing where that is impossible.
    fn mask_message(&self, source: &MsiSource, masked: bool);
}

/// Maps device memory for good: physical address and length to where it is mapped, uncached.
pub type Mapper = fn(u64, u64) -> Option<NonNull<u8>>;

/// The tables of MSI-X functions that are mapped. A page stays mapped, for the next time.
pub struct Tables {
    map: Mapper,
    pages: Lock<Vec<(u64, Mmio)>>,
}

impl Tables {
    /// No tables yet.
    ///
    /// # Safety
    /// `map` gives mappings that satisfy the conditions of [`Mmio::new`], or `None`; it refuses RAM.
    #[must_use]
    pub unsafe fn new(map: Mapper) -> Self {
        Self { map, pages: Lock::new(Vec::new()) }
    }

    /// The entry at a physical address (a multiple of 16, so it lies within a page).
    ///
    /// # Errors
    /// `ENOMEM`; `EINVAL` for another address.
    pub fn entry(&self, addr: u64) -> Result<Entry> {
        if !addr.is_multiple_of(msix::ENTRY) {
            return Err(Errno::EINVAL);
        }
        let (page, offset) = (addr & !0xfff, (addr & 0xfff) as usize);
        let mut pages = self.pages.lock();
        let base = match pages.iter().find(|(p, _)| *p == page) {
            Some((_, m)) => *m,
            None => {
                pages.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                let base = (self.map)(page, 4096).ok_or(Errno::ENOMEM)?;
                // SAFETY: see `new`.
                let m = unsafe { Mmio::new(base, 4096) };
                pages.push((page, m));
                m
            }
        };
        base.part(offset, msix::ENTRY as usize).map(Entry::new).ok_or(Errno::EINVAL)
    }
}

/// The machine's interrupt hardware.
pub struct Hardware<P> {
    /// The local APICs.
    pub lapic: Lapic,
    /// The I/O APICs.
    pub ioapics: IoApics,
    /// Configuration space.
    pub pci: Pci<P>,
    /// The APIC id of each CPU.
    pub apic_ids: Box<[u32]>,
    /// Functions' tables of messages.
    pub tables: Tables,
}

impl<P: Ports> Hardware<P> {
    /// The source of a function's MSI: masked if possible.
    ///
    /// # Errors
    /// `ENODEV` when there is no such function or it has no MSI.
    pub fn msi(&self, f: Sbdf) -> Result<MsiSource> {
        let msi = Msi::find(&self.pci, f).ok_or(Errno::ENODEV)?;
        msi.set_mask(&self.pci, true);
        Ok(MsiSource::Msi(msi))
    }

    /// The source of entry `entry` of a function's MSI-X table: masked. `table_base` is the hardware domain's idea of the
    /// base address of the table's memory, which counts only where the function does not say (`PHYSDEVOP_map_pirq`).
    ///
    /// # Errors
    /// `ENODEV` when there is no such function or it has no MSI-X; `EINVAL` when there is no such entry; `ENXIO` when the
    /// function does not answer to memory accesses or its table is nowhere; `ENOMEM`.
    pub fn msix(&self, f: Sbdf, entry: u16, table_base: u64) -> Result<MsiSource> {
        let msix = Msix::find(&self.pci, f).ok_or(Errno::ENODEV)?;
        if entry >= msix.entries() {
            return Err(Errno::EINVAL);
        }
        if !msix.memory_enabled(&self.pci) {
            return Err(Errno::ENXIO);
        }
        let addr = msix.entry_addr(&self.pci, table_base, entry).ok_or(Errno::ENXIO)?;
        let entry = self.tables.entry(addr)?;
        entry.set_mask(true);
        Ok(MsiSource::Msix(entry))
    }
}

impl<P: Ports> Controllers for Hardware<P> {
    #[inline(always)]
    fn local_eoi(&self) {
        self.lapic.eoi();
    }

    fn destination(&self, cpu: u32) -> Option<u8> {
        let id = *self.apic_ids.get(cpu as usize)?;
        u8::try_from(id).ok().filter(|id| *id != u8::MAX)
    }

    fn set_rte(&self, pin: Pin, rte: Rte) {
        if let Some(a) = self.ioapics.get(pin) {
            a.set_rte(pin.pin.into(), rte);
        }
    }

    fn mask_pin(&self, pin: Pin, rte: Rte, masked: bool) {
        if let Some(a) = self.ioapics.get(pin) {
            a.set_mask(pin.pin.into(), rte, masked);
        }
    }

    fn remote_irr(&self, pin: Pin) -> bool {
        self.ioapics.get(pin).is_some_and(|a| a.rte(pin.pin.into()).remote_irr())
    }

    fn program(&self, source: &MsiSource, m: Message) {
        match source {
            MsiSource::Msi(msi) => msi.program(&self.pci, m),
            MsiSource::Msix(entry) => entry.program(m),
        }
    }

    fn mask_message(&self, source: &MsiSource, masked: bool) {
        match source {
            MsiSource::Msi(msi) => {
                msi.set_mask(&self.pci, masked);
            }
            MsiSource::Msix(entry) => entry.set_mask(masked),
        }
    }
}
