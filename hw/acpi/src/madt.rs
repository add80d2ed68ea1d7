//! MADT: interrupt controllers (ACPI 5.2.12).

use alloc::vec::Vec;

use crate::table::Table;
use crate::{Acpi, Error, Memory};

const FIRST_ENTRY: u64 = 44;
/// Most structures that are believed: 4096 CPUs with an NMI entry each, and some.
const MAX_ENTRIES: u32 = 16384;

/// A processor's local interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalApic {
    /// The APIC id that interrupts are sent to.
    pub apic_id: u32,
    /// The processor's number in the firmware's namespace.
    pub acpi_id: u32,
    /// Whether the processor is there. If not it may be plugged in later, or be a placeholder.
    pub enabled: bool,
    /// Whether the processor can be enabled later.
    pub online_capable: bool,
}

/// An I/O interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Its id.
    pub id: u8,
    /// Physical address of its registers.
    pub addr: u32,
    /// The global system interrupt of its first pin.
    pub gsi_base: u32,
}

/// When a line is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// As the bus says: high for ISA, low for PCI.
    Bus,
    /// High.
    High,
    /// Low.
    Low,
}

/// What a line's signal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// As the bus says: edge for ISA, level for PCI.
    Bus,
    /// A change.
    Edge,
    /// A state.
    Level,
}

/// An ISA interrupt that is wired to another pin or in another way than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// The ISA interrupt, 0–15.
    pub isa_irq: u8,
    /// Where it really arrives.
    pub gsi: u32,
    /// When it is active.
    pub polarity: Polarity,
    /// What its signal is.
    pub trigger: Trigger,
}

/// An I/O interrupt that is to be delivered as NMI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NmiSource {
    /// The global system interrupt.
    pub gsi: u32,
    /// When it is active.
    pub polarity: Polarity,
    /// What its signal is.
    pub trigger: Trigger,
}

/// The local pin at which NMI arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalNmi {
    /// Which processor (its firmware number); `None` for all of them.
    pub acpi_id: Option<u32>,
    /// LINT0 or LINT1.
    pub lint: u8,
    /// When it is active.
    pub polarity: Polarity,
    /// What its signal is.
    pub trigger: Trigger,
}

/// The interrupt controllers.
#[derive(Clone, Debug, Default)]
pub struct Madt {
    /// Physical address of the local APICs' registers.
    pub lapic_addr: u64,
    /// Whether there is also a pair of 8259s, which must be masked.
    pub has_8259: bool,
    /// Processors.
    pub lapics: Vec<LocalApic>,
    /// I/O controllers.
    pub ioapics: Vec<IoApic>,
    /// Deviations of the ISA interrupts.
    pub overrides: Vec<Override>,
    /// I/O interrupts that are NMIs.
    pub nmi_sources: Vec<NmiSource>,
    /// Local NMI pins.
    pub local_nmis: Vec<LocalNmi>,
}

impl Acpi {
    /// Reads the MADT. Structures of unknown type are skipped; a broken one ends the list.
    ///
    /// # Errors
    /// `NotFound`, `Malformed`.
    pub fn madt(&self, mem: &impl Memory) -> Result<Madt, Error> {
        let t = *self.table(*b"APIC")?;
        let addr = t.u32(mem, 36).ok_or(Error::Malformed)?;
        let flags = t.u32(mem, 40).ok_or(Error::Malformed)?;
        let mut m = Madt { lapic_addr: u64::from(addr), has_8259: flags & 1 != 0, ..Madt::default() };
        let mut at = FIRST_ENTRY;
        for _ in 0..MAX_ENTRIES {
            let (Some(kind), Some(len)) = (t.u8(mem, at), t.u8(mem, at.saturating_add(1))) else { break };
            let len = u64::from(len);
            if len < 2 || t.at(at, len).is_none() {
                break;
            }
            // A structure that is shorter than its type demands is left out.
            let _ = m.add(&Entry { t: &t, mem, at, len }, kind);
            at = at.saturating_add(len);
        }
        Ok(m)
    }
}

