//! Pausing, resuming and destroying domains, and their limits.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_types::Errno;
use xen_abi::domctl::{Domctl, DomctlMaxMem, DomctlMaxVcpus, DomctlSetdomainhandle};

use super::not_self;
use crate::control::{Outcome, Reply};
use crate::domain::{Domain, RUNNING};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The most pauses by the toolstack that are counted.
const MAX_PAUSES: u32 = 255;

impl<H: Hw> Host<H> {
    /// Answers `ERESTART` until all is released.
    pub(super) fn domctl_destroy(&self, c: &VcpuRef, t: &Arc<Domain>) -> Outcome {
        not_self(c, t)?;
        if t.hardware {
            return Err(Errno::EINVAL);
        }
        self.destroy_domain(t).map(|()| Reply::Done)
    }

    /// Pauses by the toolstack are counted; only the first stops the domain.
    pub(super) fn domctl_pause(&self, c: &VcpuRef, t: &Domain) -> Outcome {
        not_self(c, t)?;
        let more = |n: u32| (n < MAX_PAUSES).then(|| n.wrapping_add(1));
        match t.tool_pauses.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(0) => self.pause_domain(t, true),
            Ok(_) => {}
            Err(_) => return Err(Errno::E2BIG),
        }
        Ok(Reply::Done)
    }

    /// The first time that no pause is left, the toolstack has built the domain.
    pub(super) fn domctl_unpause(&self, t: &Domain) -> Outcome {
        let fewer = |n: u32| n.checked_sub(1);
        match t.tool_pauses.fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer) {
            Ok(1) => {
                if !t.created.swap(true, Ordering::AcqRel) {
                    self.renew_clocks(t);
                }
                self.unpause_domain(t);
            }
            Ok(_) => {}
            Err(_) => return Err(Errno::EINVAL),
        }
        Ok(Reply::Done)
    }

    /// Lets a domain that has shut down (suspended) go on.
    pub(super) fn domctl_resume(&self, c: &VcpuRef, t: &Domain) -> Outcome {
        not_self(c, t)?;
        t.shutdown_hint.store(RUNNING, Ordering::Relaxed);
        if t.shutdown_code.swap(RUNNING, Ordering::AcqRel) != RUNNING {
            self.unpause_domain(t);
        }
        Ok(Reply::Done)
    }

    pub(super) fn domctl_max_mem(t: &Domain, op: &Domctl) -> Outcome {
        let m: DomctlMaxMem = op.get();
        t.pages.lock().max = (m.max_memkb / 4).min(u64::from(u32::MAX));
        Ok(Reply::Done)
    }

    /// The vCPUs were made with the domain.
    pub(super) fn domctl_max_vcpus(c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        not_self(c, t)?;
        let m: DomctlMaxVcpus = op.get();
        if m.max as usize == t.vcpus.len() { Ok(Reply::Done) } else { Err(Errno::EINVAL) }
    }

    pub(super) fn domctl_set_handle(t: &Domain, op: &Domctl) -> Outcome {
        let h: DomctlSetdomainhandle = op.get();
        *t.handle.lock() = h.handle;
        Ok(Reply::Done)
    }
}
