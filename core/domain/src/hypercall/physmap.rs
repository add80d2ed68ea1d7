//! `XENMEM_add_to_physmap`, `_batch` and `XENMEM_remove_from_physmap`: what an HVM or PVH domain finds where in its memory.

use alloc::sync::Arc;

use fx_p2m::{Entry, Kind};
use fx_types::{DomId, Errno, GuestVirtExt, Mfn, Result};
use xen_abi::memory as m;

use super::Answer;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hw::Hw;

/// Pages of one pass.
const PASS: u16 = 256;

/// What is to be placed: from which space, which index of it, whose.
struct Source {
    space: u32,
    index: u64,
    foreign: u16,
}

impl<H: Hw> Host<H> {
    pub(crate) fn add_to_physmap(&self, c: &VcpuRef, arg: u64) -> Answer {
        let mut a: m::AddToPhysmap = self.guest(c).read_val(arg)?;
        let (d, h) = self.physmap_subject(c, a.domid)?;
        if a.space == m::XENMAPSPACE_GMFN_FOREIGN {
            return Err(Errno::EINVAL);
        }
        if a.space != m::XENMAPSPACE_GMFN_RANGE {
            let s = Source { space: a.space, index: a.idx, foreign: 0 };
            return self.place(c, &d, &h, &s, a.gpfn).map(|()| 0);
        }
        let mut left = PASS;
        while a.size > 0 {
            if left == 0 {
                self.guest(c).write_val(arg, &a)?;
                return Err(Errno::ERESTART);
            }
            let s = Source { space: m::XENMAPSPACE_GMFN, index: a.idx, foreign: 0 };
            self.place(c, &d, &h, &s, a.gpfn)?;
            (a.idx, a.gpfn) = (a.idx.wrapping_add(1), a.gpfn.wrapping_add(1));
            (a.size, left) = (a.size.wrapping_sub(1), left.wrapping_sub(1));
        }
        Ok(0)
    }

    pub(crate) fn add_to_physmap_batch(&self, c: &VcpuRef, command: &mut u64, arg: u64) -> Answer {
        let a: m::AddToPhysmapBatch = self.guest(c).read_val(arg)?;
        let (d, h) = self.physmap_subject(c, a.domid)?;
        let space = u32::from(a.space);
        if space == m::XENMAPSPACE_GMFN_RANGE || space != m::XENMAPSPACE_GMFN_FOREIGN && a.foreign_domid != 0
        {
            return Err(Errno::EINVAL);
        }
        let start = *command >> super::memory::START_SHIFT;
        let end = u64::from(a.size).min(start.saturating_add(u64::from(PASS)));
        for i in start..end {
            let index: u64 = self.guest(c).read_at(a.idxs.0, i)?;
            let gpfn: u64 = self.guest(c).read_at(a.gpfns.0, i)?;
            let s = Source { space, index, foreign: a.foreign_domid };
            let error = self.place(c, &d, &h, &s, gpfn).map_or_else(|e| e.to_ret() as i32, |()| 0);
            self.guest(c).write_at(a.errs.0, i, &error)?;
        }
        if end < u64::from(a.size) {
            let op = *command & ((1 << super::memory::START_SHIFT) - 1);
            *command = op | end << super::memory::START_SHIFT;
            return Err(Errno::ERESTART);
        }
        Ok(0)
    }

    pub(crate) fn remove_from_physmap(&self, c: &VcpuRef, arg: u64) -> Answer {
        let a: m::RemoveFromPhysmap = self.guest(c).read_val(arg)?;
        let (d, h) = self.physmap_subject(c, a.domid)?;
        let here = h.p2m.get(&self.hw, a.gpfn);
        if !here.kind.is_present() {
            return Err(Errno::ENOENT);
        }
        if matches!(here.kind, Kind::Grant | Kind::GrantReadOnly) {
            return Err(Errno::EBUSY);
        }
        self.physmap_clear(&h, a.gpfn)?;
        self.flush_domain_tlb(&d);
        Ok(0)
    }

