//! vCPUs: register state, affinity, CPU policy and virtual NUMA.

use crate::hvm_save::HvmVmceVcpu;
use crate::xen::{GuestHandle, XenctlBitmap};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`XEN_DOMCTL_SETVCPUCONTEXT`](super::XEN_DOMCTL_SETVCPUCONTEXT) and its getter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpucontext {
    /// vCPU.
    pub vcpu: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's `VcpuGuestContext`.
    pub ctxt: GuestHandle,
}

/// [`XEN_DOMCTL_GETVCPUINFO`](super::XEN_DOMCTL_GETVCPUINFO): state and run time of a vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGetvcpuinfo {
    /// vCPU.
    pub vcpu: u32,
    /// Whether it is online.
    pub online: u8,
    /// Whether it waits for an event.
    pub blocked: u8,
    /// Whether it runs.
    pub running: u8,
    /// Padding: zero.
    pub _pad0: [u8; 1],
    /// CPU time used, in nanoseconds.
    pub cpu_time: u64,
    /// Out: the CPU that it runs, or last ran, on.
    pub cpu: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// [`XEN_DOMCTL_SETNODEAFFINITY`](super::XEN_DOMCTL_SETNODEAFFINITY) and its getter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlNodeaffinity {
    /// Nodes.
    pub nodemap: XenctlBitmap,
}

/// Bit of [`DomctlVcpuaffinity::flags`].
pub const XEN_VCPUAFFINITY_HARD: u32 = 1;
/// Bit of [`DomctlVcpuaffinity::flags`].
pub const XEN_VCPUAFFINITY_SOFT: u32 = 1 << 1;
/// Bit of [`DomctlVcpuaffinity::flags`].
pub const XEN_VCPUAFFINITY_FORCE: u32 = 1 << 2;

/// [`XEN_DOMCTL_SETVCPUAFFINITY`](super::XEN_DOMCTL_SETVCPUAFFINITY) and its getter; the setter returns the affinity in effect.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpuaffinity {
    /// vCPU.
    pub vcpu: u32,
    /// `XEN_VCPUAFFINITY_*`.
    pub flags: u32,
    /// CPUs it may run on.
    pub cpumap_hard: XenctlBitmap,
    /// CPUs it prefers.
    pub cpumap_soft: XenctlBitmap,
}

/// [`XEN_DOMCTL_SET_EXT_VCPUCONTEXT`](super::XEN_DOMCTL_SET_EXT_VCPUCONTEXT) and its getter: compat system call entries and machine checks.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlExtVcpucontext {
    /// vCPU.
    pub vcpu: u32,
    /// Bytes.
    pub size: u32,
    /// Address of the 32-bit SYSCALL entry.
    pub syscall32_callback_eip: u64,
    /// Address of the SYSENTER entry.
    pub sysenter_callback_eip: u64,
    /// Code selector of the 32-bit SYSCALL entry.
    pub syscall32_callback_cs: u16,
    /// Code selector of the SYSENTER entry.
    pub sysenter_callback_cs: u16,
    /// Whether the 32-bit SYSCALL entry masks events.
    pub syscall32_disables_events: u8,
    /// Whether the SYSENTER entry masks events.
    pub sysenter_disables_events: u8,
    /// Padding: zero.
    pub _pad0: [u8; 2],
    /// Machine check MSRs.
    pub vmce: HvmVmceVcpu,
}

/// [`XEN_DOMCTL_SETVCPUEXTSTATE`](super::XEN_DOMCTL_SETVCPUEXTSTATE) and its getter: the XSAVE area behind `xcr0` and `xcr0_accum`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpuextstate {
    /// vCPU.
    pub vcpu: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Components of the XSAVE area.
    pub xfeature_mask: u64,
    /// Bytes.
    pub size: u64,
    /// The caller's buffer.
    pub buffer: GuestHandle,
}

/// An element of [`DomctlVcpuMsrs::msrs`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpuMsr {
    /// The MSR.
    pub index: u32,
    /// Reserved: zero.
    pub reserved: u32,
    /// Value.
    pub value: u64,
}

/// [`XEN_DOMCTL_GET_VCPU_MSRS`](super::XEN_DOMCTL_GET_VCPU_MSRS) and its setter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpuMsrs {
    /// vCPU.
    pub vcpu: u32,
    /// Number of MSRs; out: of those written, or the index of the one refused.
    pub msr_count: u32,
    /// The caller's array of `DomctlVcpuMsr`; null asks for the number.
    pub msrs: GuestHandle,
}

/// A CPUID input register that does not matter.
pub const XEN_CPUID_INPUT_UNUSED: u32 = u32::MAX;

/// [`XEN_DOMCTL_GET_CPU_POLICY`](super::XEN_DOMCTL_GET_CPU_POLICY) and its setter: CPUID leaves and MSRs of the domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlCpuPolicy {
    /// Number of leaves.
    pub nr_leaves: u32,
    /// Number of MSRs.
    pub nr_msrs: u32,
    /// The caller's array of `CpuidLeaf`.
    pub leaves: GuestHandle,
    /// The caller's array of `MsrEntry`.
    pub msrs: GuestHandle,
    /// Out: CPUID leaf that was refused.
    pub err_leaf: u32,
    /// Out: CPUID subleaf that was refused.
    pub err_subleaf: u32,
    /// Out: MSR that was refused.
    pub err_msr: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// [`XEN_DOMCTL_SETVNUMAINFO`](super::XEN_DOMCTL_SETVNUMAINFO): the virtual NUMA topology.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVnuma {
    /// Number of virtual nodes.
    pub nr_vnodes: u32,
    /// Number of memory ranges.
    pub nr_vmemranges: u32,
    /// Number of vCPUs.
    pub nr_vcpus: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// The caller's matrix of distances between virtual nodes.
    pub vdistance: GuestHandle,
    /// The caller's array: the virtual node of each vCPU.
    pub vcpu_to_vnode: GuestHandle,
    /// The caller's array: the node of each virtual node.
    pub vnode_to_pnode: GuestHandle,
    /// The caller's array of `Vmemrange`.
    pub vmemrange: GuestHandle,
}
