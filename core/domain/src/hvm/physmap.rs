//! Guest-physical memory: what guest frames are mapped to, and who holds it meanwhile.
//!
//! An entry for memory holds a typed writable reference, as a level-1 entry of a PV guest does. Frames that leave are stamped by
//! that, and settled (all translations dropped everywhere) before anybody else gets them; the domain's own processors drop
//! theirs when a change ([`Physmap`]) is over. The same settling ends the accesses that the hypervisor itself makes: a CPU
//! answers a shootdown only between them, so a frame that was looked up stays the guest's until the access is over, without a
//! reference of its own.

use alloc::sync::Arc;
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};

use fx_frames::FrameType;
use fx_p2m::{Entry, Kind, P2mHost};
use fx_pagetables::{get_typed, put_typed};
use fx_sync::LockGuard;
use fx_types::{Errno, Mfn, Result};

use super::HvmDomain;
use super::dirty::Dirty;
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;

/// Frames for tables that every domain may take before the toolstack says how many.
const FIRST_POOL: u64 = 256;

/// The frames that a domain's nested page tables may take.
pub struct Pool {
    /// How many.
    pub limit: AtomicU64,
    /// How many it has.
    pub used: AtomicU64,
}

impl Default for Pool {
    fn default() -> Self {
        Self { limit: AtomicU64::new(FIRST_POOL), used: AtomicU64::new(0) }
    }
}

/// The hypervisor, as a domain's nested page tables see it.
pub(crate) struct Nested<'a, H: Hw> {
    host: &'a Host<H>,
    pool: &'a Pool,
    stale: Cell<bool>,
}

impl<'a, H: Hw> Nested<'a, H> {
    /// For tables that no processor uses, and for changes after which the caller drops translations.
    pub(crate) fn new(host: &'a Host<H>, pool: &'a Pool) -> Self {
        Self { host, pool, stale: Cell::new(false) }
    }
}

impl<H: Hw> P2mHost for Nested<'_, H> {
    type Mem = H;

    fn mem(&self) -> &H {
        &self.host.hw
    }

    fn take_table(&self) -> Option<Mfn> {
        let (limit, used) = (self.pool.limit.load(Ordering::Acquire), &self.pool.used);
        let more = |n: u64| (n < limit).then(|| n.wrapping_add(1));
        used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        let table = self.host.alloc_own(0).ok();
        if table.is_none() {
            used.fetch_sub(1, Ordering::AcqRel);
        }
        table
    }

    fn give_table(&self, mfn: Mfn) {
        self.host.free_own(mfn, 0);
        self.pool.used.fetch_sub(1, Ordering::AcqRel);
    }

    fn stale(&self) {
        self.stale.set(true);
    }

    fn replaced(&self, old: &Entry) {
        self.host.let_entry_go(old);
    }

    fn settle(&self) {
        self.host.flush_everywhere();
    }
}

/// Whether entries of a kind hold a reference of type writable to their frames. A grant's pin holds its frame; a device is nobody's.
const fn holds(kind: Kind) -> bool {
    kind.is_ram() || matches!(kind, Kind::Foreign)
}

/// A change of a domain's guest-physical memory. Once it is dropped no processor uses a translation that was replaced.
pub(crate) struct Physmap<'a, H: Hw> {
    host: &'a Host<H>,
    d: &'a Arc<Domain>,
    h: &'a HvmDomain,
    nested: Nested<'a, H>,
}

impl<H: Hw> Drop for Physmap<'_, H> {
    fn drop(&mut self) {
        if self.nested.stale.get() {
            self.host.flush_domain_tlb(self.d);
        }
    }
}

impl<'a, H: Hw> Physmap<'a, H> {
    pub(crate) fn new(host: &'a Host<H>, d: &'a Arc<Domain>, h: &'a HvmDomain) -> Self {
        Self { host, d, h, nested: Nested::new(host, &h.pool) }
    }

