//! The table of all frames, sparse: memory without RAM behind it has no records.

use core::sync::atomic::Ordering;

use fx_types::Mfn;

use crate::clock::TlbClock;
use crate::info::FrameInfo;

/// Frames per chunk of the table (128 MiB of memory).
pub const CHUNK_FRAMES: u64 = 1 << 15;

/// Every frame's record, by frame number.
pub struct FrameTable {
    chunks: &'static [Option<&'static [FrameInfo]>],
    clock: TlbClock,
}

impl FrameTable {
    /// A table of chunks of [`CHUNK_FRAMES`] records; the last may be shorter. `None` where there is no RAM.
    #[must_use]
    pub fn new(chunks: &'static [Option<&'static [FrameInfo]>]) -> Self {
        Self { chunks, clock: TlbClock::default() }
    }

    /// The time in which stale translations are dated.
    #[inline]
    #[must_use]
    pub fn clock(&self) -> &TlbClock {
        &self.clock
    }

    /// The record of `mfn`; `None` when there is no RAM (a device, or nothing).
    #[inline]
    #[must_use]
    pub fn get(&self, mfn: Mfn) -> Option<&'static FrameInfo> {
        let chunk = (*self.chunks.get((mfn.0 / CHUNK_FRAMES) as usize)?)?;
        chunk.get((mfn.0 % CHUNK_FRAMES) as usize)
    }

    /// One more than the highest frame number that has a record.
    #[must_use]
    pub fn end(&self) -> u64 {
        let full = (self.chunks.len() as u64).saturating_sub(1).saturating_mul(CHUNK_FRAMES);
        let last = self.chunks.last().and_then(|c| c.map(|c| c.len() as u64)).unwrap_or(0);
        full.saturating_add(last)
    }

    pub(crate) fn links(&self, mfn: u32) -> (u32, u32) {
        let l = self.get(Mfn(u64::from(mfn))).map_or(u64::MAX, |f| f.link.load(Ordering::Relaxed));
        (l as u32, (l >> 32) as u32)
    }

    pub(crate) fn set_links(&self, mfn: u32, next: u32, prev: u32) {
        if let Some(f) = self.get(Mfn(u64::from(mfn))) {
            f.link.store(u64::from(next) | (u64::from(prev) << 32), Ordering::Relaxed);
        }
    }
}
