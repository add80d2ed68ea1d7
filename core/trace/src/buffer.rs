//! The trace buffer of one CPU, a ring in memory that the control domain maps: two offsets, then records.
//!
//! Offsets run to twice the size, so that a full ring and an empty one differ. The reader's is whatever the reader wrote: it is
//! looked at once, and one that makes no sense leaves no room.

use alloc::boxed::Box;

use fx_types::{Mfn, PAGE_SIZE, PhysMem};
use xen_abi::trace as t;

/// Bytes of the two offsets, the reader's first.
const HEAD: u32 = size_of::<t::TBuf>() as u32;
/// Bytes of a word of a record.
const WORD: u32 = 4;
/// The most words of a record: header, time, and extra words.
const MOST_WORDS: usize = 3 + t::TRACE_EXTRA_MAX as usize;

/// A record.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    words: [u32; MOST_WORDS],
    len: usize,
}

impl Record {
    /// A record with the time; words that it has no room for are left out.
    #[must_use]
    pub fn new(event: u32, tsc: u64, extra: &[u32]) -> Self {
        let n = extra.len().min(t::TRACE_EXTRA_MAX as usize);
        let header = event | (n as u32) << t::TRACE_EXTRA_SHIFT | t::TRC_HD_CYCLE_FLAG;
        let mut words = [0; MOST_WORDS];
        let all = [header, tsc as u32, (tsc >> 32) as u32].into_iter().chain(extra.iter().copied());
        for (to, word) in words.iter_mut().zip(all) {
            *to = word;
        }
        Self { words, len: n.saturating_add(3) }
    }

    /// A record that fills `bytes` up, of which there are less than the longest record has.
    fn filler(bytes: u32) -> Self {
        let len = (bytes / WORD).min(MOST_WORDS as u32);
        let extra = len.saturating_sub(1);
        // More than the extra words that there can be are time and extra words.
        let (extra, cycles) = if extra > t::TRACE_EXTRA_MAX {
            (extra.saturating_sub(2), t::TRC_HD_CYCLE_FLAG)
        } else {
            (extra, 0)
        };
        let mut words = [0; MOST_WORDS];
        if let Some(header) = words.first_mut() {
            *header = t::TRC_TRACE_WRAP_BUFFER | extra << t::TRACE_EXTRA_SHIFT | cycles;
        }
        Self { words, len: len as usize }
    }

    fn bytes(&self) -> u32 {
        (self.len as u32).wrapping_mul(WORD)
    }
}

/// What did not fit.
#[derive(Clone, Copy)]
struct Lost {
    count: u32,
    who: u32,
    first: u64,
}

/// The buffer of a CPU.
pub struct Buffer {
    frames: Box<[Mfn]>,
    /// Where the next record goes.
    prod: u32,
    lost: Option<Lost>,
}

impl Buffer {
    /// An empty one in these frames, which are cleared.
    #[must_use]
    pub fn new(frames: Box<[Mfn]>) -> Self {
        Self { frames, prod: 0, lost: None }
    }

    /// Its frames.
    #[must_use]
    pub fn frames(&self) -> &[Mfn] {
        &self.frames
    }

    /// Bytes for records.
    fn size(&self) -> u32 {
        (self.frames.len() as u32).saturating_mul(PAGE_SIZE as u32).saturating_sub(HEAD)
    }

    fn word(&self, offset: u32) -> Option<fx_types::Maddr> {
        let frame = self.frames.get((u64::from(offset) / PAGE_SIZE) as usize)?;
        Some(frame.at(u64::from(offset) % PAGE_SIZE))
    }

    /// Bytes that are not read yet; none when the reader's offset makes no sense.
    fn used<M: PhysMem>(&self, mem: &M) -> Option<u32> {
        let (cons, end) = (mem.load32(self.word(0)?), self.size().saturating_mul(2));
        if cons >= end || !cons.is_multiple_of(WORD) {
            return None;
        }
        let used = if cons <= self.prod {
            self.prod.wrapping_sub(cons)
        } else {
            end.wrapping_sub(cons).wrapping_add(self.prod)
        };
        (used <= self.size()).then_some(used)
    }

    /// Empties it.
    pub fn reset<M: PhysMem>(&mut self, mem: &M) {
        (self.prod, self.lost) = (0, None);
        for at in [0, WORD].into_iter().filter_map(|offset| self.word(offset)) {
            mem.store32(at, 0);
        }
    }

    /// Adds a record of what `who` (domain, vCPU) did at `tsc`; whether the buffer is half full by that.
    pub fn add<M: PhysMem>(&mut self, mem: &M, record: &Record, who: u32, tsc: u64) -> bool {
        let Some(before) = self.used(mem) else { return false };
        let before_lost = self.lost;
        let complete = match before_lost {
            Some(lost) => {
                let said = [lost.count, lost.who, lost.first as u32, (lost.first >> 32) as u32];
                let note = Record::new(t::TRC_LOST_RECORDS, tsc, &said);
                self.put(mem, &[note, *record], before)
            }
            None => self.put(mem, &[*record], before),
        };
        if !complete {
            let lost = before_lost.unwrap_or(Lost { count: 0, who, first: tsc });
            self.lost = Some(Lost { count: lost.count.saturating_add(1), ..lost });
            return false;
        }
        self.lost = None;
        let half = self.size() / 2;
        before < half && self.used(mem).is_some_and(|now| now >= half)
    }

