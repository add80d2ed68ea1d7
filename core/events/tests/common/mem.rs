//! Memory as a vector of atomic words.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use fx_types::{Maddr, Mfn, PhysMem};

pub struct FakeMem(Vec<AtomicU64>);

impl FakeMem {
    pub fn new(frames: u64) -> Self {
        Self((0..frames * 512).map(|_| AtomicU64::new(0)).collect())
    }

    fn at(&self, a: Maddr, size: u64) -> (&AtomicU64, u32) {
        assert_eq!(a.0 % size, 0, "misaligned {a:?}");
        (&self.0[(a.0 / 8) as usize], (a.0 % 8 * 8) as u32)
    }

    /// Replaces the `size` bytes at `a` by `f` of them, and returns what they were.
    fn update(&self, a: Maddr, size: u64, f: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        let (word, shift) = self.at(a, size);
        let ones = u64::MAX >> (64 - size * 8);
        let part = |w: u64| w >> shift & ones;
        let change = |w| f(part(w)).map(|v| w & !(ones << shift) | v << shift);
        word.fetch_update(SeqCst, SeqCst, change).map(part).map_err(part)
    }

    fn always(&self, a: Maddr, size: u64, f: impl Fn(u64) -> u64) -> u64 {
        self.update(a, size, |v| Some(f(v))).unwrap()
    }

    fn load(&self, a: Maddr, size: u64) -> u64 {
        let (word, shift) = self.at(a, size);
        word.load(SeqCst) >> shift & u64::MAX >> (64 - size * 8)
    }

    pub fn swap32(&self, a: Maddr, v: u32) -> u32 {
        self.always(a, 4, |_| v.into()) as u32
    }

    pub fn swap64(&self, a: Maddr, v: u64) -> u64 {
        self.always(a, 8, |_| v)
    }
}

impl PhysMem for FakeMem {
    fn load64(&self, a: Maddr) -> u64 {
        self.load(a, 8)
    }
    fn store64(&self, a: Maddr, v: u64) {
        self.always(a, 8, |_| v);
    }
    fn cas64(&self, a: Maddr, old: u64, new: u64) -> Result<(), u64> {
        self.update(a, 8, |v| (v == old).then_some(new)).map(|_| ())
    }
    fn fetch_or64(&self, a: Maddr, bits: u64) -> u64 {
        self.always(a, 8, |v| v | bits)
    }
    fn fetch_and64(&self, a: Maddr, bits: u64) -> u64 {
        self.always(a, 8, |v| v & bits)
    }
    fn load32(&self, a: Maddr) -> u32 {
        self.load(a, 4) as u32
    }
    fn store32(&self, a: Maddr, v: u32) {
        self.always(a, 4, |_| v.into());
    }
    fn cas32(&self, a: Maddr, old: u32, new: u32) -> Result<(), u32> {
        self.update(a, 4, |v| (v == u64::from(old)).then_some(new.into())).map(|_| ()).map_err(|v| v as u32)
    }
    fn fetch_or32(&self, a: Maddr, bits: u32) -> u32 {
        self.always(a, 4, |v| v | u64::from(bits)) as u32
    }
    fn fetch_and32(&self, a: Maddr, bits: u32) -> u32 {
        self.always(a, 4, |v| v & u64::from(bits)) as u32
    }
    fn load8(&self, a: Maddr) -> u8 {
        self.load(a, 1) as u8
    }
    fn store8(&self, a: Maddr, v: u8) {
        self.swap8(a, v);
    }
    fn swap8(&self, a: Maddr, v: u8) -> u8 {
        self.always(a, 1, |_| v.into()) as u8
    }
    fn read(&self, a: Maddr, buf: &mut [u8]) {
        for (i, b) in buf.iter_mut().enumerate() {
            *b = self.load8(a.add(i as u64));
        }
    }
    fn write(&self, a: Maddr, buf: &[u8]) {
        for (i, b) in buf.iter().enumerate() {
            self.store8(a.add(i as u64), *b);
        }
    }
    fn zero_frame(&self, mfn: Mfn) {
        (0..512).for_each(|i| self.store64(mfn.at(i * 8), 0));
    }
    fn copy_frame(&self, to: Mfn, from: Mfn) {
        self.copy(to.addr(), from.addr(), 4096);
    }
    fn copy(&self, to: Maddr, from: Maddr, len: u64) {
        (0..len).for_each(|i| self.store8(to.add(i), self.load8(from.add(i))));
    }
}
