//! Making a domain, describing it, and its settings as a whole.

use crate::arch_x86::ArchDomainconfig;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// `XEN_DOMCTL_CDF_hvm`: HVM or PVH rather than PV.
pub const XEN_DOMCTL_CDF_HVM: u32 = 1;
/// `XEN_DOMCTL_CDF_hap`: with hardware-assisted paging.
pub const XEN_DOMCTL_CDF_HAP: u32 = 1 << 1;
/// `XEN_DOMCTL_CDF_s3_integrity`: memory integrity across suspend.
pub const XEN_DOMCTL_CDF_S3_INTEGRITY: u32 = 1 << 2;
/// `XEN_DOMCTL_CDF_oos_off`: no out-of-sync shadow pages.
pub const XEN_DOMCTL_CDF_OOS_OFF: u32 = 1 << 3;
/// `XEN_DOMCTL_CDF_xs_domain`: it runs xenstore.
pub const XEN_DOMCTL_CDF_XS_DOMAIN: u32 = 1 << 4;
/// `XEN_DOMCTL_CDF_iommu`: may have devices passed through.
pub const XEN_DOMCTL_CDF_IOMMU: u32 = 1 << 5;
/// `XEN_DOMCTL_CDF_nested_virt`: with nested virtualisation.
pub const XEN_DOMCTL_CDF_NESTED_VIRT: u32 = 1 << 6;
/// `XEN_DOMCTL_CDF_vpmu`: with performance counters.
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
    /// Security label.
    pub ssidref: u32,
    /// UUID.
    pub handle: [u8; 16],
    /// `XEN_DOMCTL_CDF_*`.
    pub flags: u32,
    /// `XEN_DOMCTL_IOMMU_*`.
    pub iommu_opts: u32,
    /// vCPUs that it may have.
    pub max_vcpus: u32,
    /// Highest event channel.
    pub max_evtchn_port: u32,
    /// Most frames of grant table; negative for the default.
    pub max_grant_frames: i32,
    /// Most frames of grant mappings; negative for the default.
    pub max_maptrack_frames: i32,
    /// Highest grant table version, in the low 4 bits.
    pub grant_opts: u32,
    /// `XEN_DOMCTL_ALTP2M_*`.
    pub altp2m_opts: u32,
    /// Bytes of trace buffer for each vCPU; 0 for none.
    pub vmtrace_size: u32,
    /// CPU pool.
    pub cpupool_id: u32,
    /// What is particular to x86.
    pub arch: ArchDomainconfig,
}

/// `XEN_DOMINF_dying`: it is being destroyed.
pub const XEN_DOMINF_DYING: u32 = 1;
/// `XEN_DOMINF_hvm_guest`: it is an HVM or PVH guest.
pub const XEN_DOMINF_HVM_GUEST: u32 = 1 << 1;
/// `XEN_DOMINF_shutdown`: its kernel has shut down.
pub const XEN_DOMINF_SHUTDOWN: u32 = 1 << 2;
/// `XEN_DOMINF_paused`: it is paused.
pub const XEN_DOMINF_PAUSED: u32 = 1 << 3;
/// `XEN_DOMINF_blocked`: all its vCPUs wait.
pub const XEN_DOMINF_BLOCKED: u32 = 1 << 4;
/// `XEN_DOMINF_running`: a vCPU of it runs.
pub const XEN_DOMINF_RUNNING: u32 = 1 << 5;
/// `XEN_DOMINF_debugged`: a debugger is attached.
pub const XEN_DOMINF_DEBUGGED: u32 = 1 << 6;
/// `XEN_DOMINF_xs_domain`: it runs xenstore.
pub const XEN_DOMINF_XS_DOMAIN: u32 = 1 << 7;
/// `XEN_DOMINF_hap`: it has hardware-assisted paging.
pub const XEN_DOMINF_HAP: u32 = 1 << 8;
/// `XEN_DOMINF_shutdownmask`: the shutdown code, once shifted.
pub const XEN_DOMINF_SHUTDOWNMASK: u32 = 255;
/// `XEN_DOMINF_shutdownshift`: where the shutdown code is in the flags.
pub const XEN_DOMINF_SHUTDOWNSHIFT: u32 = 16;
/// [`DomctlGetdomaininfo::max_vcpu_id`] of a domain without vCPUs.
pub const XEN_INVALID_MAX_VCPU_ID: u32 = u32::MAX;

