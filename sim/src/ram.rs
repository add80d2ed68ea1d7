//! Memory.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use fx_types::{Maddr, Mfn, PAGE_SIZE, PhysMem};

/// RAM from machine address 0 on. An access beyond its end is a bug of what is tested, and panics.
pub struct Ram {
    words: Vec<AtomicU64>,
}

impl Ram {
    /// `frames` frames of zeroes.
    #[must_use]
    pub fn new(frames: u64) -> Self {
        let words = frames * (PAGE_SIZE / 8);
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// How many frames there are.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.words.len() as u64 / (PAGE_SIZE / 8)
    }

    /// The word that the byte at `a` is in.
    fn word(&self, a: Maddr) -> &AtomicU64 {
        let Some(w) = self.words.get((a.0 / 8) as usize) else { panic!("{a:?} is beyond the end of RAM") };
        w
    }

    fn word64(&self, a: Maddr) -> &AtomicU64 {
        assert!(a.0.is_multiple_of(8), "{a:?} is not aligned");
        self.word(a)
    }

    /// Changes the `bytes` bytes at `a` within their word; returns what they were.
    fn part(&self, a: Maddr, bytes: u64, change: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        assert!(a.0.is_multiple_of(bytes), "{a:?} is not aligned");
        let shift = (a.0 % 8) * 8;
        let mask = (u64::MAX >> (64 - bytes * 8)) << shift;
        let field = |w: u64| (w & mask) >> shift;
        self.word(a)
            .fetch_update(SeqCst, SeqCst, |w| {
                change(field(w)).map(|new| (w & !mask) | ((new << shift) & mask))
            })
            .map(field)
            .map_err(field)
    }

    /// As [`Self::part`], for a change that cannot fail.
    fn exchange(&self, a: Maddr, bytes: u64, change: impl Fn(u64) -> u64) -> u64 {
        self.part(a, bytes, |v| Some(change(v))).unwrap_or_else(|seen| seen)
    }
}

fn within_frame(a: Maddr, len: u64) {
    assert!(a.offset() + len <= PAGE_SIZE, "{a:?} + {len:#x} leaves its frame");
}

impl PhysMem for Ram {
    fn load64(&self, a: Maddr) -> u64 {
        self.word64(a).load(SeqCst)
    }

    fn store64(&self, a: Maddr, v: u64) {
        self.word64(a).store(v, SeqCst);
    }

    fn cas64(&self, a: Maddr, old: u64, new: u64) -> Result<(), u64> {
        self.word64(a).compare_exchange(old, new, SeqCst, SeqCst).map(|_| ())
    }

    fn fetch_or64(&self, a: Maddr, bits: u64) -> u64 {
        self.word64(a).fetch_or(bits, SeqCst)
    }

    fn fetch_and64(&self, a: Maddr, bits: u64) -> u64 {
        self.word64(a).fetch_and(bits, SeqCst)
    }

    fn load32(&self, a: Maddr) -> u32 {
        self.exchange(a, 4, |v| v) as u32
    }

    fn store32(&self, a: Maddr, v: u32) {
        self.exchange(a, 4, |_| u64::from(v));
    }

    fn cas32(&self, a: Maddr, old: u32, new: u32) -> Result<(), u32> {
        let r = self.part(a, 4, |v| (v == u64::from(old)).then_some(u64::from(new)));
        r.map(|_| ()).map_err(|seen| seen as u32)
    }

    fn fetch_or32(&self, a: Maddr, bits: u32) -> u32 {
        self.exchange(a, 4, |v| v | u64::from(bits)) as u32
    }

    fn fetch_and32(&self, a: Maddr, bits: u32) -> u32 {
        self.exchange(a, 4, |v| v & u64::from(bits)) as u32
    }

    fn load8(&self, a: Maddr) -> u8 {
        self.exchange(a, 1, |v| v) as u8
    }

    fn store8(&self, a: Maddr, v: u8) {
        self.exchange(a, 1, |_| u64::from(v));
    }

    fn swap8(&self, a: Maddr, v: u8) -> u8 {
        self.exchange(a, 1, |_| u64::from(v)) as u8
    }

    fn read(&self, a: Maddr, buf: &mut [u8]) {
        within_frame(a, buf.len() as u64);
        for (i, b) in (0..).zip(buf) {
            *b = self.load8(a.add(i));
        }
    }

    fn write(&self, a: Maddr, buf: &[u8]) {
        within_frame(a, buf.len() as u64);
        for (i, b) in (0..).zip(buf) {
            self.store8(a.add(i), *b);
        }
    }

    fn zero_frame(&self, mfn: Mfn) {
        for at in (0..PAGE_SIZE).step_by(8) {
            self.store64(mfn.at(at), 0);
        }
    }

    fn copy_frame(&self, to: Mfn, from: Mfn) {
        for at in (0..PAGE_SIZE).step_by(8) {
            self.store64(to.at(at), self.load64(from.at(at)));
        }
    }

    fn copy(&self, to: Maddr, from: Maddr, len: u64) {
        within_frame(to, len);
        within_frame(from, len);
        for i in 0..len {
            self.store8(to.add(i), self.load8(from.add(i)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fx_types::PhysMemExt;

    #[test]
    fn words_of_all_sizes_share_memory() {
        let m = Ram::new(2);
        let a = Mfn(1).at(8);
        m.store64(a, 0x1122_3344_5566_7788);
        assert_eq!(m.load32(a.add(4)), 0x1122_3344);
        assert_eq!(m.swap8(a.add(1), 0xaa), 0x77);
        assert_eq!(m.load64(a), 0x1122_3344_5566_aa88);
        assert_eq!(m.cas32(a, 0, 1), Err(0x5566_aa88));
        assert_eq!(m.cas32(a, 0x5566_aa88, 1), Ok(()));
        assert_eq!(m.fetch_or32(a.add(4), 0xf), 0x1122_3344);
        assert_eq!(m.fetch_and32(a.add(4), 0xff), 0x1122_334f);
        assert_eq!(m.get::<u64>(a), 0x0000_004f_0000_0001);
    }

    #[test]
    fn ranges_and_frames_are_copied() {
        let m = Ram::new(3);
        m.put(Mfn(0).at(13), &[1u8, 2, 3]);
        m.copy(Mfn(1).at(1), Mfn(0).at(13), 3);
        assert_eq!(m.load32(Mfn(1).addr()), 0x0302_0100);
        m.copy_frame(Mfn(2), Mfn(1));
        m.zero_frame(Mfn(1));
        assert_eq!((m.load8(Mfn(1).at(1)), m.load8(Mfn(2).at(1))), (0, 1));
    }

    #[test]
    #[should_panic(expected = "beyond the end")]
    fn there_is_an_end() {
        let _ = Ram::new(1).load8(Mfn(1).addr());
    }
}
