//! Memory of a domain: page types, log-dirty and paging pool, p2m checks, sharing, cache colours.

use crate::layout::union_access;
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_LTAB_SHIFT: u32 = 28;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_NOTAB: u32 = 0x0;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_L1TAB: u32 = 0x1000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_L2TAB: u32 = 0x2000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_L3TAB: u32 = 0x3000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_L4TAB: u32 = 0x4000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_LTABTYPE_MASK: u32 = 0x7000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_LPINTAB: u32 = 0x8000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_XTAB: u32 = 0xf000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_XALLOC: u32 = 0xe000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_BROKEN: u32 = 0xd000_0000;
/// Type of a frame in the answer of `XEN_DOMCTL_getpageframeinfo3`.
pub const XEN_DOMCTL_PFINFO_LTAB_MASK: u32 = 0xf000_0000;

/// [`XEN_DOMCTL_GETPAGEFRAMEINFO3`](super::XEN_DOMCTL_GETPAGEFRAMEINFO3): frame numbers in, types in their upper bits out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGetpageframeinfo3 {
    /// Number of frames.
    pub num: u64,
    /// The caller's array of frame numbers.
    pub array: GuestHandle,
}

/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_OFF: u32 = 0;
/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_ENABLE: u32 = 32;
/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_CLEAN: u32 = 11;
/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_PEEK: u32 = 12;
/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION: u32 = 30;
/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION: u32 = 31;
/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_ENABLE_TEST: u32 = 1;
/// Value of [`DomctlShadowOp::op`].
pub const XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY: u32 = 2;
/// Bit of [`DomctlShadowOp::mode`] when enabling.
pub const XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT: u32 = 1 << 1;
/// Bit of [`DomctlShadowOp::mode`] when enabling.
pub const XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY: u32 = 1 << 2;
/// Bit of [`DomctlShadowOp::mode`] when enabling.
pub const XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE: u32 = 1 << 3;
/// Bit of [`DomctlShadowOp::mode`] when enabling.
pub const XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL: u32 = 1 << 4;
/// Bit of [`DomctlShadowOp::mode`] when peeking or cleaning: last round, with the frames that Xen itself may write.
pub const XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL: u32 = 1;

/// Counters of log-dirty mode.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlShadowOpStats {
    /// Faults taken.
    pub fault_count: u32,
    /// Frames dirtied.
    pub dirty_count: u32,
}

/// [`XEN_DOMCTL_SHADOW_OP`](super::XEN_DOMCTL_SHADOW_OP): log-dirty mode for live migration.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlShadowOp {
    /// Sub-command.
    pub op: u32,
    /// `XEN_DOMCTL_SHADOW_ENABLE_*` or `XEN_DOMCTL_SHADOW_LOGDIRTY_*`.
    pub mode: u32,
    /// Size of the pool, in MiB.
    pub mb: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's bit map.
    pub dirty_bitmap: GuestHandle,
    /// Bits of the bit map; out: bits written.
    pub pages: u64,
    /// Out: counters.
    pub stats: DomctlShadowOpStats,
}

/// [`XEN_DOMCTL_GET_PAGING_MEMPOOL_SIZE`](super::XEN_DOMCTL_GET_PAGING_MEMPOOL_SIZE) and its setter: the pool that the domain's p2m is made of.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlPagingMempool {
    /// Bytes.
    pub size: u64,
}

/// [`XEN_DOMCTL_CACHEFLUSH`](super::XEN_DOMCTL_CACHEFLUSH): Arm only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlCacheflush {
    /// First guest frame.
    pub start_pfn: u64,
    /// Number of frames.
    pub nr_pfns: u64,
}

/// [`XEN_DOMCTL_AUDIT_P2M`](super::XEN_DOMCTL_AUDIT_P2M): counts of inconsistencies.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlAuditP2m {
    /// Frames without owner in the p2m.
    pub orphans: u64,
    /// M2P entries that disagree with the p2m.
    pub m2p_bad: u64,
    /// P2m entries that disagree with the M2P.
    pub p2m_bad: u64,
}

/// [`XEN_DOMCTL_SET_BROKEN_PAGE_P2M`](super::XEN_DOMCTL_SET_BROKEN_PAGE_P2M): marks a page as broken.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetBrokenPageP2m {
    /// Guest frame.
    pub pfn: u64,
}

/// [`XEN_DOMCTL_SET_ACCESS_REQUIRED`](super::XEN_DOMCTL_SET_ACCESS_REQUIRED): whether a listener to access events must be there.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetAccessRequired {
    /// Whether a listener must be there.
    pub access_required: u8,
}

/// Value of [`DomctlMemSharingOp::op`].
pub const XEN_DOMCTL_MEM_SHARING_CONTROL: u32 = 0;

/// [`XEN_DOMCTL_MEM_SHARING_OP`](super::XEN_DOMCTL_MEM_SHARING_OP): `u` is a `u8`, whether sharing is on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlMemSharingOp {
    /// Sub-command.
    pub op: u8,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 1],
}

union_access!(DomctlMemSharingOp, u, 1);

/// [`XEN_DOMCTL_SET_LLC_COLORS`](super::XEN_DOMCTL_SET_LLC_COLORS): colours of the last-level cache.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlSetLlcColors {
    /// Number of colours.
    pub num_llc_colors: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// The caller's array of colours.
    pub llc_colors: GuestHandle,
}
