//! Trace buffers, live patches, the scheduler as a whole.

use fx_types::Errno;
use xen_abi::domctl::XEN_SCHEDULER_CREDIT2;
use xen_abi::sysctl as s;
use xen_abi::sysctl::{
    Sysctl, SysctlCredit2Schedule, SysctlLivepatchList, SysctlLivepatchOp, SysctlSchedulerOp, SysctlTbufOp,
};

use crate::control::pool::POOL;
use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;

/// The most live patches that one call may ask for.
const MAX_PATCHES: u32 = 1024;
/// How long a unit runs at least before it is preempted.
const RATE_LIMIT_US: u32 = (fx_sched::RATE_LIMIT_NS / 1000) as u32;

impl<H: Hw> Host<H> {
    /// There are no trace buffers: their size is 0, and tracing cannot be switched on.
    pub(super) fn sysctl_trace(op: &mut Sysctl) -> Outcome {
        let mut a: SysctlTbufOp = op.get();
        match a.cmd {
            s::XEN_SYSCTL_TBUFOP_GET_INFO => {
                (a.evt_mask, a.buffer_mfn, a.size) = (0, 0, 0);
                op.put(&a);
                Ok(Reply::Changed)
            }
            s::XEN_SYSCTL_TBUFOP_SET_CPU_MASK
            | s::XEN_SYSCTL_TBUFOP_SET_EVT_MASK
            | s::XEN_SYSCTL_TBUFOP_DISABLE => Ok(Reply::Done),
            s::XEN_SYSCTL_TBUFOP_SET_SIZE | s::XEN_SYSCTL_TBUFOP_ENABLE => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The list of live patches is empty.
    pub(super) fn sysctl_livepatch(op: &mut Sysctl) -> Outcome {
        let mut a: SysctlLivepatchOp = op.get();
        if a.flags & !s::LIVEPATCH_FLAGS_MASK != 0 {
            return Err(Errno::EINVAL);
        }
        match a.cmd {
            s::XEN_SYSCTL_LIVEPATCH_LIST => {
                let mut l: SysctlLivepatchList = a.get();
                if l.nr > MAX_PATCHES {
                    return Err(Errno::E2BIG);
                }
                if l.pad != 0 || l.nr != 0 && l.idx != 0 {
                    return Err(Errno::EINVAL);
                }
                (l.version, l.nr, l.name_total_size, l.metadata_total_size) = (0, 0, 0, 0);
                a.put(&l);
                op.put(&a);
                Ok(Reply::Changed)
            }
            s::XEN_SYSCTL_LIVEPATCH_GET | s::XEN_SYSCTL_LIVEPATCH_ACTION => Err(Errno::ENOENT),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// The rate limit is fixed.
    pub(super) fn sysctl_scheduler(op: &mut Sysctl) -> Outcome {
        let mut a: SysctlSchedulerOp = op.get();
        if a.cpupool_id != POOL {
            return Err(Errno::ESRCH);
        }
        if a.sched_id != XEN_SCHEDULER_CREDIT2 {
            return Err(Errno::EINVAL);
        }
        match a.cmd {
            s::XEN_SYSCTL_SCHEDOP_GETINFO => {
                a.put(&SysctlCredit2Schedule { ratelimit_us: RATE_LIMIT_US });
                op.put(&a);
                Ok(Reply::Changed)
            }
            s::XEN_SYSCTL_SCHEDOP_PUTINFO => {
                let p: SysctlCredit2Schedule = a.get();
                if p.ratelimit_us == RATE_LIMIT_US { Ok(Reply::Done) } else { Err(Errno::EOPNOTSUPP) }
            }
            _ => Err(Errno::EINVAL),
        }
    }
}
