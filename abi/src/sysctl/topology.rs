//! Topology of CPUs, memory nodes and PCI devices.

use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// No such CPU, or not known.
pub const XEN_INVALID_CORE_ID: u32 = u32::MAX;
/// No such CPU, or not known.
pub const XEN_INVALID_SOCKET_ID: u32 = u32::MAX;
/// No such CPU, or not known.
pub const XEN_INVALID_NODE_ID: u32 = u32::MAX;

/// An element of [`SysctlCputopoinfo::cputopo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCputopo {
    /// Core.
    pub core: u32,
    /// Socket.
    pub socket: u32,
    /// Node.
    pub node: u32,
}

/// [`XEN_SYSCTL_CPUTOPOINFO`](super::XEN_SYSCTL_CPUTOPOINFO); a null handle asks for the number.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlCputopoinfo {
    /// Number of CPUs.
    pub num_cpus: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of `SysctlCputopo`.
    pub cputopo: GuestHandle,
}

/// Not known.
pub const XEN_INVALID_MEM_SZ: u32 = u32::MAX;
/// Not known.
pub const XEN_INVALID_NODE_DIST: u32 = u32::MAX;

/// An element of [`SysctlNumainfo::meminfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlMeminfo {
    /// Bytes of the node.
    pub memsize: u64,
    /// Free bytes.
    pub memfree: u64,
}

/// [`XEN_SYSCTL_NUMAINFO`](super::XEN_SYSCTL_NUMAINFO); null handles ask for the number of nodes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlNumainfo {
    /// Number of nodes.
    pub num_nodes: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of `SysctlMeminfo`.
    pub meminfo: GuestHandle,
    /// The caller's matrix of distances.
    pub distance: GuestHandle,
}

/// [`SysctlPcitopoinfo::nodes`] of a device that Xen does not know.
pub const XEN_INVALID_DEV: u32 = 4_294_967_294;

/// [`XEN_SYSCTL_PCITOPOINFO`](super::XEN_SYSCTL_PCITOPOINFO): nodes of PCI devices.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SysctlPcitopoinfo {
    /// Number of devices.
    pub num_devs: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of PCI devices.
    pub devs: GuestHandle,
    /// The caller's array of nodes.
    pub nodes: GuestHandle,
}
