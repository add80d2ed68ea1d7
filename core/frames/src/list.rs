//! Doubly linked lists of frames, through the frames' own records. The holder of the list keeps it under a lock.

use fx_types::Mfn;

use crate::table::FrameTable;

const NIL: u32 = u32::MAX;

/// A list of frames; a frame is on one list at most.
#[derive(Debug)]
pub struct FrameList {
    head: u32,
    len: u64,
}

impl Default for FrameList {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameList {
    /// The empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: NIL, len: 0 }
    }

    /// How many frames.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first frame.
    #[must_use]
    pub fn first(&self) -> Option<Mfn> {
        (self.head != NIL).then_some(Mfn(u64::from(self.head)))
    }

    /// The frame after `mfn`, which is on this list.
    #[must_use]
    pub fn next(&self, t: &FrameTable, mfn: Mfn) -> Option<Mfn> {
        let (next, _) = t.links(mfn.0 as u32);
        (next != NIL).then_some(Mfn(u64::from(next)))
    }

    /// Puts `mfn`, which is on no list, in front.
    pub fn push(&mut self, t: &FrameTable, mfn: Mfn) {
        let m = mfn.0 as u32;
        t.set_links(m, self.head, NIL);
        if self.head != NIL {
            let (next, _) = t.links(self.head);
            t.set_links(self.head, next, m);
        }
        self.head = m;
        self.len = self.len.saturating_add(1);
    }

    /// Takes `mfn`, which is on this list, off it.
    pub fn remove(&mut self, t: &FrameTable, mfn: Mfn) {
        let m = mfn.0 as u32;
        let (next, prev) = t.links(m);
        if prev == NIL {
            self.head = next;
        } else {
            let (_, before) = t.links(prev);
            t.set_links(prev, next, before);
        }
        if next != NIL {
            let (after, _) = t.links(next);
            t.set_links(next, after, prev);
        }
        t.set_links(m, NIL, NIL);
        self.len = self.len.saturating_sub(1);
    }

    /// Takes the first frame off.
    pub fn pop(&mut self, t: &FrameTable) -> Option<Mfn> {
        let m = self.first()?;
        self.remove(t, m);
        Some(m)
    }
}
