//! CPU pools (`XEN_SYSCTL_cpupool_op`): there is one, with all CPUs.

use core::sync::atomic::Ordering;

use fx_types::{CpuSet, DomId, Errno};
use xen_abi::domctl::XEN_SCHEDULER_CREDIT2;
use xen_abi::sysctl as s;
use xen_abi::sysctl::{Sysctl, SysctlCpupoolOp};

use super::{Outcome, Reply};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The number of the one pool.
pub(crate) const POOL: u32 = 0;

impl<H: Hw> Host<H> {
    pub(crate) fn cpupool_op(&self, c: &VcpuRef, op: &mut Sysctl) -> Outcome {
        let mut p: SysctlCpupoolOp = op.get();
        match p.op {
            s::XEN_SYSCTL_CPUPOOL_OP_INFO => {
                // The pool of the number, or the next above it.
                if p.cpupool_id != POOL && p.cpupool_id != s::XEN_SYSCTL_CPUPOOL_PAR_ANY {
                    return Err(Errno::ENOENT);
                }
                p.cpupool_id = POOL;
                p.sched_id = XEN_SCHEDULER_CREDIT2;
                p.n_dom = self.domains_in_pool();
                self.bitmap_out(&p.cpumap, &self.online(), self.hw.cpus())?;
            }
            s::XEN_SYSCTL_CPUPOOL_OP_FREEINFO => {
                self.bitmap_out(&p.cpumap, &CpuSet::EMPTY, self.hw.cpus())?;
            }
            s::XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN => {
                self.domain(DomId(u16::try_from(p.domid).map_err(|_| Errno::ESRCH)?))?;
                return if p.cpupool_id == POOL { Ok(Reply::Done) } else { Err(Errno::ENOENT) };
            }
            s::XEN_SYSCTL_CPUPOOL_OP_DESTROY if p.cpupool_id != POOL => return Err(Errno::ENOENT),
            // Pool 0 has domains for ever.
            s::XEN_SYSCTL_CPUPOOL_OP_DESTROY => return Err(Errno::EBUSY),
            s::XEN_SYSCTL_CPUPOOL_OP_ADDCPU if p.cpupool_id != POOL => return Err(Errno::ENOENT),
            // Every CPU is in the pool already.
            s::XEN_SYSCTL_CPUPOOL_OP_ADDCPU => return Err(Errno::EBUSY),
            s::XEN_SYSCTL_CPUPOOL_OP_CREATE | s::XEN_SYSCTL_CPUPOOL_OP_RMCPU => {
                self.log_guest(
                    c.d.id,
                    format_args!("CPU pools besides pool 0 are not supported; pin vCPUs instead"),
                );
                return Err(Errno::EOPNOTSUPP);
            }
            _ => return Err(Errno::ENOSYS),
        }
        op.put(&p);
        Ok(Reply::Changed)
    }

    fn domains_in_pool(&self) -> u32 {
        self.domains.read().values().filter(|d| d.pool.load(Ordering::Relaxed) == POOL).count() as u32
    }
}
