//! What the boot loader left: [`parse`] turns Multiboot 1, Multiboot 2 or PVH start information into one [`BootInfo`].
//!
//! Physical memory is reached through [`PhysView`], so the parsers run in tests as well. Everything is copied, for the
//! loader's structures lie in memory that will be reused.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod efi;
mod info;
mod mb1;
mod mb2;
mod pvh;
mod ranges;
mod screen;
mod text;
mod view;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_efi;

pub use efi::{EfiRegion, EfiSystem, MAX_EFI_REGIONS, MAX_VENDOR};
pub use info::{BootInfo, MAX_MODULES, MAX_REGIONS, MemKind, Module, Protocol, Region};
pub use ranges::{MAX_RANGES, Range, Ranges};
pub use screen::{Colour, Screen};
pub use text::Text;
pub use view::PhysView;

/// What a Multiboot 1 loader leaves in EAX.
pub const MULTIBOOT1_MAGIC: u32 = 0x2bad_b002;
/// What a Multiboot 2 loader leaves in EAX.
pub const MULTIBOOT2_MAGIC: u32 = 0x36d7_6289;
/// The first word of PVH start information (`xen/arch-x86/hvm/start_info.h`).
pub const PVH_MAGIC: u32 = 0x336e_c578;

/// Why there is no [`BootInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The loader speaks none of the three protocols.
    UnknownLoader,
    /// A structure of the loader cannot be read or contradicts itself.
    Malformed,
    /// The loader gave no memory map.
    NoMemoryMap,
    /// The loader left EFI's boot services running, although the image does not ask for it.
    BootServices,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::UnknownLoader => {
                "the boot loader speaks neither Multiboot 1 or 2 nor PVH: use \"multiboot2\" of GRUB"
            }
            Self::Malformed => "what the boot loader left contradicts itself: use another version of the loader",
            Self::NoMemoryMap => "the boot loader passed no memory map: use \"multiboot2\" of GRUB",
            Self::BootServices => {
                "the boot loader left EFI's boot services running, which the image does not ask for: use GRUB 2"
            }
        })
    }
}

/// Reads what the loader left: `magic` is the value of EAX and `addr` that of EBX at the entry point.
///
/// # Errors
/// See [`Error`]; `info` is then incomplete.
pub fn parse(view: &impl PhysView, magic: u32, addr: u64, info: &mut BootInfo) -> Result<(), Error> {
    match magic {
        MULTIBOOT1_MAGIC => mb1::parse(view, addr, info)?,
        MULTIBOOT2_MAGIC => mb2::parse(view, addr, info)?,
        _ if view.u32(addr) == Some(PVH_MAGIC) => pvh::parse(view, addr, info)?,
        _ => return Err(Error::UnknownLoader),
    }
    // Of the Multiboot loaders only GRUB 2 leaves the files' names out.
    if info.protocol != Protocol::Pvh && !info.loader.starts_with("GRUB 2") {
        info.drop_names();
    }
    if info.regions().is_empty() { Err(Error::NoMemoryMap) } else { Ok(()) }
}
