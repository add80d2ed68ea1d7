//! The MSRs that a policy decides about.

use crate::policy::CpuPolicy;

/// `MSR_PLATFORM_INFO`: bit 31 says that CPUID faulting is available (Intel SDM volume 4).
pub const MSR_PLATFORM_INFO: u32 = 0xce;
/// `MSR_ARCH_CAPABILITIES`.
pub const MSR_ARCH_CAPABILITIES: u32 = 0x10a;
/// `MSR_MISC_FEATURES_ENABLES`: bit 0 switches CPUID faulting on.
pub const MSR_MISC_FEATURES_ENABLES: u32 = 0x140;

/// `MSR_MISC_FEATURES_ENABLES`: CPUID faults in user mode.
const CPUID_FAULTING: u64 = 1;

/// The answer to an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MsrAnswer {
    /// The value read, or to be stored in the vCPU.
    Value(u64),
    /// The guest takes #GP(0).
    Fault,
    /// Not an MSR of policies.
    NotMine,
}

/// A guest's read of MSR `index`; `misc_features` is the vCPU's `MSR_MISC_FEATURES_ENABLES`.
#[must_use]
pub fn guest_rdmsr(p: &CpuPolicy, misc_features: u64, index: u32) -> MsrAnswer {
    match index {
        MSR_PLATFORM_INFO => MsrAnswer::Value(u64::from(p.platform_info)),
        MSR_ARCH_CAPABILITIES if p.has(xen_abi::cpufeatureset::X86_FEATURE_ARCH_CAPS) => {
            MsrAnswer::Value(p.arch_caps)
        }
        MSR_ARCH_CAPABILITIES => MsrAnswer::Fault,
        MSR_MISC_FEATURES_ENABLES => MsrAnswer::Value(misc_features),
        _ => MsrAnswer::NotMine,
    }
}

/// A guest's write of MSR `index`; `Value` is the vCPU's new `MSR_MISC_FEATURES_ENABLES`.
#[must_use]
pub fn guest_wrmsr(p: &CpuPolicy, index: u32, value: u64) -> MsrAnswer {
    match index {
        MSR_PLATFORM_INFO | MSR_ARCH_CAPABILITIES => MsrAnswer::Fault,
        MSR_MISC_FEATURES_ENABLES => {
            let valid = if p.cpuid_faulting() { CPUID_FAULTING } else { 0 };
            if value & !valid != 0 { MsrAnswer::Fault } else { MsrAnswer::Value(value) }
        }
        _ => MsrAnswer::NotMine,
    }
}
