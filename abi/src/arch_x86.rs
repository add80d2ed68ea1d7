//! x86-64 (`arch-x86/xen.h`, `arch-x86/xen-x86_64.h`): selectors, address space, trap table, architecture flags.

mod context;
mod cpuid;

pub use context::*;
pub use cpuid::*;

consts! { u16;
    /// 32-bit code of ring 3.
    FLAT_RING3_CS32 = 0xe023;
    /// 64-bit code of ring 3.
    FLAT_RING3_CS64 = 0xe033;
    /// 32-bit data of ring 3.
    FLAT_RING3_DS32 = 0xe02b;
    /// 64-bit data of ring 3: the null selector.
    FLAT_RING3_DS64 = 0;
    /// 32-bit stack of ring 3.
    FLAT_RING3_SS32 = 0xe02b;
    /// 64-bit stack of ring 3.
    FLAT_RING3_SS64 = 0xe02b;
    /// Data of a 64-bit kernel.
    FLAT_KERNEL_DS64 = FLAT_RING3_DS64;
    /// Data of a 32-bit kernel.
    FLAT_KERNEL_DS32 = FLAT_RING3_DS32;
    /// Data of a kernel.
    FLAT_KERNEL_DS = FLAT_KERNEL_DS64;
    /// Code of a 64-bit kernel.
    FLAT_KERNEL_CS64 = FLAT_RING3_CS64;
    /// Code of a 32-bit kernel.
    FLAT_KERNEL_CS32 = FLAT_RING3_CS32;
    /// Code of a kernel.
    FLAT_KERNEL_CS = FLAT_KERNEL_CS64;
    /// Stack of a 64-bit kernel.
    FLAT_KERNEL_SS64 = FLAT_RING3_SS64;
    /// Stack of a 32-bit kernel.
    FLAT_KERNEL_SS32 = FLAT_RING3_SS32;
    /// Stack of a kernel.
    FLAT_KERNEL_SS = FLAT_KERNEL_SS64;
    /// Data of a 64-bit program.
    FLAT_USER_DS64 = FLAT_RING3_DS64;
    /// Data of a 32-bit program.
    FLAT_USER_DS32 = FLAT_RING3_DS32;
    /// Data of a program.
    FLAT_USER_DS = FLAT_USER_DS64;
    /// Code of a 64-bit program.
    FLAT_USER_CS64 = FLAT_RING3_CS64;
    /// Code of a 32-bit program.
    FLAT_USER_CS32 = FLAT_RING3_CS32;
    /// Code of a program.
    FLAT_USER_CS = FLAT_USER_CS64;
    /// Stack of a 64-bit program.
    FLAT_USER_SS64 = FLAT_RING3_SS64;
    /// Stack of a 32-bit program.
    FLAT_USER_SS32 = FLAT_RING3_SS32;
    /// Stack of a program.
    FLAT_USER_SS = FLAT_USER_SS64;
}

consts! { u32;
    /// First page of a GDT that belongs to Xen.
    FIRST_RESERVED_GDT_PAGE = 14;
    /// First byte of a GDT that belongs to Xen.
    FIRST_RESERVED_GDT_BYTE = FIRST_RESERVED_GDT_PAGE * 4096;
    /// First descriptor of a GDT that belongs to Xen.
    FIRST_RESERVED_GDT_ENTRY = FIRST_RESERVED_GDT_BYTE / 8;
    /// How many vCPUs the shared information page has room for.
    XEN_LEGACY_MAX_VCPUS = 32;
    /// Base of FS.
    SEGBASE_FS = 0;
    /// Base of GS in user mode.
    SEGBASE_GS_USER = 1;
    /// Base of GS in kernel mode.
    SEGBASE_GS_KERNEL = 2;
    /// Loads the selector in bits 0 to 15 into the user's GS.
    SEGBASE_GS_USER_SEL = 3;
}

