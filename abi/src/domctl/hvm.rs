//! HVM state of a domain: the records of [`hvm_save`](crate::hvm_save) as a whole or one by one.

use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`XEN_DOMCTL_GETHVMCONTEXT`](super::XEN_DOMCTL_GETHVMCONTEXT) and its setter; a null buffer asks for the size.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlHvmcontext {
    /// Bytes.
    pub size: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's buffer.
    pub buffer: GuestHandle,
}

/// [`XEN_DOMCTL_GETHVMCONTEXT_PARTIAL`](super::XEN_DOMCTL_GETHVMCONTEXT_PARTIAL): one record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlHvmcontextPartial {
    /// Type.
    pub r#type: u32,
    /// Which of several of this type.
    pub instance: u32,
    /// Size of the buffer, in bytes.
    pub bufsz: u64,
    /// The caller's buffer.
    pub buffer: GuestHandle,
}
