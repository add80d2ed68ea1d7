//! `GNTTABOP_set_version`, which rewrites the table in the other format, and `GNTTABOP_swap_grant_ref`.

use fx_types::{Errno, Mfn, PhysMem, Result};
use xen_abi::grant_table::{
    GNTST_BAD_GNTREF, GNTST_EAGAIN, GNTST_OKAY, GNTTAB_NR_RESERVED_ENTRIES, GTF_PERMIT_ACCESS, GTF_READING,
    GTF_SUB_PAGE, GTF_TRANSITIVE, GTF_TYPE_MASK, GTF_WRITING, GnttabSwapGrantRef,
};

use crate::entry::{Granted, Place};
use crate::interlock::unused;
use crate::{GrantHost, GrantStatus, GrantTable};

const RESERVED: usize = GNTTAB_NR_RESERVED_ENTRIES as usize;
const MARKS: u32 = (GTF_READING | GTF_WRITING) as u32;

/// The first 4 bytes (with the marks, which the pins tell) and the frame of entries that are kept across a change of format.
type Kept = [(u32, u64); RESERVED];

impl GrantTable {
    /// `GNTTABOP_set_version`: all entries but the reserved ones are lost. Whatever the result, the guest is told the
    /// [`version`](Self::version) in effect.
    ///
    /// # Errors
    /// `EINVAL` for an unknown format, `ENOSYS` for one that the limits forbid, `EBUSY` when an entry that is not reserved is
    /// in use, `ERANGE` when a reserved entry has no equivalent in format 1, `ENOMEM`.
    pub fn set_version<G: GrantHost>(&self, host: &G, version: u32) -> Result {
        if version != 1 && version != 2 {
            return Err(Errno::EINVAL);
        }
        if version > self.limits.max_version {
            return Err(Errno::ENOSYS);
        }
        let mut granted = self.granted.lock();
        if granted.version == version {
            return Ok(());
        }
        if granted.active_from(GNTTAB_NR_RESERVED_ENTRIES).any(|(_, act)| !act.pins.is_empty()) {
            return Err(Errno::EBUSY);
        }
        if granted.frames.is_empty() {
            granted.version = version;
            return Ok(());
        }
        let mem = host.mem();
        let kept = keep(&granted, mem)?;
        if version == 2 {
            let frames = granted.frames.len();
            granted.grow_status(host, frames)?;
        }
        rewrite(&mut granted, mem, version, &kept);
        Ok(())
    }

    /// `GNTTABOP_swap_grant_ref`: swaps two entries that are not in use, and fills `op.status` in.
    pub fn swap_grant_ref<G: GrantHost>(&self, host: &G, op: &mut GnttabSwapGrantRef) {
        op.status = match self.swap(host.mem(), op.ref_a, op.ref_b) {
            Ok(()) => GNTST_OKAY,
            Err(status) => status,
        };
    }

    fn swap<P: PhysMem>(&self, mem: &P, ref_a: u32, ref_b: u32) -> GrantStatus {
        let mut granted = self.granted.lock();
        let a = granted.place(ref_a).ok_or(GNTST_BAD_GNTREF)?;
        let b = granted.place(ref_b).ok_or(GNTST_BAD_GNTREF)?;
        if ref_a == ref_b {
            return Ok(());
        }
        for gref in [ref_a, ref_b] {
            if granted.active(gref).is_none_or(|act| !act.pins.is_empty()) {
                return Err(GNTST_EAGAIN);
            }
        }
        // Neither is in use, so the marks of format 2 are clear on both sides.
        let words: u64 = if a.v2 { 2 } else { 1 };
        for offset in (0..words).map(|i| i.wrapping_mul(8)) {
            let (at_a, at_b) = (a.entry.add(offset), b.entry.add(offset));
            let (in_a, in_b) = (mem.load64(at_a), mem.load64(at_b));
            mem.store64(at_a, in_b);
            mem.store64(at_b, in_a);
        }
        Ok(())
    }
}

/// Reads the reserved entries, and refuses those of format 2 that format 1 cannot express.
fn keep<P: PhysMem>(granted: &Granted, mem: &P) -> Result<Kept> {
    let mut kept = [(0, 0); RESERVED];
    for ((gref, act), slot) in granted.active_from(0).zip(kept.iter_mut()) {
        let Some(at) = granted.place(gref) else { continue };
        let (header, frame) = if at.v2 {
            keep_v2(mem, &at)?
        } else {
            (mem.load32(at.entry), u64::from(mem.load32(at.entry.add(4))))
        };
        *slot = (header & !MARKS | u32::from(MARKS as u16 & !unused(act.pins)), frame);
    }
    Ok(kept)
}

fn keep_v2<P: PhysMem>(mem: &P, at: &Place) -> Result<(u32, u64)> {
    let header = mem.load32(at.entry);
    let frame = mem.load64(at.entry.add(8));
    let kind = header as u16 & GTF_TYPE_MASK;
    let narrow = kind == GTF_PERMIT_ACCESS && (header as u16 & GTF_SUB_PAGE != 0 || frame >> 32 != 0);
    if kind == GTF_TRANSITIVE || narrow { Err(Errno::ERANGE) } else { Ok((header, frame)) }
}

/// Empties the table and writes the reserved entries in the new format.
fn rewrite<P: PhysMem>(granted: &mut Granted, mem: &P, version: u32, kept: &Kept) {
    granted.version = version;
    let shared = granted.frames.iter().map(|f| f.mfn);
    shared.chain(granted.status.iter().copied()).for_each(|mfn: Mfn| mem.zero_frame(mfn));
    for (gref, &(header, frame)) in (0..).zip(kept) {
        let Some(at) = granted.place(gref) else { continue };
        if at.v2 {
            mem.store64(at.entry.add(8), frame);
            mem.fetch_or32(at.status, (header & MARKS) << at.shift);
            mem.store32(at.entry, header & !MARKS);
        } else {
            mem.store32(at.entry.add(4), frame as u32);
            mem.store32(at.entry, header);
        }
    }
}
