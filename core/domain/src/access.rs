//! Who may do what to whom: the one place where privilege is decided. The policy is the one that Xen has without a
//! security module: the control domain may do everything, a device model what concerns its target, others nothing.

use core::sync::atomic::Ordering;

use fx_types::{DomId, Errno, Result};

use crate::domain::{Domain, NOBODY};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// Whether `c` may use the control interfaces (`domctl`, `sysctl`, `platform_op`) on `d`.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn may_control(&self, c: &VcpuRef, d: &Domain) -> Result {
        if c.d.privileged || c.d.target.load(Ordering::Relaxed) == u32::from(d.id.0) {
            Ok(())
        } else {
            Err(Errno::EPERM)
        }
    }

    /// Whether `c` may use what concerns the whole machine.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn may_manage(&self, c: &VcpuRef) -> Result {
        if c.d.privileged { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Makes `d` the device model of `target`, once. It is that until the target is forgotten ([`reap`](Self::reap)).
    ///
    /// # Errors
    /// `EINVAL` when it is one already, or for itself; `ESRCH` when the target is forgotten already.
    pub fn set_target(&self, d: &Domain, target: &Domain) -> Result {
        if core::ptr::eq(d, target) {
            return Err(Errno::EINVAL);
        }
        // Held, so that it is not forgotten meanwhile.
        let all = self.domains.read();
        if !all.get(&target.id.0).is_some_and(|there| core::ptr::eq(&raw const **there, target)) {
            return Err(Errno::ESRCH);
        }
        // From its first mapping on, its translations are flushed with the target's.
        target.modelled.store(true, Ordering::SeqCst);
        let id = u32::from(target.id.0);
        let set = d.target.compare_exchange(NOBODY, id, Ordering::SeqCst, Ordering::Relaxed);
        set.map(|_| ()).map_err(|_| Errno::EINVAL)
    }

    /// Whether `c` may map the memory of domain `id`.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn may_map_foreign(&self, c: &VcpuRef, id: DomId) -> Result {
        if c.d.privileged || c.d.target.load(Ordering::Relaxed) == u32::from(id.0) {
            Ok(())
        } else {
            Err(Errno::EPERM)
        }
    }
}
