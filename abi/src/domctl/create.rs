//! Making a domain, describing it, and its settings as a whole.

use crate::arch_x86::ArchDomainconfig;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// `XEN_DOMCTL_CDF_hvm`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_HVM: u32 = 1;
/// `XEN_DOMCTL_CDF_hap`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_HAP: u32 = 1 << 1;
/// `XEN_DOMCTL_CDF_s3_integrity`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_S3_INTEGRITY: u32 = 1 << 2;
/// `XEN_DOMCTL_CDF_oos_off`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_OOS_OFF: u32 = 1 << 3;
/// `XEN_DOMCTL_CDF_xs_domain`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_XS_DOMAIN: u32 = 1 << 4;
/// `XEN_DOMCTL_CDF_iommu`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_IOMMU: u32 = 1 << 5;
/// `XEN_DOMCTL_CDF_nested_virt`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_NESTED_VIRT: u32 = 1 << 6;
/// `XEN_DOMCTL_CDF_vpmu`: bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_VPMU: u32 = 1 << 7;
/// Bit of [`DomctlCreatedomain::flags`].
pub const XEN_DOMCTL_CDF_MAX: u32 = 128;
/// `XEN_DOMCTL_IOMMU_no_sharept`: bit of [`DomctlCreatedomain::iommu_opts`].
pub const XEN_DOMCTL_IOMMU_NO_SHAREPT: u32 = 1;
/// Bit of [`DomctlCreatedomain::iommu_opts`].
pub const XEN_DOMCTL_IOMMU_MAX: u32 = 1;
/// `XEN_DOMCTL_GRANT_version_mask`: bits of [`DomctlCreatedomain::grant_opts`] that hold the highest grant table version.
pub const XEN_DOMCTL_GRANT_VERSION_MASK: u32 = 0xf;
/// `XEN_DOMCTL_ALTP2M_mixed`: mode in [`DomctlCreatedomain::altp2m_opts`].
pub const XEN_DOMCTL_ALTP2M_MIXED: u32 = 1;
/// `XEN_DOMCTL_ALTP2M_external`: mode in [`DomctlCreatedomain::altp2m_opts`].
pub const XEN_DOMCTL_ALTP2M_EXTERNAL: u32 = 2;
/// `XEN_DOMCTL_ALTP2M_limited`: mode in [`DomctlCreatedomain::altp2m_opts`].
pub const XEN_DOMCTL_ALTP2M_LIMITED: u32 = 3;
/// `XEN_DOMCTL_ALTP2M_mode_mask`: mode in [`DomctlCreatedomain::altp2m_opts`].
pub const XEN_DOMCTL_ALTP2M_MODE_MASK: u32 = 0x3;

/// [`XEN_DOMCTL_CREATEDOMAIN`](super::XEN_DOMCTL_CREATEDOMAIN): what the new domain is to be.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlCreatedomain {
    pub ssidref: u32,
    pub handle: [u8; 16],
    pub flags: u32,
    pub iommu_opts: u32,
    pub max_vcpus: u32,
    pub max_evtchn_port: u32,
    pub max_grant_frames: i32,
    pub max_maptrack_frames: i32,
    pub grant_opts: u32,
    pub altp2m_opts: u32,
    pub vmtrace_size: u32,
    pub cpupool_id: u32,
    pub arch: ArchDomainconfig,
}

/// `XEN_DOMINF_dying`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_DYING: u32 = 1;
/// `XEN_DOMINF_hvm_guest`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_HVM_GUEST: u32 = 1 << 1;
/// `XEN_DOMINF_shutdown`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_SHUTDOWN: u32 = 1 << 2;
/// `XEN_DOMINF_paused`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_PAUSED: u32 = 1 << 3;
/// `XEN_DOMINF_blocked`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_BLOCKED: u32 = 1 << 4;
/// `XEN_DOMINF_running`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_RUNNING: u32 = 1 << 5;
/// `XEN_DOMINF_debugged`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_DEBUGGED: u32 = 1 << 6;
/// `XEN_DOMINF_xs_domain`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_XS_DOMAIN: u32 = 1 << 7;
/// `XEN_DOMINF_hap`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_HAP: u32 = 1 << 8;
/// `XEN_DOMINF_shutdownmask`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_SHUTDOWNMASK: u32 = 255;
/// `XEN_DOMINF_shutdownshift`: bit of [`DomctlGetdomaininfo::flags`].
pub const XEN_DOMINF_SHUTDOWNSHIFT: u32 = 16;
/// [`DomctlGetdomaininfo::max_vcpu_id`] of a domain without vCPUs.
pub const XEN_INVALID_MAX_VCPU_ID: u32 = u32::MAX;

