//! Where a host keeps what was left half done.

use fx_frames::FrameTable;
use fx_types::{Mfn, Own64};

/// What one operation may leave: one table for each level.
const LEVELS: usize = 4;
const SLOTS: usize = 2 * LEVELS;

/// Tables that are half let go ([`PtHost::unfinished`]), few. One CPU at a time has it.
///
/// The lowest is to be finished first: what that leaves is at most itself again and what is below it. So there is never more
/// than one for each level of each operation.
///
/// [`PtHost::unfinished`]: crate::PtHost::unfinished
#[derive(Default, Debug)]
pub struct Unfinished([Own64; SLOTS]);

impl Unfinished {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self([const { Own64::new(0) }; SLOTS])
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|slot| slot.get() == 0)
    }

    /// Whether there is room for what an operation may leave: otherwise it must not yield.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.iter().filter(|slot| slot.get() == 0).count() >= LEVELS
    }

    /// Adds one; `false` when there is no room.
    #[must_use]
    pub fn push(&self, mfn: Mfn) -> bool {
        let free = self.0.iter().find(|slot| slot.get() == 0);
        free.inspect(|slot| slot.set(mfn.0)).is_some()
    }

    /// Takes out the one that is to be finished first.
    pub fn pop(&self, frames: &FrameTable) -> Option<Mfn> {
        let level = |slot: &&Own64| frames.get(Mfn(slot.get())).and_then(|f| f.word().frame_type().level());
        let lowest = self.0.iter().filter(|slot| slot.get() != 0).min_by_key(level)?;
        let mfn = lowest.get();
        lowest.set(0);
        Some(Mfn(mfn))
    }

    /// Whether `mfn` is among them.
    #[must_use]
    pub fn contains(&self, mfn: Mfn) -> bool {
        self.0.iter().any(|slot| slot.get() == mfn.0)
    }
}
