//! The allocator of frames: free blocks of 2^order frames, split and merged by the buddy rule, in two zones.

use fx_types::Mfn;

use crate::list::FrameList;
use crate::table::FrameTable;

/// The greatest order of a block: 2^18 frames, 1 GiB.
pub const MAX_ORDER: u8 = 18;
const ORDERS: usize = MAX_ORDER as usize + 1;
/// The first frame of the high zone: 4 GiB.
const HIGH: u64 = 1 << 20;

/// Which memory an allocation may come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zone {
    /// Anywhere, above 4 GiB first.
    Any,
    /// Below `1 << bits` bytes of machine address.
    Bits(u32),
}

/// The free frames. The holder keeps it under a lock.
pub struct Buddy {
    lists: [[FrameList; ORDERS]; 2],
    free: u64,
}

impl Default for Buddy {
    fn default() -> Self {
        Self::new()
    }
}

impl Buddy {
    /// No free frames yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { lists: [const { [const { FrameList::new() }; ORDERS] }; 2], free: 0 }
    }

    /// How many frames are free.
    #[must_use]
    pub const fn free_frames(&self) -> u64 {
        self.free
    }

    fn list(&mut self, mfn: Mfn, order: u8) -> Option<&mut FrameList> {
        self.lists.get_mut(usize::from(mfn.0 >= HIGH))?.get_mut(usize::from(order))
    }

    /// Adds the frames `start..end`, which no guest ever used, to the free ones.
    pub fn add_range(&mut self, t: &FrameTable, start: Mfn, end: Mfn) {
        let mut at = start.0;
        while at < end.0 {
            let left = end.0.saturating_sub(at);
            let align = if at == 0 { u32::from(MAX_ORDER) } else { at.trailing_zeros() };
            let order = align.min(left.ilog2()).min(u32::from(MAX_ORDER)) as u8;
            self.free_block(t, Mfn(at), order, 0);
            at = at.saturating_add(1 << order);
        }
    }

    /// Gives a block back, merging it with its free buddies.
    pub fn free(&mut self, t: &FrameTable, mfn: Mfn, order: u8) {
        // Whoever had it may still have translations of it.
        self.free_block(t, mfn, order, t.clock().stamp());
    }

    fn free_block(&mut self, t: &FrameTable, mfn: Mfn, order: u8, stale: u64) {
        let mut stale = stale;
        let mut block = mfn.0;
        let mut order = order;
        self.free = self.free.saturating_add(1 << order);
        while order < MAX_ORDER {
            let buddy = Mfn(block ^ (1 << order));
            let Some(info) = t.get(buddy) else { break };
            if info.free_order() != Some(order) || (buddy.0 >= HIGH) != (block >= HIGH) {
                break;
            }
            if let Some(l) = self.list(buddy, order) {
                l.remove(t, buddy);
            }
            info.clear_free();
            stale = stale.max(info.stale_since());
            block &= !(1 << order);
            order = order.saturating_add(1);
        }
        if let Some(info) = t.get(Mfn(block)) {
            info.set_free(order, stale);
        }
        if let Some(l) = self.list(Mfn(block), order) {
            l.push(t, Mfn(block));
        }
    }

    /// Takes a block of 2^`order` frames, aligned to its size; `None` when there is none. CPUs may still hold translations of
    /// the frames: before the block is used, every CPU's that was last flushed at [`FrameInfo::stale_since`] of its first
    /// frame or before must be dropped.
    ///
    /// [`FrameInfo::stale_since`]: crate::FrameInfo::stale_since
    pub fn alloc(&mut self, t: &FrameTable, order: u8, zone: Zone) -> Option<Mfn> {
        let (limit, zones): (u64, &[usize]) = match zone {
            Zone::Any => (u64::MAX, &[1, 0]),
            Zone::Bits(b) if b > 32 => (1u64.checked_shl(b.saturating_sub(12)).unwrap_or(u64::MAX), &[1, 0]),
            Zone::Bits(b) => (1u64.checked_shl(b.saturating_sub(12)).unwrap_or(0), &[0]),
        };
        for &z in zones {
            for o in order..=MAX_ORDER {
                if let Some(block) = self.find(t, z, o, order, limit) {
                    self.take(t, block, z, o, order);
                    return Some(block);
                }
            }
        }
        None
    }

    fn find(&self, t: &FrameTable, zone: usize, list_order: u8, order: u8, limit: u64) -> Option<Mfn> {
        let list = self.lists.get(zone)?.get(usize::from(list_order))?;
        let mut at = list.first();
        while let Some(m) = at {
            if m.0.saturating_add(1 << order) <= limit {
                return Some(m);
            }
            at = list.next(t, m);
        }
        None
    }

    fn take(&mut self, t: &FrameTable, block: Mfn, zone: usize, from: u8, order: u8) {
        if let Some(l) = self.lists.get_mut(zone).and_then(|z| z.get_mut(usize::from(from))) {
            l.remove(t, block);
        }
        let stale = t.get(block).map_or(0, crate::FrameInfo::stale_since);
        let mut o = from;
        while o > order {
            o = o.saturating_sub(1);
            let half = block.add(1 << o);
            if let Some(info) = t.get(half) {
                info.set_free(o, stale);
            }
            if let Some(l) = self.list(half, o) {
                l.push(t, half);
            }
        }
        if let Some(info) = t.get(block) {
            info.clear_free();
        }
        self.free = self.free.saturating_sub(1 << order);
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::info::FrameInfo;
    use crate::table::CHUNK_FRAMES;
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    fn table(frames: usize) -> FrameTable {
        let mut chunks: Vec<Option<&'static [FrameInfo]>> = Vec::new();
        let mut left = frames;
        while left > 0 {
            let n = left.min(CHUNK_FRAMES as usize);
            let c: Vec<FrameInfo> = (0..n).map(|_| FrameInfo::default()).collect();
            chunks.push(Some(Box::leak(c.into_boxed_slice())));
            left -= n;
        }
        FrameTable::new(Box::leak(chunks.into_boxed_slice()))
    }

    #[test]
    fn all_comes_back_merged() {
        let t = table(40_000);
        let mut b = Buddy::new();
        b.add_range(&t, Mfn(3), Mfn(40_000));
        assert_eq!(b.free_frames(), 39_997);
        let mut got = Vec::new();
        let mut seed = 7u64;
        while let Some(m) = b.alloc(&t, (seed % 4) as u8, Zone::Any) {
            let order = (seed % 4) as u8;
            assert_eq!(m.0 % (1 << order), 0);
            got.push((m, order));
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) >> 3;
        }
        let mut owned = alloc::collections::BTreeSet::new();
        for (m, o) in &got {
            for i in 0..1u64 << o {
                assert!(owned.insert(m.0 + i), "frame in two hands");
            }
        }
        for (m, o) in got {
            b.free(&t, m, o);
        }
        assert_eq!(b.free_frames(), 39_997);
        assert_eq!(b.alloc(&t, 14, Zone::Any), Some(Mfn(16384)), "the blocks merged again");
    }

    #[test]
    fn address_limits_are_kept() {
        let t = table(40_000);
        let mut b = Buddy::new();
        b.add_range(&t, Mfn(0), Mfn(40_000));
        while let Some(m) = b.alloc(&t, 3, Zone::Bits(24)) {
            assert!(m.0 + 8 <= 4096);
        }
        assert_eq!(b.free_frames(), 40_000 - 4096);
    }

    #[test]
    fn a_block_remembers_when_any_of_it_was_freed() {
        let t = table(64);
        let mut b = Buddy::new();
        b.add_range(&t, Mfn(0), Mfn(64));
        let stale = |m: Mfn| t.get(m).unwrap().stale_since();
        let a = b.alloc(&t, 0, Zone::Any).unwrap();
        assert!(stale(a) < t.clock().now(), "never used");
        let before = t.clock().now();
        b.free(&t, a, 0);
        let all = b.alloc(&t, 6, Zone::Any).unwrap();
        assert!(stale(all) >= before);
        b.free(&t, all, 6);
        let flushed = t.clock().now();
        let low = b.alloc(&t, 5, Zone::Any).unwrap();
        let high = b.alloc(&t, 0, Zone::Any).unwrap();
        assert!(stale(low) < flushed && stale(high) < flushed, "the flush covers both");
        assert!(stale(low) >= before && stale(high) >= before, "without it both are stale");
    }

    #[test]
    fn a_device_is_never_free() {
        let t = table(4);
        t.get(Mfn(1)).unwrap().mark_device();
        let mut b = Buddy::new();
        b.add_range(&t, Mfn(0), Mfn(1));
        b.add_range(&t, Mfn(2), Mfn(4));
        assert!(t.get(Mfn(1)).unwrap().is_device() && !t.get(Mfn(0)).unwrap().is_device());
        assert_eq!(b.alloc(&t, 1, Zone::Any), Some(Mfn(2)), "not merged with the device");
    }
}
