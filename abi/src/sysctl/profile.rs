//! Tracing, performance counters, lock profiles and coverage of the hypervisor.

use crate::layout::zeroed_default;
use crate::xen::{GuestHandle, XenctlBitmap};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// `XEN_SYSCTL_TBUFOP_get_info`: value of [`SysctlTbufOp::cmd`].
pub const XEN_SYSCTL_TBUFOP_GET_INFO: u32 = 0;
/// `XEN_SYSCTL_TBUFOP_set_cpu_mask`: value of [`SysctlTbufOp::cmd`].
pub const XEN_SYSCTL_TBUFOP_SET_CPU_MASK: u32 = 1;
/// `XEN_SYSCTL_TBUFOP_set_evt_mask`: value of [`SysctlTbufOp::cmd`].
pub const XEN_SYSCTL_TBUFOP_SET_EVT_MASK: u32 = 2;
/// `XEN_SYSCTL_TBUFOP_set_size`: value of [`SysctlTbufOp::cmd`].
pub const XEN_SYSCTL_TBUFOP_SET_SIZE: u32 = 3;
/// `XEN_SYSCTL_TBUFOP_enable`: value of [`SysctlTbufOp::cmd`].
pub const XEN_SYSCTL_TBUFOP_ENABLE: u32 = 4;
/// `XEN_SYSCTL_TBUFOP_disable`: value of [`SysctlTbufOp::cmd`].
pub const XEN_SYSCTL_TBUFOP_DISABLE: u32 = 5;

/// [`XEN_SYSCTL_TBUF_OP`](super::XEN_SYSCTL_TBUF_OP): the trace buffers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlTbufOp {
    /// Sub-command.
    pub cmd: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// CPUs to trace.
    pub cpu_mask: XenctlBitmap,
    /// Events to trace.
    pub evt_mask: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
    /// Out: first frame of `TInfo`.
    pub buffer_mfn: u64,
    /// Bytes.
    pub size: u32,
    /// Padding: zero.
    pub _pad2: [u8; 4],
}

/// `XEN_SYSCTL_PERFCOP_reset`: value of [`SysctlPerfcOp::cmd`].
pub const XEN_SYSCTL_PERFCOP_RESET: u32 = 1;
/// `XEN_SYSCTL_PERFCOP_query`: value of [`SysctlPerfcOp::cmd`].
pub const XEN_SYSCTL_PERFCOP_QUERY: u32 = 2;

/// An element of [`SysctlPerfcOp::desc`].
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPerfcDesc {
    /// Name.
    pub name: [u8; 80],
    /// Out: number of values.
    pub nr_vals: u32,
}

zeroed_default!(SysctlPerfcDesc);

/// [`XEN_SYSCTL_PERFC_OP`](super::XEN_SYSCTL_PERFC_OP): software performance counters.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPerfcOp {
    /// Sub-command.
    pub cmd: u32,
    /// Out: number of counters.
    pub nr_counters: u32,
    /// Out: number of values.
    pub nr_vals: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of `SysctlPerfcDesc`, or null.
    pub desc: GuestHandle,
    /// The caller's array of `u32`, or null.
    pub val: GuestHandle,
}

/// `XEN_SYSCTL_LOCKPROF_reset`: value of [`SysctlLockprofOp::cmd`].
pub const XEN_SYSCTL_LOCKPROF_RESET: u32 = 1;
/// `XEN_SYSCTL_LOCKPROF_query`: value of [`SysctlLockprofOp::cmd`].
pub const XEN_SYSCTL_LOCKPROF_QUERY: u32 = 2;
/// Value of `type` of [`SysctlLockprofData`].
pub const LOCKPROF_TYPE_GLOBAL: u32 = 0;
/// Value of `type` of [`SysctlLockprofData`].
pub const LOCKPROF_TYPE_PERDOM: u32 = 1;
/// Value of `type` of [`SysctlLockprofData`].
pub const LOCKPROF_TYPE_N: u32 = 2;

/// An element of [`SysctlLockprofOp::data`].
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLockprofData {
    /// Name.
    pub name: [u8; 40],
    /// Type.
    pub r#type: i32,
    /// Index.
    pub idx: i32,
    /// Acquisitions.
    pub lock_cnt: u64,
    /// Acquisitions that had to wait.
    pub block_cnt: u64,
    /// Nanoseconds held.
    pub lock_time: u64,
    /// Nanoseconds waited.
    pub block_time: u64,
}

zeroed_default!(SysctlLockprofData);

/// [`XEN_SYSCTL_LOCKPROF_OP`](super::XEN_SYSCTL_LOCKPROF_OP): lock profile.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLockprofOp {
    /// Sub-command.
    pub cmd: u32,
    /// Elements of `data`.
    pub max_elem: u32,
    /// Out: elements there are.
    pub nr_elem: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Out: nanoseconds measured.
    pub time: u64,
    /// The caller's array of `SysctlLockprofData`, or null.
    pub data: GuestHandle,
}

/// First word of coverage data in gcov's form.
pub const XEN_GCOV_FORMAT_MAGIC: u32 = 0x5843_4f56;
/// `XEN_SYSCTL_COVERAGE_get_size`: value of [`SysctlCoverageOp::cmd`].
pub const XEN_SYSCTL_COVERAGE_GET_SIZE: u32 = 0;
/// `XEN_SYSCTL_COVERAGE_read`: value of [`SysctlCoverageOp::cmd`].
pub const XEN_SYSCTL_COVERAGE_READ: u32 = 1;
/// `XEN_SYSCTL_COVERAGE_reset`: value of [`SysctlCoverageOp::cmd`].
pub const XEN_SYSCTL_COVERAGE_RESET: u32 = 2;

/// [`XEN_SYSCTL_COVERAGE_OP`](super::XEN_SYSCTL_COVERAGE_OP): coverage counters.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCoverageOp {
    /// Sub-command.
    pub cmd: u32,
    /// Bytes.
    pub size: u32,
    /// The caller's buffer.
    pub buffer: GuestHandle,
}
