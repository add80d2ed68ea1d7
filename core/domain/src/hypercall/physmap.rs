//! `XENMEM_add_to_physmap`, `_batch` and `XENMEM_remove_from_physmap`: what an HVM or PVH domain finds where in its memory.

use alloc::sync::Arc;

use fx_p2m::{Entry, Kind};
use fx_types::{DomId, Errno, GuestVirtExt, Result};
use xen_abi::memory as m;

use super::Answer;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hvm::physmap::Physmap;
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
        let change = Physmap::new(self, &d, &h);
        if a.space != m::XENMAPSPACE_GMFN_RANGE {
            let s = Source { space: a.space, index: a.idx, foreign: 0 };
            return self.place(c, &change, &s, a.gpfn).map(|()| 0);
        }
        let mut left = PASS;
        while a.size > 0 {
            if left == 0 {
                self.guest(c).write_val(arg, &a)?;
                return Err(Errno::ERESTART);
            }
            let s = Source { space: m::XENMAPSPACE_GMFN, index: a.idx, foreign: 0 };
            self.place(c, &change, &s, a.gpfn)?;
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
        let change = Physmap::new(self, &d, &h);
        let start = *command >> super::memory::START_SHIFT;
        let end = u64::from(a.size).min(start.saturating_add(u64::from(PASS)));
        for i in start..end {
            let index: u64 = self.guest(c).read_at(a.idxs.0, i)?;
            let gpfn: u64 = self.guest(c).read_at(a.gpfns.0, i)?;
            let s = Source { space, index, foreign: a.foreign_domid };
            let error = self.place(c, &change, &s, gpfn).map_or_else(|e| e.to_ret() as i32, |()| 0);
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
        let change = Physmap::new(self, &d, &h);
        match change.get(a.gpfn).kind {
            Kind::None | Kind::OnDemand => Err(Errno::ENOENT),
            Kind::Grant | Kind::GrantReadOnly => Err(Errno::EBUSY),
            _ => change.clear(a.gpfn).map(|()| 0),
        }
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
    fn place(&self, c: &VcpuRef, change: &Physmap<'_, H>, s: &Source, gpfn: u64) -> Result {
        let d = change.domain();
        match s.space {
            m::XENMAPSPACE_SHARED_INFO if s.index == 0 => {
                self.latch_layout(c, d);
                change.place_own(gpfn, d.shared_info)
            }
            m::XENMAPSPACE_GRANT_TABLE => {
                let status = s.index & m::XENMAPIDX_GRANT_TABLE_STATUS != 0;
                let index = s.index & !m::XENMAPIDX_GRANT_TABLE_STATUS;
                let index = u32::try_from(index).map_err(|_| Errno::EINVAL)?;
                let mfn = self.grant_resource(d, status, index)?;
                change.place_own(gpfn, mfn)
            }
            m::XENMAPSPACE_GMFN => change.rename(s.index, gpfn),
            m::XENMAPSPACE_GMFN_FOREIGN => self.place_foreign(c, change, s, gpfn),
            _ => Err(Errno::EINVAL),
        }
    }

    fn place_foreign(&self, c: &VcpuRef, change: &Physmap<'_, H>, s: &Source, gpfn: u64) -> Result {
        self.may_map_foreign(c, DomId(s.foreign))?;
        let owner = self.domain(DomId(s.foreign))?;
        if owner.id == change.domain().id {
            return Err(Errno::EINVAL);
        }
        let mfn = self.frame_of(&owner, s.index)?;
        change.uncover(gpfn)?;
        change.set(&owner, gpfn, &Entry { mfn, kind: Kind::Foreign, order: 0 })
    }
}
