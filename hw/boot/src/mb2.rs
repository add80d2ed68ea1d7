//! Multiboot 2 (specification 2.0, section 3.6).

use crate::Error;
use crate::efi;
use crate::info::{BootInfo, Module, Protocol};
use crate::screen::Screen;
use crate::text::Text;
use crate::view::PhysView;

const TAG_END: u32 = 0;
const TAG_CMDLINE: u32 = 1;
const TAG_LOADER: u32 = 2;
const TAG_MODULE: u32 = 3;
const TAG_MMAP: u32 = 6;
const TAG_SCREEN: u32 = 8;
const TAG_EFI64: u32 = 12;
const TAG_ACPI_OLD: u32 = 14;
const TAG_ACPI_NEW: u32 = 15;
const TAG_EFI_MMAP: u32 = 17;
const TAG_EFI_BOOT_SERVICES: u32 = 18;
/// The information's length that is believed: loaders need some kilobytes.
const MAX_TOTAL: u32 = 1 << 20;

pub(crate) fn parse(view: &impl PhysView, addr: u64, out: &mut BootInfo) -> Result<(), Error> {
    out.protocol = Protocol::Multiboot2;
    let total = view.u32(addr).filter(|t| *t <= MAX_TOTAL).ok_or(Error::Malformed)?;
    let end = addr + u64::from(total);
    let mut at = addr + 8;
    while at + 8 <= end {
        let kind = view.u32(at).ok_or(Error::Malformed)?;
        let size = u64::from(view.u32(at + 4).ok_or(Error::Malformed)?);
        if kind == TAG_END {
            break;
        }
        if size < 8 || at + size > end {
            return Err(Error::Malformed);
        }
        tag(view, kind, at, size, out)?;
        at += size.next_multiple_of(8);
    }
    Ok(())
}

fn tag(view: &impl PhysView, kind: u32, at: u64, size: u64, out: &mut BootInfo) -> Result<(), Error> {
    match kind {
        TAG_CMDLINE => out.cmdline = Text::read(view, at + 8),
        TAG_LOADER => out.loader = Text::read(view, at + 8),
        TAG_MODULE => {
            let start = view.u32(at + 8).ok_or(Error::Malformed)?;
            let end = view.u32(at + 12).ok_or(Error::Malformed)?;
            let len = end.checked_sub(start).ok_or(Error::Malformed)?;
            let cmdline = Text::read(view, at + 16);
            out.add_module(Module { addr: u64::from(start), len: u64::from(len), cmdline });
        }
        // EFI's own map says more.
        TAG_MMAP if out.efi_regions().is_empty() => memory_map(view, at, size, out)?,
        TAG_EFI_MMAP => efi_memory_map(view, at, size, out)?,
        TAG_EFI64 => efi_system(view, view.u64(at + 8).ok_or(Error::Malformed)?, out),
        // The header does not ask for them.
        TAG_EFI_BOOT_SERVICES => return Err(Error::BootServices),
        TAG_SCREEN => out.screen = Screen::read(view, at),
        TAG_ACPI_OLD if out.rsdp_copy.is_none() => out.rsdp_copy = Some(rsdp(view, at, size)?),
        TAG_ACPI_NEW => out.rsdp_copy = Some(rsdp(view, at, size)?),
        _ => {}
    }
    Ok(())
}

fn memory_map(view: &impl PhysView, at: u64, size: u64, out: &mut BootInfo) -> Result<(), Error> {
    let entry_size = u64::from(view.u32(at + 8).filter(|s| *s >= 20).ok_or(Error::Malformed)?);
    let mut entry = at + 16;
    while entry + entry_size <= at + size {
        let start = view.u64(entry).ok_or(Error::Malformed)?;
        let len = view.u64(entry + 8).ok_or(Error::Malformed)?;
        out.add_region(start, len, view.u32(entry + 16).ok_or(Error::Malformed)?);
        entry += entry_size;
    }
    Ok(())
}

fn efi_memory_map(view: &impl PhysView, at: u64, size: u64, out: &mut BootInfo) -> Result<(), Error> {
    let descriptor = u64::from(view.u32(at + 8).ok_or(Error::Malformed)?);
    let len = size.checked_sub(16).ok_or(Error::Malformed)?;
    efi::memory_map(view, at + 16, len, descriptor, out).ok_or(Error::Malformed)
}

fn efi_system(view: &impl PhysView, addr: u64, out: &mut BootInfo) {
    out.efi = true;
    if let Some((system, rsdp)) = efi::system(view, addr) {
        out.efi_system = Some(system);
        out.rsdp = rsdp;
    }
}

/// The tag carries a copy of the structure: 20 bytes of revision 0, or 36.
fn rsdp(view: &impl PhysView, at: u64, size: u64) -> Result<[u8; 36], Error> {
    let mut copy = [0; 36];
    let len = usize::try_from(size - 8).unwrap_or(0).min(copy.len());
    let part = copy.get_mut(..len).ok_or(Error::Malformed)?;
    if view.read(at + 8, part) { Ok(copy) } else { Err(Error::Malformed) }
}
