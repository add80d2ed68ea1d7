//! Entries that map grants. They hold no references: the grant's pin keeps the frame, and whatever the guest does to the
//! entry, only the pin's release gives the frame back. So a pin may be released only together with an entry that it alone
//! accounts for: one of the same frame with the same rights.

use fx_frames::FrameType;
use fx_types::{DomId, Errno, Maddr, Mfn, PhysMem, Result};

use crate::entry::put_entry;
use crate::host::{PtHost, get_typed_again, put_typed};
use crate::pte;

/// An entry that maps a grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantEntry {
    /// Where it is: in a level-1 table of `owner`'s.
    pub at: Maddr,
    /// Who owns the table.
    pub owner: DomId,
    /// The granted frame.
    pub mfn: Mfn,
    /// Whether the grant was mapped writable.
    pub writable: bool,
}

impl GrantEntry {
    fn is(&self, e: u64) -> bool {
        e & (pte::PRESENT | pte::GRANT) == pte::PRESENT | pte::GRANT
            && pte::frame(e) == self.mfn
            && (e & pte::RW != 0) == self.writable
    }
}

/// Holds the level-1 table of `owner` that the entry at `at` is in, while `act` changes it.
fn with_table<H: PtHost, R>(h: &H, at: Maddr, owner: DomId, act: impl FnOnce() -> Result<R>) -> Result<R> {
    get_typed_again(h, at.mfn(), owner, FrameType::L1)?;
    let r = act();
    put_typed(h, at.mfn());
    r
}

/// Makes the entry at `at`, in a level-1 table of `owner`'s, map the granted frame `mfn` with `flags`.
///
/// # Errors
/// `EINVAL` when there is no such table.
pub fn map_grant<H: PtHost>(h: &H, at: Maddr, owner: DomId, mfn: Mfn, flags: u64) -> Result {
    with_table(h, at, owner, || {
        let new = pte::entry(mfn, flags | pte::PRESENT | pte::USER | pte::GRANT);
        put_entry(h, 1, swap(h, at, new), owner);
        Ok(())
    })
}

/// Empties the entry `e`, or, given another entry of the domain's at `from`, moves that one there.
///
/// # Errors
/// `EINVAL` when it does not map that grant so, or is in no level-1 table of the domain's; nothing is changed then.
pub fn replace_grant<H: PtHost>(h: &H, e: &GrantEntry, from: Option<Maddr>) -> Result {
    with_table(h, e.at, e.owner, || {
        let Some(from) = from else { return replace(h, e, 0) };
        if from == e.at || !e.is(h.mem().load64(e.at)) {
            return Err(Errno::EINVAL);
        }
        with_table(h, from, e.owner, || {
            let moved = swap(h, from, 0);
            let done = replace(h, e, moved);
            // Another vCPU was faster: back it goes, unless its place is taken as well.
            if done.is_err() && h.mem().cas64(from, 0, moved).is_err() {
                put_entry(h, 1, moved, e.owner);
            }
            done
        })
    })
}

/// Puts `new` in place of the entry, as long as it is that.
fn replace<H: PtHost>(h: &H, e: &GrantEntry, new: u64) -> Result {
    let mut now = h.mem().load64(e.at);
    while e.is(now) {
        match h.mem().cas64(e.at, now, new) {
            Ok(()) => return Ok(()),
            Err(seen) => now = seen,
        }
    }
    Err(Errno::EINVAL)
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
