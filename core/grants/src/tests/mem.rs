//! A small memory out of atomic words.

use fx_types::{Maddr, Mfn, PAGE_SIZE, PhysMem};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::vec::Vec;

/// What somebody else does at a certain moment: a 4-byte store.
type Meanwhile = (Maddr, u32);

/// `.1` are stores that happen one by one, each right before a 4-byte compare-exchange or `or`.
pub struct FakeMem(Vec<AtomicU64>, Mutex<VecDeque<Meanwhile>>);

impl FakeMem {
    pub fn new(frames: u64) -> Self {
        Self((0..frames * PAGE_SIZE / 8).map(|_| AtomicU64::new(0)).collect(), Mutex::default())
    }

    /// Stores `v` at `a` right before the next 4-byte compare-exchange or `or` for which nothing is planned yet.
    pub fn meanwhile(&self, a: Maddr, v: u32) {
        self.1.lock().unwrap().push_back((a, v));
    }

    /// Forgets what was planned and did not happen.
    pub fn clear_plans(&self) {
        self.1.lock().unwrap().clear();
    }

    fn others_act(&self) {
        let next = self.1.lock().unwrap().pop_front();
        if let Some((a, v)) = next {
            self.store32(a, v);
        }
    }

    fn word(&self, a: Maddr) -> &AtomicU64 {
        &self.0[(a.0 / 8) as usize]
    }

    /// Changes `bytes` bytes at `a` by `f`, and returns what was there before.
    fn update(&self, a: Maddr, bytes: u64, f: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        assert_eq!(a.0 % bytes, 0);
        let shift = a.0 % 8 * 8;
        let mask = (u64::MAX >> (64 - bytes * 8)) << shift;
        let change = |w: u64| f((w & mask) >> shift).map(|v| w & !mask | v << shift & mask);
        let part = |w| (w & mask) >> shift;
        self.word(a).fetch_update(SeqCst, SeqCst, change).map(part).map_err(part)
    }
}

impl PhysMem for FakeMem {
    fn load64(&self, a: Maddr) -> u64 {
        assert_eq!(a.0 % 8, 0);
        self.word(a).load(SeqCst)
    }
    fn store64(&self, a: Maddr, v: u64) {
        assert_eq!(a.0 % 8, 0);
        self.word(a).store(v, SeqCst);
    }
    fn cas64(&self, a: Maddr, old: u64, new: u64) -> Result<(), u64> {
        self.word(a).compare_exchange(old, new, SeqCst, SeqCst).map(drop)
    }
    fn fetch_or64(&self, a: Maddr, bits: u64) -> u64 {
        self.word(a).fetch_or(bits, SeqCst)
    }
    fn fetch_and64(&self, a: Maddr, bits: u64) -> u64 {
        self.word(a).fetch_and(bits, SeqCst)
    }
    fn load32(&self, a: Maddr) -> u32 {
        assert_eq!(a.0 % 4, 0);
        (self.word(a).load(SeqCst) >> (a.0 % 8 * 8)) as u32
    }
    fn store32(&self, a: Maddr, v: u32) {
        self.update(a, 4, |_| Some(v.into())).unwrap();
    }
    fn cas32(&self, a: Maddr, old: u32, new: u32) -> Result<(), u32> {
        self.others_act();
        self.update(a, 4, |v| (v == u64::from(old)).then_some(new.into())).map(drop).map_err(|v| v as u32)
    }
    fn fetch_or32(&self, a: Maddr, bits: u32) -> u32 {
        self.others_act();
        self.update(a, 4, |v| Some(v | u64::from(bits))).unwrap() as u32
    }
    fn fetch_and32(&self, a: Maddr, bits: u32) -> u32 {
        self.update(a, 4, |v| Some(v & u64::from(bits))).unwrap() as u32
    }
    fn load8(&self, a: Maddr) -> u8 {
        (self.word(a).load(SeqCst) >> (a.0 % 8 * 8)) as u8
    }
    fn store8(&self, a: Maddr, v: u8) {
        self.swap8(a, v);
    }
    fn swap8(&self, a: Maddr, v: u8) -> u8 {
        self.update(a, 1, |_| Some(v.into())).unwrap() as u8
    }
    fn read(&self, a: Maddr, buf: &mut [u8]) {
        assert!(a.offset() + buf.len() as u64 <= PAGE_SIZE);
        for (i, b) in (0..).zip(buf) {
            *b = self.load8(a.add(i));
        }
    }
    fn write(&self, a: Maddr, buf: &[u8]) {
        assert!(a.offset() + buf.len() as u64 <= PAGE_SIZE);
        for (i, b) in (0..).zip(buf) {
            self.store8(a.add(i), *b);
        }
    }
    fn zero_frame(&self, mfn: Mfn) {
        (0..PAGE_SIZE).step_by(8).for_each(|o| self.store64(mfn.at(o), 0));
    }
    fn copy_frame(&self, to: Mfn, from: Mfn) {
        (0..PAGE_SIZE).step_by(8).for_each(|o| self.store64(to.at(o), self.load64(from.at(o))));
    }
    fn copy(&self, to: Maddr, from: Maddr, len: u64) {
        assert!(to.0.abs_diff(from.0) >= len, "overlap");
        assert!(to.offset() + len <= PAGE_SIZE && from.offset() + len <= PAGE_SIZE);
        (0..len).for_each(|i| self.store8(to.add(i), self.load8(from.add(i))));
    }
}
