//! Power management: P- and C-state statistics, frequency scaling.

use crate::layout::{union_access, zeroed_default};
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_CATEGORY_MASK: u32 = 0xf0;
/// Value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_PX: u32 = 0x10;
/// Value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_CX: u32 = 0x20;
/// `PMSTAT_get_max_px`: value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_GET_MAX_PX: u32 = 0x11;
/// `PMSTAT_get_pxstat`: value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_GET_PXSTAT: u32 = 0x12;
/// `PMSTAT_reset_pxstat`: value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_RESET_PXSTAT: u32 = 0x13;
/// `PMSTAT_get_max_cx`: value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_GET_MAX_CX: u32 = 0x21;
/// `PMSTAT_get_cxstat`: value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_GET_CXSTAT: u32 = 0x22;
/// `PMSTAT_reset_cxstat`: value of `type` of [`SysctlGetPmstat`], or a part of it.
pub const PMSTAT_RESET_CXSTAT: u32 = 0x23;

/// An element of [`PmPxStat::pt`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PmPxVal {
    /// Frequency, in MHz.
    pub freq: u64,
    /// Time spent, in nanoseconds.
    pub residency: u64,
    /// Times entered.
    pub count: u64,
}

/// Member `getpx` of [`SysctlGetPmstat`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PmPxStat {
    /// Number of states.
    pub total: u8,
    /// Number of states that may be used.
    pub usable: u8,
    /// State before this one.
    pub last: u8,
    /// State now.
    pub cur: u8,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's matrix of transition counts.
    pub trans_pt: GuestHandle,
    /// The caller's array of `PmPxVal`.
    pub pt: GuestHandle,
}

/// Member `getcx` of [`SysctlGetPmstat`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PmCxStat {
    /// Number.
    pub nr: u32,
    /// State before this one.
    pub last: u32,
    /// Idle time since boot, in nanoseconds.
    pub idle_time: u64,
    /// The caller's array of entry counts.
    pub triggers: GuestHandle,
    /// The caller's array of residencies, in nanoseconds.
    pub residencies: GuestHandle,
    /// Elements of `pc`.
    pub nr_pc: u32,
    /// Elements of `cc`.
    pub nr_cc: u32,
    /// Package C-state residencies, C1 first; slots without a register stay as they were.
    pub pc: GuestHandle,
    /// Core C-state residencies, C1 first; slots without a register stay as they were.
    pub cc: GuestHandle,
}

/// [`XEN_SYSCTL_GET_PMSTAT`](super::XEN_SYSCTL_GET_PMSTAT).
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlGetPmstat {
    /// Type.
    pub r#type: u32,
    /// Physical CPU.
    pub cpuid: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 56],
}

zeroed_default!(SysctlGetPmstat);

union_access!(SysctlGetPmstat, u, 56);

/// The governor `userspace`'s parameter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Userspace {
    /// Frequency, in kHz.
    pub scaling_setspeed: u32,
}

/// The governor `ondemand`'s parameters.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Ondemand {
    /// Longest, in microseconds.
    pub sampling_rate_max: u32,
    /// Shortest, in microseconds.
    pub sampling_rate_min: u32,
    /// Time between samples, in microseconds.
    pub sampling_rate: u32,
    /// Load at which to go up, in percent.
    pub up_threshold: u32,
}

/// Bit of [`CppcPara::features`].
pub const XEN_SYSCTL_CPPC_FEAT_ACT_WINDOW: u32 = 1;
/// Bits of [`CppcPara::activity_window`].
pub const XEN_CPPC_ACT_WINDOW_MANTISSA_MASK: u32 = 0x7f;
/// Bits of [`CppcPara::activity_window`].
pub const XEN_CPPC_ACT_WINDOW_EXPONENT_MASK: u32 = 0x380;

