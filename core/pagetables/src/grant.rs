//! Entries that map grants. They hold no references: the grant's pin keeps the frame, and whatever the guest does to the
//! entry, only the pin's release gives the frame back.

use fx_frames::{FrameType, TypeGain};
use fx_types::{DomId, Errno, Maddr, Mfn, PhysMem, Result};

use crate::entry::put_entry;
use crate::host::{PtHost, put_frame, put_typed};
use crate::pte;

/// Holds the level-1 table of `owner` that the entry at `at` is in, while `act` changes it.
fn with_table<H: PtHost, R>(h: &H, at: Maddr, owner: DomId, act: impl FnOnce() -> Result<R>) -> Result<R> {
    let mfn = at.mfn();
    let info = h.frames().get(mfn).ok_or(Errno::EINVAL)?;
    info.get(owner)?;
    match info.get_type(FrameType::L1) {
        Ok(TypeGain::Ready) => {
            let r = act();
            put_typed(h, mfn);
            r
        }
        Ok(TypeGain::Validate { .. }) => {
            info.abandon();
            put_frame(h, mfn);
            Err(Errno::EINVAL)
        }
        Err(e) => {
            put_frame(h, mfn);
            Err(e)
        }
    }
}

/// Makes the entry at `at`, in a level-1 table of `owner`'s, map the granted frame `mfn` with `flags`.
///
/// # Errors
/// `EINVAL` or `EBUSY` when there is no such table.
pub fn map_grant<H: PtHost>(h: &H, at: Maddr, owner: DomId, mfn: Mfn, flags: u64) -> Result {
    with_table(h, at, owner, || {
        let new = pte::entry(mfn, flags | pte::PRESENT | pte::USER | pte::GRANT);
        put_entry(h, 1, swap(h, at, new), owner);
        Ok(())
    })
}

/// Empties the entry at `at` if it maps the granted frame `mfn`; `new` is what is to stand there instead.
///
/// # Errors
/// `EINVAL` when it does not.
pub fn unmap_grant<H: PtHost>(h: &H, at: Maddr, owner: DomId, mfn: Mfn, new: u64) -> Result {
    with_table(h, at, owner, || {
        let now = h.mem().load64(at);
        if !pte::present(now) || now & pte::GRANT == 0 || pte::frame(now) != mfn {
            return Err(Errno::EINVAL);
        }
        // Only the accessed and dirty bits may change meanwhile by themselves.
        put_entry(h, 1, swap(h, at, new), owner);
        Ok(())
    })
}

/// Takes the entry at `at` out, with the reference that it holds.
///
/// # Errors
/// `EINVAL` or `EBUSY` when there is no such table.
pub fn take_entry<H: PtHost>(h: &H, at: Maddr, owner: DomId) -> Result<u64> {
    with_table(h, at, owner, || Ok(swap(h, at, 0)))
}

fn swap<H: PtHost>(h: &H, at: Maddr, new: u64) -> u64 {
    let mut now = h.mem().load64(at);
    loop {
        match h.mem().cas64(at, now, new) {
            Ok(()) => return now,
            Err(seen) => now = seen,
        }
    }
}
