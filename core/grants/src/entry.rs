//! The entries of a table: where the shared ones lie, and the hypervisor's own records of those in use.

use alloc::boxed::Box;
use alloc::vec::Vec;

use fx_types::{DomId, Maddr, Mfn, PAGE_SIZE};
use xen_abi::xen::DOMID_INVALID;

use crate::Pins;

/// Entries of format 1 in a frame; also the records that are kept for each frame, whatever the format.
pub(crate) const V1_PER_FRAME: usize = 512;
/// Entries of format 2 in a frame.
pub(crate) const V2_PER_FRAME: usize = 256;
/// Grant frames of format 2 whose status words fill one status frame.
pub(crate) const FRAMES_PER_STATUS: usize = 8;
const V2_PER_STATUS: usize = FRAMES_PER_STATUS * V2_PER_FRAME;

/// The hypervisor's record of an entry that is in use; without a pin the other fields mean nothing.
#[derive(Clone, Copy)]
pub(crate) struct Active {
    pub mfn: Mfn,
    pub pins: Pins,
    /// The entry that a transitive one leads to.
    pub via_gref: u32,
    /// The domain of the entry that a transitive one leads to, else `DOMID_INVALID`.
    pub via: u16,
    /// Who uses it.
    pub domid: u16,
    pub start: u16,
    pub length: u16,
    /// Whether only copying is allowed: sub-page and transitive grants.
    pub copy_only: bool,
}

impl Active {
    pub const UNUSED: Self = Self {
        mfn: Mfn::INVALID,
        pins: Pins::of_mapping(0),
        via_gref: 0,
        via: DOMID_INVALID,
        domid: DOMID_INVALID,
        start: 0,
        length: PAGE_SIZE as u16,
        copy_only: false,
    };

    #[inline]
    pub fn is_transitive(&self) -> bool {
        self.via != DOMID_INVALID
    }
}

/// An entry in use, for debug output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveInfo {
    /// The entry.
    pub gref: u32,
    /// Who uses it.
    pub domid: DomId,
    /// The granted frame; invalid for a transitive entry.
    pub mfn: Mfn,
    /// How often it is in use.
    pub pins: Pins,
}

/// A frame of the table with its share of the records.
pub(crate) struct TableFrame {
    pub mfn: Mfn,
    pub active: Box<[Active]>,
}

/// Where a shared entry lies.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The entry; its first 4 bytes are flags and domid.
    pub entry: Maddr,
    /// The aligned 4 bytes with the `GTF_reading` and `GTF_writing` bits.
    pub status: Maddr,
    /// How far these bits are shifted within them.
    pub shift: u32,
    pub v2: bool,
}

/// The granting side of a table.
pub(crate) struct Granted {
    /// 1 or 2.
    pub version: u32,
    pub frames: Vec<TableFrame>,
    /// Status frames: those of format 2 stay when the format goes back to 1, because the guest may have mapped them.
    pub status: Vec<Mfn>,
    /// The domain is being destroyed: its frames are not looked at any more, while what is in use is still given back.
    pub closed: bool,
}

impl Granted {
    /// Where the entry `gref` lies; none beyond the end of the table, or when it is closed.
    #[inline]
    pub fn place(&self, gref: u32) -> Option<Place> {
        if self.closed {
            return None;
        }
        let n = gref as usize;
        if self.version == 1 {
            let frame = self.frames.get(n / V1_PER_FRAME)?;
            let entry = frame.mfn.at(((n % V1_PER_FRAME) as u64) << 3);
            return Some(Place { entry, status: entry, shift: 0, v2: false });
        }
        self.place_v2(n)
    }

    fn place_v2(&self, n: usize) -> Option<Place> {
        let frame = self.frames.get(n / V2_PER_FRAME)?;
        let status = self.status.get(n / V2_PER_STATUS)?;
        let byte = ((n % V2_PER_STATUS) as u64) << 1;
        Some(Place {
            entry: frame.mfn.at(((n % V2_PER_FRAME) as u64) << 4),
            status: status.at(byte & !3),
            shift: ((byte & 2) as u32) << 3,
            v2: true,
        })
    }

    /// The record of the entry `gref`.
    #[inline]
    pub fn active(&mut self, gref: u32) -> Option<&mut Active> {
        let n = gref as usize;
        self.frames.get_mut(n / V1_PER_FRAME)?.active.get_mut(n % V1_PER_FRAME)
    }

    /// How many entries there are.
    pub fn entries(&self) -> u32 {
        let per_frame = if self.version == 1 { V1_PER_FRAME } else { V2_PER_FRAME };
        self.frames.len().saturating_mul(per_frame) as u32
    }

    /// The records from entry `from` on, with their numbers.
    pub fn active_from(&self, from: u32) -> impl Iterator<Item = (u32, &Active)> {
        let (frame, first) = (from as usize / V1_PER_FRAME, from as usize % V1_PER_FRAME);
        let records = self.frames.iter().skip(frame).flat_map(|f| f.active.iter());
        (from..).zip(records.skip(first))
    }
}
