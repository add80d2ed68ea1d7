//! CPU features and policies of the host, platform QoS.

use crate::layout::union_access;
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// `XEN_SYSCTL_CPU_LEVELCAP_faulting`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_FAULTING: u32 = 1;
/// `XEN_SYSCTL_CPU_LEVELCAP_ecx`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_ECX: u32 = 1 << 1;
/// `XEN_SYSCTL_CPU_LEVELCAP_edx`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_EDX: u32 = 1 << 2;
/// `XEN_SYSCTL_CPU_LEVELCAP_extd_ecx`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_EXTD_ECX: u32 = 1 << 3;
/// `XEN_SYSCTL_CPU_LEVELCAP_extd_edx`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_EXTD_EDX: u32 = 1 << 4;
/// `XEN_SYSCTL_CPU_LEVELCAP_xsave_eax`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_XSAVE_EAX: u32 = 1 << 5;
/// `XEN_SYSCTL_CPU_LEVELCAP_thermal_ecx`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_THERMAL_ECX: u32 = 1 << 6;
/// `XEN_SYSCTL_CPU_LEVELCAP_l7s0_eax`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_L7S0_EAX: u32 = 1 << 7;
/// `XEN_SYSCTL_CPU_LEVELCAP_l7s0_ebx`: bit of [`SysctlCpuLevellingCaps::caps`]: can be masked for PV guests.
pub const XEN_SYSCTL_CPU_LEVELCAP_L7S0_EBX: u32 = 1 << 8;

/// [`XEN_SYSCTL_GET_CPU_LEVELLING_CAPS`](super::XEN_SYSCTL_GET_CPU_LEVELLING_CAPS).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCpuLevellingCaps {
    /// Out: `XEN_SYSCTL_CPU_LEVELCAP_*`.
    pub caps: u32,
}

/// `XEN_SYSCTL_cpu_featureset_raw`: value of [`SysctlCpuFeatureset::index`].
pub const XEN_SYSCTL_CPU_FEATURESET_RAW: u32 = 0;
/// `XEN_SYSCTL_cpu_featureset_host`: value of [`SysctlCpuFeatureset::index`].
pub const XEN_SYSCTL_CPU_FEATURESET_HOST: u32 = 1;
/// `XEN_SYSCTL_cpu_featureset_pv`: value of [`SysctlCpuFeatureset::index`].
pub const XEN_SYSCTL_CPU_FEATURESET_PV: u32 = 2;
/// `XEN_SYSCTL_cpu_featureset_hvm`: value of [`SysctlCpuFeatureset::index`].
pub const XEN_SYSCTL_CPU_FEATURESET_HVM: u32 = 3;
/// `XEN_SYSCTL_cpu_featureset_pv_max`: value of [`SysctlCpuFeatureset::index`].
pub const XEN_SYSCTL_CPU_FEATURESET_PV_MAX: u32 = 4;
/// `XEN_SYSCTL_cpu_featureset_hvm_max`: value of [`SysctlCpuFeatureset::index`].
pub const XEN_SYSCTL_CPU_FEATURESET_HVM_MAX: u32 = 5;

/// [`XEN_SYSCTL_GET_CPU_FEATURESET`](super::XEN_SYSCTL_GET_CPU_FEATURESET): words of [`cpufeatureset`](crate::cpufeatureset).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCpuFeatureset {
    /// Index.
    pub index: u32,
    /// Number of words.
    pub nr_features: u32,
    /// The caller's array of words.
    pub features: GuestHandle,
}

/// `XEN_SYSCTL_cpu_policy_raw`: value of [`SysctlCpuPolicy::index`].
pub const XEN_SYSCTL_CPU_POLICY_RAW: u32 = 0;
/// `XEN_SYSCTL_cpu_policy_host`: value of [`SysctlCpuPolicy::index`].
pub const XEN_SYSCTL_CPU_POLICY_HOST: u32 = 1;
/// `XEN_SYSCTL_cpu_policy_pv_max`: value of [`SysctlCpuPolicy::index`].
pub const XEN_SYSCTL_CPU_POLICY_PV_MAX: u32 = 2;
/// `XEN_SYSCTL_cpu_policy_hvm_max`: value of [`SysctlCpuPolicy::index`].
pub const XEN_SYSCTL_CPU_POLICY_HVM_MAX: u32 = 3;
/// `XEN_SYSCTL_cpu_policy_pv_default`: value of [`SysctlCpuPolicy::index`].
pub const XEN_SYSCTL_CPU_POLICY_PV_DEFAULT: u32 = 4;
/// `XEN_SYSCTL_cpu_policy_hvm_default`: value of [`SysctlCpuPolicy::index`].
pub const XEN_SYSCTL_CPU_POLICY_HVM_DEFAULT: u32 = 5;