/// Collaborative processor performance control: abilities and settings.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct CppcPara {
    /// `XEN_SYSCTL_CPPC_FEAT_*`.
    pub features: u32,
    /// Lowest performance.
    pub lowest: u32,
    /// Most efficient performance.
    pub lowest_nonlinear: u32,
    /// Guaranteed performance.
    pub nominal: u32,
    /// Highest performance.
    pub highest: u32,
    /// Lower bound of performance.
    pub minimum: u32,
    /// Upper bound of performance.
    pub maximum: u32,
    /// Explicit performance hint; 0 lets the hardware decide.
    pub desired: u32,
    /// From 0 (performance) to 255 (power saving).
    pub energy_perf: u32,
    /// Moving window of the hardware's decisions: a mantissa of 7 bits, an exponent to base 10 of 3, in microseconds.
    pub activity_window: u32,
}

/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_MINIMUM: u32 = 1;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_MAXIMUM: u32 = 1 << 1;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_DESIRED: u32 = 1 << 2;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_ENERGY_PERF: u32 = 1 << 3;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_ACT_WINDOW: u32 = 1 << 4;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_PRESET_MASK: u32 = 0xf000_0000;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_PRESET_NONE: u32 = 0x0;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_PRESET_BALANCE: u32 = 0x1000_0000;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_PRESET_POWERSAVE: u32 = 0x2000_0000;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_PRESET_PERFORMANCE: u32 = 0x3000_0000;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_SET_PARAM_MASK: u32 = 0xf000_001f;
/// Of [`SetCppcPara::set_params`].
pub const XEN_SYSCTL_CPPC_ACT_WINDOW_MASK: u32 = 0x3ff;

/// Member `set_cppc` of [`SysctlPmOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SetCppcPara {
    /// `XEN_SYSCTL_CPPC_SET_*`.
    pub set_params: u32,
    /// Lower bound of performance.
    pub minimum: u32,
    /// Upper bound of performance.
    pub maximum: u32,
    /// Explicit performance hint; 0 lets the hardware decide.
    pub desired: u32,
    /// From 0 (performance) to 255 (power saving).
    pub energy_perf: u32,
    /// Moving window of the hardware's decisions: a mantissa of 7 bits, an exponent to base 10 of 3, in microseconds.
    pub activity_window: u32,
}

/// Bytes of a driver's or governor's name.
pub const CPUFREQ_NAME_LEN: u32 = 16;

/// Member `get_para` of [`SysctlPmOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct GetCpufreqPara {
    /// Number of CPUs in `affected_cpus`.
    pub cpu_num: u32,
    /// Number of frequencies.
    pub freq_num: u32,
    /// Bytes of governors' names.
    pub gov_num: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Out: CPUs that change frequency together.
    pub affected_cpus: GuestHandle,
    /// The caller's array of frequencies, in kHz.
    pub scaling_available_frequencies: GuestHandle,
    /// The caller's buffer for names.
    pub scaling_available_governors: GuestHandle,
    /// Name of the driver.
    pub scaling_driver: [u8; 16],
    /// Out: frequency now, in kHz.
    pub cpuinfo_cur_freq: u32,
    /// Out: highest frequency of the hardware, in kHz.
    pub cpuinfo_max_freq: u32,
    /// Out: lowest frequency of the hardware, in kHz.
    pub cpuinfo_min_freq: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 44],
    /// Out: whether turbo mode is on.
    pub turbo_enabled: i32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

zeroed_default!(GetCpufreqPara);

union_access!(GetCpufreqPara, u, 44);

/// Member `s` of [`GetCpufreqPara`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct GetCpufreqParaS {
    /// Frequency asked for, in kHz.
    pub scaling_cur_freq: u32,
    /// Name of the governor.
    pub scaling_governor: [u8; 16],
    /// Upper bound, in kHz.
    pub scaling_max_freq: u32,
    /// Lower bound, in kHz.
    pub scaling_min_freq: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 16],
}

union_access!(GetCpufreqParaS, u, 16);

/// Member `set_gov` of [`SysctlPmOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SetCpufreqGov {
    /// Name of the governor.
    pub scaling_governor: [u8; 16],
}

