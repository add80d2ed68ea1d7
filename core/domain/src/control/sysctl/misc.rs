//! Trace buffers, live patches, the scheduler as a whole.

use fx_types::Errno;
use xen_abi::sysctl as s;
use xen_abi::sysctl::{
    Sysctl, SysctlCredit2Schedule, SysctlLivepatchList, SysctlLivepatchOp, SysctlSchedulerOp, SysctlTbufOp,
};

use crate::control::pool::sched_id;
use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;
use crate::pools::Policy;

/// The most live patches that one call may ask for.
const MAX_PATCHES: u32 = 1024;
/// Nanoseconds in a microsecond.
const NS_PER_US: u64 = 1000;

impl<H: Hw> Host<H> {
    pub(super) fn sysctl_trace(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlTbufOp = op.get();
        match a.cmd {
            s::XEN_SYSCTL_TBUFOP_GET_INFO => {
                let (list, bytes) = self.trace_list();
                (a.evt_mask, a.buffer_mfn, a.size) = (self.trace_events(), list.0, bytes as u32);
                op.put(&a);
                return Ok(Reply::Changed);
            }
            s::XEN_SYSCTL_TBUFOP_SET_CPU_MASK => self.set_trace_cpus(self.bitmap_in(&a.cpu_mask)?)?,
            s::XEN_SYSCTL_TBUFOP_SET_EVT_MASK => self.set_trace_events(a.evt_mask),
            s::XEN_SYSCTL_TBUFOP_SET_SIZE => self.make_trace_buffers(a.size)?,
            s::XEN_SYSCTL_TBUFOP_ENABLE => self.set_tracing(true)?,
            s::XEN_SYSCTL_TBUFOP_DISABLE => self.set_tracing(false)?,
            _ => return Err(Errno::EINVAL),
        }
        Ok(Reply::Done)
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

    /// Credit2's rate limit, of the CPUs of a pool; *null* has no parameters.
    pub(super) fn sysctl_scheduler(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlSchedulerOp = op.get();
        let policy = self.pools.lock().policy(a.cpupool_id).ok_or(Errno::ESRCH)?;
        let cpus = self.pool_cpus(a.cpupool_id).ok_or(Errno::ESRCH)?;
        if a.sched_id != sched_id(policy) {
            return Err(Errno::EINVAL);
        }
        match (policy, a.cmd) {
            (Policy::Null, _) => Ok(Reply::Done),
            (Policy::Credit2, s::XEN_SYSCTL_SCHEDOP_GETINFO) => {
                let ns = cpus.first().map_or(fx_sched::RATE_LIMIT_NS, |cpu| self.sched.rate_limit(cpu));
                a.put(&SysctlCredit2Schedule { ratelimit_us: (ns / NS_PER_US) as u32 });
                op.put(&a);
                Ok(Reply::Changed)
            }
            (Policy::Credit2, s::XEN_SYSCTL_SCHEDOP_PUTINFO) => {
                let p: SysctlCredit2Schedule = a.get();
                let sensible = s::XEN_SYSCTL_SCHED_RATELIMIT_MIN..=s::XEN_SYSCTL_SCHED_RATELIMIT_MAX;
                if p.ratelimit_us != 0 && !sensible.contains(&p.ratelimit_us) {
                    return Err(Errno::EINVAL);
                }
                let ns = u64::from(p.ratelimit_us).saturating_mul(NS_PER_US);
                cpus.iter().for_each(|cpu| self.sched.set_rate_limit(cpu, ns));
                Ok(Reply::Done)
            }
            _ => Err(Errno::EINVAL),
        }
    }
}