consts! { u64;
    /// Start of Xen's part of the address space.
    HYPERVISOR_VIRT_START = 0xFFFF_8000_0000_0000;
    /// End (exclusive) of Xen's part of the address space.
    HYPERVISOR_VIRT_END = 0xFFFF_8800_0000_0000;
    /// Start of the read-only machine-to-physical table.
    MACH2PHYS_VIRT_START = 0xFFFF_8000_0000_0000;
    /// End (exclusive) of the machine-to-physical table.
    MACH2PHYS_VIRT_END = 0xFFFF_8040_0000_0000;
    /// Entries of the machine-to-physical table, 8 bytes each.
    MACH2PHYS_NR_ENTRIES = (MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3;
    /// Size of a page in bytes.
    PAGE_SIZE = 1 << PAGE_SHIFT;
}

/// Logarithm of the size of a page.
pub const PAGE_SHIFT: u32 = 12;

/// Prefix of an instruction that is to be emulated (`ud2; .ascii "xen"`).
pub const XEN_EMULATE_PREFIX: [u8; 5] = [0x0f, 0x0b, 0x78, 0x65, 0x6e];

/// Port to which HVM guests write debug output.
pub const XEN_HVM_DEBUGCONS_IOPORT: u16 = 0xe9;

consts! { u8;
    /// `TrapInfo::flags`: the bits of the privilege level.
    TI_DPL_MASK = 3;
    /// `TrapInfo::flags`: mask events on entry.
    TI_IF = 4;
}

consts! { u32;
    /// Usable RAM.
    E820_RAM = 1;
    /// Reserved.
    E820_RESERVED = 2;
    /// ACPI tables; reclaimable.
    E820_ACPI = 3;
    /// ACPI non-volatile storage.
    E820_NVS = 4;
    /// Defective memory.
    E820_UNUSABLE = 5;
}

consts! { u32;
    /// Local APIC.
    XEN_X86_EMU_LAPIC = 1 << 0;
    /// HPET.
    XEN_X86_EMU_HPET = 1 << 1;
    /// Power management timer.
    XEN_X86_EMU_PM = 1 << 2;
    /// Real-time clock.
    XEN_X86_EMU_RTC = 1 << 3;
    /// I/O APIC.
    XEN_X86_EMU_IOAPIC = 1 << 4;
    /// 8259 PICs.
    XEN_X86_EMU_PIC = 1 << 5;
    /// VGA.
    XEN_X86_EMU_VGA = 1 << 6;
    /// IOMMU.
    XEN_X86_EMU_IOMMU = 1 << 7;
    /// 8254 PIT.
    XEN_X86_EMU_PIT = 1 << 8;
    /// Interrupts through event channels.
    XEN_X86_EMU_USE_PIRQ = 1 << 9;
    /// Virtual PCI in Xen.
    XEN_X86_EMU_VPCI = 1 << 10;
    /// All devices.
    XEN_X86_EMU_ALL = (1 << 11) - 1;
    /// `misc_flags`: unknown MSRs read as zero instead of faulting.
    XEN_X86_MSR_RELAXED = 1 << 0;
    /// The highest flag of `misc_flags`.
    XEN_X86_MISC_FLAGS_MAX = XEN_X86_MSR_RELAXED;
    /// `CpuidLeaf::subleaf` of a leaf without sub-leaves.
    XEN_CPUID_NO_SUBLEAF = 0xffff_ffff;
}

abi_struct! {
    /// One entry of the trap table.
    pub struct TrapInfo {
        /// Exception vector.
        pub vector: u8,
        /// Privilege level and `TI_IF`.
        pub flags: u8,
        /// Code selector.
        pub cs: u16,
        /// Padding.
        pub _pad: u32,
        /// Code offset; zero ends a table.
        pub address: u64,
    }

    /// x86 part of the configuration of a new domain (`xen_arch_domainconfig`).
    pub struct ArchDomainconfig {
        /// `XEN_X86_EMU_*`.
        pub emulation_flags: u32,
        /// `XEN_X86_MSR_RELAXED`.
        pub misc_flags: u32,
    }

    /// One CPUID leaf (`xen_cpuid_leaf`).
    pub struct CpuidLeaf {
        /// Leaf.
        pub leaf: u32,
        /// Sub-leaf or `XEN_CPUID_NO_SUBLEAF`.
        pub subleaf: u32,
        /// EAX.
        pub a: u32,
        /// EBX.
        pub b: u32,
        /// ECX.
        pub c: u32,
        /// EDX.
        pub d: u32,
    }

    /// One MSR (`xen_msr_entry`).
    pub struct MsrEntry {
        /// Number.
        pub idx: u32,
        /// Zero.
        pub flags: u32,
        /// Value.
        pub val: u64,
    }
}

/// One entry of an E820 map: 20 bytes, without padding (`XENMEM_memory_map`).
#[repr(C, packed)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    zerocopy::FromBytes,
    zerocopy::IntoBytes,
    zerocopy::Immutable,
    zerocopy::KnownLayout,
    zerocopy::Unaligned,
)]
pub struct E820Entry {
    /// First byte.
    pub addr: u64,
    /// Bytes.
    pub size: u64,
    /// `E820_*`.
    pub type_: u32,
}

/// The value of CR3 for a root frame.
#[must_use]
pub const fn xen_pfn_to_cr3(pfn: u64) -> u64 {
    pfn << PAGE_SHIFT
}

/// The root frame of a value of CR3.
#[must_use]
pub const fn xen_cr3_to_pfn(cr3: u64) -> u64 {
    cr3 >> PAGE_SHIFT
}
