//! One frame's record and the transitions of its word.

use core::sync::atomic::Ordering;

use fx_types::{DomId, Errno, Result};

use crate::atomic::AtomicU64;
use crate::clock::TlbClock;
use crate::word::{FrameType, Word};

/// What the hypervisor knows of one frame: 24 bytes.
#[derive(Debug, Default)]
#[repr(C)]
pub struct FrameInfo {
    word: AtomicU64,
    /// Bits 0–15: the owner, or [`FREE`] and the order of the free block that starts here, or [`DEVICE`]. Above: since when
    /// translations of the frame may be stale ([`TlbClock`]).
    meta: AtomicU64,
    /// Neighbours in the list that the frame is on: next (low half), previous (high half).
    pub(crate) link: AtomicU64,
}

/// What has to be done after a typed reference was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum TypeGain {
    /// The reference is there.
    Ready,
    /// The frame has just become this type: the caller flushes and validates it (and nobody else can use it until it says
    /// `validated` or `abandon`). `was` tells its type before: when that is another one, stale translations of the owner's
    /// must be flushed first. A frame that was writable may be written through them, and a CPU may still walk one that
    /// was a table.
    Validate {
        /// The type that it had before.
        was: FrameType,
    },
}

/// What has to be done after a typed reference was given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum TypeLoss {
    /// Nothing.
    Done,
    /// It was the last: the caller invalidates the contents and then says `invalidated`.
    Invalidate,
}

/// In place of an owner (their numbers are below 0x8000): free; the low bits are the order.
const FREE: u64 = 0x8000;
/// In place of an owner: no RAM.
const DEVICE: u64 = 0xffff;
const OWNER: u64 = 0xffff;
const STAMP_SHIFT: u32 = 16;

