//! `XENMEM_acquire_resource`: frames of the hypervisor's that belong to a domain, for the toolstack to map.

use alloc::sync::Arc;

use fx_types::{Errno, GuestVirtExt, Mfn, Result};
use xen_abi::memory as m;

use super::Answer;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// Offset of `nr_frames` in the argument.
const NR_FRAMES: u64 = 8;
/// The most frames of one call.
const MOST: u32 = 1024;

impl<H: Hw> Host<H> {
    pub(crate) fn acquire_resource(&self, c: &VcpuRef, arg: u64) -> Answer {
        let r: m::MemAcquireResource = self.guest(c).read_val(arg)?;
        if r.pad != 0 {
            return Err(Errno::EINVAL);
        }
        let d = self.domain_or_self(&c.d, r.domid)?;
        self.may_control(c, &d)?;
        let most = self.resource_size(&d, &r)?;
        if r.frame_list.0 == 0 {
            if r.nr_frames != 0 {
                return Err(Errno::EINVAL);
            }
            return self.guest(c).write_val(arg.wrapping_add(NR_FRAMES), &most).map(|()| 0);
        }
        if r.nr_frames == 0 || r.nr_frames > MOST {
            return Err(if r.nr_frames == 0 { Errno::EINVAL } else { Errno::E2BIG });
        }
        let first = u32::try_from(r.frame).map_err(|_| Errno::EINVAL)?;
        if first.checked_add(r.nr_frames).is_none_or(|end| end > most) {
            return Err(Errno::EINVAL);
        }
        // The last first: the table grows once.
        for i in (0..r.nr_frames).rev() {
            let mfn = self.resource_frame(&d, &r, first.wrapping_add(i))?;
            self.guest(c).write_at(r.frame_list.0, u64::from(i), &mfn.0)?;
        }
        Ok(0)
    }

    /// How many frames there are.
    fn resource_size(&self, d: &Domain, r: &m::MemAcquireResource) -> Result<u32> {
        match (r.r#type, r.id) {
            (m::XENMEM_RESOURCE_GRANT_TABLE, m::XENMEM_RESOURCE_GRANT_TABLE_ID_SHARED) => {
                Ok(d.grants.max_shared_frames())
            }
            (m::XENMEM_RESOURCE_GRANT_TABLE, m::XENMEM_RESOURCE_GRANT_TABLE_ID_STATUS) => {
                Ok(d.grants.max_status_frames())
            }
            (m::XENMEM_RESOURCE_GRANT_TABLE, _) => Err(Errno::EINVAL),
            // The buffer and one page of requests.
            (m::XENMEM_RESOURCE_IOREQ_SERVER, _) if d.hvm.is_some() => Ok(2),
            (m::XENMEM_RESOURCE_IOREQ_SERVER, _) => Err(Errno::EINVAL),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    fn resource_frame(&self, d: &Arc<Domain>, r: &m::MemAcquireResource, index: u32) -> Result<Mfn> {
        match (r.r#type, &d.hvm) {
            (m::XENMEM_RESOURCE_IOREQ_SERVER, Some(h)) => self.server_frame(h, r.id, u64::from(index)),
            _ => self.grant_resource(d, r.id == m::XENMEM_RESOURCE_GRANT_TABLE_ID_STATUS, index),
        }
    }
}
