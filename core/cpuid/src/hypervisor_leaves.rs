//! The hypervisor's own CPUID leaves (`xen/arch-x86/cpuid.h`).

use xen_abi::arch_x86::{
    XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, XEN_CPUID_FIRST_LEAF, XEN_CPUID_HOST_TSC_RELIABLE,
    XEN_CPUID_MAX_NUM_LEAVES, XEN_CPUID_RDTSCP_INSTR_AVAIL, XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
    XEN_CPUID_SIGNATURE_EDX, XEN_CPUID_TSC_EMULATED, XEN_HVM_CPUID_DOMID_PRESENT,
    XEN_HVM_CPUID_IOMMU_MAPPINGS, XEN_HVM_CPUID_UPCALL_VECTOR, XEN_HVM_CPUID_VCPU_ID_PRESENT,
};

use crate::guest::GuestCpuid;
use crate::policy::Leaf;

/// The interface version that leaf 1 says: 4.20.
const VERSION: u32 = (4 << 16) | 20;

/// What of a domain its CPUID depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainView {
    /// The domain's number.
    pub domid: u16,
    /// An HVM or PVH domain rather than PV.
    pub hvm: bool,
    /// The domain that owns the hardware.
    pub hardware_domain: bool,
    /// Viridian leaves come first, this hypervisor's start at 0x4000_0100. The former are not answered here.
    pub viridian: bool,
    /// With a virtual performance monitoring unit.
    pub pmu: bool,
    /// The `tsc_mode` of `XEN_DOMCTL_settscinfo`.
    pub tsc_mode: u32,
    /// RDTSC is emulated.
    pub vtsc: bool,
    /// The guest's TSC frequency in kHz; 0 for the hardware domain, which uses the host's.
    pub tsc_khz: u32,
    /// How often the domain was migrated.
    pub incarnation: u32,
    /// The guest's TSC minus the host's.
    pub tsc_offset: u64,
    /// Multiplier of the conversion from TSC to nanoseconds.
    pub tsc_to_ns_mul: u32,
    /// Shift of the same.
    pub tsc_to_ns_shift: i8,
    /// Further bits of the HVM leaf (`XEN_HVM_CPUID_APIC_ACCESS_VIRT` and the like).
    pub hvm_features: u32,
}

/// What of the host a guest's CPUID depends on, besides policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostView {
    /// The host's TSC is the same on all CPUs and never stops.
    pub tsc_reliable: bool,
    /// The host's TSC frequency in kHz.
    pub tsc_khz: u32,
    /// The width of the largest machine address that can be in use, hot-plugged memory included.
    pub machine_address_bits: u8,
}

/// The hypervisor leaf at `leaf`; empty for leaves that do not exist.
pub(crate) fn hypervisor_leaf(g: &GuestCpuid<'_>, leaf: u32, subleaf: u32) -> Leaf {
    let d = g.domain;
    let base = if d.viridian { XEN_CPUID_FIRST_LEAF | 0x100 } else { XEN_CPUID_FIRST_LEAF };
    let asked = if d.viridian { g.policy.hv2_limit } else { g.policy.hv_limit };
    let limit = match asked {
        0 => XEN_CPUID_MAX_NUM_LEAVES,
        n => n.clamp(2, XEN_CPUID_MAX_NUM_LEAVES),
    };
    match leaf.checked_sub(base) {
        Some(0) => Leaf {
            a: base.wrapping_add(limit),
            b: XEN_CPUID_SIGNATURE_EBX,
            c: XEN_CPUID_SIGNATURE_ECX,
            d: XEN_CPUID_SIGNATURE_EDX,
        },
        Some(1) => Leaf { a: VERSION, ..Leaf::EMPTY },
        Some(2) => Leaf {
            // One hypercall page, and the MSR that installs it.
            a: 1,
            b: if d.viridian { 0x4000_0200 } else { 0x4000_0000 },
            c: if d.hvm { 0 } else { XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD },
            d: 0,
        },
        Some(3) if limit >= 3 => time_leaf(g, subleaf),
        Some(4) if limit >= 4 && d.hvm && subleaf == 0 => Leaf {
            a: XEN_HVM_CPUID_IOMMU_MAPPINGS
                | XEN_HVM_CPUID_VCPU_ID_PRESENT
                | XEN_HVM_CPUID_DOMID_PRESENT
                | XEN_HVM_CPUID_UPCALL_VECTOR
                | d.hvm_features,
            b: g.vcpu.vcpu_id,
            c: u32::from(d.domid),
            d: 0,
        },
        Some(5) if limit >= 5 && !d.hvm && subleaf == 0 => {
            Leaf { b: u32::from(g.host.machine_address_bits), ..Leaf::EMPTY }
        }
        _ => Leaf::EMPTY,
    }
}

fn time_leaf(g: &GuestCpuid<'_>, subleaf: u32) -> Leaf {
    let d = g.domain;
    let flag = |set, bit| if set { bit } else { 0 };
    match subleaf {
        0 => Leaf {
            a: flag(d.vtsc, XEN_CPUID_TSC_EMULATED)
                | flag(g.host.tsc_reliable, XEN_CPUID_HOST_TSC_RELIABLE)
                | flag(
                    g.policies.host().has(xen_abi::cpufeatureset::X86_FEATURE_RDTSCP),
                    XEN_CPUID_RDTSCP_INSTR_AVAIL,
                ),
            b: d.tsc_mode,
            c: d.tsc_khz,
            d: d.incarnation,
        },
        1 => {
            // What an emulated RDTSC returns has the offset in it already.
            let offset = if d.vtsc { 0 } else { d.tsc_offset };
            Leaf {
                a: offset as u32,
                b: (offset >> 32) as u32,
                c: d.tsc_to_ns_mul,
                d: i32::from(d.tsc_to_ns_shift) as u32,
            }
        }
        2 => Leaf { a: g.host.tsc_khz, ..Leaf::EMPTY },
        _ => Leaf::EMPTY,
    }
}
