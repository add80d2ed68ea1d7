//! A domain's grant table.

use alloc::vec::Vec;

use fx_sync::Lock;
use fx_types::{DomId, Errno, Result};

use crate::ActiveInfo;
use crate::entry::Granted;
use crate::maptrack::Maptrack;

/// How large a table may become: from `XEN_DOMCTL_createdomain`, or the command line for the first domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The highest format that the guest may choose: 1 or 2.
    pub max_version: u32,
    /// Frames of shared entries.
    pub max_grant_frames: u32,
    /// Frames of maptrack, 256 handles each.
    pub max_maptrack_frames: u32,
}

/// A domain's grant table: what it grants, and what it has mapped of others' grants.
///
/// A new table has format 1 and no frames; the composition lets it [grow](Self::grow) to one at once.
pub struct GrantTable {
    domid: DomId,
    pub(crate) limits: Limits,
    pub(crate) granted: Lock<Granted>,
    pub(crate) maptrack: Maptrack,
}

impl GrantTable {
    /// The table of the domain `domid`.
    ///
    /// # Errors
    /// `EINVAL` when the limits allow no frame or the version is neither 1 nor 2, `ENOMEM`.
    pub fn new(domid: DomId, limits: Limits) -> Result<Self> {
        if limits.max_grant_frames == 0 || !(1..=2).contains(&limits.max_version) {
            return Err(Errno::EINVAL);
        }
        let granted = Granted { version: 1, frames: Vec::new(), status: Vec::new(), closed: false };
        let maptrack = Maptrack::new(limits.max_maptrack_frames)?;
        Ok(Self { domid, limits, granted: Lock::new(granted), maptrack })
    }

    /// Whose table it is.
    #[inline]
    #[must_use]
    pub fn domid(&self) -> DomId {
        self.domid
    }

    /// What the table was created with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The format in effect, 1 or 2 (`GNTTABOP_get_version`).
    #[must_use]
    pub fn version(&self) -> u32 {
        self.granted.lock().version
    }

    /// Shows every entry in use from `from` on to `see`, at most `budget` records at a time; returns where to go on.
    pub fn for_each_active(&self, from: u32, budget: u32, mut see: impl FnMut(ActiveInfo)) -> Option<u32> {
        let granted = self.granted.lock();
        for (gref, act) in granted.active_from(from).take(budget as usize) {
            if !act.pins.is_empty() {
                see(ActiveInfo { gref, domid: DomId(act.domid), mfn: act.mfn, pins: act.pins });
            }
        }
        let next = from.saturating_add(budget);
        (next < granted.entries()).then_some(next)
    }
}
