//! What all interfaces share (`xen/xen.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The address of something in the caller's memory (`XEN_GUEST_HANDLE`); null where nothing is there.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct GuestHandle(pub u64);
