//! Kexec: `HYPERVISOR_kexec_op`.
//!
//! Source: public header `kexec.h`. Addresses are machine addresses, sizes are bytes.

use crate::xen::GuestHandle;

consts! { u32;
    /// Start the loaded image.
    KEXEC_CMD_KEXEC = 0;
    /// Load an image (obsolete).
    KEXEC_CMD_KEXEC_LOAD_V1 = 1;
    /// Unload an image (obsolete).
    KEXEC_CMD_KEXEC_UNLOAD_V1 = 2;
    /// Query a memory range.
    KEXEC_CMD_KEXEC_GET_RANGE = 3;
    /// Load an image.
    KEXEC_CMD_KEXEC_LOAD = 4;
    /// Unload an image.
    KEXEC_CMD_KEXEC_UNLOAD = 5;
    /// Query whether an image is loaded.
    KEXEC_CMD_KEXEC_STATUS = 6;
}

consts! { i32;
    /// A plain reboot into another kernel.
    KEXEC_TYPE_DEFAULT = 0;
    /// The crash kernel.
    KEXEC_TYPE_CRASH = 1;
    /// `KexecRange::range`: the crash area.
    KEXEC_RANGE_MA_CRASH = 0;
    /// `KexecRange::range`: the hypervisor.
    KEXEC_RANGE_MA_XEN = 1;
    /// `KexecRange::range`: the crash note of a CPU.
    KEXEC_RANGE_MA_CPU = 2;
    /// `KexecRange::range`: the hypervisor's heap.
    KEXEC_RANGE_MA_XENHEAP = 3;
    /// `KexecRange::range`: obsolete.
    KEXEC_RANGE_MA_BOOT_PARAM = 4;
    /// `KexecRange::range`: the EFI memory map.
    KEXEC_RANGE_MA_EFI_MEMMAP = 5;
    /// `KexecRange::range`: the vmcoreinfo note.
    KEXEC_RANGE_MA_VMCOREINFO = 6;
}

abi_struct! {
    /// Argument of `KEXEC_CMD_KEXEC`.
    pub struct KexecExec {
        /// In: `KEXEC_TYPE_*`.
        pub r#type: i32,
    }

    /// Argument of `KEXEC_CMD_KEXEC_GET_RANGE`.
    pub struct KexecRange {
        /// In: `KEXEC_RANGE_*`.
        pub range: i32,
        /// In: physical CPU, for `KEXEC_RANGE_MA_CPU`.
        pub nr: i32,
        /// Out: number of bytes.
        pub size: u64,
        /// Out: first address.
        pub start: u64,
    }

    /// A piece of an image.
    pub struct KexecSegment {
        /// Source buffer.
        pub buf: GuestHandle,
        /// Bytes of the source.
        pub buf_size: u64,
        /// Destination.
        pub dest_maddr: u64,
        /// Bytes of the destination.
        pub dest_size: u64,
    }

    /// Argument of `KEXEC_CMD_KEXEC_LOAD`.
    pub struct KexecLoad {
        /// In: `KEXEC_TYPE_*`.
        pub r#type: u8,
        /// Padding.
        pub _pad: u8,
        /// In: ELF machine type.
        pub arch: u16,
        /// In: number of segments.
        pub nr_segments: u32,
        /// In: array of [`KexecSegment`].
        pub segments: GuestHandle,
        /// In: entry point.
        pub entry_maddr: u64,
    }

    /// Argument of `KEXEC_CMD_KEXEC_UNLOAD`.
    pub struct KexecUnload {
        /// In: `KEXEC_TYPE_*`.
        pub r#type: u8,
    }

    /// Argument of `KEXEC_CMD_KEXEC_STATUS`.
    pub struct KexecStatus {
        /// In: `KEXEC_TYPE_*`.
        pub r#type: u8,
    }
}
