//! Start-of-day information of PVH guests.
//!
//! Source: public header `arch-x86/hvm/start_info.h`. Addresses are guest-physical; 0 means absent.

consts! { u32;
    /// `HvmStartInfo::magic`.
    XEN_HVM_START_MAGIC_VALUE = 0x336e_c578;
    /// RAM.
    XEN_HVM_MEMMAP_TYPE_RAM = 1;
    /// Reserved.
    XEN_HVM_MEMMAP_TYPE_RESERVED = 2;
    /// ACPI tables, reclaimable.
    XEN_HVM_MEMMAP_TYPE_ACPI = 3;
    /// ACPI non-volatile storage.
    XEN_HVM_MEMMAP_TYPE_NVS = 4;
    /// Memory with errors.
    XEN_HVM_MEMMAP_TYPE_UNUSABLE = 5;
    /// Memory that is not enabled.
    XEN_HVM_MEMMAP_TYPE_DISABLED = 6;
    /// Persistent memory.
    XEN_HVM_MEMMAP_TYPE_PMEM = 7;
}

abi_struct! {
    /// Structure that `%ebx` points at when a PVH guest starts.
    pub struct HvmStartInfo {
        /// `XEN_HVM_START_MAGIC_VALUE`.
        pub magic: u32,
        /// Version of this structure (1).
        pub version: u32,
        /// `SIF_*`.
        pub flags: u32,
        /// Number of modules.
        pub nr_modules: u32,
        /// Address of an array of [`HvmModlistEntry`].
        pub modlist_paddr: u64,
        /// Address of the zero-terminated command line.
        pub cmdline_paddr: u64,
        /// Address of the ACPI root pointer.
        pub rsdp_paddr: u64,
        /// Address of an array of [`HvmMemmapTableEntry`] (version 1).
        pub memmap_paddr: u64,
        /// Number of entries of the memory map (version 1).
        pub memmap_entries: u32,
        /// Zero.
        pub reserved: u32,
    }

    /// A module.
    pub struct HvmModlistEntry {
        /// Address of the module.
        pub paddr: u64,
        /// Size in bytes.
        pub size: u64,
        /// Address of its zero-terminated command line.
        pub cmdline_paddr: u64,
        /// Zero.
        pub reserved: u64,
    }

    /// A range of the memory map.
    pub struct HvmMemmapTableEntry {
        /// Base address.
        pub addr: u64,
        /// Size in bytes.
        pub size: u64,
        /// `XEN_HVM_MEMMAP_TYPE_*`.
        pub r#type: u32,
        /// Zero.
        pub reserved: u32,
    }
}
