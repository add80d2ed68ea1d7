//! CPU pools and parameters of their schedulers.

use crate::layout::{union_access, zeroed_default};
use crate::xen::{GuestHandle, XenctlBitmap};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Value of [`SysctlCpupoolOp::op`].
pub const XEN_SYSCTL_CPUPOOL_OP_CREATE: u32 = 1;
/// Value of [`SysctlCpupoolOp::op`].
pub const XEN_SYSCTL_CPUPOOL_OP_DESTROY: u32 = 2;
/// Value of [`SysctlCpupoolOp::op`].
pub const XEN_SYSCTL_CPUPOOL_OP_INFO: u32 = 3;
/// Value of [`SysctlCpupoolOp::op`].
pub const XEN_SYSCTL_CPUPOOL_OP_ADDCPU: u32 = 4;
/// Value of [`SysctlCpupoolOp::op`].
pub const XEN_SYSCTL_CPUPOOL_OP_RMCPU: u32 = 5;
/// Value of [`SysctlCpupoolOp::op`].
pub const XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN: u32 = 6;
/// Value of [`SysctlCpupoolOp::op`].
pub const XEN_SYSCTL_CPUPOOL_OP_FREEINFO: u32 = 7;
/// Any pool, or any CPU.
pub const XEN_SYSCTL_CPUPOOL_PAR_ANY: u32 = u32::MAX;

/// [`XEN_SYSCTL_CPUPOOL_OP`](super::XEN_SYSCTL_CPUPOOL_OP); information about a pool gives that of the next one if there is none of this number.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCpupoolOp {
    /// Sub-command.
    pub op: u32,
    /// CPU pool.
    pub cpupool_id: u32,
    /// `XEN_SCHEDULER_*`.
    pub sched_id: u32,
    /// Domain.
    pub domid: u32,
    /// Physical CPU.
    pub cpu: u32,
    /// Out: domains in the pool.
    pub n_dom: u32,
    /// Out: CPUs of the pool.
    pub cpumap: XenctlBitmap,
}

/// Elements of [`SysctlArinc653Schedule::sched_entries`].
pub const ARINC653_MAX_DOMAINS_PER_SCHEDULE: u32 = 64;

/// An element of [`SysctlArinc653Schedule::sched_entries`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlArinc653ScheduleSchedEntries {
    /// UUID of the domain.
    pub dom_handle: [u8; 16],
    /// vCPU.
    pub vcpu_id: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Time to run, in nanoseconds.
    pub runtime: u64,
}

/// The schedule that [`SysctlSchedArinc653::schedule`] points to.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlArinc653Schedule {
    /// Length of the schedule, in nanoseconds.
    pub major_frame: u64,
    /// Valid entries.
    pub num_sched_entries: u8,
    /// Padding: zero.
    pub _pad0: [u8; 7],
    /// Entries.
    pub sched_entries: [SysctlArinc653ScheduleSchedEntries; 64],
}

zeroed_default!(SysctlArinc653Schedule);
/// Bound of a rate limit, in microseconds.
pub const XEN_SYSCTL_SCHED_RATELIMIT_MAX: u32 = 500_000;
/// Bound of a rate limit, in microseconds.
pub const XEN_SYSCTL_SCHED_RATELIMIT_MIN: u32 = 100;
/// Bound of [`SysctlCreditSchedule::tslice_ms`].
pub const XEN_SYSCTL_CSCHED_TSLICE_MAX: u32 = 1000;
/// Bound of [`SysctlCreditSchedule::tslice_ms`].
pub const XEN_SYSCTL_CSCHED_TSLICE_MIN: u32 = 1;
/// Bound of [`SysctlCreditSchedule::vcpu_migr_delay_us`].
pub const XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US: u32 = 100_000;

/// Member `sched_credit` of [`SysctlSchedulerOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCreditSchedule {
    /// Time slice, in milliseconds.
    pub tslice_ms: u32,
    /// Shortest time between switches, in microseconds.
    pub ratelimit_us: u32,
    /// How long caches stay warm, in microseconds.
    pub vcpu_migr_delay_us: u32,
}

/// Member `sched_credit2` of [`SysctlSchedulerOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCredit2Schedule {
    /// Shortest time between switches, in microseconds.
    pub ratelimit_us: u32,
}

/// Member `sched_arinc653` of [`SysctlSchedulerOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlSchedArinc653 {
    /// The caller's `SysctlArinc653Schedule`.
    pub schedule: GuestHandle,
}

/// `XEN_SYSCTL_SCHEDOP_putinfo`: value of [`SysctlSchedulerOp::cmd`].
pub const XEN_SYSCTL_SCHEDOP_PUTINFO: u32 = 0;
/// `XEN_SYSCTL_SCHEDOP_getinfo`: value of [`SysctlSchedulerOp::cmd`].
pub const XEN_SYSCTL_SCHEDOP_GETINFO: u32 = 1;

/// [`XEN_SYSCTL_SCHEDULER_OP`](super::XEN_SYSCTL_SCHEDULER_OP): a pool's scheduler.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlSchedulerOp {
    /// CPU pool.
    pub cpupool_id: u32,
    /// `XEN_SCHEDULER_*`.
    pub sched_id: u32,
    /// Sub-command.
    pub cmd: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 16],
}

union_access!(SysctlSchedulerOp, u, 16);