/// [`XEN_DOMCTL_GETDOMAININFO`](super::XEN_DOMCTL_GETDOMAININFO), and the element of `XEN_SYSCTL_getdomaininfolist`: all is output.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGetdomaininfo {
    pub domain: u16,
    /// Reserved: zero.
    pub pad1: u16,
    pub flags: u32,
    pub tot_pages: u64,
    pub max_pages: u64,
    pub outstanding_pages: u64,
    pub shr_pages: u64,
    pub paged_pages: u64,
    pub shared_info_frame: u64,
    pub cpu_time: u64,
    pub nr_online_vcpus: u32,
    pub max_vcpu_id: u32,
    pub ssidref: u32,
    pub handle: [u8; 16],
    pub cpupool: u32,
    pub gpaddr_bits: u8,
    /// Reserved: zero.
    pub pad2: [u8; 7],
    pub arch_config: ArchDomainconfig,
}

/// [`XEN_DOMCTL_MAX_MEM`](super::XEN_DOMCTL_MAX_MEM): the most memory that the domain may have.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMaxMem {
    pub max_memkb: u64,
}

/// [`XEN_DOMCTL_MAX_VCPUS`](super::XEN_DOMCTL_MAX_VCPUS): makes the vCPUs; the same number as at creation.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMaxVcpus {
    pub max: u32,
}

/// [`XEN_DOMCTL_SETDOMAINHANDLE`](super::XEN_DOMCTL_SETDOMAINHANDLE): the domain's UUID.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetdomainhandle {
    pub handle: [u8; 16],
}

/// [`XEN_DOMCTL_SETDEBUGGING`](super::XEN_DOMCTL_SETDEBUGGING): whether a debugger is attached.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetdebugging {
    pub enable: u8,
}

/// [`XEN_DOMCTL_HYPERCALL_INIT`](super::XEN_DOMCTL_HYPERCALL_INIT): writes the hypercall page.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlHypercallInit {
    pub gmfn: u64,
}

/// [`XEN_DOMCTL_SETTIMEOFFSET`](super::XEN_DOMCTL_SETTIMEOFFSET): wall clock offset.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSettimeoffset {
    pub time_offset_seconds: i64,
}

/// [`XEN_DOMCTL_GETTSCINFO`](super::XEN_DOMCTL_GETTSCINFO) and its setter: the time stamp counter's emulation.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlTscInfo {
    pub tsc_mode: u32,
    pub gtsc_khz: u32,
    pub incarnation: u32,
    /// Reserved: zero.
    pub pad: u32,
    pub elapsed_nsec: u64,
}

/// [`XEN_DOMCTL_SET_ADDRESS_SIZE`](super::XEN_DOMCTL_SET_ADDRESS_SIZE) and its getter: 32 or 64 bits.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlAddressSize {
    pub size: u32,
}

/// Value of [`DomctlSendtrigger::trigger`].
pub const XEN_DOMCTL_SENDTRIGGER_NMI: u32 = 0;
/// Value of [`DomctlSendtrigger::trigger`].
pub const XEN_DOMCTL_SENDTRIGGER_RESET: u32 = 1;
/// Value of [`DomctlSendtrigger::trigger`].
pub const XEN_DOMCTL_SENDTRIGGER_INIT: u32 = 2;
/// Value of [`DomctlSendtrigger::trigger`].
pub const XEN_DOMCTL_SENDTRIGGER_POWER: u32 = 3;
/// Value of [`DomctlSendtrigger::trigger`].
pub const XEN_DOMCTL_SENDTRIGGER_SLEEP: u32 = 4;

/// [`XEN_DOMCTL_SENDTRIGGER`](super::XEN_DOMCTL_SENDTRIGGER): an NMI, a reset or a button.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSendtrigger {
    pub trigger: u32,
    pub vcpu: u32,
}

/// [`XEN_DOMCTL_SET_TARGET`](super::XEN_DOMCTL_SET_TARGET): whom the domain, a device model, may control.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetTarget {
    pub target: u16,
}

/// [`XEN_DOMCTL_SUBSCRIBE`](super::XEN_DOMCTL_SUBSCRIBE): an event channel to notify when the domain suspends.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSubscribe {
    pub port: u32,
}

/// [`XEN_DOMCTL_SET_VIRQ_HANDLER`](super::XEN_DOMCTL_SET_VIRQ_HANDLER): the domain becomes the handler of a global VIRQ.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetVirqHandler {
    pub virq: u32,
}
