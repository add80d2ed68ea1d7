//! What page tables need of the composition, and references to frames in terms of it.

use fx_frames::{FrameTable, FrameType, TypeGain, TypeLoss};
use fx_types::{DomId, Errno, Mfn, PhysMem, Result};

use crate::table;

/// The composition, as page tables see it.
pub trait PtHost {
    /// Real memory.
    type Mem: PhysMem;
    /// Real memory.
    fn mem(&self) -> &Self::Mem;
    /// The records of all frames.
    fn frames(&self) -> &FrameTable;
    /// Drops every translation that a CPU may still hold of `owner`'s address spaces: a frame that was mapped writable there
    /// is about to become a table, or the other way round.
    fn flush_domain(&self, owner: DomId);
    /// The same, if there may be any from `since` or before (in the time of [`FrameTable::clock`]). A composition that
    /// remembers when it flushed saves most flushes here.
    #[inline]
    fn flush_domain_since(&self, owner: DomId, since: u64) {
        let _ = since;
        self.flush_domain(owner);
    }
    /// Whether `dom` may map RAM with other caching attributes than write-back. Only for domains with devices: through an
    /// uncached mapping memory gets contents that the hypervisor, which reads through the cache, does not see.
    fn uncached_ram_allowed(&self, dom: DomId) -> bool {
        let _ = dom;
        false
    }
    /// Whether `dom` may map the frame `mfn`, which is no RAM.
    fn io_allowed(&self, dom: DomId, mfn: Mfn) -> bool;
    /// The last reference to `mfn` is gone: frees it.
    fn release(&self, mfn: Mfn);
    /// Writes the hypervisor's own slots into a level-4 table.
    fn fill_hypervisor_slots(&self, l4: Mfn);
}

/// Takes a reference to a frame of `owner`'s.
///
/// # Errors
/// `EINVAL` when it is not RAM or not that domain's.
#[inline]
pub fn get_frame<H: PtHost>(h: &H, mfn: Mfn, owner: DomId) -> Result {
    h.frames().get(mfn).ok_or(Errno::EINVAL)?.get(owner)
}

/// Gives a reference back.
#[inline]
pub fn put_frame<H: PtHost>(h: &H, mfn: Mfn) {
    if h.frames().get(mfn).is_some_and(fx_frames::FrameInfo::put) {
        h.release(mfn);
    }
}

/// Takes a reference to a frame of `owner`'s as `wanted`, checking the contents if need be.
///
/// # Errors
/// `EINVAL` when it is not the domain's or its contents are not right, `EBUSY` when it is in use as something else.
#[inline]
pub fn get_typed<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, wanted: FrameType) -> Result {
    let info = h.frames().get(mfn).ok_or(Errno::EINVAL)?;
    info.get(owner)?;
    let gained = loop {
        match info.get_type(wanted) {
            // Another CPU checks or releases it right now; that ends soon.
            Err(Errno::EAGAIN) => fx_sync::relax(),
            other => break other,
        }
    };
    let checked = match gained {
        Ok(TypeGain::Ready) => return Ok(()),
        Ok(TypeGain::Validate { was }) => become_type(h, mfn, owner, wanted, was),
        Err(e) => Err(e),
    };
    if checked.is_err() {
        put_frame(h, mfn);
    }
    checked
}

fn become_type<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, wanted: FrameType, was: FrameType) -> Result {
    let Some(info) = h.frames().get(mfn) else { return Err(Errno::EINVAL) };
    // What was writable may still be written through a stale translation; through what was a table a CPU may still walk,
    // from the table above that it remembers.
    if was != FrameType::None && was != wanted {
        h.flush_domain_since(owner, info.stale_since());
    }
    if !wanted.needs_validation() {
        info.validated();
        return Ok(());
    }
    let checked = match wanted.level() {
        Some(level) => table::validate(h, mfn, owner, level),
        None => table::validate_descriptors(h, mfn),
    };
    match checked {
        Ok(()) => info.validated(),
        Err(_) => info.abandon(),
    }
    checked
}

/// Takes a reference to a frame of `owner`'s that is in use as `wanted` already; contents are not checked.
///
/// # Errors
/// `EINVAL` when it is not the domain's or not (quite) that.
#[inline]
pub fn get_typed_again<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, wanted: FrameType) -> Result {
    let info = h.frames().get(mfn).ok_or(Errno::EINVAL)?;
    info.get(owner)?;
    let taken = info.get_type_again(wanted);
    if taken.is_err() {
        put_frame(h, mfn);
    }
    taken
}

/// Gives a typed reference, and the plain one below it, back.
#[inline]
pub fn put_typed<H: PtHost>(h: &H, mfn: Mfn) {
    let Some(info) = h.frames().get(mfn) else { return };
    if info.put_type(h.frames().clock()) == TypeLoss::Invalidate {
        if let Some(level) = info.word().frame_type().level() {
            table::invalidate(h, mfn, info.owner(), level, pte_count());
        }
        info.abandon();
    }
    put_frame(h, mfn);
}

const fn pte_count() -> u64 {
    crate::pte::ENTRIES
}
