//! Feature bits of `XENVER_GET_FEATURES` and of the ELF note (`features.h`).

consts! { u32;
    /// Page tables may be mapped writable.
    XENFEAT_WRITABLE_PAGE_TABLES = 0;
    /// Descriptor tables may be mapped writable.
    XENFEAT_WRITABLE_DESCRIPTOR_TABLES = 1;
    /// Frame numbers are guest-physical.
    XENFEAT_AUTO_TRANSLATED_PHYSMAP = 2;
    /// The kernel runs in ring 0.
    XENFEAT_SUPERVISOR_MODE_KERNEL = 3;
    /// PAE roots may lie above 4 GiB.
    XENFEAT_PAE_PGDIR_ABOVE_4GB = 4;
    /// `MMU_PT_UPDATE_PRESERVE_AD`.
    XENFEAT_MMU_PT_UPDATE_PRESERVE_AD = 5;
    /// `MMUEXT_CLEAR_PAGE` and `MMUEXT_COPY_PAGE`.
    XENFEAT_HIGHMEM_ASSIST = 6;
    /// Grant mappings may set the available bits of an entry.
    XENFEAT_GNTTAB_MAP_AVAIL_BITS = 7;
    /// Events of HVM guests arrive at a vector.
    XENFEAT_HVM_CALLBACK_VECTOR = 8;
    /// HVM guests may use the paravirtual clock.
    XENFEAT_HVM_SAFE_PVCLOCK = 9;
    /// HVM guests may use physical interrupts through event channels.
    XENFEAT_HVM_PIRQS = 10;
    /// Operation as Dom0.
    XENFEAT_DOM0 = 11;
    /// `XENMEMF_vnode`.
    XENFEAT_MEMORY_OP_VNODE_SUPPORTED = 13;
    /// Arm's SMC calling convention.
    XENFEAT_ARM_SMCCC_SUPPORTED = 14;
    /// The RSDP of a PVH Linux may lie anywhere.
    XENFEAT_LINUX_RSDP_UNRESTRICTED = 15;
    /// Guest-physical and machine addresses differ.
    XENFEAT_NOT_DIRECT_MAPPED = 16;
    /// Guest-physical and machine addresses are equal.
    XENFEAT_DIRECT_MAPPED = 17;
    /// `VCPUOP_REGISTER_RUNSTATE_PHYS_AREA`.
    XENFEAT_RUNSTATE_PHYS_AREA = 18;
    /// `VCPUOP_REGISTER_VCPU_TIME_PHYS_AREA`.
    XENFEAT_VCPU_TIME_PHYS_AREA = 19;
    /// The device model sees all writes to MSI-X tables.
    XENFEAT_DM_MSIX_ALL_WRITES = 20;
    /// Number of words.
    XENFEAT_NR_SUBMAPS = 1;
}
