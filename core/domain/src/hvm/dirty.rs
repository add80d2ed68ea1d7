//! Which memory a guest has written since it was last asked: for live migration, and for device models that show its video
//! memory.
//!
//! Memory whose writes are to be noted is mapped without the right to write (`Kind::RamLogDirty`). The first write of a frame
//! gives the right back, for that frame alone, and is noted; taking the notes takes the right away again.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry as Slot;

use fx_p2m::Kind;
use fx_types::{Errno, Result};

use super::HvmDomain;
use super::physmap::{Nested, Physmap};
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;

/// Guest frames of a piece of the notes.
const FRAMES: u64 = 1 << 15;
const WORDS: usize = (FRAMES / 64) as usize;
/// Entries whose kind one pass changes.
const PASS: u32 = 2048;

/// A set of guest frames, in pieces that are there only where something was noted.
#[derive(Default)]
pub struct Notes {
    pieces: BTreeMap<u64, Box<[u64]>>,
    /// There was no memory for a piece: everything counts as written.
    pub all: bool,
}

impl Notes {
    /// How many pieces there are.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Notes a frame.
    pub fn set(&mut self, gfn: u64) {
        let (piece, bit) = (gfn / FRAMES, gfn % FRAMES);
        let words = match self.pieces.entry(piece) {
            Slot::Occupied(there) => there.into_mut(),
            Slot::Vacant(room) => match fx_types::try_filled(WORDS, |_| 0u64) {
                Ok(words) => room.insert(words),
                Err(_) => return self.all = true,
            },
        };
        if let Some(w) = words.get_mut((bit / 64) as usize) {
            *w |= 1u64.wrapping_shl((bit % 64) as u32);
        }
    }

    /// The 64 frames from `first` on (a multiple of that), one bit each; `take` forgets them.
    pub fn word(&mut self, first: u64, take: bool) -> u64 {
        if self.all {
            return u64::MAX;
        }
        let word =
            self.pieces.get_mut(&(first / FRAMES)).and_then(|p| p.get_mut((first % FRAMES / 64) as usize));
        word.map_or(0, |w| if take { core::mem::take(w) } else { *w })
    }
}

/// What is noted of a domain.
#[derive(Default)]
pub struct Dirty {
    /// For migration: the notes, when they are kept.
    pub log: Option<Notes>,
    /// For a device model: the first frame and the number of those that it shows, and their notes, counted from the first.
    pub video: Option<(u64, u64, Notes)>,
    /// Where switching on or off goes on.
    cursor: u64,
    /// Where taking the notes goes on: the first frame, and how many were written before it.
    pub taking: Option<(u64, u32)>,
}

impl Dirty {
    fn note(&mut self, gfn: u64) {
        if let Some(log) = &mut self.log {
            log.set(gfn);
        }
        if let Some((first, count, notes)) = &mut self.video
            && let Some(n) = gfn.checked_sub(*first).filter(|n| n < count)
        {
            notes.set(n);
        }
    }
}

impl<H: Hw> Host<H> {
    /// A write of a frame whose writes are noted: it is noted, and may be written from now on.
    pub(crate) fn note_write(&self, h: &HvmDomain, gfn: u64) {
        let mut dirty = h.dirty.lock();
        let here = h.p2m.get(&self.hw, gfn);
        if !here.kind.is_ram() {
            return;
        }
        if here.kind == Kind::RamLogDirty
            && h.p2m.change_kind(&Nested::new(self, &h.pool), gfn, Kind::Ram).is_err()
        {
            // No frame for a table: the whole entry may be written, and counts as written.
            self.note_whole(h, &mut dirty, gfn);
        }
        dirty.note(gfn);
    }

    /// The large entry that a frame is part of cannot be split.
    fn note_whole(&self, h: &HvmDomain, dirty: &mut Dirty, gfn: u64) {
        let order = h.p2m.get(&self.hw, gfn).order;
        let count = 1u64.wrapping_shl(u32::from(order));
        let mut from = gfn & !count.wrapping_sub(1);
        let _ = h.p2m.retype(&Nested::new(self, &h.pool), &mut from, 1, |_| Some(Kind::Ram));
        (gfn & !count.wrapping_sub(1)..).take(count as usize).for_each(|g| dirty.note(g));
    }

