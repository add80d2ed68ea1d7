//! Whole tables: checking one, letting one go, pinning.

use fx_frames::FrameType;
use fx_types::{DomId, Errno, Mfn, PhysMem, Result};

use crate::entry::{get_entry, put_entry};
use crate::host::{PtHost, get_typed, put_frame, put_typed};
use crate::pte;

/// Checks that `mfn` holds a table of `level` that `owner` may use, takes a reference for each entry, and adjusts entries as
/// [`pte::adjusted`] says. On failure nothing is held.
pub(crate) fn validate<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, level: u8) -> Result {
    for i in 0..pte::ENTRIES {
        if pte::reserved_slot(level, i) {
            continue;
        }
        let at = mfn.at(i.wrapping_mul(8));
        let e = h.mem().load64(at);
        match get_entry(h, level, e, owner, owner) {
            Ok(adjusted) if adjusted != e => h.mem().store64(at, adjusted),
            Ok(_) => {}
            Err(error) => {
                invalidate(h, mfn, owner, level, i);
                return Err(error);
            }
        }
    }
    if level == 4 {
        h.fill_hypervisor_slots(mfn);
    }
    Ok(())
}

/// Gives back the references of the first `count` entries.
pub(crate) fn invalidate<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, level: u8, count: u64) {
    for i in 0..count {
        if !pte::reserved_slot(level, i) {
            put_entry(h, level, h.mem().load64(mfn.at(i.wrapping_mul(8))), owner);
        }
    }
}

/// Checks that a frame holds only segment descriptors that a guest may load.
pub(crate) fn validate_descriptors<H: PtHost>(h: &H, mfn: Mfn) -> Result {
    for i in 0..pte::ENTRIES {
        let at = mfn.at(i.wrapping_mul(8));
        let d = h.mem().load64(at);
        let fixed = crate::entry::descriptor(d)?;
        if fixed != d {
            h.mem().store64(at, fixed);
        }
    }
    Ok(())
}

/// Pins `mfn` as a table of `level` (`MMUEXT_PIN_L*_TABLE`): it stays one without being referred to.
///
/// # Errors
/// `EINVAL` when it is not the domain's, not a right table, or pinned already.
pub fn pin<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, level: u8) -> Result {
    let wanted = FrameType::table(level).ok_or(Errno::EINVAL)?;
    get_typed(h, mfn, owner, wanted)?;
    let pinned = h.frames().get(mfn).ok_or(Errno::EINVAL).and_then(fx_frames::FrameInfo::pin);
    if pinned.is_err() {
        put_typed(h, mfn);
    }
    pinned
}

/// Takes a pin off (`MMUEXT_UNPIN_TABLE`).
///
/// # Errors
/// `EINVAL` when it is not the domain's or not pinned.
pub fn unpin<H: PtHost>(h: &H, mfn: Mfn, owner: DomId) -> Result {
    let info = h.frames().get(mfn).ok_or(Errno::EINVAL)?;
    // Held, so that it cannot become somebody else's pinned table meanwhile.
    info.get(owner)?;
    let unpinned = info.unpin();
    if unpinned.is_ok() {
        put_typed(h, mfn);
    }
    put_frame(h, mfn);
    unpinned
}