    fn physmap_subject(&self, c: &VcpuRef, id: u16) -> Result<(Arc<Domain>, Arc<HvmDomain>)> {
        let d = self.domain_or_self(&c.d, id)?;
        if d.id != c.d.id {
            self.may_control(c, &d)?;
        }
        // A PV guest has no physmap of the hypervisor's making.
        let h = d.hvm.clone().ok_or(Errno::EOPNOTSUPP)?;
        Ok((d, h))
    }

    /// Places one page; memory that was there before is given back.
    fn place(&self, c: &VcpuRef, d: &Arc<Domain>, h: &HvmDomain, s: &Source, gpfn: u64) -> Result {
        match s.space {
            m::XENMAPSPACE_SHARED_INFO if s.index == 0 => self.place_own(d, h, gpfn, d.shared_info),
            m::XENMAPSPACE_GRANT_TABLE => {
                let status = s.index & m::XENMAPIDX_GRANT_TABLE_STATUS != 0;
                let index = s.index & !m::XENMAPIDX_GRANT_TABLE_STATUS;
                let index = u32::try_from(index).map_err(|_| Errno::EINVAL)?;
                let mfn = self.grant_resource(d, status, index)?;
                self.place_own(d, h, gpfn, mfn)
            }
            m::XENMAPSPACE_GMFN => self.move_frame(d, h, s.index, gpfn),
            m::XENMAPSPACE_GMFN_FOREIGN => self.place_foreign(c, d, h, s, gpfn),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Makes a frame be found elsewhere in a domain's memory.
    pub(crate) fn move_frame(&self, d: &Arc<Domain>, h: &HvmDomain, from: u64, to: u64) -> Result {
        let old = h.p2m.get(&self.hw, from);
        if !old.kind.is_ram() || from == to {
            return Err(Errno::EINVAL);
        }
        let here = h.p2m.get(&self.hw, to);
        self.drop_memory_at(d, h, to, &here)?;
        self.physmap_set(h, d, to, &Entry { mfn: old.mfn, kind: old.kind, order: 0 })?;
        self.physmap_clear(h, from).map(|_| ())
    }

    /// Places a page that the hypervisor shares with the domain; it is found at one place only.
    fn place_own(&self, d: &Arc<Domain>, h: &HvmDomain, gpfn: u64, mfn: Mfn) -> Result {
        let before = self.hw.m2p(mfn);
        let here = h.p2m.get(&self.hw, gpfn);
        if here.kind == Kind::Ram && here.mfn == mfn {
            return Ok(());
        }
        self.drop_memory_at(d, h, gpfn, &here)?;
        let old = h.p2m.get(&self.hw, before);
        if old.kind.is_present() && old.mfn == mfn {
            self.physmap_clear(h, before)?;
            self.flush_domain_tlb(d);
        }
        self.physmap_set(h, d, gpfn, &Entry { mfn, kind: Kind::Ram, order: 0 })
    }

    /// Memory that is about to be covered is given back, as its owner could not reach it any more.
    pub(crate) fn drop_memory_at(&self, d: &Arc<Domain>, h: &HvmDomain, gpfn: u64, here: &Entry) -> Result {
        match here.kind {
            // Only its unmapping ends a grant's mapping.
            Kind::Grant | Kind::GrantReadOnly => return Err(Errno::EBUSY),
            kind if !kind.is_present() => return Ok(()),
            _ => {}
        }
        self.physmap_clear(h, gpfn)?;
        if here.kind.is_ram() {
            // What the hypervisor shares stays.
            let _ = self.drop_frame(d, here.mfn);
        } else {
            self.flush_domain_tlb(d);
        }
        Ok(())
    }

    fn place_foreign(&self, c: &VcpuRef, d: &Arc<Domain>, h: &HvmDomain, s: &Source, gpfn: u64) -> Result {
        self.may_map_foreign(c, DomId(s.foreign))?;
        let owner = self.domain(DomId(s.foreign))?;
        if owner.id == d.id {
            return Err(Errno::EINVAL);
        }
        let mfn = self.frame_of(&owner, s.index)?;
        let here = h.p2m.get(&self.hw, gpfn);
        self.drop_memory_at(d, h, gpfn, &here)?;
        self.physmap_set(h, &owner, gpfn, &Entry { mfn, kind: Kind::Foreign, order: 0 })
    }
}
