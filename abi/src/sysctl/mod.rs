//! System control for the toolstack: `xen/sysctl.h` of Xen 4.20.
//!
//! [`Sysctl`] is what `__HYPERVISOR_sysctl` takes; its `cmd` says which struct of the submodules `u` holds.
//! Fields keep the header's names, and constants the header's names in capitals.

mod cpu;
mod host;
mod livepatch;
mod pm;
mod profile;
mod sched;
mod topology;
use crate::layout::{union_access, zeroed_default};
pub use cpu::*;
pub use host::*;
pub use livepatch::*;
pub use pm::*;
pub use profile::*;
pub use sched::*;
pub use topology::*;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// What [`Sysctl::interface_version`] must hold; Xen answers `EACCES` to others.
pub const XEN_SYSCTL_INTERFACE_VERSION: u32 = 0x15;

/// One system control operation: the argument of `__HYPERVISOR_sysctl`.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Sysctl {
    /// `XEN_SYSCTL_*`.
    pub cmd: u32,
    /// Version of the interface.
    pub interface_version: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 128],
}

zeroed_default!(Sysctl);

union_access!(Sysctl, u, 128);
/// `XEN_SYSCTL_readconsole`: reads Xen's console.
pub const XEN_SYSCTL_READCONSOLE: u32 = 1;
/// `XEN_SYSCTL_tbuf_op`: controls trace buffers.
pub const XEN_SYSCTL_TBUF_OP: u32 = 2;
/// `XEN_SYSCTL_physinfo`: describes the host.
pub const XEN_SYSCTL_PHYSINFO: u32 = 3;
/// `XEN_SYSCTL_sched_id`: tells the default scheduler.
pub const XEN_SYSCTL_SCHED_ID: u32 = 4;
/// `XEN_SYSCTL_perfc_op`: performance counters.
pub const XEN_SYSCTL_PERFC_OP: u32 = 5;
/// `XEN_SYSCTL_getdomaininfolist`: describes many domains.
pub const XEN_SYSCTL_GETDOMAININFOLIST: u32 = 6;
/// `XEN_SYSCTL_debug_keys`: types on Xen's console.
pub const XEN_SYSCTL_DEBUG_KEYS: u32 = 7;
/// `XEN_SYSCTL_getcpuinfo`: idle times.
pub const XEN_SYSCTL_GETCPUINFO: u32 = 8;
/// `XEN_SYSCTL_availheap`: free memory.
pub const XEN_SYSCTL_AVAILHEAP: u32 = 9;
/// `XEN_SYSCTL_get_pmstat`: statistics of P- and C-states.
pub const XEN_SYSCTL_GET_PMSTAT: u32 = 10;
/// `XEN_SYSCTL_cpu_hotplug`: takes CPUs on- and offline.
pub const XEN_SYSCTL_CPU_HOTPLUG: u32 = 11;
/// `XEN_SYSCTL_pm_op`: frequency scaling.
pub const XEN_SYSCTL_PM_OP: u32 = 12;
/// `XEN_SYSCTL_page_offline_op`: takes frames on- and offline.
pub const XEN_SYSCTL_PAGE_OFFLINE_OP: u32 = 14;
/// `XEN_SYSCTL_lockprof_op`: lock profile.
pub const XEN_SYSCTL_LOCKPROF_OP: u32 = 15;
/// `XEN_SYSCTL_cputopoinfo`: topology of CPUs.
pub const XEN_SYSCTL_CPUTOPOINFO: u32 = 16;
/// `XEN_SYSCTL_numainfo`: memory nodes.
pub const XEN_SYSCTL_NUMAINFO: u32 = 17;
/// `XEN_SYSCTL_cpupool_op`: CPU pools.
pub const XEN_SYSCTL_CPUPOOL_OP: u32 = 18;
/// `XEN_SYSCTL_scheduler_op`: scheduler of a pool.
pub const XEN_SYSCTL_SCHEDULER_OP: u32 = 19;
/// `XEN_SYSCTL_coverage_op`: coverage counters.
pub const XEN_SYSCTL_COVERAGE_OP: u32 = 20;
/// `XEN_SYSCTL_psr_cmt_op`: cache monitoring.
pub const XEN_SYSCTL_PSR_CMT_OP: u32 = 21;
/// `XEN_SYSCTL_pcitopoinfo`: nodes of PCI devices.
pub const XEN_SYSCTL_PCITOPOINFO: u32 = 22;
/// `XEN_SYSCTL_psr_alloc`: cache allocation.
pub const XEN_SYSCTL_PSR_ALLOC: u32 = 23;
/// `XEN_SYSCTL_get_cpu_levelling_caps`: what can be masked for PV guests.
pub const XEN_SYSCTL_GET_CPU_LEVELLING_CAPS: u32 = 25;
/// `XEN_SYSCTL_get_cpu_featureset`: featuresets of the host.
pub const XEN_SYSCTL_GET_CPU_FEATURESET: u32 = 26;
/// `XEN_SYSCTL_livepatch_op`: live patching.
pub const XEN_SYSCTL_LIVEPATCH_OP: u32 = 27;
/// `XEN_SYSCTL_get_cpu_policy`: policies of the host.
pub const XEN_SYSCTL_GET_CPU_POLICY: u32 = 29;
/// `XEN_SYSCTL_dt_overlay`: device tree overlay (Arm).
pub const XEN_SYSCTL_DT_OVERLAY: u32 = 30;
