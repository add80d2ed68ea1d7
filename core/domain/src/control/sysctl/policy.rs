//! CPU features and policies of the machine.

use fx_cpuid::{MAX_SERIALISED_LEAVES, MAX_SERIALISED_MSRS};
use fx_types::{Errno, GuestVirtExt};
use xen_abi::sysctl as s;
use xen_abi::sysctl::{Sysctl, SysctlCpuFeatureset, SysctlCpuLevellingCaps, SysctlCpuPolicy};

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    pub(super) fn sysctl_levelling(&self, op: &mut Sysctl) -> Outcome {
        let faulting = self.policies.host().cpuid_faulting();
        op.put(&SysctlCpuLevellingCaps {
            caps: if faulting { s::XEN_SYSCTL_CPU_LEVELCAP_FAULTING } else { 0 },
        });
        Ok(Reply::Changed)
    }

    /// A null array asks for the number of words; one that is too small gets what fits, and `ENOBUFS`.
    pub(super) fn sysctl_featureset(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlCpuFeatureset = op.get();
        let words = self.policies.featureset(a.index).ok_or(Errno::EINVAL)?.0;
        let hvm = matches!(a.index, s::XEN_SYSCTL_CPU_FEATURESET_HVM | s::XEN_SYSCTL_CPU_FEATURESET_HVM_MAX);
        if hvm && self.hw.virt().is_none() {
            return Err(Errno::EOPNOTSUPP);
        }
        let all = words.len() as u32;
        let n = if a.features.is_null() { all } else { a.nr_features.min(all) };
        if !a.features.is_null() {
            for (i, w) in (0..u64::from(n)).zip(&words) {
                self.hw.write_at(a.features.0, i, w)?;
            }
        }
        a.nr_features = n;
        op.put(&a);
        Ok(if n < all { Reply::Refused(Errno::ENOBUFS) } else { Reply::Changed })
    }

    /// Null arrays ask for the numbers.
    pub(super) fn sysctl_policy(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlCpuPolicy = op.get();
        let policy = self.policies.by_index(a.index).filter(|_| a._rsvd == 0).ok_or(Errno::EINVAL)?;
        let hvm = matches!(a.index, s::XEN_SYSCTL_CPU_POLICY_HVM_MAX | s::XEN_SYSCTL_CPU_POLICY_HVM_DEFAULT);
        if hvm && self.hw.virt().is_none() {
            return Err(Errno::EOPNOTSUPP);
        }
        a.nr_leaves = if a.leaves.is_null() {
            MAX_SERIALISED_LEAVES
        } else {
            self.leaves_out(policy, a.leaves.0, a.nr_leaves)?
        };
        a.nr_msrs =
            if a.msrs.is_null() { MAX_SERIALISED_MSRS } else { self.msrs_out(policy, a.msrs.0, a.nr_msrs)? };
        op.put(&a);
        Ok(Reply::Changed)
    }
}
