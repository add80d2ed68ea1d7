//! Page-table entries and what a guest may put in them (AMD64 manual volume 2, section 5.4).

use fx_types::Mfn;

/// The entry translates something.
pub const PRESENT: u64 = 1;
/// Writable.
pub const RW: u64 = 1 << 1;
/// Reachable from ring 3: every PV guest's code, its kernel too.
pub const USER: u64 = 1 << 2;
/// Write-through; bit 0 of the PAT index.
pub const PWT: u64 = 1 << 3;
/// Cache disable; bit 1 of the PAT index.
pub const PCD: u64 = 1 << 4;
/// Accessed.
pub const ACCESSED: u64 = 1 << 5;
/// Dirty.
pub const DIRTY: u64 = 1 << 6;
/// In a level-1 entry bit 2 of the PAT index, above it a superpage.
pub const PAT_OR_SUPER: u64 = 1 << 7;
/// Survives a reload of CR3.
pub const GLOBAL: u64 = 1 << 8;
/// Bits 9–11 and 52–61, which software may use.
pub const SOFTWARE: u64 = (7 << 9) | (0x3ff << 52);
/// The entry maps another domain's grant: its references belong to the grant, not to the entry. Guests cannot set it.
pub const GRANT: u64 = 1 << 62;
/// Not executable.
pub const NX: u64 = 1 << 63;

/// The last frame number that an entry has room for.
pub const LAST_FRAME: u64 = (1 << 40) - 1;
/// The bits of an entry that are the frame's address.
pub const FRAME: u64 = 0x000f_ffff_ffff_f000;
const ANY_LEVEL: u64 = PRESENT | RW | USER | ACCESSED | DIRTY | SOFTWARE | NX | FRAME;
const LEVEL_1: u64 = ANY_LEVEL | CACHING | GLOBAL;
/// How a level-1 entry's frame is cached: not as usual when any of these is set.
pub const CACHING: u64 = PWT | PCD | PAT_OR_SUPER;

/// Entries in a table.
pub const ENTRIES: u64 = 512;

/// The frame that an entry points to.
#[must_use]
#[inline]
pub const fn frame(e: u64) -> Mfn {
    Mfn((e & FRAME) >> 12)
}

/// An entry for `mfn` with `flags`.
#[must_use]
#[inline]
pub const fn entry(mfn: Mfn, flags: u64) -> u64 {
    ((mfn.0 << 12) & FRAME) | flags
}

/// Whether the entry is present.
#[must_use]
#[inline]
pub const fn present(e: u64) -> bool {
    e & PRESENT != 0
}

/// Whether a guest may write this present entry into a table of `level`, as far as its flags go.
#[must_use]
#[inline]
pub const fn allowed(level: u8, e: u64) -> bool {
    let mask = if level == 1 { LEVEL_1 } else { ANY_LEVEL };
    e & !mask == 0
}

/// What is really written for an entry that a guest asks for: reachable from ring 3 (where guest kernels run as well), and
/// never global, so that a load of CR3 drops every translation of the guest.
#[must_use]
#[inline]
pub const fn adjusted(e: u64) -> u64 {
    if present(e) { (e | USER) & !GLOBAL } else { e }
}

/// The index into the level-4 table of an address.
#[must_use]
pub const fn l4_index(va: u64) -> u64 {
    (va >> 39) & 511
}

/// The index into the table of `level` of an address.
#[must_use]
pub const fn index(level: u8, va: u64) -> u64 {
    va.wrapping_shr((level as u32).wrapping_mul(9).wrapping_add(3)) & 511
}

/// First level-4 slot that is the hypervisor's.
pub const HYP_SLOT_FIRST: u64 = 256;
/// Last level-4 slot that is the hypervisor's.
pub const HYP_SLOT_LAST: u64 = 271;

/// Whether a guest may not use `slot` of a table of `level`.
#[must_use]
#[inline]
pub const fn reserved_slot(level: u8, slot: u64) -> bool {
    level == 4 && slot >= HYP_SLOT_FIRST && slot <= HYP_SLOT_LAST
}
