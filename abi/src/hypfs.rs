//! The hypervisor's file system, `__HYPERVISOR_hypfs_op`: `xen/hypfs.h` of Xen 4.20.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Version of the interface.
pub const XEN_HYPFS_VERSION: u32 = 1;
/// Most bytes of a path, terminating zero included.
pub const XEN_HYPFS_MAX_PATHLEN: u32 = 1024;
/// `XEN_HYPFS_OP_get_version`: first argument of `__HYPERVISOR_hypfs_op`.
pub const XEN_HYPFS_OP_GET_VERSION: u32 = 0;
/// `XEN_HYPFS_OP_read`: first argument of `__HYPERVISOR_hypfs_op`.
pub const XEN_HYPFS_OP_READ: u32 = 1;
/// `XEN_HYPFS_OP_write_contents`: first argument of `__HYPERVISOR_hypfs_op`.
pub const XEN_HYPFS_OP_WRITE_CONTENTS: u32 = 2;
/// Value of `type` of [`HypfsDirentry`].
pub const XEN_HYPFS_TYPE_DIR: u8 = 0;
/// Value of `type` of [`HypfsDirentry`].
pub const XEN_HYPFS_TYPE_BLOB: u8 = 1;
/// Value of `type` of [`HypfsDirentry`].
pub const XEN_HYPFS_TYPE_STRING: u8 = 2;
/// Value of `type` of [`HypfsDirentry`].
pub const XEN_HYPFS_TYPE_UINT: u8 = 3;
/// Value of `type` of [`HypfsDirentry`].
pub const XEN_HYPFS_TYPE_INT: u8 = 4;
/// Value of `type` of [`HypfsDirentry`].
pub const XEN_HYPFS_TYPE_BOOL: u8 = 5;
/// Value of [`HypfsDirentry::encoding`].
pub const XEN_HYPFS_ENC_PLAIN: u8 = 0;
/// Value of [`HypfsDirentry::encoding`].
pub const XEN_HYPFS_ENC_GZIP: u8 = 1;

/// What an entry is; its content follows.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HypfsDirentry {
    /// Type.
    pub r#type: u8,
    /// `XEN_HYPFS_ENC_*`.
    pub encoding: u8,
    /// Reserved: zero.
    pub pad: u16,
    /// Bytes of content.
    pub content_len: u32,
    /// Most bytes to write, 0 if read-only.
    pub max_write_len: u32,
}

/// An entry in a directory's content; its name follows, at byte [`HYPFS_DIRLISTENTRY_NAME_OFFSET`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HypfsDirlistentry {
    /// What the entry is.
    pub e: HypfsDirentry,
    /// Bytes to the next entry; 0 in the last.
    pub off_next: u16,
    /// Padding: zero.
    pub _pad0: [u8; 2],
}

/// Where the name of a [`HypfsDirlistentry`] begins, within the struct's tail padding.
pub const HYPFS_DIRLISTENTRY_NAME_OFFSET: usize = 14;