    /// A frame of the domain was written by other ways than the guest's own: by the hypervisor or by those that it granted it to.
    #[inline]
    pub(crate) fn written(&self, d: &Domain, mfn: fx_types::Mfn) {
        if let Some(h) = &d.hvm
            && h.dirty_on.load(core::sync::atomic::Ordering::Relaxed)
        {
            let gfn = self.hw.m2p(mfn);
            if h.p2m.get(&self.hw, gfn).mfn == mfn {
                self.note_write(h, gfn);
            }
        }
    }

    /// Notes all writes of the domain from now on, or no more.
    ///
    /// # Errors
    /// `EINVAL` when it is so already, `ERESTART` while there is more to do.
    pub(crate) fn log_dirty(&self, d: &Domain, h: &HvmDomain, on: bool) -> Result {
        let mut dirty = h.dirty.lock();
        if dirty.cursor == 0 {
            if dirty.log.is_some() == on {
                return Err(Errno::EINVAL);
            }
            dirty.log = on.then(Notes::default);
            dirty.taking = None;
            h.dirty_on.store(on || dirty.video.is_some(), core::sync::atomic::Ordering::Relaxed);
        }
        let change = |kind| match (kind, on) {
            (Kind::Ram, true) => Some(Kind::RamLogDirty),
            (Kind::RamLogDirty, false) => Some(Kind::Ram),
            _ => None,
        };
        let mut from = dirty.cursor;
        let nested = Nested::new(self, &h.pool);
        if !h.p2m.retype(&nested, &mut from, PASS, change) {
            dirty.cursor = from;
            return Err(Errno::ERESTART);
        }
        dirty.cursor = 0;
        if let Some((_, _, notes)) = &mut dirty.video {
            // Its frames may be written without a note now.
            notes.all = true;
        }
        drop(dirty);
        self.flush_domain_tlb(d);
        Ok(())
    }

    /// The next 64 frames' notes for migration; `take`: they are noted anew from now on.
    pub(crate) fn dirty_word(&self, change: &Physmap<'_, H>, first: u64, take: bool) -> u64 {
        let mut dirty = change.dirty();
        let Some(log) = &mut dirty.log else { return 0 };
        let word = log.word(first, take);
        if take {
            change.watch(first, word);
        }
        word
    }

    /// Which of a domain's frames from `first` on were written since the latest call for the same ones, 64 in each word; the first
    /// call tells all. Nothing is noted any more with a count of 0.
    ///
    /// # Errors
    /// What `word` answers.
    pub(crate) fn track_video(
        &self,
        change: &Physmap<'_, H>,
        (first, count): (u64, u64),
        mut word: impl FnMut(u64, u64) -> Result,
    ) -> Result {
        let mut dirty = change.dirty();
        let same = dirty.video.as_ref().is_some_and(|(f, n, _)| (*f, *n) == (first, count));
        if !same {
            dirty.video = (count != 0).then(|| (first, count, Notes { all: true, ..Notes::default() }));
        }
        change.note_writes(dirty.log.is_some() || count != 0);
        for i in 0..count.div_ceil(64) {
            let at = first.wrapping_add(i.wrapping_mul(64));
            let Some((_, _, notes)) = &mut dirty.video else { break };
            let bits = notes.word(i.wrapping_mul(64), true);
            // What was taken and not told is told next time.
            word(i, bits).inspect_err(|_| notes.all = true)?;
            change.watch(at, bits);
        }
        if let Some((_, _, notes)) = &mut dirty.video {
            notes.all = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_taken_once() {
        let mut n = Notes::default();
        n.set(70);
        n.set(1 << 30);
        assert_eq!(n.word(64, false), 1 << 6);
        assert_eq!(n.word(64, true), 1 << 6);
        assert_eq!(n.word(64, true), 0);
        assert_eq!(n.word(1 << 30, true), 1);
        n.all = true;
        assert_eq!(n.word(0, true), u64::MAX);
    }
}
