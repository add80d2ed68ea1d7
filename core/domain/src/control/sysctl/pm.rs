//! Power management: an idle CPU halts (C1); frequencies are left to the hardware.

use fx_types::{Errno, GuestVirtExt};
use xen_abi::sysctl as s;
use xen_abi::sysctl::{PmCxStat, Sysctl, SysctlGetPmstat, SysctlPmOp};

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;

/// C0 and C1.
const STATES: u32 = 2;

impl<H: Hw> Host<H> {
    pub(super) fn sysctl_pmstat(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlGetPmstat = op.get();
        if a.cpuid as usize >= self.hw.cpus() {
            return Err(Errno::EINVAL);
        }
        let mut cx: PmCxStat = a.get();
        match a.r#type {
            s::PMSTAT_GET_MAX_CX => cx.nr = STATES,
            s::PMSTAT_GET_CXSTAT => {
                let now = self.hw.now();
                cx.idle_time = self.sched.idle_ns(a.cpuid as usize, now);
                cx.last = 1;
                cx.nr = cx.nr.min(STATES);
                // How often a CPU went idle is not counted.
                let residencies = [now.saturating_sub(cx.idle_time), cx.idle_time];
                for (i, r) in (0..u64::from(cx.nr)).zip(&residencies) {
                    self.hw.write_at(cx.triggers.0, i, &0u64)?;
                    self.hw.write_at(cx.residencies.0, i, r)?;
                }
                (cx.nr_pc, cx.nr_cc) = (0, 0);
            }
            s::PMSTAT_RESET_CXSTAT => return Ok(Reply::Done),
            _ => return Err(Errno::ENODEV),
        }
        a.put(&cx);
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn sysctl_pm_op(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlPmOp = op.get();
        if a.cpuid as usize >= self.hw.cpus() {
            return Err(Errno::EINVAL);
        }
        match a.cmd {
            s::XEN_SYSCTL_PM_OP_GET_MAX_CSTATE => a.put(&s::XEN_SYSCTL_CX_UNLIMITED),
            s::XEN_SYSCTL_PM_OP_SET_SCHED_OPT_SMT => a.put(&0u32),
            s::XEN_SYSCTL_PM_OP_SET_MAX_CSTATE => return Err(Errno::EOPNOTSUPP),
            other if other & s::PM_PARA_CATEGORY_MASK == s::CPUFREQ_PARA => return Err(Errno::ENODEV),
            s::XEN_SYSCTL_PM_OP_ENABLE_TURBO | s::XEN_SYSCTL_PM_OP_DISABLE_TURBO => {
                return Err(Errno::ENODEV);
            }
            _ => return Err(Errno::ENOSYS),
        }
        op.put(&a);
        Ok(Reply::Changed)
    }
}
