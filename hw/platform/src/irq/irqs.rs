//! All irqs.

use alloc::boxed::Box;

use fx_sync::Lock;
use fx_types::{Errno, Result, try_filled};

use super::Controllers;
use super::state::{Line, MsiSource, Source, State};
use super::vectors::{Held, MAX_IRQ, Slot, Vectors};
use crate::ioapic::{Pin, Rte};
use crate::pci::msi::Message;

/// The interrupts of all devices.
pub struct Irqs<C> {
    /// The hardware.
    pub hw: C,
    vectors: Vectors,
    irqs: Box<[Lock<State>]>,
    gsis: u32,
}

impl<C: Controllers> Irqs<C> {
    /// Of a machine with `cpus` CPUs, `gsis` global system interrupts, whose pins and signals `line` tells, and at most
    /// `messages` interrupts by message at a time.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(
        hw: C,
        cpus: usize,
        gsis: u32,
        messages: u32,
        line: impl Fn(u32) -> Option<(Pin, Line)>,
    ) -> Result<Self> {
        let count = gsis.saturating_add(messages).min(MAX_IRQ);
        let irqs = try_filled(count as usize, |i| {
            let wired = if (i as u32) < gsis { line(i as u32) } else { None };
            Lock::new(State::new(wired.map_or(Source::None, |(pin, line)| Source::Pin(pin, line))))
        })?;
        Ok(Self { hw, vectors: Vectors::new(cpus)?, irqs, gsis: gsis.min(count) })
    }

    /// How many global system interrupts there are; irqs below are theirs.
    #[must_use]
    pub fn gsis(&self) -> u32 {
        self.gsis
    }

    /// How many irqs there can be.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.irqs.len() as u32
    }

    fn irq(&self, irq: u32) -> Result<&Lock<State>> {
        self.irqs.get(irq as usize).ok_or(Errno::EINVAL)
    }

    /// Says how a global system interrupt signals (`PHYSDEVOP_setup_gsi`).
    ///
    /// # Errors
    /// `EINVAL` when there is none of that number, `EEXIST` when it is started.
    pub fn setup_gsi(&self, gsi: u32, line: Line) -> Result {
        let mut s = self.irq(gsi)?.lock();
        let Source::Pin(pin, _) = s.source else { return Err(Errno::EINVAL) };
        if s.slot.is_some() {
            return Err(Errno::EEXIST);
        }
        s.source = Source::Pin(pin, line);
        Ok(())
    }

    /// Makes an irq of a message that is masked (`PHYSDEVOP_map_pirq`). It is not started.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub fn create(&self, source: MsiSource) -> Result<u32> {
        for irq in self.gsis..self.count() {
            let mut s = self.irq(irq)?.lock();
            if matches!(s.source, Source::None) {
                *s = State::new(Source::Message(source));
                return Ok(irq);
            }
        }
        Err(Errno::ENOSPC)
    }

    /// Stops an irq of a message and forgets it (`PHYSDEVOP_unmap_pirq`).
    ///
    /// # Errors
    /// `EINVAL` when it is not of a message.
    pub fn destroy(&self, irq: u32) -> Result {
        self.shutdown(irq)?;
        let mut s = self.irq(irq)?.lock();
        if !matches!(s.source, Source::Message(_)) {
            return Err(Errno::EINVAL);
        }
        *s = State::new(Source::None);
        Ok(())
    }

    /// Whether there is such an irq.
    #[must_use]
    pub fn exists(&self, irq: u32) -> bool {
        self.irq(irq).is_ok_and(|s| !matches!(s.lock().source, Source::None))
    }

    /// Gives an irq a vector of `cpu` and lets it arrive there. One that is started already goes on as it is.
    ///
    /// # Errors
    /// `EINVAL` when there is no such irq, `ENOENT` when devices cannot reach the CPU, `ENOSPC` when it has no vector left.
    pub fn startup(&self, irq: u32, cpu: u32) -> Result {
        let mut s = self.irq(irq)?.lock();
        if s.slot.is_none() {
            let slot = self.slot_for(irq, &s, cpu, None)?;
            s.slot = Some(slot);
            self.program(&s, slot);
        }
        s.masked = false;
        self.set_mask(&s, s.in_service);
        Ok(())
    }

    /// Stops an irq: it does not arrive any more, and has no vector.
    ///
    /// # Errors
    /// `EINVAL` when there is no such irq.
    pub fn shutdown(&self, irq: u32) -> Result {
        let mut s = self.irq(irq)?.lock();
        if matches!(s.source, Source::None) {
            return Err(Errno::EINVAL);
        }
        self.set_mask(&s, true);
        let source = s.source;
        for slot in [s.slot, s.old].into_iter().flatten() {
            self.vectors.free(slot);
        }
        *s = State::new(source);
        Ok(())
    }

    /// What has arrived: acknowledges the interrupt and returns its irq. `None` when it is nobody's (any more). Called once
    /// for each interrupt with a device's vector, with interrupts off.
    #[inline]
    pub fn ack(&self, cpu: u32, vector: u8) -> Option<u32> {
        match self.vectors.get(cpu, vector) {
            Some(Held { irq, level: false }) => {
                self.hw.local_eoi();
                Some(irq)
            }
            Some(Held { irq, level: true }) => self.ack_level(irq),
            None => {
                self.hw.local_eoi();
                None
            }
        }
    }

    fn ack_level(&self, irq: u32) -> Option<u32> {
        let Ok(lock) = self.irq(irq) else {
            self.hw.local_eoi();
            return None;
        };
        let mut s = lock.lock();
        if s.slot.is_some() {
            s.in_service = true;
            self.set_mask(&s, true);
        }
        // Only now, so that the line cannot interrupt again.
        self.hw.local_eoi();
        if let Some(cpu) = s.move_to.take() {
            // A CPU without a free vector: it stays where it is.
            let _ = self.retarget(irq, &mut s, cpu);
        }
        s.slot.is_some().then_some(irq)
    }

    /// Says that whoever handles an irq is done with it. For irqs that do not need that, nothing happens.
    #[inline]
    pub fn eoi(&self, irq: u32) {
        let Ok(lock) = self.irq(irq) else { return };
        let mut s = lock.lock();
        if s.in_service {
            s.in_service = false;
            self.set_mask(&s, s.masked);
        }
    }

    /// Whether an irq must be ended by [`Self::eoi`] (`XENIRQSTAT_needs_eoi`).
    #[must_use]
    pub fn needs_eoi(&self, irq: u32) -> bool {
        self.irq(irq).is_ok_and(|s| matches!(s.lock().source, Source::Pin(_, Line { level: true, .. })))
    }

    /// Keeps an irq from arriving until [`Self::unmask`].
    pub fn mask(&self, irq: u32) {
        self.change_mask(irq, true);
    }

    /// Lets an irq arrive again.
    pub fn unmask(&self, irq: u32) {
        self.change_mask(irq, false);
    }

    fn change_mask(&self, irq: u32, masked: bool) {
        let Ok(lock) = self.irq(irq) else { return };
        let mut s = lock.lock();
        if s.slot.is_some() && s.masked != masked {
            s.masked = masked;
            self.set_mask(&s, masked || s.in_service);
        }
    }

    /// The vector of a started irq.
    #[must_use]
    pub fn vector(&self, irq: u32) -> Option<u8> {
        Some(self.irq(irq).ok()?.lock().slot?.vector)
    }

    /// The CPU at which a started irq arrives.
    #[must_use]
    pub fn cpu(&self, irq: u32) -> Option<u32> {
        Some(self.irq(irq).ok()?.lock().slot?.cpu)
    }

    /// Lets a started irq arrive at another CPU.
    ///
    /// # Errors
    /// `EINVAL` when there is no such irq or it is not started; `ENOENT`, `ENOSPC` as for [`Self::startup`].
    pub fn set_affinity(&self, irq: u32, cpu: u32) -> Result {
        let mut s = self.irq(irq)?.lock();
        let slot = s.slot.ok_or(Errno::EINVAL)?;
        if slot.cpu == cpu {
            s.move_to = None;
            return Ok(());
        }
        if let Source::Pin(pin, Line { level: true, .. }) = s.source {
            self.set_mask(&s, true);
            // An interrupt on its way to the old CPU would be ended there by a vector that the pin has no more, and block
            // the pin for ever: then the next arrival moves it.
            if !s.in_service && self.hw.remote_irr(pin) {
                s.move_to = Some(cpu);
                self.set_mask(&s, s.masked);
                return Ok(());
            }
        }
        self.retarget(irq, &mut s, cpu)
    }

    /// Takes a vector on `cpu` and points the source there.
    fn retarget(&self, irq: u32, s: &mut State, cpu: u32) -> Result {
        // The same vector, if possible: then an interrupt in between reaches one of the two CPUs rightly.
        let moved = self.slot_for(irq, s, cpu, s.slot.map(|v| v.vector)).map(|slot| {
            if let Some(old) = s.old.take() {
                self.vectors.free(old);
            }
            s.old = s.slot.replace(slot);
            self.set_mask(s, true);
            self.program(s, slot);
        });
        self.set_mask(s, s.masked || s.in_service);
        moved
    }

    fn slot_for(&self, irq: u32, s: &State, cpu: u32, wanted: Option<u8>) -> Result<Slot> {
        let level = match s.source {
            Source::None => return Err(Errno::EINVAL),
            Source::Pin(_, line) => line.level,
            Source::Message(_) => false,
        };
        self.hw.destination(cpu).ok_or(Errno::ENOENT)?;
        self.vectors.alloc(cpu, Held { irq, level }, wanted)
    }

    /// Points the source, which is masked, at a slot.
    fn program(&self, s: &State, slot: Slot) {
        match &s.source {
            Source::None => {}
            Source::Pin(pin, line) => self.hw.set_rte(*pin, self.rte(slot, *line)),
            Source::Message(m) => {
                self.hw.program(m, Message::fixed(slot.vector, self.hw.destination(slot.cpu).unwrap_or(0)));
            }
        }
    }

    fn rte(&self, slot: Slot, line: Line) -> Rte {
        Rte::fixed(slot.vector, self.hw.destination(slot.cpu).unwrap_or(0), line.level, line.low)
    }

    /// Masks or unmasks the source.
    fn set_mask(&self, s: &State, masked: bool) {
        match (&s.source, s.slot) {
            (Source::Pin(pin, line), Some(slot)) => self.hw.mask_pin(*pin, self.rte(slot, *line), masked),
            (Source::Pin(pin, _), None) if masked => self.hw.set_rte(*pin, Rte::MASKED),
            (Source::Message(m), Some(_)) => self.hw.mask_message(m, masked),
            (Source::Message(m), None) if masked => self.hw.mask_message(m, true),
            _ => {}
        }
    }
}
