//! Where things are in the hypervisor's part of every address space (L4 slots 256–271).

/// The machine-to-physical map as guests read it (`xen/arch-x86/xen-x86_64.h`), 8 bytes a frame.
pub const M2P_GUEST: u64 = 0xffff_8000_0000_0000;
/// Device memory.
pub const IO: u64 = 0xffff_8080_0000_0000;
/// First address after the part for device memory.
pub const IO_END: u64 = 0xffff_8100_0000_0000;
/// The machine-to-physical map as the hypervisor reads and writes it.
pub const M2P: u64 = 0xffff_8280_0000_0000;
/// The image.
pub const IMAGE: u64 = 0xffff_82d0_4000_0000;
/// Where the image is loaded.
pub const IMAGE_PHYS: u64 = 0x20_0000;
/// From an address in the image to its physical address.
pub const IMAGE_OFFSET: u64 = IMAGE - IMAGE_PHYS;
/// The CPUs' areas, near enough to the image for 32-bit displacements.
pub const CPU_AREAS: u64 = 0xffff_82d0_6000_0000;
/// All RAM, at its physical address above this.
pub const DIRECT_MAP: u64 = 0xffff_8300_0000_0000;
/// First address after it: 5 TiB.
pub const DIRECT_MAP_END: u64 = 0xffff_8800_0000_0000;
/// First of the hypervisor's slots in an L4 table.
pub const FIRST_SLOT: usize = 256;
/// How many there are.
pub const SLOTS: usize = 16;