impl FrameInfo {
    /// The word as it is now.
    #[inline]
    pub fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    #[inline]
    fn swap(&self, old: Word, new: Word) -> core::result::Result<(), Word> {
        self.word
            .compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Acquire)
            .map(|_| ())
            .map_err(Word)
    }

    /// Applies `change` until no other CPU interferes.
    #[inline]
    fn update<R>(&self, mut change: impl FnMut(Word) -> core::result::Result<(Word, R), Errno>) -> Result<R> {
        let mut w = self.word();
        loop {
            let (new, r) = change(w)?;
            match self.swap(w, new) {
                Ok(()) => return Ok(r),
                Err(now) => w = now,
            }
        }
    }

    /// The domain that owns the frame.
    #[inline]
    pub fn owner(&self) -> DomId {
        DomId(self.meta.load(Ordering::Relaxed) as u16)
    }

    /// Makes the frame `owner`'s, with the one reference that the allocation itself is. Only for a frame that came from the
    /// allocator (after the flush that it may owe, [`Self::stale_since`]) or that was stolen just now: of a stolen one the
    /// type that it had last and the time of that are kept.
    ///
    /// `hypervisor` marks memory of the hypervisor's own that is shared with the domain. The hypervisor writes there
    /// without asking, so such a frame is *writable* for as long as it lives and can never become a table.
    pub fn assign(&self, owner: DomId, hypervisor: bool) {
        self.set_owner(owner);
        let before = self.word().frame_type();
        let w = Word(1).with_allocated(true).with_hypervisor(hypervisor);
        let w = if hypervisor {
            w.with_type(FrameType::Writable).with_validated(true).more_type_refs().unwrap_or(w)
        } else {
            w.with_type(before)
        };
        self.word.store(w.0, Ordering::Release);
    }

    /// Says that there is no RAM behind the record (firmware tables, devices, the first MiB): such a frame is never allocated,
    /// its counts stay zero, and giving a reference back does nothing.
    pub fn mark_device(&self) {
        self.set_low(DEVICE);
    }

    /// Whether [`Self::mark_device`] was said.
    pub fn is_device(&self) -> bool {
        self.meta.load(Ordering::Relaxed) & OWNER == DEVICE
    }

    /// Replaces the owner's field. Nobody refers to the frame, so nobody else writes to it.
    fn set_low(&self, low: u64) {
        let stamp = self.meta.load(Ordering::Relaxed) & !OWNER;
        self.meta.store(stamp | low, Ordering::Release);
    }

    /// Translations of the frame may be stale in every CPU that was last flushed at this time of the [`TlbClock`] or before;
    /// 0 when in none. For a block from the allocator the first frame's record speaks for all.
    #[must_use]
    pub fn stale_since(&self) -> u64 {
        self.meta.load(Ordering::Acquire) >> STAMP_SHIFT
    }

    /// From now on translations of the frame may be stale. The owner's field stays, and later times win over earlier ones.
    fn stamp(&self, now: u64) {
        let low = self.meta.load(Ordering::Relaxed) & OWNER;
        self.meta.fetch_max((now << STAMP_SHIFT) | low, Ordering::AcqRel);
    }

    /// Gives a frame that nobody refers to another owner (exchange, steal).
    pub fn set_owner(&self, owner: DomId) {
        self.set_low(u64::from(owner.0));
    }

    /// Takes a reference if `owner` owns the frame.
    ///
    /// # Errors
    /// `EINVAL` when it is not a frame of that domain's, `EOVERFLOW` when there are too many references.
    #[inline]
    pub fn get(&self, owner: DomId) -> Result {
        self.update(|w| {
            if w.refs() == 0 || self.owner() != owner {
                return Err(Errno::EINVAL);
            }
            Ok((w.more_refs().ok_or(Errno::EOVERFLOW)?, ()))
        })?;
        if self.owner() == owner {
            return Ok(());
        }
        // Between the look at the owner and the exchange the frame was freed and given to somebody else, and its word came
        // to the same value. If the new owner also let go of it meanwhile, this frame stays out of use: safe, and too
        // unlikely to be worth more.
        let _lost = self.put();
        Err(Errno::EINVAL)
    }

    /// Takes a reference whoever the owner is.
    ///
    /// # Errors
    /// `EINVAL` when the frame is free, `EOVERFLOW` when there are too many references.
    #[inline]
    pub fn get_any(&self) -> Result {
        self.update(|w| {
            if w.refs() == 0 {
                return Err(Errno::EINVAL);
            }
            Ok((w.more_refs().ok_or(Errno::EOVERFLOW)?, ()))
        })
    }

    /// Gives a reference back; `true` when it was the last and the frame is to be freed.
    #[inline]
    #[must_use]
    pub fn put(&self) -> bool {
        self.update(|w| {
            let new = w.fewer_refs().unwrap_or(w);
            Ok((new, new.refs() == 0 && w.refs() != 0))
        })
        .unwrap_or(false)
    }

    /// Gives up the allocation's own reference, once; `Some(last)` when this call did it, `None` when it had been done.
    #[must_use]
    pub fn deallocate(&self) -> Option<bool> {
        self.update(|w| {
            if !w.allocated() {
                return Err(Errno::EINVAL);
            }
            let new = w.with_allocated(false).fewer_refs().unwrap_or(w);
            Ok((new, new.refs() == 0))
        })
        .ok()
    }

    /// Takes a frame with no references but `extra` of the caller's besides the allocation's out of use, for exchange:
    /// afterwards it is unreferenced and untyped, but remembers its last type.
    ///
    /// # Errors
    /// `EBUSY` when somebody else refers to it.
    pub fn steal(&self, owner: DomId, extra: u64) -> Result {
        self.update(|w| {
            if !w.allocated() || w.hypervisor() || self.owner() != owner {
                return Err(Errno::EINVAL);
            }
            if w.refs() != extra.saturating_add(1) || w.type_refs() != 0 || w.pinned() {
                return Err(Errno::EBUSY);
            }
            Ok((Word(0).with_type(w.frame_type()), ()))
        })
    }

    /// Takes one more typed reference (on top of a plain one that the caller holds) to a frame that is in use as `wanted`.
    ///
    /// # Errors
    /// `EINVAL` when it is not in use as that or is just being checked or let go, `EOVERFLOW` when there are too many
    /// references. Nothing is changed then.
    #[inline]
    pub fn get_type_again(&self, wanted: FrameType) -> Result {
        self.update(|w| {
            if w.type_refs() == 0 || w.frame_type() != wanted || !w.validated() {
                return Err(Errno::EINVAL);
            }
            Ok((w.more_type_refs().ok_or(Errno::EOVERFLOW)?, ()))
        })
    }

    /// Takes a typed reference (on top of a plain one that the caller holds).
    ///
    /// # Errors
    /// `EBUSY` when the frame is in use as another type, `EAGAIN` when another CPU is validating it or it is a partial table
    /// ([`Self::take_over`]), `EINVAL` when it was given up ([`Self::deallocate`]) and would become a table or descriptors,
    /// `EOVERFLOW` when there are too many references.
    #[inline]
    pub fn get_type(&self, wanted: FrameType) -> Result<TypeGain> {
        self.update(|w| {
            let more = w.more_type_refs().ok_or(Errno::EOVERFLOW)?;
            if w.type_refs() == 0 {
                if wanted.needs_validation() && !w.allocated() {
                    return Err(Errno::EINVAL);
                }
                let was = w.frame_type();
                // Even for *writable*, others must wait until it is flushed as what it was.
                let work = wanted.needs_validation() || (was != wanted && was != FrameType::None);
                let gain = if work { TypeGain::Validate { was } } else { TypeGain::Ready };
                return Ok((more.with_type(wanted).with_validated(!work), gain));
            }
            if w.frame_type() == wanted && w.validated() {
                return Ok((more, TypeGain::Ready));
            }
            Err(if w.frame_type() == wanted || w.partial() { Errno::EAGAIN } else { Errno::EBUSY })
        })
    }

    /// Leaves a table that the caller was validating or letting go as it is: its first `held` entries (more than none) hold
    /// references. The typed reference is gone; one plain reference of the caller's becomes the partial table's own.
    pub fn suspend(&self, held: u64) {
        let _ = self.update(|w| Ok((w.with_held(held), ())));
    }

    /// Takes a partial table over, to go on with it or to let it go: the type and how many entries are held. The caller has
    /// the one typed reference then, as after [`TypeGain::Validate`], and the plain one that was the table's own.
    pub fn take_over(&self) -> Option<(FrameType, u64)> {
        self.update(|w| {
            if w.partial() {
                Ok((w.with_one_worker(), (w.frame_type(), w.held())))
            } else {
                Err(Errno::EINVAL)
            }
        })
        .ok()
    }

    /// The contents are right: others may take references of the type.
    pub fn validated(&self) {
        let _ = self.update(|w| Ok((w.with_validated(true), ())));
    }

    /// The contents are not right, or were just invalidated: the one typed reference goes. The type itself stays as what the
    /// frame was last.
    pub fn abandon(&self) {
        let _ = self.update(|w| Ok((w.fewer_type_refs().unwrap_or(w).with_validated(false), ())));
    }

    /// Gives a typed reference back. Whatever held it (an entry) is gone already.
    #[inline]
    pub fn put_type(&self, clock: &TlbClock) -> TypeLoss {
        self.update(|w| {
            if w.type_refs() != 1 {
                return Ok((w.fewer_type_refs().unwrap_or(w), TypeLoss::Done));
            }
            // Before the count says zero: whoever sees that must see since when translations are stale.
            self.stamp(clock.stamp());
            if w.validated() && w.frame_type().needs_validation() {
                // Nobody may take a reference while the contents are being let go.
                return Ok((w.with_validated(false), TypeLoss::Invalidate));
            }
            Ok((w.fewer_type_refs().unwrap_or(w), TypeLoss::Done))
        })
        .unwrap_or(TypeLoss::Done)
    }

    /// Marks as pinned.
    ///
    /// # Errors
    /// `EINVAL` when it is pinned already, or was given up: who gives it up takes the pin off after that, for good.
    pub fn pin(&self) -> Result {
        self.update(|w| {
            if w.pinned() || !w.allocated() { Err(Errno::EINVAL) } else { Ok((w.with_pinned(true), ())) }
        })
    }

    /// Takes the mark off.
    ///
    /// # Errors
    /// `EINVAL` when it is not pinned.
    pub fn unpin(&self) -> Result {
        self.update(|w| if w.pinned() { Ok((w.with_pinned(false), ())) } else { Err(Errno::EINVAL) })
    }

    /// Starts a free block of 2^`order` frames, of which translations may be stale since `stale`.
    pub(crate) fn set_free(&self, order: u8, stale: u64) {
        self.word.store(0, Ordering::Relaxed);
        self.meta.store((stale << STAMP_SHIFT) | FREE | u64::from(order), Ordering::Release);
    }

    /// No free block starts here any more.
    pub(crate) fn clear_free(&self) {
        self.set_low(0);
    }

    /// The order of the free block that starts at this frame.
    pub(crate) fn free_order(&self) -> Option<u8> {
        let low = self.meta.load(Ordering::Acquire) & OWNER;
        (low & FREE != 0 && low != DEVICE).then_some(low as u8)
    }
}

#[cfg(all(test, not(feature = "loom")))]
#[path = "info_tests.rs"]
mod tests;