/// Value of [`SetCpufreqPara::ctrl_type`].
pub const SCALING_MAX_FREQ: u32 = 1;
/// Value of [`SetCpufreqPara::ctrl_type`].
pub const SCALING_MIN_FREQ: u32 = 2;
/// Value of [`SetCpufreqPara::ctrl_type`].
pub const SCALING_SETSPEED: u32 = 3;
/// Value of [`SetCpufreqPara::ctrl_type`].
pub const SAMPLING_RATE: u32 = 4;
/// Value of [`SetCpufreqPara::ctrl_type`].
pub const UP_THRESHOLD: u32 = 5;

/// Member `set_para` of [`SysctlPmOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SetCpufreqPara {
    /// Which parameter.
    pub ctrl_type: u32,
    /// Its value.
    pub ctrl_value: u32,
}

/// Value of [`SysctlPmOp::cmd`], or a part of it.
pub const PM_PARA_CATEGORY_MASK: u32 = 0xf0;
/// Value of [`SysctlPmOp::cmd`], or a part of it.
pub const CPUFREQ_PARA: u32 = 0x10;
/// Value of [`SysctlPmOp::cmd`], or a part of it.
pub const GET_CPUFREQ_PARA: u32 = 0x11;
/// Value of [`SysctlPmOp::cmd`], or a part of it.
pub const SET_CPUFREQ_GOV: u32 = 0x12;
/// Value of [`SysctlPmOp::cmd`], or a part of it.
pub const SET_CPUFREQ_PARA: u32 = 0x13;
/// Value of [`SysctlPmOp::cmd`], or a part of it.
pub const GET_CPUFREQ_AVGFREQ: u32 = 0x14;
/// Value of [`SysctlPmOp::cmd`], or a part of it.
pub const SET_CPUFREQ_CPPC: u32 = 0x15;
/// `XEN_SYSCTL_pm_op_set_sched_opt_smt`: value of [`SysctlPmOp::cmd`], or a part of it.
pub const XEN_SYSCTL_PM_OP_SET_SCHED_OPT_SMT: u32 = 0x21;
/// `XEN_SYSCTL_pm_op_get_max_cstate`: value of [`SysctlPmOp::cmd`], or a part of it.
pub const XEN_SYSCTL_PM_OP_GET_MAX_CSTATE: u32 = 0x22;
/// `XEN_SYSCTL_pm_op_set_max_cstate`: value of [`SysctlPmOp::cmd`], or a part of it.
pub const XEN_SYSCTL_PM_OP_SET_MAX_CSTATE: u32 = 0x23;
/// `XEN_SYSCTL_pm_op_set_vcpu_migration_delay`: value of [`SysctlPmOp::cmd`], or a part of it.
pub const XEN_SYSCTL_PM_OP_SET_VCPU_MIGRATION_DELAY: u32 = 0x24;
/// `XEN_SYSCTL_pm_op_get_vcpu_migration_delay`: value of [`SysctlPmOp::cmd`], or a part of it.
pub const XEN_SYSCTL_PM_OP_GET_VCPU_MIGRATION_DELAY: u32 = 0x25;
/// `XEN_SYSCTL_pm_op_enable_turbo`: value of [`SysctlPmOp::cmd`], or a part of it.
pub const XEN_SYSCTL_PM_OP_ENABLE_TURBO: u32 = 0x26;
/// `XEN_SYSCTL_pm_op_disable_turbo`: value of [`SysctlPmOp::cmd`], or a part of it.
pub const XEN_SYSCTL_PM_OP_DISABLE_TURBO: u32 = 0x27;
/// No limit of the C-state.
pub const XEN_SYSCTL_CX_UNLIMITED: u32 = u32::MAX;

/// [`XEN_SYSCTL_PM_OP`](super::XEN_SYSCTL_PM_OP): a `u32` or `u64`, or one of the structs here.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPmOp {
    /// Sub-command.
    pub cmd: u32,
    /// Physical CPU.
    pub cpuid: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 120],
}

zeroed_default!(SysctlPmOp);

union_access!(SysctlPmOp, u, 120);
