//! Populate-on-demand: a guest starts with less memory than it sees, and gets it where it first touches it. What it may have in all
//! waits in a cache meanwhile; until its balloon driver has given the difference back, it must not touch more than that.

use alloc::sync::Arc;
use alloc::vec::Vec;

use fx_frames::Zone;
use fx_p2m::{Entry, Kind};
use fx_types::{Errno, Mfn, Result};

use super::HvmDomain;
use super::physmap::{Nested, Physmap};
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;

/// Frames of a large page, and log2 of that.
const LARGE: u64 = 512;
const LARGE_ORDER: u8 = 9;
/// Frames that one pass takes, which are cleared.
const PASS: u64 = 1024;

/// What waits for a domain.
#[derive(Default)]
pub struct OnDemand {
    large: Vec<Mfn>,
    single: Vec<Mfn>,
    /// Guest frames that are still nothing and become memory when they are touched.
    pub entries: u64,
}

impl OnDemand {
    /// Frames that wait.
    pub fn cached(&self) -> u64 {
        (self.single.len() as u64).saturating_add((self.large.len() as u64).saturating_mul(LARGE))
    }

    fn put(&mut self, mfn: Mfn, order: u8) -> Result {
        let list = if order == LARGE_ORDER { &mut self.large } else { &mut self.single };
        list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        list.push(mfn);
        Ok(())
    }

    /// A block of the order, or a smaller one.
    fn take(&mut self, order: u8) -> Option<(Mfn, u8)> {
        if order >= LARGE_ORDER
            && let Some(mfn) = self.large.pop()
        {
            return Some((mfn, LARGE_ORDER));
        }
        if let Some(mfn) = self.single.pop() {
            return Some((mfn, 0));
        }
        // A large block is taken apart.
        self.single.try_reserve(LARGE as usize).ok()?;
        let first = self.large.pop()?;
        self.single.extend((1..LARGE).map(|i| first.add(i)));
        Some((first, 0))
    }
}

impl<H: Hw> Host<H> {
    /// `XENMEM_set_pod_target`: a domain's frames shall be so many in all; those that are missing wait in the cache.
    ///
    /// # Errors
    /// `ENOMEM`; `ERESTART` while there is more to do.
    pub(crate) fn set_pod_target(&self, d: &Arc<Domain>, h: &HvmDomain, target: u64) -> Result {
        let mut pod = h.on_demand.lock();
        let total = d.pages.lock().list.len();
        let populated = total.saturating_sub(pod.cached());
        // Once nothing is on demand any more, and to have less, is the balloon driver's business.
        if populated > 0 && pod.entries == 0 || target < total {
            return Ok(());
        }
        let mut wanted = target.saturating_sub(populated);
        if populated > 0 {
            wanted = wanted.min(pod.entries);
        }
        let mut left = PASS;
        while left > 0 {
            let missing = wanted.saturating_sub(pod.cached());
            if missing == 0 {
                return Ok(());
            }
            let order = if missing >= LARGE { LARGE_ORDER } else { 0 };
            let (mfn, order) = match self.alloc_domain(d, order, Zone::Any, true) {
                Ok(mfn) => (mfn, order),
                Err(_) => (self.alloc_domain(d, 0, Zone::Any, true)?, 0),
            };
            pod.put(mfn, order)?;
            left = left.saturating_sub(1u64.wrapping_shl(u32::from(order)));
        }
        Err(Errno::ERESTART)
    }

    /// Guest frames that are nothing become memory when they are touched.
    ///
    /// # Errors
    /// `EINVAL` when they are something, `ENOMEM`.
    pub(crate) fn mark_on_demand(&self, h: &HvmDomain, gfn: u64, order: u8) -> Result {
        let count = 1u64.wrapping_shl(u32::from(order));
        let mut pod = h.on_demand.lock();
        let mut at = gfn;
        while at < gfn.saturating_add(count) {
            let here = h.p2m.get(&self.hw, at);
            if here.kind != Kind::None {
                return Err(Errno::EINVAL);
            }
            let span = 1u64.wrapping_shl(u32::from(here.order));
            at = (at & !span.wrapping_sub(1)).saturating_add(span);
        }
        let entry = Entry { kind: Kind::OnDemand, order, ..Entry::NONE };
        h.p2m.set(&Nested::new(self, &h.pool), gfn, &entry)?;
        pod.entries = pod.entries.saturating_add(count);
        Ok(())
    }

    /// A guest frame that is to become memory now is touched. A domain for which none waits any more is crashed.
    #[cold]
    pub(crate) fn populate_on_demand(&self, d: &Arc<Domain>, h: &HvmDomain, gfn: u64) -> Result {
        let mut pod = h.on_demand.lock();
        let here = h.p2m.get(&self.hw, gfn);
        if here.kind != Kind::OnDemand {
            return Ok(());
        }
        let Some((mfn, order)) = pod.take(here.order) else {
            let entries = pod.entries;
            drop(pod);
            self.crash_domain(
                d,
                format_args!(
                    "it touches more memory than it was given: {entries} pages are on demand and none is left. \
                     Raise memory=, or let its balloon driver start earlier"
                ),
            );
            return Err(Errno::ENOMEM);
        };
        let first = gfn & !(1u64.wrapping_shl(u32::from(order))).wrapping_sub(1);
        let placed = Physmap::new(self, d, h).set(d, first, &Entry { mfn, kind: Kind::Ram, order });
        if placed.is_ok() {
            pod.entries = pod.entries.saturating_sub(1u64.wrapping_shl(u32::from(order)));
            return placed;
        }
        let kept = pod.put(mfn, order);
        drop(pod);
        self.crash_domain(
            d,
            format_args!(
                "its nested page tables have no frames left: raise shadow_memory= in its configuration"
            ),
        );
        kept.and(placed)
    }

    /// The balloon driver gives a guest frame back that never became memory.
    ///
    /// # Errors
    /// `ENOMEM` when a large entry cannot be split.
    pub(crate) fn forgo_on_demand(&self, d: &Domain, h: &HvmDomain, gfn: u64) -> Result {
        let surplus = {
            let mut pod = h.on_demand.lock();
            h.p2m.set(&Nested::new(self, &h.pool), gfn, &Entry::NONE)?;
            pod.entries = pod.entries.saturating_sub(1);
            if pod.cached() > pod.entries { pod.take(0) } else { None }
        };
        surplus.map_or(Ok(()), |(mfn, _)| self.drop_frame(d, mfn))
    }

    /// The balloon driver gave memory back: as long as more is on demand than waits, the next frame waits in its place.
    pub(crate) fn refill_on_demand(&self, d: &Arc<Domain>, h: &HvmDomain) {
        let mut pod = h.on_demand.lock();
        if pod.entries > pod.cached()
            && let Ok(mfn) = self.alloc_domain(d, 0, Zone::Any, true)
            && pod.put(mfn, 0).is_err()
        {
            self.give_up(d, mfn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_taken_apart_when_they_must_be() {
        let mut pod = OnDemand::default();
        pod.put(Mfn(512), LARGE_ORDER).unwrap();
        pod.put(Mfn(7), 0).unwrap();
        assert_eq!(pod.cached(), 513);
        assert_eq!(pod.take(0), Some((Mfn(7), 0)));
        assert_eq!(pod.take(0), Some((Mfn(512), 0)));
        assert_eq!(pod.cached(), 511);
        assert_eq!(pod.take(18).map(|(_, order)| order), Some(0), "what there is");
    }
}
