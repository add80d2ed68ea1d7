//! Scheduling parameters of a domain and of its vCPUs.

use crate::layout::union_access;
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// A scheduler.
pub const XEN_SCHEDULER_CREDIT: u32 = 5;
/// A scheduler.
pub const XEN_SCHEDULER_CREDIT2: u32 = 6;
/// A scheduler.
pub const XEN_SCHEDULER_ARINC653: u32 = 7;
/// A scheduler.
pub const XEN_SCHEDULER_RTDS: u32 = 8;
/// A scheduler.
pub const XEN_SCHEDULER_NULL: u32 = 9;

/// Parameters of the credit scheduler.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSchedCredit {
    /// Share of CPU time.
    pub weight: u16,
    /// Upper bound, in percent of a CPU; 0 for none.
    pub cap: u16,
}

/// Parameters of the credit2 scheduler.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSchedCredit2 {
    /// Share of CPU time.
    pub weight: u16,
    /// Upper bound, in percent of a CPU; 0 for none.
    pub cap: u16,
}

/// `XEN_DOMCTL_SCHEDRT_extra`: bit of [`DomctlSchedRtds::flags`]: may run beyond its budget.
pub const XEN_DOMCTL_SCHEDRT_EXTRA: u32 = 1;

/// Parameters of the real-time scheduler, in microseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSchedRtds {
    /// Length of a period, in microseconds.
    pub period: u32,
    /// Time to run in each period, in microseconds.
    pub budget: u32,
    /// Flags.
    pub flags: u32,
}

/// An element of [`DomctlSchedulerOpV::vcpus`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSchedparamVcpu {
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 12],
    /// vCPU.
    pub vcpuid: u32,
}

union_access!(DomctlSchedparamVcpu, u, 12);
/// `XEN_DOMCTL_SCHEDOP_putinfo`: value of [`DomctlSchedulerOp::cmd`].
pub const XEN_DOMCTL_SCHEDOP_PUTINFO: u32 = 0;
/// `XEN_DOMCTL_SCHEDOP_getinfo`: value of [`DomctlSchedulerOp::cmd`].
pub const XEN_DOMCTL_SCHEDOP_GETINFO: u32 = 1;
/// `XEN_DOMCTL_SCHEDOP_putvcpuinfo`: value of [`DomctlSchedulerOp::cmd`].
pub const XEN_DOMCTL_SCHEDOP_PUTVCPUINFO: u32 = 2;
/// `XEN_DOMCTL_SCHEDOP_getvcpuinfo`: value of [`DomctlSchedulerOp::cmd`].
pub const XEN_DOMCTL_SCHEDOP_GETVCPUINFO: u32 = 3;

/// [`XEN_DOMCTL_SCHEDULER_OP`](super::XEN_DOMCTL_SCHEDULER_OP): `u` is one of the `DomctlSched…` structs, or [`DomctlSchedulerOpV`].
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSchedulerOp {
    /// `XEN_SCHEDULER_*`.
    pub sched_id: u32,
    /// Sub-command.
    pub cmd: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 16],
}

union_access!(DomctlSchedulerOp, u, 16);

/// Member `v` of [`DomctlSchedulerOp`]: parameters vCPU by vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSchedulerOpV {
    /// The caller's array of `DomctlSchedparamVcpu`.
    pub vcpus: GuestHandle,
    /// Number of vCPUs.
    pub nr_vcpus: u32,
    /// Reserved: zero.
    pub padding: u32,
}
