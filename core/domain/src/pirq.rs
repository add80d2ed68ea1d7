//! Physical interrupts as domains see them: pirqs, each standing for an interrupt of the machine, bound to an event channel.

use alloc::collections::btree_map::Entry;

use fx_events as ev;
use fx_types::{DomId, Errno, Result};

use crate::domain::{Domain, Pirq};
use crate::host::Host;
use crate::hw::Hw;
use crate::hypercall::event::EventView;

/// Pirqs of a domain; those of message-signalled interrupts are given out from the top.
const PIRQS: u32 = 1024;
/// Below are those that are the global system interrupt of the same number.
const FIRST_DYNAMIC: u32 = 256;
/// In place of the interrupt of a pirq that is kept for the domain and stands for none yet.
const NONE_YET: u32 = u32::MAX;

impl<H: Hw> Host<H> {
    fn with_pirq<R>(d: &Domain, pirq: u32, act: impl FnOnce(&mut Pirq) -> Result<R>) -> Result<R> {
        let mut all = d.pirqs.lock();
        let p = all.iter_mut().find(|p| p.pirq == pirq && p.irq != NONE_YET).ok_or(Errno::EINVAL)?;
        act(p)
    }

    /// The machine's interrupt that a pirq stands for.
    pub(crate) fn irq_of_pirq(d: &Domain, pirq: u32) -> Result<u32> {
        Self::with_pirq(d, pirq, |p| Ok(p.irq))
    }

    fn free_pirq(all: &[Pirq], count: u32) -> Result<u32> {
        let mut first = PIRQS.wrapping_sub(count);
        while first >= FIRST_DYNAMIC {
            let taken = all.iter().any(|p| p.pirq >= first && p.pirq < first.wrapping_add(count));
            if !taken {
                return Ok(first);
            }
            first = first.wrapping_sub(1);
        }
        Err(Errno::ENOSPC)
    }

    /// A pirq that the domain will map later: nobody else gets it until then.
    pub(crate) fn reserve_pirq(&self, d: &Domain) -> Result<u32> {
        let mut all = d.pirqs.lock();
        let pirq = Self::free_pirq(&all, 1)?;
        all.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        all.push(Pirq::new(pirq, NONE_YET));
        Ok(pirq)
    }

    /// Lets `count` pirqs from `wanted` (or free ones) stand for the machine's interrupts from `irq`.
    pub(crate) fn map_pirq(&self, d: &Domain, wanted: Option<u32>, irq: u32, count: u32) -> Result<u32> {
        let mut all = d.pirqs.lock();
        if wanted.is_some_and(|w| all.iter().any(|p| p.pirq == w && p.irq == irq)) {
            return wanted.ok_or(Errno::EINVAL);
        }
        let first = match wanted {
            Some(w) if w.saturating_add(count) <= PIRQS => w,
            Some(_) => return Err(Errno::EINVAL),
            None => Self::free_pirq(&all, count)?,
        };
        let meant = first..first.wrapping_add(count);
        if all.iter().any(|p| meant.contains(&p.pirq) && p.irq != NONE_YET) {
            return Err(Errno::EEXIST);
        }
        all.try_reserve(count as usize).map_err(|_| Errno::ENOMEM)?;
        all.retain(|p| !meant.contains(&p.pirq));
        all.extend(meant.zip(irq..).map(|(pirq, irq)| Pirq::new(pirq, irq)));
        Ok(first)
    }

    /// Undoes [`Self::map_pirq`] for one pirq; a message-signalled interrupt is torn down.
    pub(crate) fn unmap_pirq(&self, d: &Domain, pirq: u32) -> Result {
        let gone = {
            let mut all = d.pirqs.lock();
            let i = all.iter().position(|p| p.pirq == pirq && p.irq != NONE_YET).ok_or(Errno::EINVAL)?;
            all.swap_remove(i)
        };
        self.disconnect(d, &gone);
        self.hw.msi_unmap(gone.irq);
        Ok(())
    }

    fn disconnect(&self, _d: &Domain, p: &Pirq) {
        if p.port != 0 {
            self.hw.irq_disable(p.irq);
            self.irq_owners.lock().remove(&p.irq);
        }
    }

    /// An event channel takes a pirq: the interrupt is let in.
    pub(crate) fn bind_pirq(&self, d: &Domain, pirq: u32, _share: bool, port: u32) -> Result {
        Self::with_pirq(d, pirq, |p| {
            if p.port != 0 {
                return Err(Errno::EEXIST);
            }
            match self.irq_owners.lock().entry(p.irq) {
                Entry::Occupied(_) => return Err(Errno::EBUSY),
                Entry::Vacant(free) => free.insert((d.id.0, pirq)),
            };
            // It may come as soon as it is let in, and is then looked for here.
            p.port = port;
            let enabled = self.hw.irq_enable(p.irq, self.hw.cpu());
            match enabled {
                Ok(needs_eoi) => p.needs_eoi = needs_eoi,
                Err(_) => {
                    p.port = 0;
                    self.irq_owners.lock().remove(&p.irq);
                }
            }
            enabled.map(|_| ())
        })
    }

    /// The event channel of a pirq is closed: the interrupt is kept out.
    pub(crate) fn unbind_pirq(&self, d: &Domain, pirq: u32, _port: u32) {
        let _ = Self::with_pirq(d, pirq, |p| {
            self.disconnect(d, &p.clone());
            p.port = 0;
            p.in_flight = false;
            Ok(())
        });
    }

    /// A pirq's events go to another vCPU: so does the interrupt.
    pub(crate) fn move_pirq(&self, d: &Domain, pirq: u32, vcpu: u32) {
        let cpu = d.vcpu(vcpu).map_or(0, |v| v.cpu.load(core::sync::atomic::Ordering::Acquire));
        let _ = Self::with_pirq(d, pirq, |p| {
            self.hw.irq_move(p.irq, cpu as usize);
            Ok(())
        });
    }

    pub(crate) fn pirq_needs_eoi(&self, d: &Domain, pirq: u32) -> Result<bool> {
        let all = d.pirqs.lock();
        Ok(all.iter().find(|p| p.pirq == pirq).is_some_and(|p| p.needs_eoi))
    }

    /// The domain is done with a level-triggered interrupt.
    pub(crate) fn pirq_done(&self, d: &Domain, pirq: u32) -> Result {
        Self::with_pirq(d, pirq, |p| {
            if core::mem::take(&mut p.in_flight) {
                self.hw.irq_done(p.irq);
            }
            Ok(())
        })
    }

    /// An interrupt of the machine came in: it becomes an event of whoever has it. `false` when nobody has.
    pub fn irq_raised(&self, irq: u32) -> bool {
        let Some((dom, pirq)) = self.irq_owners.lock().get(&irq).copied() else { return false };
        let Ok(d) = self.domain(DomId(dom)) else { return false };
        let port = Self::with_pirq(&d, pirq, |p| {
            p.in_flight = p.needs_eoi;
            Ok(p.port)
        });
        match port {
            Ok(port) if port != 0 => {
                ev::send_pirq(&EventView::new(self, &d), port, pirq);
                true
            }
            _ => false,
        }
    }

    /// A dying domain's interrupts.
    pub(crate) fn unbind_all_pirqs(&self, d: &Domain) {
        loop {
            let last = d.pirqs.lock().pop();
            let Some(p) = last else { return };
            if p.irq != NONE_YET {
                self.disconnect(d, &p);
                self.hw.msi_unmap(p.irq);
            }
        }
    }
}
