//! The security module's operation, `__HYPERVISOR_xsm_op`: `xen/xsm/flask_op.h` of Xen 4.20.
//!
//! A Xen without Flask answers `ENOSYS` to all of them, which is what the toolstack takes for "no labels".

use crate::layout::union_access;
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Value of [`FlaskOp::interface_version`].
pub const XEN_FLASK_INTERFACE_VERSION: u32 = 1;

/// One Flask operation.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskOp {
    /// `FLASK_*`.
    pub cmd: u32,
    /// Version of the interface.
    pub interface_version: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 32],
}

union_access!(FlaskOp, u, 32);
/// Value of [`FlaskOp::cmd`].
pub const FLASK_LOAD: u32 = 1;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_GETENFORCE: u32 = 2;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_SETENFORCE: u32 = 3;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_CONTEXT_TO_SID: u32 = 4;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_SID_TO_CONTEXT: u32 = 5;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_ACCESS: u32 = 6;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_CREATE: u32 = 7;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_RELABEL: u32 = 8;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_USER: u32 = 9;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_POLICYVERS: u32 = 10;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_GETBOOL: u32 = 11;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_SETBOOL: u32 = 12;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_COMMITBOOLS: u32 = 13;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_MLS: u32 = 14;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_DISABLE: u32 = 15;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_GETAVC_THRESHOLD: u32 = 16;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_SETAVC_THRESHOLD: u32 = 17;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_AVC_HASHSTATS: u32 = 18;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_AVC_CACHESTATS: u32 = 19;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_MEMBER: u32 = 20;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_ADD_OCONTEXT: u32 = 21;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_DEL_OCONTEXT: u32 = 22;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_GET_PEER_SID: u32 = 23;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_RELABEL_DOMAIN: u32 = 24;
/// Value of [`FlaskOp::cmd`].
pub const FLASK_DEVICETREE_LABEL: u32 = 25;

/// [`FLASK_LOAD`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskLoad {
    /// The caller's buffer.
    pub buffer: GuestHandle,
    /// Bytes.
    pub size: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// [`FLASK_SETENFORCE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskSetenforce {
    /// Whether, or how, it is in force.
    pub enforcing: u32,
}

/// [`FLASK_CONTEXT_TO_SID`] and [`FLASK_SID_TO_CONTEXT`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskSidContext {
    /// Security label.
    pub sid: u32,
    /// Bytes.
    pub size: u32,
    /// The caller's buffer for the context.
    pub context: GuestHandle,
}

/// [`FLASK_ACCESS`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskAccess {
    /// Label of the subject.
    pub ssid: u32,
    /// Label of the target.
    pub tsid: u32,
    /// Class of the object.
    pub tclass: u32,
    /// Permissions asked for.
    pub req: u32,
    /// Out: permissions granted.
    pub allowed: u32,
    /// Out: permissions whose granting is logged.
    pub audit_allow: u32,
    /// Out: permissions whose denial is logged.
    pub audit_deny: u32,
    /// Out: number of the policy's state.
    pub seqno: u32,
}

/// [`FLASK_CREATE`], [`FLASK_RELABEL`] and [`FLASK_MEMBER`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskTransition {
    /// Label of the subject.
    pub ssid: u32,
    /// Label of the target.
    pub tsid: u32,
    /// Class of the object.
    pub tclass: u32,
    /// Out: new label.
    pub newsid: u32,
}

/// [`FLASK_GETBOOL`] and [`FLASK_SETBOOL`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskBoolean {
    /// Number of the boolean, or all ones to look it up by name.
    pub bool_id: u32,
    /// Whether, or how, it is in force.
    pub enforcing: u8,
    /// Value that waits to be put into force.
    pub pending: u8,
    /// New value.
    pub new_value: u8,
    /// Whether to put the value into force.
    pub commit: u8,
    /// Bytes.
    pub size: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Name.
    pub name: GuestHandle,
}

/// [`FLASK_SETAVC_THRESHOLD`] and its getter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskSetavcThreshold {
    /// Entries at which the cache is trimmed.
    pub threshold: u32,
}

/// [`FLASK_AVC_HASHSTATS`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskHashStats {
    /// Entries in use.
    pub entries: u32,
    /// Hash buckets that are not empty.
    pub buckets_used: u32,
    /// Hash buckets there are.
    pub buckets_total: u32,
    /// Longest chain.
    pub max_chain_len: u32,
}

/// [`FLASK_AVC_CACHESTATS`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskCacheStats {
    /// Physical CPU.
    pub cpu: u32,
    /// Lookups.
    pub lookups: u32,
    /// Lookups that found an entry.
    pub hits: u32,
    /// Lookups that found nothing.
    pub misses: u32,
    /// Entries allocated.
    pub allocations: u32,
    /// Entries reclaimed.
    pub reclaims: u32,
    /// Entries freed.
    pub frees: u32,
}

/// [`FLASK_ADD_OCONTEXT`] and its undoing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskOcontext {
    /// Kind of object.
    pub ocon: u32,
    /// Security label.
    pub sid: u32,
    /// First of the range.
    pub low: u64,
    /// Last of the range.
    pub high: u64,
}

/// [`FLASK_GET_PEER_SID`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskPeersid {
    /// Event channel.
    pub evtchn: u32,
    /// Security label.
    pub sid: u32,
}

/// [`FLASK_RELABEL_DOMAIN`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskRelabel {
    /// Domain.
    pub domid: u32,
    /// Security label.
    pub sid: u32,
}

/// [`FLASK_DEVICETREE_LABEL`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct FlaskDevicetreeLabel {
    /// Security label.
    pub sid: u32,
    /// Bytes.
    pub length: u32,
    /// The caller's path.
    pub path: GuestHandle,
}
