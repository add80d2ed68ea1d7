//! Watching and debugging a domain: VM events, monitor, gdbsx, processor trace, platform QoS, virtual UART.

use crate::layout::union_access;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Value of [`DomctlDebugOp::op`].
pub const XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_OFF: u32 = 0;
/// Value of [`DomctlDebugOp::op`].
pub const XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_ON: u32 = 1;

/// [`XEN_DOMCTL_DEBUG_OP`](super::XEN_DOMCTL_DEBUG_OP): single-stepping of an HVM vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlDebugOp {
    /// Sub-command.
    pub op: u32,
    /// vCPU.
    pub vcpu: u32,
}

/// [`XEN_DOMCTL_GDBSX_GUESTMEMIO`](super::XEN_DOMCTL_GDBSX_GUESTMEMIO): reads or writes guest memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGdbsxMemio {
    /// Page directory entry of the kernel, or 0.
    pub pgd3val: u64,
    /// Guest virtual address.
    pub gva: u64,
    /// Address of the caller's buffer.
    pub uva: u64,
    /// Bytes.
    pub len: u32,
    /// 0 to read, 1 to write guest memory.
    pub gwr: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
    /// Out: bytes not copied.
    pub remain: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// [`XEN_DOMCTL_GDBSX_PAUSEVCPU`](super::XEN_DOMCTL_GDBSX_PAUSEVCPU) and its undoing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGdbsxPauseunpVcpu {
    /// vCPU.
    pub vcpu: u32,
}

/// [`XEN_DOMCTL_GDBSX_DOMSTATUS`](super::XEN_DOMCTL_GDBSX_DOMSTATUS): whether a vCPU stopped for the debugger.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGdbsxDomstatus {
    /// Whether it is paused.
    pub paused: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
    /// Out: the vCPU where something happened, or all ones.
    pub vcpu_id: u32,
    /// Out: what happened.
    pub vcpu_ev: u32,
}

/// Value of [`DomctlVmEventOp::op`].
pub const XEN_VM_EVENT_ENABLE: u32 = 0;
/// Value of [`DomctlVmEventOp::op`].
pub const XEN_VM_EVENT_DISABLE: u32 = 1;
/// Value of [`DomctlVmEventOp::op`].
pub const XEN_VM_EVENT_RESUME: u32 = 2;
/// Value of [`DomctlVmEventOp::op`].
pub const XEN_VM_EVENT_GET_VERSION: u32 = 3;
/// Value of [`DomctlVmEventOp::mode`]: which ring.
pub const XEN_DOMCTL_VM_EVENT_OP_PAGING: u32 = 1;
/// Value of [`DomctlVmEventOp::mode`]: which ring.
pub const XEN_DOMCTL_VM_EVENT_OP_MONITOR: u32 = 2;
/// Value of [`DomctlVmEventOp::mode`]: which ring.
pub const XEN_DOMCTL_VM_EVENT_OP_SHARING: u32 = 3;

/// [`XEN_DOMCTL_VM_EVENT_OP`](super::XEN_DOMCTL_VM_EVENT_OP): `u` is the port of the ring, or the interface's version.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVmEventOp {
    /// Sub-command.
    pub op: u32,
    /// `XEN_DOMCTL_VM_EVENT_OP_*`.
    pub mode: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 4],
}

union_access!(DomctlVmEventOp, u, 4);
/// Value of [`DomctlMonitorOp::op`].
pub const XEN_DOMCTL_MONITOR_OP_ENABLE: u32 = 0;
/// Value of [`DomctlMonitorOp::op`].
pub const XEN_DOMCTL_MONITOR_OP_DISABLE: u32 = 1;
/// Value of [`DomctlMonitorOp::op`].
pub const XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES: u32 = 2;
/// Value of [`DomctlMonitorOp::op`].
pub const XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP: u32 = 3;
/// Value of [`DomctlMonitorOp::op`].
pub const XEN_DOMCTL_MONITOR_OP_CONTROL_REGISTERS: u32 = 4;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_WRITE_CTRLREG: u32 = 0;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_MOV_TO_MSR: u32 = 1;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_SINGLESTEP: u32 = 2;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_SOFTWARE_BREAKPOINT: u32 = 3;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_GUEST_REQUEST: u32 = 4;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_DEBUG_EXCEPTION: u32 = 5;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_CPUID: u32 = 6;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_PRIVILEGED_CALL: u32 = 7;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_INTERRUPT: u32 = 8;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_DESC_ACCESS: u32 = 9;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_EMUL_UNIMPLEMENTED: u32 = 10;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_INGUEST_PAGEFAULT: u32 = 11;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_VMEXIT: u32 = 12;
/// Value of [`DomctlMonitorOp::event`]; a bit number in the answer about capabilities.
pub const XEN_DOMCTL_MONITOR_EVENT_IO: u32 = 13;

/// [`XEN_DOMCTL_MONITOR_OP`](super::XEN_DOMCTL_MONITOR_OP): which events the monitor's ring gets.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMonitorOp {
    /// Sub-command.
    pub op: u32,
    /// `XEN_DOMCTL_MONITOR_EVENT_*`; out: a bit map of those that the machine has.
    pub event: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 16],
}

union_access!(DomctlMonitorOp, u, 16);

