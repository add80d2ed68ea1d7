//! One counter of an 8254: what is programmed, and how its bytes are read and written.

use super::count::{Counter, decimal, from_decimal};

/// Which bytes of a count are transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    Low,
    High,
    Both,
}

/// A counter with its registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    pub counter: Counter,
    pub bytes: Bytes,
    /// The next read, or write, is that of the high byte of both.
    pub read_high: bool,
    pub write_high: bool,
    /// The low byte, until the high one is written.
    pub low: u8,
    pub bcd: bool,
    /// What was latched, until it is read.
    pub latched: Option<u16>,
    pub status: Option<u8>,
}

impl Channel {
    pub const fn new(gate: bool) -> Self {
        Self {
            counter: Counter::new(gate),
            bytes: Bytes::Both,
            read_high: false,
            write_high: false,
            low: 0,
            bcd: false,
            latched: None,
            status: None,
        }
    }

    /// A control word with other bytes than none.
    pub fn control(&mut self, value: u8) {
        let bytes = match value >> 4 & 3 {
            1 => Bytes::Low,
            2 => Bytes::High,
            _ => Bytes::Both,
        };
        let mut counter = self.counter;
        counter.set_mode(value >> 1 & 7);
        *self = Self { counter, bytes, bcd: value & 1 != 0, ..Self::new(true) };
    }

    fn value(&self, now: u64) -> u16 {
        let modulus = if self.bcd { 10_000 } else { 65_536 };
        let value = self.counter.value(now, modulus);
        if self.bcd { decimal(value) } else { value }
    }

    /// Keeps the count for reading; one that is kept already stays.
    pub fn latch(&mut self, now: u64) {
        if self.latched.is_none() {
            self.latched = Some(self.value(now));
        }
    }

    /// Keeps output, whether a count is loaded, and the control word for reading.
    pub fn latch_status(&mut self, now: u64) {
        let bytes = match self.bytes {
            Bytes::Low => 1,
            Bytes::High => 2,
            Bytes::Both => 3u8,
        };
        let (out, null) = (self.counter.output(now), self.counter.is_idle());
        let value = u8::from(out) << 7 | u8::from(null) << 6;
        self.status.get_or_insert(value | bytes << 4 | (self.counter.mode & 7) << 1 | u8::from(self.bcd));
    }

    /// Reads a byte.
    pub fn read(&mut self, now: u64) -> u8 {
        if let Some(status) = self.status.take() {
            return status;
        }
        let [low, high] = self.latched.unwrap_or_else(|| self.value(now)).to_le_bytes();
        let (byte, last) = match self.bytes {
            Bytes::Low => (low, true),
            Bytes::High => (high, true),
            Bytes::Both if self.read_high => (high, true),
            Bytes::Both => (low, false),
        };
        self.read_high = !last;
        if last {
            self.latched = None;
        }
        byte
    }

    /// Writes a byte; whether that completes a count.
    pub fn write(&mut self, value: u8, now: u64) -> bool {
        let count = match self.bytes {
            Bytes::Low => [value, 0],
            Bytes::High => [0, value],
            Bytes::Both if self.write_high => [self.low, value],
            Bytes::Both => {
                self.low = value;
                self.write_high = true;
                return false;
            }
        };
        self.write_high = false;
        let count = match (u16::from_le_bytes(count), self.bcd) {
            (0, false) => 65_536,
            (0, true) => 10_000,
            (count, false) => u32::from(count),
            (count, true) => from_decimal(count),
        };
        self.counter.load(count, now);
        true
    }
}
