//! The firmware's tables in physical memory.

use fx_acpi::Acpi;
use fx_boot::{EfiRegion, Screen};
use fx_domain::firmware;
use fx_sync::Lock;
use xen_abi::xen::{
    Dom0VgaConsoleInfo, VgaTextMode3, VgaVesaLfb, XEN_VGATYPE_EFI_LFB, XEN_VGATYPE_TEXT_MODE_3,
    XEN_VGATYPE_VESA_LFB,
};

use super::paging;
use crate::layout::{DIRECT_MAP, DIRECT_MAP_END};
use crate::machine::mmio::{self, Cache};
use crate::machine::phys;

const PAGE: u64 = 4096;

/// Physical memory that holds firmware tables: in the direct map, or mapped for the purpose.
pub struct Firmware;

/// The page outside of the direct map that was mapped last: its physical address and where.
static LAST: Lock<(u64, u64)> = Lock::new((u64::MAX, 0));

impl fx_acpi::Memory for Firmware {
    fn read(&self, addr: u64, buf: &mut [u8]) -> bool {
        let mut at = addr;
        let mut rest = buf;
        while !rest.is_empty() {
            let room = (PAGE - at % PAGE) as usize;
            let (piece, tail) = rest.split_at_mut(room.min(rest.len()));
            let Some(from) = page(at & !(PAGE - 1)) else { return false };
            // SAFETY: the page is mapped, and the piece does not leave it.
            unsafe { phys::copy_bytes(piece.as_mut_ptr(), (from + at % PAGE) as *const u8, piece.len()) };
            at += piece.len() as u64;
            rest = tail;
        }
        true
    }
}

/// Where the page at `phys` is mapped.
fn page(phys: u64) -> Option<u64> {
    if phys >= DIRECT_MAP_END - DIRECT_MAP {
        return None;
    }
    if paging::is_mapped(DIRECT_MAP + phys) {
        return Some(DIRECT_MAP + phys);
    }
    let mut last = LAST.lock();
    if last.0 != phys {
        *last = (phys, mmio::map(phys, PAGE, Cache::WriteBack)? as u64);
    }
    Some(last.1)
}

/// ACPI's tables: from the root pointer that the loader told or passed a copy of. A BIOS's is searched for otherwise.
pub fn acpi() -> Option<Acpi> {
    let info = super::info();
    let copy = || info.rsdp_copy.as_ref().map(|copy| paging::image_phys(copy.as_ptr() as u64));
    let rsdp = info.rsdp.or_else(copy);
    if info.efi { Acpi::at(&Firmware, rsdp?).ok() } else { Acpi::find(&Firmware, rsdp).ok() }
}

/// What the hardware domain may ask for.
pub fn for_dom0() -> firmware::Firmware {
    let info = super::info();
    let efi = info.efi_system.as_ref().map(|s| firmware::Efi {
        version: s.version,
        tables: (s.tables, s.nr_tables),
        vendor: (s.vendor.iter().copied().take_while(|c| *c != 0).collect(), s.vendor_revision),
        map: info.efi_regions().iter().map(efi_memory).collect(),
    });
    firmware::Firmware { display: info.screen.map(|s| display(s, info.efi)), efi }
}

fn efi_memory(r: &EfiRegion) -> firmware::EfiMemory {
    firmware::EfiMemory { kind: r.kind, start: r.start, len: r.len, attributes: r.attributes }
}

/// The display in Xen's words.
fn display(screen: Screen, efi: bool) -> Dom0VgaConsoleInfo {
    /// Rows of a character's picture; loaders leave the adapter's 8 by 16.
    const FONT_HEIGHT: u16 = 16;
    let mut info = Dom0VgaConsoleInfo::default();
    match screen {
        Screen::Text { columns, rows } => {
            info.video_type = XEN_VGATYPE_TEXT_MODE_3;
            info.set_text_mode_3(VgaTextMode3 {
                font_height: FONT_HEIGHT,
                cursor_x: 0,
                cursor_y: rows.saturating_sub(1),
                rows,
                columns,
            });
        }
        Screen::Pixels { base, pitch, width, height, depth, colours: [red, green, blue] } => {
            info.video_type = if efi { XEN_VGATYPE_EFI_LFB } else { XEN_VGATYPE_VESA_LFB };
            let bytes = u64::from(pitch) * u64::from(height);
            info.set_vesa_lfb(VgaVesaLfb {
                width,
                height,
                bytes_per_line: u16::try_from(pitch).unwrap_or(u16::MAX),
                bits_per_pixel: u16::from(depth),
                lfb_base: base as u32,
                // In units of 64 KiB.
                lfb_size: bytes.div_ceil(1 << 16) as u32,
                red_pos: red.shift,
                red_size: red.bits,
                green_pos: green.shift,
                green_size: green.bits,
                blue_pos: blue.shift,
                blue_size: blue.bits,
                ext_lfb_base: (base >> 32) as u32,
                ..VgaVesaLfb::default()
            });
        }
    }
    info
}
