//! Xen's CPUID leaves (`arch-x86/cpuid.h`).

consts! { u32;
    /// The first leaf, unless Viridian leaves come first.
    XEN_CPUID_FIRST_LEAF = 0x4000_0000;
    /// "XenV".
    XEN_CPUID_SIGNATURE_EBX = 0x566e_6558;
    /// "MMXe".
    XEN_CPUID_SIGNATURE_ECX = 0x6558_4d4d;
    /// "nVMM".
    XEN_CPUID_SIGNATURE_EDX = 0x4d4d_566e;
    /// Leaf 3, ECX: `MMU_PT_UPDATE_PRESERVE_AD` is available.
    XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD = 1 << 0;
    /// Leaf 4: RDTSC is emulated.
    XEN_CPUID_TSC_EMULATED = 1 << 0;
    /// Leaf 4: the host's TSC is reliable.
    XEN_CPUID_HOST_TSC_RELIABLE = 1 << 1;
    /// Leaf 4: RDTSCP is available.
    XEN_CPUID_RDTSCP_INSTR_AVAIL = 1 << 2;
    /// TSC mode: emulate when needed.
    XEN_CPUID_TSC_MODE_DEFAULT = 0;
    /// TSC mode: emulate.
    XEN_CPUID_TSC_MODE_ALWAYS_EMULATE = 1;
    /// TSC mode: never emulate.
    XEN_CPUID_TSC_MODE_NEVER_EMULATE = 2;
    /// TSC mode: paravirtualised RDTSCP; no longer available.
    XEN_CPUID_TSC_MODE_PVRDTSCP = 3;
    /// Leaf 5 (HVM), EAX: APIC registers are virtualised.
    XEN_HVM_CPUID_APIC_ACCESS_VIRT = 1 << 0;
    /// Leaf 5: x2APIC accesses are virtualised.
    XEN_HVM_CPUID_X2APIC_VIRT = 1 << 1;
    /// Leaf 5: foreign mappings have IOMMU entries.
    XEN_HVM_CPUID_IOMMU_MAPPINGS = 1 << 2;
    /// Leaf 5: EBX holds the vCPU's number.
    XEN_HVM_CPUID_VCPU_ID_PRESENT = 1 << 3;
    /// Leaf 5: ECX holds the domain's number.
    XEN_HVM_CPUID_DOMID_PRESENT = 1 << 4;
    /// Leaf 5: extended destination numbers in MSIs and the I/O APIC.
    XEN_HVM_CPUID_EXT_DEST_ID = 1 << 5;
    /// Leaf 5: each vCPU may choose its upcall vector.
    XEN_HVM_CPUID_UPCALL_VECTOR = 1 << 6;
    /// Leaf 6 (PV), EBX: the width of machine addresses.
    XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK = 0xff;
    /// The highest leaf, counted from the first.
    XEN_CPUID_MAX_NUM_LEAVES = 5;
}

/// Leaf `i` of Xen.
#[must_use]
pub const fn xen_cpuid_leaf(i: u32) -> u32 {
    XEN_CPUID_FIRST_LEAF.wrapping_add(i)
}
