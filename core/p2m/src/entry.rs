//! Entries of nested page tables.

use fx_types::{Maddr, Mfn};
use fx_virt::Vendor;

/// What a guest frame is. The numbers are kept in bits of the entries that the processor ignores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Nothing: accesses are emulated.
    None = 0,
    /// Memory.
    Ram = 1,
    /// Memory that the guest may not write; writes are dropped.
    RamReadOnly = 2,
    /// Memory whose next write is noted.
    RamLogDirty = 3,
    /// A device's memory.
    Mmio = 4,
    /// Memory of another domain.
    Foreign = 5,
    /// A grant of another domain's, writable.
    Grant = 6,
    /// A grant of another domain's, read-only.
    GrantReadOnly = 7,
    /// Memory whose writes go to a device model.
    IoreqServer = 8,
    /// Memory that is made when it is first touched.
    OnDemand = 9,
}

impl Kind {
    const fn of(number: u64) -> Self {
        match number {
            1 => Self::Ram,
            2 => Self::RamReadOnly,
            3 => Self::RamLogDirty,
            4 => Self::Mmio,
            5 => Self::Foreign,
            6 => Self::Grant,
            7 => Self::GrantReadOnly,
            8 => Self::IoreqServer,
            9 => Self::OnDemand,
            _ => Self::None,
        }
    }

    /// Whether there is a frame behind it.
    #[must_use]
    pub const fn is_present(self) -> bool {
        !matches!(self, Self::None | Self::OnDemand)
    }

    /// Whether it is memory of the domain's own.
    #[must_use]
    pub const fn is_ram(self) -> bool {
        matches!(self, Self::Ram | Self::RamReadOnly | Self::RamLogDirty | Self::IoreqServer)
    }

    /// Whether the guest writes it without an exit.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::Ram | Self::Mmio | Self::Foreign | Self::Grant)
    }
}

/// What guest frames are mapped to: 2^`order` of them, of which this is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first machine frame; meaningless when nothing is there.
    pub mfn: Mfn,
    /// What it is.
    pub kind: Kind,
    /// log2 of the number of frames: 0, 9 or 18.
    pub order: u8,
}

impl Entry {
    /// Nothing.
    pub const NONE: Self = Self { mfn: Mfn::INVALID, kind: Kind::None, order: 0 };
}

const PRESENT: u64 = 1;
const RW: u64 = 2;
const USER: u64 = 4;
const UNCACHED: u64 = 1 << 3 | 1 << 4;
const ACCESSED_DIRTY: u64 = 0x60;
const LARGE: u64 = 1 << 7;
const NX: u64 = 1 << 63;
/// EPT: read, write, execute.
const EPT_RW: u64 = 3;
const EPT_X: u64 = 4;
const EPT_WRITE_BACK: u64 = 6 << 3;
const KIND_SHIFT: u32 = 52;
const FRAME: u64 = 0x000f_ffff_ffff_f000;

/// The format of a vendor's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format(pub Vendor);

impl Format {
    /// The bits of a leaf.
    pub fn leaf(self, e: &Entry) -> u64 {
        let kind = u64::from(e.kind as u8) << KIND_SHIFT;
        if !e.kind.is_present() {
            return kind;
        }
        let large = if e.order == 0 { 0 } else { LARGE };
        kind | large | e.mfn.addr().0 | self.rights(e.kind)
    }

    fn rights(self, kind: Kind) -> u64 {
        let device = kind == Kind::Mmio;
        let executable =
            matches!(kind, Kind::Ram | Kind::RamReadOnly | Kind::RamLogDirty | Kind::IoreqServer);
        match self.0 {
            Vendor::Svm => {
                PRESENT
                    | USER
                    | ACCESSED_DIRTY
                    | if kind.is_writable() { RW } else { 0 }
                    | if device { UNCACHED } else { 0 }
                    | if executable { 0 } else { NX }
            }
            Vendor::Vmx => {
                (if kind.is_writable() { EPT_RW } else { PRESENT })
                    | if executable { EPT_X } else { 0 }
                    | if device { 0 } else { EPT_WRITE_BACK }
            }
        }
    }

    /// The bits of an entry that refers to a table.
    pub fn table(self, mfn: Mfn) -> u64 {
        mfn.addr().0
            | match self.0 {
                Vendor::Svm => PRESENT | RW | USER | ACCESSED_DIRTY,
                Vendor::Vmx => EPT_RW | EPT_X,
            }
    }
}

/// What the bits of an entry at `level` (1–4) say.
pub(crate) enum Slot {
    /// A leaf, or nothing.
    Leaf(Entry),
    /// A table.
    Table(Mfn),
}

/// Reads an entry at `level`.
pub(crate) fn decode(bits: u64, level: u8) -> Slot {
    let mfn = Maddr(bits & FRAME).mfn();
    let kind = Kind::of(bits >> KIND_SHIFT & 0xf);
    let order = level.saturating_sub(1).saturating_mul(9);
    if bits & PRESENT != 0 && level > 1 && bits & LARGE == 0 {
        return Slot::Table(mfn);
    }
    let kind = if kind.is_present() && bits & PRESENT == 0 { Kind::None } else { kind };
    Slot::Leaf(Entry { mfn, kind, order })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for vendor in [Vendor::Svm, Vendor::Vmx] {
            for kind in [Kind::Ram, Kind::RamReadOnly, Kind::Mmio, Kind::Foreign, Kind::GrantReadOnly] {
                for (level, order) in [(1, 0), (2, 9), (3, 18)] {
                    let e = Entry { mfn: Mfn(0x40_0000), kind, order };
                    match decode(Format(vendor).leaf(&e), level) {
                        Slot::Leaf(back) => assert_eq!(back, e),
                        Slot::Table(_) => panic!("{kind:?}"),
                    }
                }
            }
            assert!(matches!(decode(Format(vendor).table(Mfn(7)), 2), Slot::Table(Mfn(7))));
            let later = Entry { kind: Kind::OnDemand, order: 9, ..Entry::NONE };
            assert!(matches!(
                decode(Format(vendor).leaf(&later), 2),
                Slot::Leaf(Entry { kind: Kind::OnDemand, .. })
            ));
        }
    }

    #[test]
    fn rights() {
        let bits = |kind| Format(Vendor::Svm).leaf(&Entry { mfn: Mfn(1), kind, order: 0 });
        assert_eq!(bits(Kind::Ram) & (PRESENT | RW | NX), PRESENT | RW);
        assert_eq!(bits(Kind::RamReadOnly) & RW, 0);
        assert_eq!(bits(Kind::Grant) & (RW | NX), RW | NX);
        let ept = |kind| Format(Vendor::Vmx).leaf(&Entry { mfn: Mfn(1), kind, order: 0 }) & 7;
        assert_eq!((ept(Kind::Ram), ept(Kind::RamReadOnly), ept(Kind::Grant)), (7, 5, 3));
    }
}
