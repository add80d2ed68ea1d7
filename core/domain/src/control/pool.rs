//! CPU pools as the toolstack sees them (`XEN_SYSCTL_cpupool_op`).

use fx_types::{CpuSet, DomId, Errno, Result};
use xen_abi::domctl::{XEN_SCHEDULER_CREDIT2, XEN_SCHEDULER_NULL};
use xen_abi::sysctl as s;
use xen_abi::sysctl::{Sysctl, SysctlCpupoolOp};

use super::{Outcome, Reply};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::pools::Policy;

/// A policy's number in the interface.
pub(crate) const fn sched_id(p: Policy) -> u32 {
    match p {
        Policy::Credit2 => XEN_SCHEDULER_CREDIT2,
        Policy::Null => XEN_SCHEDULER_NULL,
    }
}

fn policy(sched_id: u32) -> Result<Policy> {
    match sched_id {
        XEN_SCHEDULER_CREDIT2 => Ok(Policy::Credit2),
        XEN_SCHEDULER_NULL => Ok(Policy::Null),
        _ => Err(Errno::ENOENT),
    }
}

/// A number, or none where any will do.
fn given(n: u32) -> Option<u32> {
    (n != s::XEN_SYSCTL_CPUPOOL_PAR_ANY).then_some(n)
}

impl<H: Hw> Host<H> {
    pub(crate) fn cpupool_op(&self, c: &VcpuRef, op: &mut Sysctl) -> Outcome {
        let mut p: SysctlCpupoolOp = op.get();
        match p.op {
            s::XEN_SYSCTL_CPUPOOL_OP_CREATE => {
                p.cpupool_id = self.pools.lock().create(given(p.cpupool_id), policy(p.sched_id)?)?;
            }
            s::XEN_SYSCTL_CPUPOOL_OP_DESTROY => return self.destroy_pool(p.cpupool_id).map(|()| Reply::Done),
            s::XEN_SYSCTL_CPUPOOL_OP_INFO => self.pool_info(&mut p)?,
            s::XEN_SYSCTL_CPUPOOL_OP_ADDCPU => return self.add_to_pool(&p).map(|()| Reply::Done),
            s::XEN_SYSCTL_CPUPOOL_OP_RMCPU => return self.remove_from_pool(&p).map(|()| Reply::Done),
            s::XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN => return self.move_domain(c, &p).map(|()| Reply::Done),
            s::XEN_SYSCTL_CPUPOOL_OP_FREEINFO => {
                let mut free = CpuSet::EMPTY;
                self.pools.lock().free().iter().for_each(|cpu| free.insert(*cpu));
                self.bitmap_out(&p.cpumap, &free, self.hw.cpus())?;
            }
            _ => return Err(Errno::ENOSYS),
        }
        op.put(&p);
        Ok(Reply::Changed)
    }

    /// About the pool of the number, or the next one.
    fn pool_info(&self, p: &mut SysctlCpupoolOp) -> Result {
        let (id, policy) = {
            let pools = self.pools.lock();
            let first = given(p.cpupool_id).unwrap_or_default();
            let id = pools.at_or_after(first).ok_or(Errno::ENOENT)?;
            (id, pools.policy(id).ok_or(Errno::ENOENT)?)
        };
        p.cpupool_id = id;
        p.sched_id = sched_id(policy);
        p.n_dom = self.domains_in_pool(id);
        self.bitmap_out(&p.cpumap, &self.pool_cpus(id).ok_or(Errno::ENOENT)?, self.hw.cpus())
    }

    fn destroy_pool(&self, id: u32) -> Result {
        if self.domains_in_pool(id) != 0 {
            return Err(Errno::EBUSY);
        }
        self.pools.lock().destroy(id)
    }

    /// The CPU that the caller names.
    fn named_cpu(&self, cpu: u32) -> Result<usize> {
        usize::try_from(cpu).ok().filter(|n| *n < self.hw.cpus()).ok_or(Errno::EINVAL)
    }

    fn add_to_pool(&self, p: &SysctlCpupoolOp) -> Result {
        let cpu = match given(p.cpu) {
            Some(cpu) => self.named_cpu(cpu)?,
            None => self.pools.lock().free().first().copied().ok_or(Errno::EINVAL)?,
        };
        self.pools.lock().give(p.cpupool_id, cpu)?;
        self.settle_pool(p.cpupool_id)
    }

    fn remove_from_pool(&self, p: &SysctlCpupoolOp) -> Result {
        let cpus = self.pool_cpus(p.cpupool_id).ok_or(Errno::ENOENT)?;
        let cpu = match given(p.cpu) {
            Some(cpu) => self.named_cpu(cpu)?,
            None => cpus.iter().last().ok_or(Errno::EINVAL)?,
        };
        if !cpus.contains(cpu) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.take_from_pool(p.cpupool_id, cpu)
    }

    fn move_domain(&self, c: &VcpuRef, p: &SysctlCpupoolOp) -> Result {
        let d = self.domain(DomId(u16::try_from(p.domid).map_err(|_| Errno::ESRCH)?))?;
        if d.id == c.d.id {
            return Err(Errno::EPERM);
        }
        if d.pool.load(core::sync::atomic::Ordering::Relaxed) == p.cpupool_id {
            return Ok(());
        }
        if self.pool_cpus(p.cpupool_id).is_none_or(|cpus| cpus.is_empty()) {
            return Err(Errno::ENOENT);
        }
        self.move_to_pool(&d, p.cpupool_id)
    }
}
