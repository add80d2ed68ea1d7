//! What the machine's firmware and the boot loader said, as far as the hardware domain asks for it.

use alloc::boxed::Box;

use xen_abi::xen::Dom0VgaConsoleInfo;

/// What there is to tell.
#[derive(Clone, Debug, Default)]
pub struct Firmware {
    /// The display that the loader left.
    pub display: Option<Dom0VgaConsoleInfo>,
    /// EFI firmware; none on a BIOS.
    pub efi: Option<Efi>,
}

/// EFI firmware. Addresses are the machine's.
#[derive(Clone, Debug)]
pub struct Efi {
    /// Version of the specification: major number in the upper half.
    pub version: u32,
    /// Address and number of the configuration tables.
    pub tables: (u64, u32),
    /// The vendor's name in UCS-2, without a final zero, and its revision of the firmware.
    pub vendor: (Box<[u16]>, u32),
    /// The memory map.
    pub map: Box<[EfiMemory]>,
}

/// A descriptor of EFI's memory map.
#[derive(Clone, Copy, Debug)]
pub struct EfiMemory {
    /// `EFI_MEMORY_TYPE`.
    pub kind: u32,
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub len: u64,
    /// `EFI_MEMORY_*`.
    pub attributes: u64,
}
