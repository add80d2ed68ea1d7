//! `sysctl`: the machine as the toolstack sees it.

mod host;
mod list;
mod misc;
mod pm;
mod policy;
mod topology;

use fx_types::{Errno, GuestVirtExt};
use xen_abi::sysctl as s;
use xen_abi::sysctl::Sysctl;

use super::{Outcome, Reply};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::hypercall::{Answer, Args};

impl<H: Hw> Host<H> {
    /// `sysctl(argument)`.
    pub(crate) fn sysctl(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [arg, ..] = *args;
        let mut op: Sysctl = self.hw.read_val(arg)?;
        if op.interface_version != s::XEN_SYSCTL_INTERFACE_VERSION {
            return Err(Errno::EACCES);
        }
        if op.cmd == s::XEN_SYSCTL_GETDOMAININFOLIST {
            self.may_look(c)?;
        } else {
            self.may_manage(c)?;
        }
        let _one = self.control.begin()?;
        match self.sysctl_op(c, &mut op)? {
            Reply::Done => Ok(0),
            Reply::Changed => self.hw.write_val(arg, &op).map(|()| 0),
            Reply::Refused(e) => {
                self.hw.write_val(arg, &op)?;
                Err(e)
            }
        }
    }

    fn sysctl_op(&self, c: &VcpuRef, op: &mut Sysctl) -> Outcome {
        match op.cmd {
            s::XEN_SYSCTL_READCONSOLE => self.sysctl_read_console(op),
            s::XEN_SYSCTL_TBUF_OP => self.sysctl_trace(op),
            s::XEN_SYSCTL_PHYSINFO => self.sysctl_physinfo(op),
            s::XEN_SYSCTL_SCHED_ID => Self::sysctl_sched_id(op),
            s::XEN_SYSCTL_GETDOMAININFOLIST => self.sysctl_domains(op),
            s::XEN_SYSCTL_DEBUG_KEYS => self.sysctl_debug_keys(op),
            s::XEN_SYSCTL_GETCPUINFO => self.sysctl_cpuinfo(op),
            s::XEN_SYSCTL_AVAILHEAP => self.sysctl_availheap(op),
            s::XEN_SYSCTL_GET_PMSTAT => self.sysctl_pmstat(op),
            s::XEN_SYSCTL_PM_OP => self.sysctl_pm_op(op),
            s::XEN_SYSCTL_CPU_HOTPLUG => self.sysctl_hotplug(c, op),
            s::XEN_SYSCTL_CPUTOPOINFO => self.sysctl_cpu_topology(op),
            s::XEN_SYSCTL_NUMAINFO => self.sysctl_numa(op),
            s::XEN_SYSCTL_PCITOPOINFO => self.sysctl_pci_topology(op),
            s::XEN_SYSCTL_CPUPOOL_OP => self.cpupool_op(c, op),
            s::XEN_SYSCTL_SCHEDULER_OP => self.sysctl_scheduler(op),
            s::XEN_SYSCTL_GET_CPU_LEVELLING_CAPS => self.sysctl_levelling(op),
            s::XEN_SYSCTL_GET_CPU_FEATURESET => self.sysctl_featureset(op),
            s::XEN_SYSCTL_GET_CPU_POLICY => self.sysctl_policy(op),
            s::XEN_SYSCTL_LIVEPATCH_OP => Self::sysctl_livepatch(op),
            // Cache monitoring and allocation are not driven.
            s::XEN_SYSCTL_PSR_CMT_OP | s::XEN_SYSCTL_PSR_ALLOC => Err(Errno::ENODEV),
            s::XEN_SYSCTL_COVERAGE_OP => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::ENOSYS),
        }
    }
}
