//! What page tables need of the composition, and references to frames in terms of it.

use fx_frames::{FrameInfo, FrameTable, FrameType, TypeGain, TypeLoss};
use fx_types::{DomId, Errno, Mfn, PhysMem, Result};

use crate::{pte, table};

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
    /// Whether only the hypervisor may write the frame `mfn`, which is no RAM.
    fn io_read_only(&self, mfn: Mfn) -> bool {
        let _ = mfn;
        false
    }
    /// Whether `dom` may map the frame `mfn`, which is no RAM.
    fn io_allowed(&self, dom: DomId, mfn: Mfn) -> bool;
    /// The last reference to `mfn` is gone: frees it.
    fn release(&self, mfn: Mfn);
    /// Writes the hypervisor's own slots into a level-4 table.
    fn fill_hypervisor_slots(&self, l4: Mfn);
    /// Whether something else waits for this CPU and what it is doing can be taken up later: then the checking of tables ends
    /// with `ERESTART` (to be asked for again by the same call), and what lets tables go leaves them to
    /// [`unfinished`](Self::unfinished). Asked after each entry of a table above level 1.
    #[inline]
    fn should_yield(&self) -> bool {
        false
    }
    /// `mfn` is half let go: somebody calls [`finish`] for it soon, before the guest that caused it runs on. [`Unfinished`]
    /// is a place for such.
    ///
    /// [`Unfinished`]: crate::Unfinished
    fn unfinished(&self, mfn: Mfn) {
        let _ = mfn;
    }
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
/// `EINVAL` when it is not the domain's or its contents are not right, `EBUSY` when it is in use as something else, `ERESTART`
/// when it is not done ([`PtHost::should_yield`]): asked again, it goes on where it stopped.
#[inline]
pub fn get_typed<H: PtHost>(h: &H, mfn: Mfn, owner: DomId, wanted: FrameType) -> Result {
    let info = h.frames().get(mfn).ok_or(Errno::EINVAL)?;
    info.get(owner)?;
    match info.get_type(wanted) {
        Ok(TypeGain::Ready) => Ok(()),
        other => get_typed_slowly(h, &Table { mfn, info, owner }, wanted, other),
    }
}

#[cold]
fn get_typed_slowly<H: PtHost>(h: &H, t: &Table, wanted: FrameType, first: Result<TypeGain>) -> Result {
    let mut gained = first;
    let end = loop {
        match gained {
            Ok(TypeGain::Ready) => return Ok(()),
            Ok(TypeGain::Validate { was }) => break become_type(h, t, wanted, was),
            Err(Errno::EAGAIN) => {
                if let Some((is, held)) = t.info.take_over() {
                    // The partial table's own reference: the caller has one as well.
                    put_frame(h, t.mfn);
                    if is == wanted {
                        break table::validate(h, t, wanted, held);
                    }
                    if !table::let_go(h, t, is, held) {
                        break End::Partial(Errno::ERESTART);
                    }
                } else {
                    // Another CPU checks or releases it right now; that ends soon.
                    fx_sync::relax();
                }
            }
            Err(e) => break End::Refused(e),
        }
        gained = t.info.get_type(wanted);
    };
    match end {
        End::Valid => Ok(()),
        End::Refused(e) => {
            put_frame(h, t.mfn);
            Err(e)
        }
        End::Partial(e) => Err(e),
    }
}

/// A frame that becomes a table or ceases to be one, in the hands of this CPU.
pub(crate) struct Table {
    pub(crate) mfn: Mfn,
    pub(crate) info: &'static FrameInfo,
    pub(crate) owner: DomId,
}

/// How the checking of a frame ended.
pub(crate) enum End {
    /// It is what it was to become.
    Valid,
    /// It is not, and holds nothing.
    Refused(Errno),
    /// It holds some references, and the caller's plain reference is its own now.
    Partial(Errno),
}

fn become_type<H: PtHost>(h: &H, t: &Table, wanted: FrameType, was: FrameType) -> End {
    // What was writable may still be written through a stale translation; through what was a table a CPU may still walk,
    // from the table above that it remembers.
    if was != FrameType::None && was != wanted {
        h.flush_domain_since(t.owner, t.info.stale_since());
    }
    if wanted.level().is_some() {
        return table::validate(h, t, wanted, 0);
    }
    let checked = if wanted.needs_validation() { table::validate_descriptors(h, t.mfn) } else { Ok(()) };
    match checked {
        Ok(()) => {
            t.info.validated();
            End::Valid
        }
        Err(e) => {
            t.info.abandon();
            End::Refused(e)
        }
    }
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
        let t = Table { mfn, info, owner: info.owner() };
        if !table::let_go(h, &t, info.word().frame_type(), pte::ENTRIES) {
            return;
        }
    }
    put_frame(h, mfn);
}

/// Lets go what a frame still holds that was left half a table: after [`PtHost::unfinished`], or after its owner gave the
/// frame up. Nothing happens when it is none (any more).
pub fn finish<H: PtHost>(h: &H, mfn: Mfn) {
    let Some(info) = h.frames().get(mfn) else { return };
    if let Some((is, held)) = info.take_over() {
        let t = Table { mfn, info, owner: info.owner() };
        if table::let_go(h, &t, is, held) {
            put_frame(h, mfn);
        }
    }
}
