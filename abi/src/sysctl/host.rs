//! The host: console, memory and CPUs, list of domains.

use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`XEN_SYSCTL_READCONSOLE`](super::XEN_SYSCTL_READCONSOLE): Xen's console ring.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlReadconsole {
    /// Whether to empty the ring.
    pub clear: u8,
    /// Whether to begin at `index`.
    pub incremental: u8,
    /// Reserved: zero.
    pub pad0: u8,
    /// Reserved: zero.
    pub pad1: u8,
    /// Where to begin; out: where reading ended.
    pub index: u32,
    /// The caller's buffer.
    pub buffer: GuestHandle,
    /// Size of the buffer; out: bytes written.
    pub count: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// `XEN_SYSCTL_PHYSCAP_hvm`: the host has HVM guests.
pub const XEN_SYSCTL_PHYSCAP_HVM: u32 = 1;
/// `XEN_SYSCTL_PHYSCAP_pv`: the host has PV guests.
pub const XEN_SYSCTL_PHYSCAP_PV: u32 = 1 << 1;
/// `XEN_SYSCTL_PHYSCAP_directio`: the host has passthrough with an IOMMU.
pub const XEN_SYSCTL_PHYSCAP_DIRECTIO: u32 = 1 << 2;
/// `XEN_SYSCTL_PHYSCAP_hap`: the host has hardware-assisted paging.
pub const XEN_SYSCTL_PHYSCAP_HAP: u32 = 1 << 3;
/// `XEN_SYSCTL_PHYSCAP_shadow`: the host has shadow paging.
pub const XEN_SYSCTL_PHYSCAP_SHADOW: u32 = 1 << 4;
/// `XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share`: the host has page tables shared with the IOMMU.
pub const XEN_SYSCTL_PHYSCAP_IOMMU_HAP_PT_SHARE: u32 = 1 << 5;
/// `XEN_SYSCTL_PHYSCAP_vmtrace`: the host has processor trace.
pub const XEN_SYSCTL_PHYSCAP_VMTRACE: u32 = 1 << 6;
/// `XEN_SYSCTL_PHYSCAP_vpmu`: the host has performance counters.
pub const XEN_SYSCTL_PHYSCAP_VPMU: u32 = 1 << 7;
/// `XEN_SYSCTL_PHYSCAP_gnttab_v1`: the host has grant tables of version 1.
pub const XEN_SYSCTL_PHYSCAP_GNTTAB_V1: u32 = 1 << 8;
/// `XEN_SYSCTL_PHYSCAP_gnttab_v2`: the host has grant tables of version 2.
pub const XEN_SYSCTL_PHYSCAP_GNTTAB_V2: u32 = 1 << 9;
/// Bit of [`SysctlPhysinfo::capabilities`].
pub const XEN_SYSCTL_PHYSCAP_MAX: u32 = 512;

/// [`XEN_SYSCTL_PHYSINFO`](super::XEN_SYSCTL_PHYSINFO): all is output.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPhysinfo {
    /// Threads of a core.
    pub threads_per_core: u32,
    /// Cores of a socket.
    pub cores_per_socket: u32,
    /// CPUs online.
    pub nr_cpus: u32,
    /// Highest CPU number possible.
    pub max_cpu_id: u32,
    /// Nodes online.
    pub nr_nodes: u32,
    /// Highest node number possible.
    pub max_node_id: u32,
    /// Frequency of the time stamp counter, in kHz.
    pub cpu_khz: u32,
    /// `XEN_SYSCTL_PHYSCAP_*`.
    pub capabilities: u32,
    /// Abilities particular to the architecture.
    pub arch_capabilities: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// Frames of the host.
    pub total_pages: u64,
    /// Free frames.
    pub free_pages: u64,
    /// Free frames not yet scrubbed.
    pub scrub_pages: u64,
    /// Frames claimed and not yet allocated.
    pub outstanding_pages: u64,
    /// Highest machine frame number possible.
    pub max_mfn: u64,
    /// CPUID words of the host's features.
    pub hw_cap: [u32; 8],
}

/// [`XEN_SYSCTL_SCHED_ID`](super::XEN_SYSCTL_SCHED_ID): the default scheduler.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlSchedId {
    /// `XEN_SCHEDULER_*`.
    pub sched_id: u32,
}

