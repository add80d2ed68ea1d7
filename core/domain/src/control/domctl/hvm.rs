//! Saved state of HVM and PVH domains, and the memory that their nested page tables may take.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use fx_types::{Errno, PAGE_SIZE};
use xen_abi::domctl::{Domctl, DomctlHvmcontext, DomctlHvmcontextPartial, DomctlPagingMempool};

use super::not_self;
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The most bytes of a saved state.
const MOST: u32 = 4 << 20;

impl<H: Hw> Host<H> {
    /// Stops a domain that is not the caller's for the time of `act`.
    fn while_domain_stopped<R>(&self, t: &Domain, act: impl FnOnce() -> R) -> R {
        self.pause_domain(t, true);
        let r = act();
        self.unpause_domain(t);
        r
    }

    /// A null buffer asks for the size.
    pub(super) fn domctl_get_hvm(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlHvmcontext = op.get();
        let saved = self.while_domain_stopped(t, || self.save_hvm(t))?;
        if !a.buffer.is_null() {
            if (a.size as usize) < saved.len() {
                return Err(Errno::ENOSPC);
            }
            self.hw.copy_out(a.buffer.0, &saved)?;
        }
        a.size = saved.len() as u32;
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn domctl_set_hvm(&self, c: &VcpuRef, t: &Arc<Domain>, op: &Domctl) -> Outcome {
        not_self(c, t)?;
        let a: DomctlHvmcontext = op.get();
        if t.hvm.is_none() || a.size > MOST {
            return Err(Errno::EINVAL);
        }
        let mut saved = Vec::new();
        saved.try_reserve_exact(a.size as usize).map_err(|_| Errno::ENOMEM)?;
        saved.resize(a.size as usize, 0);
        self.hw.copy_in(a.buffer.0, &mut saved)?;
        self.while_domain_stopped(t, || self.load_hvm_context(t, &saved)).map(|()| Reply::Done)
    }

    /// One record, without its descriptor.
    pub(super) fn domctl_get_hvm_part(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlHvmcontextPartial = op.get();
        let code = u16::try_from(a.r#type).map_err(|_| Errno::EINVAL)?;
        let instance = u16::try_from(a.instance).map_err(|_| Errno::ENOENT)?;
        let record = self.while_domain_stopped(t, || self.save_one(t, code, instance))?;
        if !a.buffer.is_null() {
            if a.bufsz < record.len() as u64 {
                return Err(Errno::ENOSPC);
            }
            self.hw.copy_out(a.buffer.0, &record)?;
        }
        a.bufsz = record.len() as u64;
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn domctl_get_mempool(t: &Domain, op: &mut Domctl) -> Outcome {
        let h = t.hvm.as_ref().ok_or(Errno::EOPNOTSUPP)?;
        op.put(&DomctlPagingMempool { size: h.pool.limit.load(Ordering::Acquire).saturating_mul(PAGE_SIZE) });
        Ok(Reply::Changed)
    }

    /// Frames are taken when they are needed; what is set is how many that may be.
    pub(super) fn domctl_set_mempool(t: &Domain, op: &Domctl) -> Outcome {
        let h = t.hvm.as_ref().ok_or(Errno::EOPNOTSUPP)?;
        let a: DomctlPagingMempool = op.get();
        if !a.size.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        let frames = a.size / PAGE_SIZE;
        if frames < h.pool.used.load(Ordering::Acquire) {
            return Err(Errno::ENOMEM);
        }
        h.pool.limit.store(frames, Ordering::Release);
        Ok(Reply::Done)
    }
}
