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
    /// Name.
    pub name: GuestHandle,
    /// Bytes.
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
    /// Name.
    pub name: LivepatchName,
    /// Bytes.
    pub size: u64,
    /// The caller's ELF image.
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
    /// State.
    pub state: u32,
    /// Out: 0, or a negative error.
    pub rc: i32,
}

/// Member `get` of [`SysctlLivepatchOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLivepatchGet {
    /// Name.
    pub name: LivepatchName,
    /// Out: status.
    pub status: LivepatchStatus,
}

/// Member `list` of [`SysctlLivepatchOp`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlLivepatchList {
    /// Version.
    pub version: u32,
    /// Index.
    pub idx: u32,
    /// Number.
    pub nr: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// Out: bytes of all names.
    pub name_total_size: u32,
    /// Out: bytes of all metadata.
    pub metadata_total_size: u32,
    /// The caller's array of `LivepatchStatus`.
    pub status: GuestHandle,
    /// Name.
    pub name: GuestHandle,
    /// The caller's array of names' lengths.
    pub len: GuestHandle,
    /// The caller's buffer for metadata.
    pub metadata: GuestHandle,
    /// The caller's array of metadata's lengths.
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
    /// Name.
    pub name: LivepatchName,
    /// Sub-command.
    pub cmd: u32,
    /// Most time to take, in nanoseconds; 0 for the default.
    pub timeout: u32,
    /// Flags.
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
    /// Sub-command.
    pub cmd: u32,
    /// Flags.
    pub flags: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 64],
}

zeroed_default!(SysctlLivepatchOp);

union_access!(SysctlLivepatchOp, u, 64);