/// [`XEN_SYSCTL_GETDOMAININFOLIST`](super::XEN_SYSCTL_GETDOMAININFOLIST): an array of [`DomctlGetdomaininfo`](crate::domctl::DomctlGetdomaininfo).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlGetdomaininfolist {
    /// Domain to begin with.
    pub first_domain: u16,
    /// Padding: zero.
    pub _pad0: [u8; 2],
    /// Elements of `buffer`.
    pub max_domains: u32,
    /// The caller's array of `DomctlGetdomaininfo`.
    pub buffer: GuestHandle,
    /// Out: elements written.
    pub num_domains: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// [`XEN_SYSCTL_DEBUG_KEYS`](super::XEN_SYSCTL_DEBUG_KEYS): as if typed on Xen's console.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlDebugKeys {
    /// The caller's keys.
    pub keys: GuestHandle,
    /// Number of keys.
    pub nr_keys: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// An element of [`SysctlGetcpuinfo::info`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCpuinfo {
    /// Idle time, in nanoseconds.
    pub idletime: u64,
}

/// [`XEN_SYSCTL_GETCPUINFO`](super::XEN_SYSCTL_GETCPUINFO): idle time CPU by CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlGetcpuinfo {
    /// Elements of `info`.
    pub max_cpus: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of `SysctlCpuinfo`.
    pub info: GuestHandle,
    /// Out: elements written.
    pub nr_cpus: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// [`XEN_SYSCTL_AVAILHEAP`](super::XEN_SYSCTL_AVAILHEAP): free memory by node and address width.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlAvailheap {
    /// Narrowest address, or 0.
    pub min_bitwidth: u32,
    /// Widest address, or 0.
    pub max_bitwidth: u32,
    /// Node, or -1 for all.
    pub node: i32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Out: free bytes.
    pub avail_bytes: u64,
}

/// Value of [`SysctlCpuHotplug::op`].
pub const XEN_SYSCTL_CPU_HOTPLUG_ONLINE: u32 = 0;
/// Value of [`SysctlCpuHotplug::op`].
pub const XEN_SYSCTL_CPU_HOTPLUG_OFFLINE: u32 = 1;
/// Value of [`SysctlCpuHotplug::op`].
pub const XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE: u32 = 2;
/// Value of [`SysctlCpuHotplug::op`].
pub const XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE: u32 = 3;

/// [`XEN_SYSCTL_CPU_HOTPLUG`](super::XEN_SYSCTL_CPU_HOTPLUG): CPUs of the machine on- and offline.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCpuHotplug {
    /// Physical CPU.
    pub cpu: u32,
    /// Sub-command.
    pub op: u32,
}

/// `sysctl_page_offline`: value of [`SysctlPageOfflineOp::cmd`].
pub const SYSCTL_PAGE_OFFLINE: u32 = 1;
/// `sysctl_page_online`: value of [`SysctlPageOfflineOp::cmd`].
pub const SYSCTL_PAGE_ONLINE: u32 = 2;
/// `sysctl_query_page_offline`: value of [`SysctlPageOfflineOp::cmd`].
pub const SYSCTL_QUERY_PAGE_OFFLINE: u32 = 3;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_STATUS_MASK: u32 = 0xff;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_INVALID: u32 = 0x1;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_OFFLINED: u32 = 0x2;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_PENDING: u32 = 0x4;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_FAILED: u32 = 0x8;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_AGAIN: u32 = 0x10;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_ONLINE_FAILED: u32 = 8;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_ONLINE_ONLINED: u32 = 2;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_STATUS_OFFLINED: u32 = 0x2;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_STATUS_ONLINE: u32 = 0x4;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_STATUS_OFFLINE_PENDING: u32 = 0x8;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_STATUS_BROKEN: u32 = 0x10;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_MISC_MASK: u32 = 0xff0;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_XENPAGE: u32 = 0x100;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_DOM0PAGE: u32 = 0x200;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_ANONYMOUS: u32 = 0x400;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_NOT_CONV_RAM: u32 = 0x800;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_OWNED: u32 = 0x1000;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_BROKEN: u32 = 0x2000;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_ONLINE_BROKEN: u32 = 8192;
/// Of a word of [`SysctlPageOfflineOp::status`].
pub const PG_OFFLINE_OWNER_SHIFT: u32 = 16;

/// [`XEN_SYSCTL_PAGE_OFFLINE_OP`](super::XEN_SYSCTL_PAGE_OFFLINE_OP): frames of bad memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPageOfflineOp {
    /// Sub-command.
    pub cmd: u32,
    /// First.
    pub start: u32,
    /// Last, inclusive.
    pub end: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of results: flags in bits 0 to 15, owner above.
    pub status: GuestHandle,
}
