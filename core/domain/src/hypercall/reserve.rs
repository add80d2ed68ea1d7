//! `XENMEM_increase_reservation`, `_decrease_reservation`, `_populate_physmap`: how much memory a domain has.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_frames::Zone;
use fx_p2m::{Entry, Kind};
use fx_types::{Errno, GuestVirtExt, Mfn, Result};
use xen_abi::memory as m;

use super::Answer;
use super::memory::START_SHIFT;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::physmap::Physmap;
use crate::hw::Hw;

/// Frames of one pass: what it takes to clear 4 MiB is as long as nothing else runs here. One extent is never divided.
const PASS: u64 = 1024;
/// The greatest extent, 2 MiB. Who asks for a greater one gets none, and tries smaller ones, as when memory is in pieces.
const MAX_ORDER: u32 = 9;

impl<H: Hw> Host<H> {
    /// Each answers how many extents were done: less than all when memory or the domain's limit ran out.
    pub(crate) fn reservation_op(&self, c: &VcpuRef, command: &mut u64, arg: u64) -> Answer {
        let start = *command >> START_SHIFT;
        let op = (*command & ((1 << START_SHIFT) - 1)) as u32;
        let r: m::MemoryReservation = self.guest(c).read_val(arg)?;
        if start >= r.nr_extents {
            return Ok(start as i64);
        }
        if r.nr_extents > u64::MAX >> START_SHIFT {
            return Err(Errno::EINVAL);
        }
        let Ok(d) = self.domain_or_self(&c.d, r.domid) else { return Ok(start as i64) };
        if d.id != c.d.id {
            self.may_control(c, &d)?;
        }
        if r.extent_order > MAX_ORDER {
            return Ok(start as i64);
        }
        let end = r.nr_extents.min(start.saturating_add(PASS >> r.extent_order));
        for i in start..end {
            let step = match op {
                m::XENMEM_DECREASE_RESERVATION => self.decrease_one(c, &d, &r, i),
                m::XENMEM_POPULATE_PHYSMAP => self.populate_one(c, &d, &r, i),
                _ => self.increase_one(c, &d, &r, i),
            };
            if step.is_err() {
                return Ok(i as i64);
            }
        }
        if end < r.nr_extents {
            *command = u64::from(op) | (end << START_SHIFT);
            return Err(Errno::ERESTART);
        }
        Ok(end as i64)
    }

    fn increase_one(&self, c: &VcpuRef, d: &Arc<Domain>, r: &m::MemoryReservation, i: u64) -> Result {
        // Memory that is nowhere would be of no use.
        if d.hvm.is_some() {
            return Err(Errno::EOPNOTSUPP);
        }
        let mfn = self.alloc_domain(d, r.extent_order as u8, zone(r.mem_flags), true)?;
        if r.extent_start.0 != 0 {
            self.guest(c).write_at(r.extent_start.0, i, &mfn.0)?;
        }
        Ok(())
    }

    fn populate_one(&self, c: &VcpuRef, d: &Arc<Domain>, r: &m::MemoryReservation, i: u64) -> Result {
        let gpfn: u64 = self.guest(c).read_at(r.extent_start.0, i)?;
        if r.mem_flags & m::XENMEMF_POPULATE_ON_DEMAND != 0 {
            // The toolstack asks for it when it builds an HVM guest.
            let h = d.hvm.as_ref().filter(|_| d.id != c.d.id).ok_or(Errno::EINVAL)?;
            return self.mark_on_demand(h, gpfn, r.extent_order as u8);
        }
        let mfn = self.alloc_domain(d, r.extent_order as u8, zone(r.mem_flags), true)?;
        if let Some(h) = &d.hvm {
            return self.populate_physmap(d, &Physmap::new(self, d, h), gpfn, mfn, r.extent_order as u8);
        }
        for j in 0..1u64 << r.extent_order {
            self.hw.set_m2p(mfn.add(j), gpfn.wrapping_add(j));
        }
        self.guest(c).write_at(r.extent_start.0, i, &mfn.0)
    }

    /// Places new frames in an HVM domain's memory; what was there before is given back.
    fn populate_physmap(
        &self,
        d: &Arc<Domain>,
        change: &Physmap<'_, H>,
        gpfn: u64,
        mfn: Mfn,
        order: u8,
    ) -> Result {
        let pages = 0..1u64 << order;
        let mut uncovered = pages.clone().map(|j| change.uncover(gpfn.wrapping_add(j)));
        let placed = uncovered
            .try_for_each(|r| r)
            .and_then(|()| change.set(d, gpfn, &Entry { mfn, kind: Kind::Ram, order }));
        placed.inspect_err(|_| {
            for j in pages {
                let there = change.get(gpfn.wrapping_add(j));
                if there.mfn == mfn.add(j) && there.kind.is_present() {
                    let _ = change.clear(gpfn.wrapping_add(j));
                }
                self.give_up(d, mfn.add(j));
            }
        })
    }

