//! Single entries: the reference that each holds, and their exchange.

use fx_frames::FrameType;
use fx_types::{DomId, Errno, Maddr, Mfn, PhysMem, Result};

use crate::host::{PtHost, get_frame, get_typed, put_frame, put_typed};
use crate::pte;

/// Takes the reference that entry `e` of a table of `level` needs, and returns what is to be written for it. `owner` owns
/// the table, `target` the frames that a level-1 entry may point to (another domain for foreign mappings).
///
/// # Errors
/// `EINVAL` or `EBUSY` when the guest may not have this entry.
#[inline]
pub fn get_entry<H: PtHost>(h: &H, level: u8, e: u64, owner: DomId, target: DomId) -> Result<u64> {
    if !pte::present(e) {
        return Ok(e);
    }
    if !pte::allowed(level, e) {
        return Err(Errno::EINVAL);
    }
    let mfn = pte::frame(e);
    if level > 1 {
        let below = FrameType::table(level.wrapping_sub(1)).ok_or(Errno::EINVAL)?;
        get_typed(h, mfn, owner, below)?;
        return Ok(pte::adjusted(e));
    }
    if e & pte::CACHING != 0 && !is_device(h, mfn) && !h.uncached_ram_allowed(owner) {
        return Err(Errno::EINVAL);
    }
    let taken = if e & pte::RW != 0 {
        get_typed(h, mfn, target, FrameType::Writable)
    } else {
        get_frame(h, mfn, target)
    };
    if taken.is_err() {
        // Devices have no counts: whoever may use them may map them.
        if !is_device(h, mfn) {
            return taken.map(|()| e);
        }
        if !h.io_allowed(owner, mfn) {
            // What tools write for "no frame" is a mistake rather than a trespass.
            return Err(if mfn.0 == pte::LAST_FRAME { Errno::EINVAL } else { Errno::EPERM });
        }
        return Ok(pte::adjusted(device_entry(h, mfn, e)));
    }
    Ok(pte::adjusted(e))
}

/// What is written for an entry that maps a device: uncached unless the guest chose another way of caching, and read-only
/// where only the hypervisor may write.
#[cold]
fn device_entry<H: PtHost>(h: &H, mfn: Mfn, e: u64) -> u64 {
    let cached = e & pte::CACHING == 0;
    let e = if cached { e | pte::PWT | pte::PCD } else { e };
    if h.io_read_only(mfn) { e & !pte::RW } else { e }
}

fn is_device<H: PtHost>(h: &H, mfn: Mfn) -> bool {
    h.frames().get(mfn).is_none_or(fx_frames::FrameInfo::is_device)
}

/// Gives back the reference that entry `e`, which was in a table of `level`, holds.
#[inline]
pub fn put_entry<H: PtHost>(h: &H, level: u8, e: u64, _owner: DomId) {
    if !pte::present(e) || e & pte::GRANT != 0 {
        return;
    }
    let mfn = pte::frame(e);
    if level > 1 || e & pte::RW != 0 {
        put_typed(h, mfn);
    } else {
        put_frame(h, mfn);
    }
}

/// One change of one entry.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Where the entry is: in a table of `level` to which the caller holds a typed reference.
    pub at: Maddr,
    /// The level of the table.
    pub level: u8,
    /// What the guest wants there.
    pub new: u64,
    /// Who owns the table.
    pub owner: DomId,
    /// Whose frames a level-1 entry may point to.
    pub target: DomId,
    /// Keep the accessed and dirty bits that are there (`MMU_PT_UPDATE_PRESERVE_AD`).
    pub keep_ad: bool,
}

impl Change {
    fn is_reserved(&self) -> bool {
        pte::reserved_slot(self.level, self.at.offset() / 8)
    }
}

const AD: u64 = pte::ACCESSED | pte::DIRTY;
/// Flags that may change without a new reference.
const FREE_TO_CHANGE: u64 = AD | pte::NX | pte::SOFTWARE | pte::USER | pte::GLOBAL;

/// Writes an entry.
///
/// # Errors
/// `EINVAL`, `EPERM` or `EBUSY` when the guest may not have it.
#[inline]
pub fn exchange<H: PtHost>(h: &H, c: &Change) -> Result {
    if c.is_reserved() {
        return Err(Errno::EINVAL);
    }
    let mem = h.mem();
    let old = mem.load64(c.at);
    // The same frame with the same rights: the reference stays as it is.
    if pte::present(old)
        && pte::present(c.new)
        && (old ^ c.new) & !FREE_TO_CHANGE == 0
        && pte::allowed(c.level, c.new)
    {
        let mut now = old;
        loop {
            let kept = if c.keep_ad { now & AD } else { 0 };
            match mem.cas64(c.at, now, pte::adjusted(c.new) | kept) {
                Ok(()) => return Ok(()),
                Err(seen) if (seen ^ c.new) & !FREE_TO_CHANGE == 0 => now = seen,
                Err(_) => break,
            }
        }
    }
    let new = get_entry(h, c.level, c.new, c.owner, c.target)?;
    let old = swap(mem, c, new);
    put_entry(h, c.level, old, c.owner);
    Ok(())
}

fn swap<M: PhysMem>(mem: &M, c: &Change, new: u64) -> u64 {
    let mut now = mem.load64(c.at);
    loop {
        let kept = if c.keep_ad { now & AD } else { 0 };
        match mem.cas64(c.at, now, new | kept) {
            Ok(()) => return now,
            Err(seen) => now = seen,
        }
    }
}

/// Writes an entry if it still is `expected`, for a guest's own compare-exchange on a table; `Ok(Err(seen))` when it is not.
///
/// # Errors
/// As [`exchange`].
pub fn exchange_if<H: PtHost>(h: &H, c: &Change, expected: u64) -> Result<core::result::Result<(), u64>> {
    if c.is_reserved() {
        return Err(Errno::EINVAL);
    }
    let new = get_entry(h, c.level, c.new, c.owner, c.target)?;
    match h.mem().cas64(c.at, expected, new) {
        Ok(()) => {
            put_entry(h, c.level, expected, c.owner);
            Ok(Ok(()))
        }
        Err(seen) => {
            put_entry(h, c.level, new, c.owner);
            Ok(Err(seen))
        }
    }
}

const PRESENT: u64 = 1 << 47;
const CODE_OR_DATA: u64 = 1 << 44;
const EXECUTABLE: u64 = 1 << 43;
const CONFORMING: u64 = 1 << 42;

/// A segment descriptor as a guest may have it (AMD64 manual volume 2, sections 4.7 and 4.8): absent, or code or data of
/// ring 3 (lower rings are raised to it). Gates and system segments are refused.
///
/// # Errors
/// `EINVAL` for everything else.
pub fn descriptor(d: u64) -> Result<u64> {
    if d & PRESENT == 0 {
        return Ok(d);
    }
    if d & CODE_OR_DATA == 0 {
        return Err(Errno::EINVAL);
    }
    if d & EXECUTABLE != 0 && d & CONFORMING != 0 {
        return Err(Errno::EINVAL);
    }
    // Ring 3 is where all of a 64-bit guest runs.
    Ok(d | (3 << 45))
}
