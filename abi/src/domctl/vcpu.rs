//! vCPUs: register state, affinity, CPU policy and virtual NUMA.

use crate::hvm_save::HvmVmceVcpu;
use crate::xen::{GuestHandle, XenctlBitmap};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`XEN_DOMCTL_SETVCPUCONTEXT`](super::XEN_DOMCTL_SETVCPUCONTEXT) and its getter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpucontext {
    pub vcpu: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    pub ctxt: GuestHandle,
}

/// [`XEN_DOMCTL_GETVCPUINFO`](super::XEN_DOMCTL_GETVCPUINFO): state and run time of a vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlGetvcpuinfo {
    pub vcpu: u32,
    pub online: u8,
    pub blocked: u8,
    pub running: u8,
    /// Padding: zero.
    pub _pad0: [u8; 1],
    pub cpu_time: u64,
    pub cpu: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// [`XEN_DOMCTL_SETNODEAFFINITY`](super::XEN_DOMCTL_SETNODEAFFINITY) and its getter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlNodeaffinity {
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
    pub vcpu: u32,
    pub flags: u32,
    pub cpumap_hard: XenctlBitmap,
    pub cpumap_soft: XenctlBitmap,
}

/// [`XEN_DOMCTL_SET_EXT_VCPUCONTEXT`](super::XEN_DOMCTL_SET_EXT_VCPUCONTEXT) and its getter: compat system call entries and machine checks.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlExtVcpucontext {
    pub vcpu: u32,
    pub size: u32,
    pub syscall32_callback_eip: u64,
    pub sysenter_callback_eip: u64,
    pub syscall32_callback_cs: u16,
    pub sysenter_callback_cs: u16,
    pub syscall32_disables_events: u8,
    pub sysenter_disables_events: u8,
    /// Padding: zero.
    pub _pad0: [u8; 2],
    pub vmce: HvmVmceVcpu,
}

/// [`XEN_DOMCTL_SETVCPUEXTSTATE`](super::XEN_DOMCTL_SETVCPUEXTSTATE) and its getter: the XSAVE area behind `xcr0` and `xcr0_accum`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpuextstate {
    pub vcpu: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    pub xfeature_mask: u64,
    pub size: u64,
    pub buffer: GuestHandle,
}

/// An element of [`DomctlVcpuMsrs::msrs`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpuMsr {
    pub index: u32,
    /// Reserved: zero.
    pub reserved: u32,
    pub value: u64,
}

/// [`XEN_DOMCTL_GET_VCPU_MSRS`](super::XEN_DOMCTL_GET_VCPU_MSRS) and its setter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVcpuMsrs {
    pub vcpu: u32,
    pub msr_count: u32,
    pub msrs: GuestHandle,
}

/// A CPUID input register that does not matter.
pub const XEN_CPUID_INPUT_UNUSED: u32 = u32::MAX;

/// [`XEN_DOMCTL_GET_CPU_POLICY`](super::XEN_DOMCTL_GET_CPU_POLICY) and its setter: CPUID leaves and MSRs of the domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlCpuPolicy {
    pub nr_leaves: u32,
    pub nr_msrs: u32,
    pub leaves: GuestHandle,
    pub msrs: GuestHandle,
    pub err_leaf: u32,
    pub err_subleaf: u32,
    pub err_msr: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// [`XEN_DOMCTL_SETVNUMAINFO`](super::XEN_DOMCTL_SETVNUMAINFO): the virtual NUMA topology.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DomctlVnuma {
    pub nr_vnodes: u32,
    pub nr_vmemranges: u32,
    pub nr_vcpus: u32,
    /// Reserved: zero.
    pub pad: u32,
    pub vdistance: GuestHandle,
    pub vcpu_to_vnode: GuestHandle,
    pub vnode_to_pnode: GuestHandle,
    pub vmemrange: GuestHandle,
}