    fn decrease_one(&self, c: &VcpuRef, d: &Arc<Domain>, r: &m::MemoryReservation, i: u64) -> Result {
        let first: u64 = self.guest(c).read_at(r.extent_start.0, i)?;
        if let Some(h) = &d.hvm {
            let change = Physmap::new(self, d, h);
            for j in 0..1u64 << r.extent_order {
                let gfn = first.wrapping_add(j);
                let kind = change.get(gfn).kind;
                if kind != Kind::OnDemand && !kind.is_ram() {
                    return Err(Errno::EINVAL);
                }
                change.uncover(gfn)?;
                if kind.is_ram() {
                    self.refill_on_demand(d, h);
                }
            }
            return Ok(());
        }
        for j in 0..1u64 << r.extent_order {
            self.drop_frame(d, Mfn(first.wrapping_add(j)))?;
        }
        Ok(())
    }

    /// Gives up a domain's frame: freed when nobody refers to it any more.
    ///
    /// # Errors
    /// `EINVAL` when it is not the domain's, or was given up before.
    pub fn drop_frame(&self, d: &Domain, mfn: Mfn) -> Result {
        let info = self.frames.get(mfn).ok_or(Errno::EINVAL)?;
        info.get(d.id)?;
        let given = if info.word().hypervisor() {
            false
        } else {
            let given = self.give_up(d, mfn);
            // After that no other pin can come, nor half a table.
            let _ = fx_pagetables::unpin(self, mfn, d.id);
            fx_pagetables::finish(self, mfn);
            given
        };
        fx_pagetables::put_frame(self, mfn);
        if given { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// Takes 2^`order` frames for a domain, within its limit; `clear` fills them with zeroes.
    ///
    /// # Errors
    /// `ENOMEM` when the domain's limit or the machine's memory is exhausted.
    pub fn alloc_domain(&self, d: &Arc<Domain>, order: u8, zone: Zone, clear: bool) -> Result<Mfn> {
        let n = 1u64 << order;
        let mut p = d.pages.lock();
        if p.list.len().saturating_add(n) > p.max || d.is_dying() {
            return Err(Errno::ENOMEM);
        }
        let mfn = {
            let mut free = self.free.lock();
            let promised = self.claimed.load(Ordering::Relaxed).saturating_sub(p.claim);
            if free.free_frames() < promised.saturating_add(n) {
                return Err(Errno::ENOMEM);
            }
            free.alloc(&self.frames, order, zone).ok_or(Errno::ENOMEM)?
        };
        self.settle(mfn);
        let used = p.claim.min(n);
        p.claim = p.claim.saturating_sub(used);
        self.claimed.fetch_sub(used, Ordering::Relaxed);
        for i in 0..n {
            let f = mfn.add(i);
            if clear {
                self.hw.zero_frame(f);
            }
            if let Some(info) = self.frames.get(f) {
                info.assign(d.id, false);
            }
            p.list.push(&self.frames, f);
        }
        Ok(mfn)
    }

    /// Promises `pages` frames in all to a domain, counting those that it has; 0 takes the promise back.
    ///
    /// # Errors
    /// `ENOMEM` when there are not that many, `EINVAL` when it has more already or another claim.
    pub fn set_claim(&self, d: &Domain, pages: u64) -> Result {
        let mut p = d.pages.lock();
        let old = p.claim;
        if pages == 0 {
            p.claim = 0;
            self.claimed.fetch_sub(old, Ordering::Relaxed);
            return Ok(());
        }
        if old != 0 || pages <= p.list.len() || pages > p.max {
            return Err(Errno::EINVAL);
        }
        let wanted = pages.saturating_sub(p.list.len());
        let free = self.free.lock().free_frames();
        if free.saturating_sub(self.claimed.load(Ordering::Relaxed)) < wanted {
            return Err(Errno::ENOMEM);
        }
        p.claim = wanted;
        self.claimed.fetch_add(wanted, Ordering::Relaxed);
        Ok(())
    }
}

/// Address bits that the flags ask for.
pub(crate) fn zone(flags: u32) -> Zone {
    match flags & 0xff {
        0 => Zone::Any,
        bits => Zone::Bits(bits),
    }
}
