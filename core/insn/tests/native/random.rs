//! Random numbers, the same in each run.
#![allow(dead_code)]

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// A number, often one at a border.
    pub fn number(&mut self) -> u64 {
        match self.below(8) {
            0 => *self.pick(&[0, 1, u64::MAX, 2, 0x7f, 0x80, 0xff]),
            1 => *self.pick(&[0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
            2 => *self.pick(&[1 << 63, (1 << 63) - 1, 1 << 32, u64::MAX - 0x7f]),
            3 => self.below(64),
            4 => 1 << self.below(64),
            _ => self.next() >> self.below(64),
        }
    }
}
