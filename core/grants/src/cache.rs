//! `GNTTABOP_cache_flush`: which bytes are meant, and whether the caller may touch their frame.

use fx_types::{DomId, Errno, Maddr, Mfn, PAGE_SIZE, Result};
use xen_abi::grant_table::{GNTTAB_CACHE_CLEAN, GNTTAB_CACHE_INVAL, GnttabCacheFlush};

use crate::GrantTable;

/// The bytes of one frame whose cache lines are to be written back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushRange {
    /// First byte.
    pub addr: Maddr,
    /// How many bytes, at least 1.
    pub len: u64,
    /// Whether the lines are to be dropped as well.
    pub invalidate: bool,
}

/// Checks the arguments of `GNTTABOP_cache_flush`; none when there is nothing to do.
///
/// # Errors
/// `EINVAL` for a range beyond the frame or an unknown operation, `EOPNOTSUPP` for invalidation without writing back, which
/// x86 does not have.
pub fn cache_flush_range(op: &GnttabCacheFlush) -> Result<Option<FlushRange>> {
    let (offset, len) = (u64::from(op.offset), u64::from(op.length));
    let known = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL;
    if offset >= PAGE_SIZE || offset.saturating_add(len) > PAGE_SIZE || op.op & !known != 0 {
        return Err(Errno::EINVAL);
    }
    if len == 0 || op.op == 0 {
        return Ok(None);
    }
    if op.op == GNTTAB_CACHE_INVAL {
        return Err(Errno::EOPNOTSUPP);
    }
    let addr = Maddr(op.a).mfn().at(offset);
    Ok(Some(FlushRange { addr, len, invalidate: op.op & GNTTAB_CACHE_INVAL != 0 }))
}

/// How far a search through a table has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// There is one.
    Found,
    /// There is none.
    Missing,
    /// To be continued from this entry on.
    Again(u32),
}

impl GrantTable {
    /// Whether `domid` has an entry of this table in use that grants it `mfn`: looks at `budget` entries from `from` on.
    #[must_use]
    pub fn granted_to(&self, domid: DomId, mfn: Mfn, from: u32, budget: u32) -> Search {
        let granted = self.granted.lock();
        let mut records = granted.active_from(from).take(budget as usize);
        if records.any(|(_, act)| !act.pins.is_empty() && act.domid == domid.0 && act.mfn == mfn) {
            return Search::Found;
        }
        let next = from.saturating_add(budget);
        if next < granted.entries() { Search::Again(next) } else { Search::Missing }
    }
}
