//! `XEN_DOMCTL_scheduler_op`: weight and cap.

use core::sync::atomic::Ordering;

use fx_types::Errno;
use xen_abi::domctl as d;
use xen_abi::domctl::{Domctl, DomctlSchedCredit2, DomctlSchedulerOp};

use crate::control::pool::sched_id;
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;
use crate::pools::Policy;

impl<H: Hw> Host<H> {
    /// A weight of 0 and a cap of all ones leave what is.
    pub(super) fn domctl_scheduler(&self, t: &Domain, op: &mut Domctl) -> Outcome {
        let mut a: DomctlSchedulerOp = op.get();
        let policy = self.pools.lock().policy(t.pool.load(Ordering::Relaxed)).ok_or(Errno::EINVAL)?;
        if a.sched_id != sched_id(policy) {
            return Err(Errno::EINVAL);
        }
        if policy == Policy::Null {
            // It has no parameters.
            return Ok(Reply::Done);
        }
        let (weight, cap) = self.sched.group_params(t.id.0);
        match a.cmd {
            d::XEN_DOMCTL_SCHEDOP_GETINFO => {
                a.put(&DomctlSchedCredit2 { weight, cap });
                op.put(&a);
                Ok(Reply::Changed)
            }
            d::XEN_DOMCTL_SCHEDOP_PUTINFO => {
                let p: DomctlSchedCredit2 = a.get();
                let weight = if p.weight == 0 { weight } else { p.weight };
                let cap = if p.cap == u16::MAX { cap } else { p.cap };
                self.sched.set_group_params(t.id.0, weight, cap)?;
                Ok(Reply::Done)
            }
            // Credit2 has no parameters of single vCPUs.
            _ => Err(Errno::EINVAL),
        }
    }
}
