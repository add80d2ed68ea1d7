//! The firmware's tables in physical memory.

use fx_sync::Lock;

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

/// Physical address of the ACPI root pointer, when the loader told it or passed a copy.
pub fn rsdp() -> Option<u64> {
    let info = super::info();
    info.rsdp.or_else(|| info.rsdp_copy.as_ref().map(|copy| paging::image_phys(copy.as_ptr() as u64)))
}
