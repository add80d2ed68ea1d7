//! Looking addresses up in a guest's tables.

use fx_frames::FrameTable;
use fx_types::{Maddr, Mfn, PhysMem};

use crate::pte;

/// Where the entry of `level` that translates `va` is, in the address space of the level-4 table `l4`; `None` when a level
/// above is not present.
#[must_use]
pub fn table_of<M: PhysMem>(mem: &M, frames: &FrameTable, l4: Mfn, va: u64, level: u8) -> Option<Maddr> {
    let mut table = l4;
    let mut at_level = 4u8;
    while at_level > level {
        let e = mem.load64(table.at(pte::index(at_level, va).wrapping_mul(8)));
        if !pte::present(e) || e & pte::PAT_OR_SUPER != 0 {
            return None;
        }
        table = pte::frame(e);
        frames.get(table)?;
        at_level = at_level.wrapping_sub(1);
    }
    Some(table.at(pte::index(level, va).wrapping_mul(8)))
}

/// The level-1 entry that translates `va`, and where it is.
#[must_use]
pub fn leaf<M: PhysMem>(mem: &M, frames: &FrameTable, l4: Mfn, va: u64) -> Option<(Maddr, u64)> {
    let at = table_of(mem, frames, l4, va, 1)?;
    let e = mem.load64(at);
    pte::present(e).then_some((at, e))
}