    /// Adds all of the records or none.
    fn put<M: PhysMem>(&mut self, mem: &M, records: &[Record], used: u32) -> bool {
        let (start, mut taken) = (self.prod, used);
        for record in records {
            let left = self.size().saturating_sub(self.place());
            // A record is in one piece.
            if left < record.bytes() {
                taken = taken.saturating_add(left);
                if taken > self.size() {
                    break;
                }
                self.write(mem, &Record::filler(left));
            }
            taken = taken.saturating_add(record.bytes());
            if taken > self.size() {
                break;
            }
            self.write(mem, record);
        }
        if taken > self.size() {
            self.prod = start;
            return false;
        }
        if let Some(at) = self.word(WORD) {
            mem.store32(at, self.prod);
        }
        true
    }

    /// Where the next record goes, from the first one's place on.
    fn place(&self) -> u32 {
        self.prod.checked_rem(self.size()).unwrap_or(0)
    }

    /// Writes a record without telling the reader yet.
    fn write<M: PhysMem>(&mut self, mem: &M, record: &Record) {
        for word in record.words.iter().take(record.len) {
            if let Some(at) = self.word(self.place().wrapping_add(HEAD)) {
                mem.store32(at, *word);
            }
            self.prod = self.prod.wrapping_add(WORD).checked_rem(self.size().saturating_mul(2)).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use fx_sim::Ram;

    use super::*;

    const FRAME: Mfn = Mfn(3);
    const SIZE: u32 = 4096 - HEAD;

    /// A buffer of one frame, and who reads it.
    struct Scene {
        ram: Ram,
        buffer: Buffer,
        cons: u32,
    }

    impl Scene {
        fn new() -> Self {
            Self { ram: Ram::new(8), buffer: Buffer::new(Box::new([FRAME])), cons: 0 }
        }

        fn add(&mut self, event: u32, extra: &[u32]) -> bool {
            self.buffer.add(&self.ram, &Record::new(event, 7, extra), 0x1_0002, 7)
        }

        fn word(&mut self) -> u32 {
            let word = self.ram.load32(FRAME.at(u64::from(HEAD + self.cons % SIZE)));
            self.cons = (self.cons + WORD) % (2 * SIZE);
            word
        }

        /// Reads everything: events and their extra words, without the fillers.
        fn read(&mut self) -> Vec<(u32, Vec<u32>)> {
            let prod = self.ram.load32(FRAME.at(4));
            let mut all = Vec::new();
            while self.cons != prod {
                let place = self.cons % SIZE;
                let header = self.word();
                if header & t::TRC_HD_CYCLE_FLAG != 0 {
                    self.word();
                    self.word();
                }
                let extra: Vec<u32> = (0..header >> 28 & 7).map(|_| self.word()).collect();
                assert!(place < self.cons % SIZE || self.cons.is_multiple_of(SIZE), "in one piece");
                if header & 0x0fff_ffff != t::TRC_TRACE_WRAP_BUFFER {
                    all.push((header & 0x0fff_ffff, extra));
                }
            }
            self.ram.store32(FRAME.at(0), self.cons);
            all
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut s = Scene::new();
        let (mut written, mut read) = (Vec::new(), Vec::new());
        for i in 0..5000u32 {
            let extra: Vec<u32> = (0..i % 8).map(|n| i ^ n).collect();
            s.add(0x2_1000 + i % 16, &extra);
            written.push((0x2_1000 + i % 16, extra));
            if i % 60 == 0 {
                read.extend(s.read());
            }
        }
        read.extend(s.read());
        assert_eq!(read, written);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut s = Scene::new();
        let half = (1..).find(|_| s.add(1, &[0; 7])).unwrap();
        assert_eq!(half, SIZE / 2 / 40 + 1);
        (0..1000).for_each(|_| assert!(!s.add(1, &[0; 7])));
        let fit = s.read().len() as u32;
        assert!(fit >= SIZE / 40 - 1, "{fit}");
        s.add(2, &[5]);
        let lost = half + 1000 - fit;
        assert_eq!(s.read(), [(t::TRC_LOST_RECORDS, [lost, 0x1_0002, 7, 0].to_vec()), (2, [5].to_vec())]);
        s.add(3, &[]);
        assert_eq!(s.read(), [(3, Vec::new())]);
    }

    #[test]
    fn a_reader_that_writes_nonsense_gets_nothing() {
        let mut s = Scene::new();
        s.add(1, &[1]);
        let before = s.ram.load32(FRAME.at(4));
        for cons in [2, 2 * SIZE, u32::MAX, before + WORD] {
            s.ram.store32(FRAME.at(0), cons);
            s.add(2, &[2]);
            assert_eq!(s.ram.load32(FRAME.at(4)), before, "{cons}");
        }
        s.buffer.reset(&s.ram);
        s.add(3, &[3]);
        assert_eq!(s.read(), [(3, [3].to_vec())]);
    }
}
