//! Live patching.

use crate::layout::{union_access, zeroed_default};
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Version of a payload's function table.
pub const LIVEPATCH_PAYLOAD_VERSION: u32 = 2;
/// Most bytes of a payload's name, terminating zero included.
pub const XEN_LIVEPATCH_NAME_SIZE: u32 = 128;

/// The name of a payload.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct LivepatchName {
    pub name: GuestHandle,
    pub size: u16,
    /// Reserved: zero.
    pub pad: [u16; 3],
}

/// Value of [`SysctlLivepatchOp::cmd`].
pub const XEN_SYSCTL_LIVEPATCH_UPLOAD: u32 = 0;
/// Value of [`SysctlLivepatchOp::cmd`].
pub const XEN_SYSCTL_LIVEPATCH_GET: u32 = 1;
/// Value of [`SysctlLivepatchOp::cmd`].
pub const XEN_SYSCTL_LIVEPATCH_LIST: u32 = 2;
/// Value of [`SysctlLivepatchOp::cmd`].
pub const XEN_SYSCTL_LIVEPATCH_ACTION: u32 = 3;

/// Member `upload` of [`SysctlLivepatchOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLivepatchUpload {
    pub name: LivepatchName,
    pub size: u64,
    pub payload: GuestHandle,
}

/// Value of [`LivepatchStatus::state`].
pub const LIVEPATCH_STATE_CHECKED: u32 = 1;
/// Value of [`LivepatchStatus::state`].
pub const LIVEPATCH_STATE_APPLIED: u32 = 2;

/// State of a payload.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct LivepatchStatus {
    pub state: u32,
    pub rc: i32,
}

/// Member `get` of [`SysctlLivepatchOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLivepatchGet {
    pub name: LivepatchName,
    pub status: LivepatchStatus,
}

/// Member `list` of [`SysctlLivepatchOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLivepatchList {
    pub version: u32,
    pub idx: u32,
    pub nr: u32,
    /// Reserved: zero.
    pub pad: u32,
    pub name_total_size: u32,
    pub metadata_total_size: u32,
    pub status: GuestHandle,
    pub name: GuestHandle,
    pub len: GuestHandle,
    pub metadata: GuestHandle,
    pub metadata_len: GuestHandle,
}

/// Bit of [`SysctlLivepatchAction::flags`]: check the hypervisor's build id only.
pub const LIVEPATCH_ACTION_APPLY_NODEPS: u32 = 1;
/// Value of [`SysctlLivepatchAction::cmd`].
pub const LIVEPATCH_ACTION_UNLOAD: u32 = 1;
/// Value of [`SysctlLivepatchAction::cmd`].
pub const LIVEPATCH_ACTION_REVERT: u32 = 2;
/// Value of [`SysctlLivepatchAction::cmd`].
pub const LIVEPATCH_ACTION_APPLY: u32 = 3;
/// Value of [`SysctlLivepatchAction::cmd`].
pub const LIVEPATCH_ACTION_REPLACE: u32 = 4;

/// Member `action` of [`SysctlLivepatchOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLivepatchAction {
    pub name: LivepatchName,
    pub cmd: u32,
    pub timeout: u32,
    pub flags: u32,
    /// Reserved: zero.
    pub pad: u32,
}

/// Of [`SysctlLivepatchOp::flags`].
pub const LIVEPATCH_FLAG_FORCE: u32 = 1;
/// Of [`SysctlLivepatchOp::flags`].
pub const LIVEPATCH_FLAGS_MASK: u32 = 1;

/// [`XEN_SYSCTL_LIVEPATCH_OP`](super::XEN_SYSCTL_LIVEPATCH_OP).
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLivepatchOp {
    pub cmd: u32,
    pub flags: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 64],
}

zeroed_default!(SysctlLivepatchOp);

union_access!(SysctlLivepatchOp, u, 64);