    /// Whose memory it is.
    pub(crate) fn domain(&self) -> &'a Arc<Domain> {
        self.d
    }

    /// What a guest frame is.
    pub(crate) fn get(&self, gfn: u64) -> Entry {
        self.h.p2m.get(&self.host.hw, gfn)
    }

    /// Makes 2^`order` guest frames from `gfn` be the frames of `owner` from `new.mfn`. What they were before is let go.
    ///
    /// # Errors
    /// `EINVAL` for frames that are not the owner's or a place that there is not, `ENOMEM` when there are no frames for tables left:
    /// part of it may be done then.
    pub(crate) fn set(&self, owner: &Domain, gfn: u64, new: &Entry) -> Result {
        let (host, h) = (self.host, self.h);
        let aligned = |order: u8| (gfn | new.mfn.0).trailing_zeros() >= u32::from(order);
        let step = [18u8, 9, 0]
            .into_iter()
            .find(|o| *o <= new.order && *o <= h.p2m.max_order() && aligned(*o))
            .unwrap_or(0);
        let mut done = 0;
        while done < 1u64 << new.order {
            let piece = Entry { mfn: new.mfn.add(done), kind: new.kind, order: step };
            let at = gfn.checked_add(done).ok_or(Errno::EINVAL)?;
            host.hold_entry(owner, &piece)?;
            // One entry is replaced as a whole or not at all.
            h.p2m.set(&self.nested, at, &piece).inspect_err(|_| host.let_entry_go(&piece))?;
            if new.kind.is_ram() {
                if h.dirty_on.load(Ordering::Relaxed) {
                    (0..1u64 << step).for_each(|i| host.note_write(h, at.wrapping_add(i)));
                }
                (0..1u64 << step).for_each(|i| host.hw.set_m2p(piece.mfn.add(i), at.wrapping_add(i)));
            }
            done = done.wrapping_add(1 << step);
        }
        Ok(())
    }

    /// Makes a guest frame, whatever it was, nothing.
    ///
    /// # Errors
    /// `ENOMEM` when a large entry has to be split and there are no frames for tables left, `EINVAL` when the domain ends.
    pub(crate) fn clear(&self, gfn: u64) -> Result {
        self.h.p2m.set(&self.nested, gfn, &Entry::NONE)
    }

    /// Gives back the memory of a guest frame that is about to be another's, as its owner could not reach it any more.
    ///
    /// # Errors
    /// `EBUSY` when it is a grant, `ENOMEM` as [`Self::clear`].
    pub(crate) fn uncover(&self, gfn: u64) -> Result {
        let here = self.get(gfn);
        match here.kind {
            // Only its unmapping ends a grant's mapping.
            Kind::Grant | Kind::GrantReadOnly => return Err(Errno::EBUSY),
            Kind::OnDemand => return self.host.forgo_on_demand(self.d, self.h, gfn),
            Kind::None => return Ok(()),
            _ => self.clear(gfn)?,
        }
        if here.kind.is_ram() {
            // What the hypervisor shares stays.
            let _ = self.host.drop_frame(self.d, here.mfn);
        }
        Ok(())
    }

    /// The notes of its writes.
    pub(crate) fn dirty(&self) -> LockGuard<'_, Dirty> {
        self.h.dirty.lock()
    }

    /// Whether some of its writes are noted.
    pub(crate) fn note_writes(&self, on: bool) {
        self.h.dirty_on.store(on, Ordering::Relaxed);
    }

    /// Takes the right to write from those of the 64 frames from `first` on whose bits are set: the next write is noted.
    pub(crate) fn watch(&self, first: u64, word: u64) {
        let noted = |kind| (kind == Kind::Ram).then_some(Kind::RamLogDirty);
        for bit in (0..64u64).filter(|bit| word >> bit & 1 != 0) {
            self.h.p2m.retype(&self.nested, &mut first.wrapping_add(bit), 1, noted);
        }
    }

    /// Makes a frame be found elsewhere in the domain's memory.
    ///
    /// # Errors
    /// `EINVAL` when it is no memory, and those of [`Self::uncover`] and [`Self::set`].
    pub(crate) fn rename(&self, from: u64, to: u64) -> Result {
        let old = self.get(from);
        if !old.kind.is_ram() || from == to {
            return Err(Errno::EINVAL);
        }
        self.uncover(to)?;
        self.set(self.d, to, &Entry { mfn: old.mfn, kind: old.kind, order: 0 })?;
        self.clear(from)
    }

    /// Places a page that the hypervisor shares with the domain; it is found at one place only.
    ///
    /// # Errors
    /// Those of [`Self::uncover`] and [`Self::set`].
    pub(crate) fn place_own(&self, gfn: u64, mfn: Mfn) -> Result {
        let before = self.host.hw.m2p(mfn);
        let here = self.get(gfn);
        if here.kind == Kind::Ram && here.mfn == mfn {
            return Ok(());
        }
        self.uncover(gfn)?;
        let old = self.get(before);
        if old.kind.is_present() && old.mfn == mfn {
            self.clear(before)?;
        }
        self.set(self.d, gfn, &Entry { mfn, kind: Kind::Ram, order: 0 })
    }
}

impl<H: Hw> Host<H> {
    fn let_entry_go(&self, old: &Entry) {
        if holds(old.kind) {
            (0..1u64 << old.order).for_each(|i| put_typed(self, old.mfn.add(i)));
        }
    }

    fn hold_entry(&self, d: &Domain, new: &Entry) -> Result {
        if !holds(new.kind) {
            return Ok(());
        }
        for i in 0..1u64 << new.order {
            if let Err(e) = get_typed(self, new.mfn.add(i), d.id, FrameType::Writable) {
                (0..i).for_each(|j| put_typed(self, new.mfn.add(j)));
                return Err(e);
            }
        }
        Ok(())
    }

    /// What a guest frame is, after memory that is to be there when it is touched was put there.
    #[inline]
    pub(crate) fn lookup(&self, h: &HvmDomain, gfn: u64) -> Entry {
        let e = h.p2m.get(&self.hw, gfn);
        if e.kind == Kind::OnDemand
            && let Ok(d) = self.domain(h.id)
            && self.populate_on_demand(&d, h, gfn).is_ok()
        {
            return h.p2m.get(&self.hw, gfn);
        }
        e
    }

    /// The frame that a domain names by `gfn`: a PV domain's names are machine frames, another's are looked up.
    ///
    /// # Errors
    /// `EINVAL` when there is no memory.
    #[inline]
    pub(crate) fn frame_of(&self, d: &Domain, gfn: u64) -> Result<Mfn> {
        let Some(h) = &d.hvm else { return Ok(Mfn(gfn)) };
        let e = self.lookup(h, gfn);
        if e.kind.is_ram() { Ok(e.mfn) } else { Err(Errno::EINVAL) }
    }

    /// Gives back the frames of a dying domain's nested page tables and what their entries hold, a bounded part in each call.
    ///
    /// # Errors
    /// `ERESTART` while there is more to do.
    pub(crate) fn release_physmap(&self, d: &Arc<Domain>) -> Result {
        /// Entries of one pass.
        const PASS: u32 = 2048;
        let Some(h) = &d.hvm else { return Ok(()) };
        let mut t = h.teardown.lock();
        if !t.done {
            t.done = h.p2m.destroy(&Nested::new(self, &h.pool), &mut t.next, PASS);
        }
        if t.done { Ok(()) } else { Err(Errno::ERESTART) }
    }
}