/// Member `mov_to_cr` of [`DomctlMonitorOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMonitorOpMovToCr {
    /// Which control register.
    pub index: u8,
    /// Whether the vCPU waits for the answer.
    pub sync: u8,
    /// Whether only changes of the value count.
    pub onchangeonly: u8,
    /// Reserved: zero.
    pub pad1: u8,
    /// Reserved: zero.
    pub pad2: u32,
    /// Bits of the register whose changes count.
    pub bitmask: u64,
}

/// Member `mov_to_msr` of [`DomctlMonitorOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMonitorOpMovToMsr {
    /// The MSR.
    pub msr: u32,
    /// Whether only changes of the value count.
    pub onchangeonly: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
}

/// Member `guest_request` of [`DomctlMonitorOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMonitorOpGuestRequest {
    /// Whether the vCPU waits for the answer.
    pub sync: u8,
    /// Whether user mode may make requests, too.
    pub allow_userspace: u8,
}

/// Member `debug_exception` of [`DomctlMonitorOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMonitorOpDebugException {
    /// Whether the vCPU waits for the answer.
    pub sync: u8,
}

/// Member `vmexit` of [`DomctlMonitorOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMonitorOpVmexit {
    /// Whether the vCPU waits for the answer.
    pub sync: u8,
}

/// Value of [`DomctlPsrCmtOp::cmd`].
pub const XEN_DOMCTL_PSR_CMT_OP_DETACH: u32 = 0;
/// Value of [`DomctlPsrCmtOp::cmd`].
pub const XEN_DOMCTL_PSR_CMT_OP_ATTACH: u32 = 1;
/// Value of [`DomctlPsrCmtOp::cmd`].
pub const XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID: u32 = 2;

/// [`XEN_DOMCTL_PSR_CMT_OP`](super::XEN_DOMCTL_PSR_CMT_OP): cache monitoring.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlPsrCmtOp {
    /// Sub-command.
    pub cmd: u32,
    /// Data.
    pub data: u32,
}

/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_SET_L3_CBM: u32 = 0;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_GET_L3_CBM: u32 = 1;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_SET_L3_CODE: u32 = 2;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_SET_L3_DATA: u32 = 3;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_GET_L3_CODE: u32 = 4;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_GET_L3_DATA: u32 = 5;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_SET_L2_CBM: u32 = 6;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_GET_L2_CBM: u32 = 7;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_SET_MBA_THRTL: u32 = 8;
/// Value of [`DomctlPsrAlloc::cmd`].
pub const XEN_DOMCTL_PSR_GET_MBA_THRTL: u32 = 9;

/// [`XEN_DOMCTL_PSR_ALLOC`](super::XEN_DOMCTL_PSR_ALLOC): cache and bandwidth allocation.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlPsrAlloc {
    /// Sub-command.
    pub cmd: u32,
    /// Target.
    pub target: u32,
    /// Data.
    pub data: u64,
}

/// Value of [`DomctlVuartOp::cmd`].
pub const XEN_DOMCTL_VUART_OP_INIT: u32 = 0;
/// Value of `type` of [`DomctlVuartOp`].
pub const XEN_DOMCTL_VUART_TYPE_VPL011: u32 = 0;

/// [`XEN_DOMCTL_VUART_OP`](super::XEN_DOMCTL_VUART_OP): Arm only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVuartOp {
    /// Sub-command.
    pub cmd: u32,
    /// Type.
    pub r#type: u32,
    /// Guest frame.
    pub gfn: u64,
    /// Domain of the console's backend.
    pub console_domid: u16,
    /// Reserved: zero.
    pub pad: [u8; 2],
    /// Event channel.
    pub evtchn: u32,
}

/// `XEN_DOMCTL_vmtrace_enable`: value of [`DomctlVmtraceOp::cmd`].
pub const XEN_DOMCTL_VMTRACE_ENABLE: u32 = 1;
/// `XEN_DOMCTL_vmtrace_disable`: value of [`DomctlVmtraceOp::cmd`].
pub const XEN_DOMCTL_VMTRACE_DISABLE: u32 = 2;
/// `XEN_DOMCTL_vmtrace_reset_and_enable`: value of [`DomctlVmtraceOp::cmd`].
pub const XEN_DOMCTL_VMTRACE_RESET_AND_ENABLE: u32 = 3;
/// `XEN_DOMCTL_vmtrace_output_position`: value of [`DomctlVmtraceOp::cmd`].
pub const XEN_DOMCTL_VMTRACE_OUTPUT_POSITION: u32 = 4;
/// `XEN_DOMCTL_vmtrace_get_option`: value of [`DomctlVmtraceOp::cmd`].
pub const XEN_DOMCTL_VMTRACE_GET_OPTION: u32 = 5;
/// `XEN_DOMCTL_vmtrace_set_option`: value of [`DomctlVmtraceOp::cmd`].
pub const XEN_DOMCTL_VMTRACE_SET_OPTION: u32 = 6;

/// [`XEN_DOMCTL_VMTRACE_OP`](super::XEN_DOMCTL_VMTRACE_OP): processor trace of a vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVmtraceOp {
    /// Sub-command.
    pub cmd: u32,
    /// vCPU.
    pub vcpu: u32,
    /// Operand of the command.
    pub key: u64,
    /// Value.
    pub value: u64,
}
