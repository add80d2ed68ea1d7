//! HVM state of a domain: the records of [`hvm_save`](crate::hvm_save) as a whole or one by one.

use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`XEN_DOMCTL_GETHVMCONTEXT`](super::XEN_DOMCTL_GETHVMCONTEXT) and its setter; a null buffer asks for the size.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlHvmcontext {
    pub size: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    pub buffer: GuestHandle,
}

/// [`XEN_DOMCTL_GETHVMCONTEXT_PARTIAL`](super::XEN_DOMCTL_GETHVMCONTEXT_PARTIAL): one record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlHvmcontextPartial {
    pub r#type: u32,
    pub instance: u32,
    pub bufsz: u64,
    pub buffer: GuestHandle,
}
