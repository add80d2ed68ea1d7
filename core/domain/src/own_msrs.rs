//! Model-specific registers that a vCPU has of its own, whatever kind of guest it is of.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use fx_cpuid as cp;
use fx_cpuid::{CpuPolicy, MSR_MISC_FEATURES_ENABLES, MsrAnswer};
use fx_types::{Errno, Result};
use xen_abi::cpufeatureset::{X86_FEATURE_RDPID, X86_FEATURE_RDTSCP};

use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;

/// `IA32_TSC_AUX`.
pub(crate) const TSC_AUX: u32 = 0xc000_0103;
/// Those that are part of a saved vCPU when they are not zero.
const SAVED: [u32; 2] = [MSR_MISC_FEATURES_ENABLES, TSC_AUX];

/// How many that are at most.
pub(crate) const SAVED_MSRS: u32 = SAVED.len() as u32;

/// The values. They belong to the CPU that the vCPU runs on, or to whoever has paused it.
#[derive(Debug, Default)]
pub struct OwnMsrs {
    /// `IA32_TSC_AUX`: what RDTSCP and RDPID give.
    tsc_aux: AtomicU32,
    /// `MSR_MISC_FEATURES_ENABLES`: CPUID faults in user mode.
    misc_features: AtomicU32,
}

/// Whether a guest has RDTSCP or RDPID.
fn has_tsc_aux(policy: &CpuPolicy) -> bool {
    policy.has(X86_FEATURE_RDTSCP) || policy.has(X86_FEATURE_RDPID)
}

impl OwnMsrs {
    /// `IA32_TSC_AUX`.
    pub(crate) fn tsc_aux(&self) -> u32 {
        self.tsc_aux.load(Relaxed)
    }

    /// Sets `IA32_TSC_AUX`, of a vCPU that is loaded nowhere.
    pub(crate) fn set_tsc_aux(&self, value: u32) {
        self.tsc_aux.store(value, Relaxed);
    }

    /// Whether CPUID faults in user mode.
    pub(crate) fn cpuid_faults(&self) -> bool {
        self.misc_features.load(Relaxed) != 0
    }

    fn read(&self, policy: &CpuPolicy, msr: u32) -> MsrAnswer {
        match msr {
            TSC_AUX if has_tsc_aux(policy) => MsrAnswer::Value(self.tsc_aux().into()),
            TSC_AUX => MsrAnswer::Fault,
            _ => cp::guest_rdmsr(policy, self.misc_features.load(Relaxed).into(), msr),
        }
    }

    fn write(&self, policy: &CpuPolicy, msr: u32, value: u64) -> MsrAnswer {
        let answer = match msr {
            TSC_AUX if has_tsc_aux(policy) && value >> 32 == 0 => MsrAnswer::Value(value),
            TSC_AUX => MsrAnswer::Fault,
            _ => cp::guest_wrmsr(policy, msr, value),
        };
        if let MsrAnswer::Value(value) = answer {
            let to = if msr == TSC_AUX { &self.tsc_aux } else { &self.misc_features };
            to.store(value as u32, Relaxed);
        }
        answer
    }
}

impl<H: Hw> Host<H> {
    /// Whether the guest has RDTSCP or RDPID, and so `IA32_TSC_AUX`.
    pub(crate) fn has_tsc_aux(c: &VcpuRef) -> bool {
        has_tsc_aux(&c.d.policy.lock())
    }

    /// The current vCPU reads a register.
    pub(crate) fn read_own_msr(c: &VcpuRef, msr: u32) -> MsrAnswer {
        c.v.msrs.read(&c.d.policy.lock(), msr)
    }

    /// The current vCPU writes a register.
    pub(crate) fn write_own_msr(&self, c: &VcpuRef, msr: u32, value: u64) -> MsrAnswer {
        let answer = c.v.msrs.write(&c.d.policy.lock(), msr, value);
        if msr == TSC_AUX && matches!(answer, MsrAnswer::Value(_)) {
            self.hw.set_tsc_aux(value as u32);
        }
        answer
    }

    /// What the processor holds of these registers becomes a vCPU's (`load`), or the hypervisor's own, which is 0, again: others
    /// who may read it see nothing of this one's.
    pub(crate) fn switch_own_msrs(&self, c: &VcpuRef, load: bool) {
        let aux = c.v.msrs.tsc_aux();
        if aux != 0 && Self::has_tsc_aux(c) {
            self.hw.set_tsc_aux(if load { aux } else { 0 });
        }
    }

    /// The registers of a vCPU that stands still, but those that are zero.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn saved_msrs(d: &Domain, v: &Vcpu) -> Result<Vec<(u32, u64)>> {
        let policy = d.policy.lock();
        let mut all = Vec::new();
        all.try_reserve_exact(SAVED.len()).map_err(|_| Errno::ENOMEM)?;
        all.extend(SAVED.iter().filter_map(|msr| match v.msrs.read(&policy, *msr) {
            MsrAnswer::Value(value) if value != 0 => Some((*msr, value)),
            _ => None,
        }));
        Ok(all)
    }

    /// Sets a register of a vCPU that stands still.
    ///
    /// # Errors
    /// `ENXIO` for one that is none of these, or that does not take the value.
    pub(crate) fn restore_msr(d: &Domain, v: &Vcpu, msr: u32, value: u64) -> Result {
        let known = SAVED.contains(&msr);
        let answer = known.then(|| v.msrs.write(&d.policy.lock(), msr, value));
        if matches!(answer, Some(MsrAnswer::Value(_))) { Ok(()) } else { Err(Errno::ENXIO) }
    }
}
