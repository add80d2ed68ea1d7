//! Physical CPUs: numbers, hotplug, microcode, MSR access.

use crate::layout::union_access;
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`XENPF_MICROCODE_UPDATE`](super::XENPF_MICROCODE_UPDATE).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfMicrocodeUpdate {
    /// Address of the microcode.
    pub data: GuestHandle,
    /// Bytes.
    pub length: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Bit of [`XenpfMicrocodeUpdate2::flags`]: whatever the revision.
pub const XENPF_UCODE_FORCE: u32 = 1;

/// [`XENPF_MICROCODE_UPDATE2`](super::XENPF_MICROCODE_UPDATE2).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfMicrocodeUpdate2 {
    /// Flags.
    pub flags: u32,
    /// Bytes.
    pub length: u32,
    /// Address of the microcode.
    pub data: GuestHandle,
}

/// [`XENPF_GET_UCODE_REVISION`](super::XENPF_GET_UCODE_REVISION).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfUcodeRevision {
    /// Physical CPU.
    pub cpu: u32,
    /// Out: EAX of CPUID leaf 1.
    pub signature: u32,
    /// Out: platform flags (Intel).
    pub pf: u32,
    /// Revision.
    pub revision: u32,
}

/// [`XENPF_GETIDLETIME`](super::XENPF_GETIDLETIME).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfGetidletime {
    /// CPUs asked for; out: those that are there.
    pub cpumap_bitmap: GuestHandle,
    /// Bits of the map.
    pub cpumap_nr_cpus: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of idle times, in nanoseconds.
    pub idletime: GuestHandle,
    /// Out: system time, in nanoseconds.
    pub now: u64,
}

/// Bit of [`XenpfPcpuinfo::flags`].
pub const XEN_PCPU_FLAGS_ONLINE: u32 = 1;
/// Bit of [`XenpfPcpuinfo::flags`].
pub const XEN_PCPU_FLAGS_INVALID: u32 = 2;

/// [`XENPF_GET_CPUINFO`](super::XENPF_GET_CPUINFO).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfPcpuinfo {
    /// Physical CPU.
    pub xen_cpuid: u32,
    /// Out: highest CPU number present.
    pub max_present: u32,
    /// Flags.
    pub flags: u32,
    /// APIC id.
    pub apic_id: u32,
    /// ACPI processor id.
    pub acpi_id: u32,
}

/// [`XENPF_GET_CPU_VERSION`](super::XENPF_GET_CPU_VERSION).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfPcpuVersion {
    /// Physical CPU.
    pub xen_cpuid: u32,
    /// Out: highest CPU number present.
    pub max_present: u32,
    /// CPU vendor, from CPUID.
    pub vendor_id: [u8; 12],
    /// Family, from CPUID.
    pub family: u32,
    /// Model, from CPUID.
    pub model: u32,
    /// Stepping, from CPUID.
    pub stepping: u32,
}

/// [`XENPF_CPU_ONLINE`](super::XENPF_CPU_ONLINE) and its opposite.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfCpuOl {
    /// Physical CPU.
    pub cpuid: u32,
}

/// [`XENPF_CPU_HOTADD`](super::XENPF_CPU_HOTADD).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfCpuHotadd {
    /// APIC id.
    pub apic_id: u32,
    /// ACPI processor id.
    pub acpi_id: u32,
    /// Proximity domain.
    pub pxm: u32,
}

/// [`XENPF_MEM_HOTADD`](super::XENPF_MEM_HOTADD).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfMemHotadd {
    /// First frame.
    pub spfn: u64,
    /// Frame behind the last.
    pub epfn: u64,
    /// Proximity domain.
    pub pxm: u32,
    /// Flags.
    pub flags: u32,
}

/// Value of `type` of [`XenpfCoreParking`].
pub const XEN_CORE_PARKING_SET: u32 = 1;
/// Value of `type` of [`XenpfCoreParking`].
pub const XEN_CORE_PARKING_GET: u32 = 2;

/// [`XENPF_CORE_PARKING`](super::XENPF_CORE_PARKING).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfCoreParking {
    /// Type.
    pub r#type: u32,
    /// CPUs to idle; out: CPUs idled.
    pub idle_nums: u32,
}

/// Command of a [`XenpfResourceEntry`].
pub const XEN_RESOURCE_OP_MSR_READ: u32 = 0;
/// Command of a [`XenpfResourceEntry`].
pub const XEN_RESOURCE_OP_MSR_WRITE: u32 = 1;

/// An element of [`XenpfResourceOp::entries`]; `u` is the command (`u32`) in, the result (`i32`) out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfResourceEntry {
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 4],
    /// Reserved: zero.
    pub rsvd: u32,
    /// The MSR.
    pub idx: u64,
    /// Value.
    pub val: u64,
}

union_access!(XenpfResourceEntry, u, 4);

/// [`XENPF_RESOURCE_OP`](super::XENPF_RESOURCE_OP): MSRs of a CPU, in one go.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfResourceOp {
    /// Number of entries.
    pub nr_entries: u32,
    /// Physical CPU.
    pub cpu: u32,
    /// The caller's array of `XenpfResourceEntry`.
    pub entries: GuestHandle,
}
