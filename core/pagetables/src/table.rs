//! Whole tables: checking one, letting one go, pinning.

use fx_frames::FrameType;
use fx_types::{DomId, Errno, Mfn, PhysMem, Result};

use crate::entry::{get_entry, put_entry};
use crate::host::{End, PtHost, Table, get_typed, put_frame, put_typed};
use crate::pte;

/// Goes on checking, from entry `from` on, that a frame holds a table of type `wanted` that its owner may use: takes a
/// reference for each entry, and adjusts entries as [`pte::adjusted`] says. The entries before hold theirs.
pub(crate) fn validate<H: PtHost>(h: &H, t: &Table, wanted: FrameType, from: u64) -> End {
    let level = wanted.level().unwrap_or(0);
    for i in from..pte::ENTRIES {
        if pte::reserved_slot(level, i) {
            continue;
        }
        let at = t.mfn.at(i.wrapping_mul(8));
        let e = h.mem().load64(at);
        match get_entry(h, level, e, t.owner, t.owner) {
            Ok(adjusted) if adjusted != e => h.mem().store64(at, adjusted),
            Ok(_) => {}
            Err(Errno::ERESTART) => return suspend(h, t, i),
            Err(error) => {
                return if let_go(h, t, wanted, i) { End::Refused(error) } else { End::Partial(error) };
            }
        }
        if level > 1 && pte::present(e) && h.should_yield() {
            return suspend(h, t, i.wrapping_add(1));
        }
    }
    if level == 4 {
        h.fill_hypervisor_slots(t.mfn);
    }
    t.info.validated();
    End::Valid
}

fn suspend<H: PtHost>(h: &H, t: &Table, held: u64) -> End {
    if held == 0 {
        t.info.abandon();
        return End::Refused(Errno::ERESTART);
    }
    t.info.suspend(held);
    // Given up meanwhile, by somebody who did not find it partial: so nobody else will let go what it holds.
    if !t.info.word().allocated() {
        h.unfinished(t.mfn);
    }
    End::Partial(Errno::ERESTART)
}

/// Gives back the references of the first `held` entries, from the last on, and the type. `false` when there are some left:
/// the table is partial then, and the caller's plain reference is its own.
pub(crate) fn let_go<H: PtHost>(h: &H, t: &Table, is: FrameType, held: u64) -> bool {
    let level = is.level().unwrap_or(0);
    let mut left = if level == 0 { 0 } else { held };
    while left > 0 {
        left = left.wrapping_sub(1);
        if pte::reserved_slot(level, left) {
            continue;
        }
        let e = h.mem().load64(t.mfn.at(left.wrapping_mul(8)));
        put_entry(h, level, e, t.owner);
        if level > 1 && left > 0 && pte::present(e) && h.should_yield() {
            t.info.suspend(left);
            h.unfinished(t.mfn);
            return false;
        }
    }
    t.info.abandon();
    true
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
/// `EINVAL` when it is not the domain's, not a right table, or pinned already; `ERESTART` as [`get_typed`].
pub fn pin<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, level: u8) -> Result {
    let wanted = FrameType::table(level).ok_or(Errno::EINVAL)?;
    // In use as something else: the interface has no other word for that.
    get_typed(h, mfn, owner, wanted).map_err(|e| if e == Errno::EBUSY { Errno::EINVAL } else { e })?;
    let pinned = h.frames().get(mfn).ok_or(Errno::EINVAL).and_then(fx_frames::FrameInfo::pin);
    if pinned.is_err() {
        put_typed(h, mfn);
    }
    pinned
}

/// Takes a pin off (`MMUEXT_UNPIN_TABLE`). Of a frame that is given up it is taken off after that, when no other can come.
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