/// [`XEN_DOMCTL_GETDOMAININFO`](super::XEN_DOMCTL_GETDOMAININFO), and the element of `XEN_SYSCTL_getdomaininfolist`: all is output.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGetdomaininfo {
    /// Domain.
    pub domain: u16,
    /// Reserved: zero.
    pub pad1: u16,
    /// `XEN_DOMINF_*`; the shutdown code is in bits 16 to 23.
    pub flags: u32,
    /// Frames it has.
    pub tot_pages: u64,
    /// Most frames that it may have.
    pub max_pages: u64,
    /// Frames claimed and not yet allocated.
    pub outstanding_pages: u64,
    /// Frames shared with others.
    pub shr_pages: u64,
    /// Frames paged out.
    pub paged_pages: u64,
    /// Frame of the shared info page.
    pub shared_info_frame: u64,
    /// CPU time used, in nanoseconds.
    pub cpu_time: u64,
    /// vCPUs online.
    pub nr_online_vcpus: u32,
    /// Highest vCPU number in use.
    pub max_vcpu_id: u32,
    /// Security label.
    pub ssidref: u32,
    /// UUID.
    pub handle: [u8; 16],
    /// CPU pool.
    pub cpupool: u32,
    /// Bits of a guest physical address.
    pub gpaddr_bits: u8,
    /// Reserved: zero.
    pub pad2: [u8; 7],
    /// What is particular to x86.
    pub arch_config: ArchDomainconfig,
}

/// [`XEN_DOMCTL_MAX_MEM`](super::XEN_DOMCTL_MAX_MEM): the most memory that the domain may have.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMaxMem {
    /// Most memory, in KiB.
    pub max_memkb: u64,
}

/// [`XEN_DOMCTL_MAX_VCPUS`](super::XEN_DOMCTL_MAX_VCPUS): makes the vCPUs; the same number as at creation.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMaxVcpus {
    /// Number of vCPUs.
    pub max: u32,
}

/// [`XEN_DOMCTL_SETDOMAINHANDLE`](super::XEN_DOMCTL_SETDOMAINHANDLE): the domain's UUID.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetdomainhandle {
    /// UUID.
    pub handle: [u8; 16],
}

/// [`XEN_DOMCTL_SETDEBUGGING`](super::XEN_DOMCTL_SETDEBUGGING): whether a debugger is attached.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetdebugging {
    /// Whether it is on.
    pub enable: u8,
}

/// [`XEN_DOMCTL_HYPERCALL_INIT`](super::XEN_DOMCTL_HYPERCALL_INIT): writes the hypercall page.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlHypercallInit {
    /// Guest frame.
    pub gmfn: u64,
}

/// [`XEN_DOMCTL_SETTIMEOFFSET`](super::XEN_DOMCTL_SETTIMEOFFSET): wall clock offset.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSettimeoffset {
    /// Seconds that its wall clock is ahead.
    pub time_offset_seconds: i64,
}

/// [`XEN_DOMCTL_GETTSCINFO`](super::XEN_DOMCTL_GETTSCINFO) and its setter: the time stamp counter's emulation.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlTscInfo {
    /// 0 default, 1 always emulate, 2 never emulate.
    pub tsc_mode: u32,
    /// Frequency of the guest's time stamp counter, in kHz.
    pub gtsc_khz: u32,
    /// How often the domain was restored or migrated.
    pub incarnation: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// Nanoseconds that the guest's counter has counted.
    pub elapsed_nsec: u64,
}

/// [`XEN_DOMCTL_SET_ADDRESS_SIZE`](super::XEN_DOMCTL_SET_ADDRESS_SIZE) and its getter: 32 or 64 bits.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlAddressSize {
    /// Bits of an address: 32 or 64.
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
    /// `XEN_DOMCTL_SENDTRIGGER_*`.
    pub trigger: u32,
    /// vCPU.
    pub vcpu: u32,
}

/// [`XEN_DOMCTL_SET_TARGET`](super::XEN_DOMCTL_SET_TARGET): whom the domain, a device model, may control.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetTarget {
    /// The domain that may be controlled.
    pub target: u16,
}

/// [`XEN_DOMCTL_SUBSCRIBE`](super::XEN_DOMCTL_SUBSCRIBE): an event channel to notify when the domain suspends.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSubscribe {
    /// Event channel.
    pub port: u32,
}

/// [`XEN_DOMCTL_SET_VIRQ_HANDLER`](super::XEN_DOMCTL_SET_VIRQ_HANDLER): the domain becomes the handler of a global VIRQ.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetVirqHandler {
    /// `VIRQ_*`.
    pub virq: u32,
}
