//! The machine-to-physical map: 8 bytes for each frame, in 2 MiB pages, only where there is RAM.

use fx_boot::{Range, Ranges};
use fx_x86::pte;

use super::early;
use super::paging::{self, Mapping};
use crate::layout::{M2P, M2P_GUEST};

const MIB2: u64 = 2 << 20;
/// Bytes of the map for a byte of RAM, as a shift: 8 bytes for 4096.
const SHIFT: u32 = 9;

/// Allocates and maps the map for this RAM, with every entry invalid.
pub fn create(ram: &Ranges) -> Option<()> {
    let mut wanted = Ranges::EMPTY;
    for r in ram.as_slice() {
        wanted.add(Range::new(r.start >> SHIFT, r.end >> SHIFT).grow(MIB2));
    }
    for piece in wanted.as_slice() {
        for at in (piece.start..piece.end).step_by(MIB2 as usize) {
            let phys = early::alloc(MIB2, MIB2)?;
            // SAFETY: the memory was given to us just now.
            unsafe { core::ptr::write_bytes(paging::phys_ptr(phys), 0xff, MIB2 as usize) };
            let guest = pte::P | pte::US | pte::A | pte::G | pte::NX;
            for (va, flags) in [(M2P, pte::HOST_RW), (M2P_GUEST, guest)] {
                paging::map(&Mapping { va: va + at, phys, len: MIB2, flags, largest: 2 })?;
            }
        }
    }
    Some(())
}