/// A structure of the table: reads within its own length only.
struct Entry<'a, M> {
    t: &'a Table,
    mem: &'a M,
    at: u64,
    len: u64,
}

impl<M: Memory> Entry<'_, M> {
    fn place(&self, offset: u64, size: u64) -> Option<u64> {
        (offset.checked_add(size)? <= self.len).then(|| self.at.saturating_add(offset))
    }

    fn u8(&self, offset: u64) -> Option<u8> {
        self.t.u8(self.mem, self.place(offset, 1)?)
    }

    fn u16(&self, offset: u64) -> Option<u16> {
        self.t.u16(self.mem, self.place(offset, 2)?)
    }

    fn u32(&self, offset: u64) -> Option<u32> {
        self.t.u32(self.mem, self.place(offset, 4)?)
    }

    fn u64(&self, offset: u64) -> Option<u64> {
        self.t.u64(self.mem, self.place(offset, 8)?)
    }

    /// The MPS flags of an interrupt line.
    fn line(&self, offset: u64) -> Option<(Polarity, Trigger)> {
        let flags = self.u16(offset)?;
        let polarity = match flags & 3 {
            1 => Polarity::High,
            3 => Polarity::Low,
            _ => Polarity::Bus,
        };
        let trigger = match flags.wrapping_shr(2) & 3 {
            1 => Trigger::Edge,
            3 => Trigger::Level,
            _ => Trigger::Bus,
        };
        Some((polarity, trigger))
    }
}

impl Madt {
    fn add<M: Memory>(&mut self, e: &Entry<'_, M>, kind: u8) -> Option<()> {
        match kind {
            0 => self.add_lapic(e.u8(3)?.into(), e.u8(2)?.into(), e.u32(4)?, 0xff),
            1 => self.ioapics.push(IoApic { id: e.u8(2)?, addr: e.u32(4)?, gsi_base: e.u32(8)? }),
            2 => {
                let (polarity, trigger) = e.line(8)?;
                self.overrides.push(Override { isa_irq: e.u8(3)?, gsi: e.u32(4)?, polarity, trigger });
            }
            3 => {
                let (polarity, trigger) = e.line(2)?;
                self.nmi_sources.push(NmiSource { gsi: e.u32(4)?, polarity, trigger });
            }
            4 => self.add_nmi(u32::from(e.u8(2)?), 0xff, e.u8(5)?, e.line(3)?),
            5 => self.lapic_addr = e.u64(4)?,
            9 => self.add_lapic(e.u32(4)?, e.u32(12)?, e.u32(8)?, u32::MAX),
            10 => self.add_nmi(e.u32(4)?, u32::MAX, e.u8(8)?, e.line(2)?),
            _ => {}
        }
        Some(())
    }

    fn add_lapic(&mut self, apic_id: u32, acpi_id: u32, flags: u32, nobody: u32) {
        if apic_id == nobody || self.lapics.iter().any(|l| l.apic_id == apic_id && l.enabled) {
            return;
        }
        self.lapics.push(LocalApic {
            apic_id,
            acpi_id,
            enabled: flags & 1 != 0,
            online_capable: flags & 2 != 0,
        });
    }

    fn add_nmi(&mut self, acpi_id: u32, all: u32, lint: u8, line: (Polarity, Trigger)) {
        let acpi_id = (acpi_id != all).then_some(acpi_id);
        self.local_nmis.push(LocalNmi { acpi_id, lint, polarity: line.0, trigger: line.1 });
    }

    /// Where ISA interrupt `isa_irq` arrives, and how: (GSI, level-triggered, active low).
    #[must_use]
    pub fn isa(&self, isa_irq: u8) -> (u32, bool, bool) {
        match self.overrides.iter().find(|o| o.isa_irq == isa_irq) {
            Some(o) => (o.gsi, o.trigger == Trigger::Level, o.polarity == Polarity::Low),
            None => (isa_irq.into(), false, false),
        }
    }

    /// The processors that are there.
    pub fn processors(&self) -> impl Iterator<Item = &LocalApic> {
        self.lapics.iter().filter(|l| l.enabled)
    }
}
