//! One frame's record and the transitions of its word.

use core::sync::atomic::{AtomicU64, Ordering};

use fx_types::{DomId, Errno, Result};

use crate::word::{FrameType, Word};

/// What the hypervisor knows of one frame: 24 bytes.
#[derive(Debug, Default)]
#[repr(C)]
pub struct FrameInfo {
    word: AtomicU64,
    /// Owner (bits 0–15); free, and of which order (32–39).
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
    /// The frame has just become this type: the caller validates it (and nobody else can use it until it says
    /// `validated` or `abandon`). `was` tells its type before: from `Writable`, stale writable translations must be
    /// flushed on every CPU first.
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

const ORDER_SHIFT: u32 = 32;
const FREE: u64 = 0x80;

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

    /// Makes the frame `owner`'s, with the one reference that the allocation itself is. `hypervisor` marks memory of the
    /// hypervisor's own that is shared with the domain. Only for a frame that came from the allocator just now.
    pub fn assign(&self, owner: DomId, hypervisor: bool) {
        self.meta.store(u64::from(owner.0), Ordering::Relaxed);
        let w = Word(1).with_allocated(true).with_hypervisor(hypervisor);
        self.word.store(w.0, Ordering::Release);
    }

    /// Gives a frame that nobody refers to another owner (exchange, steal).
    pub fn set_owner(&self, owner: DomId) {
        self.meta.store(u64::from(owner.0), Ordering::Relaxed);
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
    /// afterwards it is unreferenced and untyped.
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
            Ok((Word(0), ()))
        })
    }

    /// Takes a typed reference (on top of a plain one that the caller holds).
    ///
    /// # Errors
    /// `EBUSY` when the frame is in use as another type, `EAGAIN` when another CPU is validating it, `EOVERFLOW` when there
    /// are too many references.
    #[inline]
    pub fn get_type(&self, wanted: FrameType) -> Result<TypeGain> {
        self.update(|w| {
            let more = w.more_type_refs().ok_or(Errno::EOVERFLOW)?;
            if w.type_refs() == 0 {
                let fresh = wanted.needs_validation();
                let gain = if fresh || w.frame_type() != wanted {
                    TypeGain::Validate { was: w.frame_type() }
                } else {
                    TypeGain::Ready
                };
                return Ok((more.with_type(wanted).with_validated(!fresh), gain));
            }
            if w.frame_type() != wanted {
                return Err(Errno::EBUSY);
            }
            if w.validated() {
                return Ok((more, TypeGain::Ready));
            }
            Err(Errno::EAGAIN)
        })
    }

    /// The contents are right: others may take references of the type.
    pub fn validated(&self) {
        let _ = self.update(|w| Ok((w.with_validated(true), ())));
    }

    /// The contents are not right, or were just invalidated: the one typed reference goes, and the type with it.
    pub fn abandon(&self) {
        let _ = self.update(|w| {
            let less = w.fewer_type_refs().unwrap_or(w);
            Ok((less.with_type(FrameType::None).with_validated(false), ()))
        });
    }

    /// Gives a typed reference back.
    #[inline]
    pub fn put_type(&self) -> TypeLoss {
        self.update(|w| {
            if w.type_refs() == 1 && w.validated() && w.frame_type().needs_validation() {
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
    /// `EINVAL` when it is pinned already.
    pub fn pin(&self) -> Result {
        self.update(|w| if w.pinned() { Err(Errno::EINVAL) } else { Ok((w.with_pinned(true), ())) })
    }

    /// Takes the mark off.
    ///
    /// # Errors
    /// `EINVAL` when it is not pinned.
    pub fn unpin(&self) -> Result {
        self.update(|w| if w.pinned() { Ok((w.with_pinned(false), ())) } else { Err(Errno::EINVAL) })
    }

    pub(crate) fn set_free(&self, order: u8) {
        self.word.store(0, Ordering::Relaxed);
        self.meta.store((FREE | u64::from(order)) << ORDER_SHIFT, Ordering::Release);
    }

    pub(crate) fn clear_free(&self) {
        self.meta.store(0, Ordering::Release);
    }

    /// The order of the free block that starts at this frame.
    pub(crate) fn free_order(&self) -> Option<u8> {
        let b = self.meta.load(Ordering::Acquire) >> ORDER_SHIFT;
        (b & FREE != 0).then_some((b & 0x7f) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned() -> FrameInfo {
        let f = FrameInfo::default();
        f.assign(DomId(1), false);
        f
    }

    #[test]
    fn a_type_is_exclusive_and_returns() {
        let f = owned();
        assert_eq!(
            f.get_type(FrameType::Writable),
            Ok(TypeGain::Validate { was: FrameType::None })
        );
        assert_eq!(f.get_type(FrameType::Writable), Ok(TypeGain::Ready));
        assert_eq!(f.get_type(FrameType::L1), Err(Errno::EBUSY));
        assert_eq!(f.put_type(), TypeLoss::Done);
        assert_eq!(f.put_type(), TypeLoss::Done);
        assert_eq!(
            f.get_type(FrameType::L1),
            Ok(TypeGain::Validate { was: FrameType::Writable })
        );
        assert_eq!(f.get_type(FrameType::L1), Err(Errno::EAGAIN));
        assert_eq!(f.get_type(FrameType::Writable), Err(Errno::EBUSY));
        f.validated();
        assert_eq!(f.get_type(FrameType::L1), Ok(TypeGain::Ready));
        assert_eq!(f.put_type(), TypeLoss::Done);
        assert_eq!(f.put_type(), TypeLoss::Invalidate);
        assert_eq!(f.get_type(FrameType::L1), Err(Errno::EAGAIN));
        f.abandon();
        assert_eq!(f.word().type_refs(), 0);
    }

    #[test]
    fn the_last_reference_frees() {
        let f = owned();
        assert!(f.get(DomId(1)).is_ok());
        assert_eq!(f.deallocate(), Some(false));
        assert_eq!(f.deallocate(), None);
        assert!(f.put());
        assert_eq!(f.get_any(), Err(Errno::EINVAL));
    }
}
