//! All policies of a machine, and the making of a domain's policy from them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use fx_types::{Errno, Result};
use xen_abi::cpufeatureset::X86_FEATURE_ITSC;
use xen_abi::sysctl::{
    XEN_SYSCTL_CPU_FEATURESET_HOST, XEN_SYSCTL_CPU_FEATURESET_HVM, XEN_SYSCTL_CPU_FEATURESET_HVM_MAX,
    XEN_SYSCTL_CPU_FEATURESET_PV, XEN_SYSCTL_CPU_FEATURESET_PV_MAX, XEN_SYSCTL_CPU_FEATURESET_RAW,
};

use crate::adjust::{Machine, hvm_default, hvm_max, pv_default, pv_max};
use crate::derive::{HostConfig, RawCpu, host_policy, raw_policy};
use crate::featureset::Featureset;
use crate::policy::CpuPolicy;
use crate::recalc::{DomainKind, clear_out_of_range, recalculate};
use crate::serial::{PolicyError, check_compatible};

/// The policies of a machine, in the order of `XEN_SYSCTL_cpu_policy_*`. Immutable once made.
pub struct Policies(Box<[CpuPolicy; 6]>);

impl Policies {
    /// Reads and derives all policies.
    ///
    /// # Errors
    /// `ENOMEM` when the heap is exhausted.
    pub fn new(cpu: &impl RawCpu, config: &HostConfig) -> Result<Self> {
        let mut v = Vec::new();
        v.try_reserve_exact(6).map_err(|_| Errno::ENOMEM)?;
        let raw = raw_policy(cpu);
        let host = host_policy(&raw, config);
        let m = Machine { raw: &raw, host: &host, config };
        v.push(raw.clone());
        v.push(host.clone());
        v.push(pv_max(m));
        v.push(if config.hvm { hvm_max(m) } else { CpuPolicy::EMPTY });
        let pv = v.get(2).map(|max| pv_default(m, max));
        v.extend(pv);
        let hvm = if config.hvm { v.get(3).map(|max| hvm_default(m, max)) } else { Some(CpuPolicy::EMPTY) };
        v.extend(hvm);
        v.into_boxed_slice().try_into().map(Self).map_err(|_| Errno::ENOMEM)
    }

    /// What the hardware says.
    #[must_use]
    pub fn raw(&self) -> &CpuPolicy {
        let [raw, ..] = &*self.0;
        raw
    }

    /// What the hypervisor uses.
    #[must_use]
    pub fn host(&self) -> &CpuPolicy {
        let [_, host, ..] = &*self.0;
        host
    }

    /// What a guest may have.
    #[must_use]
    pub fn max(&self, hvm: bool) -> &CpuPolicy {
        let [_, _, pv_max, hvm_max, ..] = &*self.0;
        if hvm { hvm_max } else { pv_max }
    }

    /// What a guest gets by default.
    #[must_use]
    pub fn default_for(&self, hvm: bool) -> &CpuPolicy {
        let [.., pv_default, hvm_default] = &*self.0;
        if hvm { hvm_default } else { pv_default }
    }

    /// The policy that `XEN_SYSCTL_get_cpu_policy` names `index`; `None` for no such number.
    #[must_use]
    pub fn by_index(&self, index: u32) -> Option<&CpuPolicy> {
        self.0.get(index as usize)
    }

    /// The featureset that `XEN_SYSCTL_get_cpu_featureset` names `index`; `None` for no such number.
    #[must_use]
    pub fn featureset(&self, index: u32) -> Option<Featureset> {
        Some(match index {
            XEN_SYSCTL_CPU_FEATURESET_RAW => self.raw().featureset(),
            XEN_SYSCTL_CPU_FEATURESET_HOST => self.host().featureset(),
            XEN_SYSCTL_CPU_FEATURESET_PV => self.default_for(false).featureset(),
            XEN_SYSCTL_CPU_FEATURESET_HVM => self.default_for(true).featureset(),
            XEN_SYSCTL_CPU_FEATURESET_PV_MAX => self.max(false).featureset(),
            XEN_SYSCTL_CPU_FEATURESET_HVM_MAX => self.max(true).featureset(),
            _ => return None,
        })
    }

    /// The policy of a new domain.
    #[must_use]
    pub fn for_domain(&self, kind: DomainKind) -> CpuPolicy {
        let mut p = self.default_for(kind.hvm).clone();
        self.recalculate(&mut p, kind);
        p
    }

    /// The policy of the hardware domain, which never migrates; `hidden` are the features that the operator's `dom0-cpuid`
    /// switches off, `extra` those that it switches on.
    #[must_use]
    pub fn for_dom0(&self, kind: DomainKind, hidden: Featureset, extra: Featureset) -> CpuPolicy {
        let mut p = self.default_for(kind.hvm).clone();
        let mut fs = p.featureset().or(extra).without(hidden);
        if self.host().has(X86_FEATURE_ITSC) && !hidden.has(X86_FEATURE_ITSC) {
            fs.set(X86_FEATURE_ITSC, true);
        }
        p.set_featureset(&fs);
        self.recalculate(&mut p, kind);
        p
    }

    /// Completes an edit of a domain's policy by [`CpuPolicy::apply_leaf`] and [`CpuPolicy::apply_msr`]: checks it against
    /// what the domain may have and makes it consistent (`XEN_DOMCTL_set_cpu_policy`).
    ///
    /// # Errors
    /// `EINVAL` with the leaf or MSR that is beyond the maximum.
    pub fn commit(&self, edited: &mut CpuPolicy, kind: DomainKind) -> core::result::Result<(), PolicyError> {
        clear_out_of_range(edited);
        check_compatible(self.max(kind.hvm), edited)?;
        self.recalculate(edited, kind);
        Ok(())
    }

    fn recalculate(&self, p: &mut CpuPolicy, kind: DomainKind) {
        recalculate(p, kind, self.max(kind.hvm), self.host(), self.raw());
    }
}