/// [`XEN_SYSCTL_GET_CPU_POLICY`](super::XEN_SYSCTL_GET_CPU_POLICY): a policy as CPUID leaves and MSRs; null handles ask for the numbers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCpuPolicy {
    /// Index.
    pub index: u32,
    /// Number of leaves.
    pub nr_leaves: u32,
    /// Number of MSRs.
    pub nr_msrs: u32,
    /// Reserved: zero.
    pub _rsvd: u32,
    /// The caller's array of `CpuidLeaf`.
    pub leaves: GuestHandle,
    /// The caller's array of `MsrEntry`.
    pub msrs: GuestHandle,
}

/// `XEN_SYSCTL_PSR_CMT_get_total_rmid`: value of [`SysctlPsrCmtOp::cmd`].
pub const XEN_SYSCTL_PSR_CMT_GET_TOTAL_RMID: u32 = 0;
/// `XEN_SYSCTL_PSR_CMT_get_l3_upscaling_factor`: value of [`SysctlPsrCmtOp::cmd`].
pub const XEN_SYSCTL_PSR_CMT_GET_L3_UPSCALING_FACTOR: u32 = 1;
/// `XEN_SYSCTL_PSR_CMT_get_l3_cache_size`: value of [`SysctlPsrCmtOp::cmd`].
pub const XEN_SYSCTL_PSR_CMT_GET_L3_CACHE_SIZE: u32 = 2;
/// `XEN_SYSCTL_PSR_CMT_enabled`: value of [`SysctlPsrCmtOp::cmd`].
pub const XEN_SYSCTL_PSR_CMT_ENABLED: u32 = 3;
/// `XEN_SYSCTL_PSR_CMT_get_l3_event_mask`: value of [`SysctlPsrCmtOp::cmd`].
pub const XEN_SYSCTL_PSR_CMT_GET_L3_EVENT_MASK: u32 = 4;

/// [`XEN_SYSCTL_PSR_CMT_OP`](super::XEN_SYSCTL_PSR_CMT_OP): `u` is the answer (`u64`), or [`SysctlPsrCmtOpL3Cache`].
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPsrCmtOp {
    /// Sub-command.
    pub cmd: u32,
    /// Reserved: zero.
    pub flags: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 8],
}

union_access!(SysctlPsrCmtOp, u, 8);

/// Member `l3_cache` of [`SysctlPsrCmtOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPsrCmtOpL3Cache {
    /// Physical CPU.
    pub cpu: u32,
    /// Reserved: zero.
    pub rsvd: u32,
}

/// `XEN_SYSCTL_PSR_get_l3_info`: value of [`SysctlPsrAlloc::cmd`].
pub const XEN_SYSCTL_PSR_GET_L3_INFO: u32 = 0;
/// `XEN_SYSCTL_PSR_get_l2_info`: value of [`SysctlPsrAlloc::cmd`].
pub const XEN_SYSCTL_PSR_GET_L2_INFO: u32 = 1;
/// `XEN_SYSCTL_PSR_get_mba_info`: value of [`SysctlPsrAlloc::cmd`].
pub const XEN_SYSCTL_PSR_GET_MBA_INFO: u32 = 2;
/// Bit of [`SysctlPsrAllocCatInfo::flags`].
pub const XEN_SYSCTL_PSR_CAT_L3_CDP: u32 = 1;
/// Bit of [`SysctlPsrAllocMbaInfo::flags`].
pub const XEN_SYSCTL_PSR_MBA_LINEAR: u32 = 1;

/// [`XEN_SYSCTL_PSR_ALLOC`](super::XEN_SYSCTL_PSR_ALLOC): what can be allocated.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPsrAlloc {
    /// Sub-command.
    pub cmd: u32,
    /// Target.
    pub target: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 12],
}

union_access!(SysctlPsrAlloc, u, 12);

/// Member `cat_info` of [`SysctlPsrAlloc`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPsrAllocCatInfo {
    /// Out: bits of a cache mask.
    pub cbm_len: u32,
    /// Out: highest class of service.
    pub cos_max: u32,
    /// Flags.
    pub flags: u32,
}

/// Member `mba_info` of [`SysctlPsrAlloc`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPsrAllocMbaInfo {
    /// Out: most throttling.
    pub thrtl_max: u32,
    /// Out: highest class of service.
    pub cos_max: u32,
    /// Flags.
    pub flags: u32,
}
