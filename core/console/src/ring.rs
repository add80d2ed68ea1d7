//! The ring that keeps the last messages, with the reading protocol of `XEN_SYSCTL_readconsole` (`xen/sysctl.h`).
//!
//! Indices count bytes since boot and wrap at 32 bits, so the size is a power of two.

use alloc::vec::Vec;

/// Where messages are kept until [`Ring::attach`].
const EARLY: usize = 16 << 10;

/// What a reader got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadResult {
    /// Bytes put into the buffer.
    pub count: usize,
    /// Where to go on: `index` of the next incremental read.
    pub index: u32,
}

/// The ring.
pub(crate) struct Ring {
    early: [u8; EARLY],
    /// Of a power of two, once it is there.
    late: Vec<u8>,
    /// The oldest byte that is neither overwritten nor cleared, and the next to be written.
    consumer: u32,
    producer: u32,
}

impl Ring {
    pub(crate) const fn new() -> Self {
        Self { early: [0; EARLY], late: Vec::new(), consumer: 0, producer: 0 }
    }

    fn bytes(&self) -> &[u8] {
        if self.late.is_empty() { &self.early } else { &self.late }
    }

    fn size(&self) -> u32 {
        self.bytes().len() as u32
    }

    fn slot(&self, index: u32) -> usize {
        (index & self.size().wrapping_sub(1)) as usize
    }

    /// Goes on in `memory` (of which a power of two is used), with what is kept so far.
    pub(crate) fn attach(&mut self, mut memory: Vec<u8>) {
        let Some(shift) = memory.len().min(1 << 30).checked_ilog2() else { return };
        memory.truncate(1usize.wrapping_shl(shift));
        let size = memory.len() as u32;
        if self.producer.wrapping_sub(self.consumer) > size {
            self.consumer = self.producer.wrapping_sub(size);
        }
        let mut i = self.consumer;
        while i != self.producer {
            let at = (i & size.wrapping_sub(1)) as usize;
            if let (Some(to), Some(from)) = (memory.get_mut(at), self.bytes().get(self.slot(i))) {
                *to = *from;
            }
            i = i.wrapping_add(1);
        }
        self.late = memory;
    }

    /// Appends; the oldest bytes make room.
    pub(crate) fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (at, size) = (self.slot(self.producer), self.size());
            let n = (size as usize).saturating_sub(at).min(bytes.len());
            let (now, rest) = bytes.split_at(n);
            let all = if self.late.is_empty() { &mut self.early[..] } else { &mut self.late[..] };
            if let Some(to) = all.get_mut(at..at.saturating_add(n)) {
                to.copy_from_slice(now);
            }
            self.producer = self.producer.wrapping_add(n as u32);
            if self.producer.wrapping_sub(self.consumer) > size {
                self.consumer = self.producer.wrapping_sub(size);
            }
            bytes = rest;
        }
    }

    /// Reads from the oldest byte on, or, if `incremental`, from `index` on when that is still there. With `clear`, what was
    /// read is gone for readers that begin at the oldest byte.
    pub(crate) fn read(&mut self, clear: bool, incremental: bool, index: u32, buf: &mut [u8]) -> ReadResult {
        let kept = self.producer.wrapping_sub(self.consumer);
        let skip = index.wrapping_sub(self.consumer);
        // An index that has been overwritten is behind the consumer and one that was never given out ahead of the producer:
        // both read from the oldest byte.
        let mut from = if incremental && skip <= kept { index } else { self.consumer };
        let count = (self.producer.wrapping_sub(from) as usize).min(buf.len());
        let mut left = buf.get_mut(..count).unwrap_or_default();
        while !left.is_empty() {
            let at = self.slot(from);
            let n = self.bytes().len().saturating_sub(at).min(left.len());
            let (now, rest) = left.split_at_mut(n);
            if let Some(kept) = self.bytes().get(at..at.saturating_add(n)) {
                now.copy_from_slice(kept);
            }
            from = from.wrapping_add(n as u32);
            left = rest;
        }
        if clear {
            self.consumer = from;
        }
        ReadResult { count, index: from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn all(r: &mut Ring) -> Vec<u8> {
        let mut b = vec![0; 1 << 20];
        let got = r.read(false, false, 0, &mut b);
        b.truncate(got.count);
        b
    }

    #[test]
    fn keeps_the_last_bytes() {
        let mut r = Ring::new();
        r.put(&[b'a'; EARLY]);
        r.put(b"bcd");
        let got = all(&mut r);
        assert_eq!(got.len(), EARLY);
        assert!(got.ends_with(b"abcd"));
        r.attach(vec![0; 9]);
        assert_eq!(all(&mut r), b"aaaaabcd");
        r.put(b"efg");
        assert_eq!(all(&mut r), b"aabcdefg");
        r.attach(vec![0; 64]);
        r.put(b"h");
        assert_eq!(all(&mut r), b"aabcdefgh");
        r.attach(Vec::new());
        assert_eq!(all(&mut r), b"aabcdefgh");
    }

    #[test]
    fn reading_on() {
        let mut r = Ring::new();
        r.attach(vec![0; 8]);
        r.put(b"abc");
        let mut b = [0; 2];
        let first = r.read(false, true, 0, &mut b);
        assert_eq!((first.count, first.index, &b), (2, 2, b"ab"));
        let second = r.read(false, true, first.index, &mut b);
        assert_eq!((second.count, b[0]), (1, b'c'));
        assert_eq!(r.read(false, true, second.index, &mut b).count, 0);
        r.put(b"defghijkl");
        // Index 3 is overwritten: on from the oldest one.
        let third = r.read(false, true, second.index, &mut b);
        assert_eq!((third.index, &b), (6, b"ef"));
        assert_eq!(r.read(true, false, 0, &mut b).index, 6);
        assert_eq!(all(&mut r), b"ghijkl");
        // Reading an index from the future begins at the oldest byte.
        assert_eq!(r.read(false, true, 1000, &mut b).index, 8);
    }

    proptest! {
        #[test]
        fn is_the_tail_of_what_was_written(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..40)) {
            let mut r = Ring::new();
            r.attach(vec![0; 32]);
            (r.producer, r.consumer) = (u32::MAX - 40, u32::MAX - 40);
            let mut written = vec![];
            for p in parts {
                r.put(&p);
                written.extend_from_slice(&p);
                let tail = &written[written.len().saturating_sub(32)..];
                prop_assert_eq!(&all(&mut r)[..], tail);
            }
        }
    }
}
