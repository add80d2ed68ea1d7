//! The form in which the timer is saved (`hvm_hw_pit`). How far counters have come is not in it: they start anew.

use xen_abi::hvm_save::{HvmHwPit, HvmHwPitChannel};

use super::Pit;
use super::channel::{Bytes, Channel};
use super::count::{Counter, UNSET};

/// States of reading and writing: the low byte, the high byte, the low byte of both, the high byte of both.
const LOW: u8 = 1;
const HIGH: u8 = 2;
const BOTH_LOW: u8 = 3;
const BOTH_HIGH: u8 = 4;

impl Channel {
    fn save(&self) -> HvmHwPitChannel {
        let rw_mode = match self.bytes {
            Bytes::Low => LOW,
            Bytes::High => HIGH,
            Bytes::Both => BOTH_LOW,
        };
        let place = |second: bool| if second { BOTH_HIGH } else { rw_mode };
        HvmHwPitChannel {
            count: self.counter.count,
            latched_count: self.latched.unwrap_or(0),
            count_latched: match self.latched {
                None => 0,
                // Of a latched count the second byte is simply a high one.
                Some(_) if self.read_high => HIGH,
                Some(_) => rw_mode,
            },
            status_latched: u8::from(self.status.is_some()),
            status: self.status.unwrap_or(0),
            read_state: place(self.read_high),
            write_state: place(self.write_high),
            write_latch: self.low,
            rw_mode,
            mode: self.counter.mode,
            bcd: u8::from(self.bcd),
            gate: u8::from(self.counter.gate),
        }
    }

    fn load(k: &HvmHwPitChannel, now: u64) -> Self {
        let bytes = match k.rw_mode {
            LOW => Bytes::Low,
            HIGH => Bytes::High,
            _ => Bytes::Both,
        };
        let both = bytes == Bytes::Both;
        let mut counter = Counter::new(k.gate != 0);
        if k.mode == UNSET {
            counter.count = k.count.clamp(1, 65_536);
        } else {
            counter.set_mode(k.mode);
            counter.load(k.count, now);
        }
        Self {
            counter,
            bytes,
            read_high: both && (k.read_state == BOTH_HIGH || k.count_latched == HIGH),
            write_high: both && k.write_state == BOTH_HIGH,
            low: k.write_latch,
            bcd: k.bcd != 0,
            latched: (k.count_latched != 0).then_some(k.latched_count),
            status: (k.status_latched != 0).then_some(k.status),
        }
    }
}

impl Pit {
    /// The form in which it is saved.
    #[must_use]
    pub fn save(&self) -> HvmHwPit {
        let channels = self.channels.each_ref().map(Channel::save);
        HvmHwPit { channels, speaker_data_on: u32::from(self.speaker), pad0: 0 }
    }

    /// Takes what was saved. Any values are taken for what is nearest.
    pub fn load(&mut self, k: &HvmHwPit, now: u64) {
        self.channels = k.channels.each_ref().map(|c| Channel::load(c, now));
        self.speaker = k.speaker_data_on != 0;
        self.told = 0;
    }
}
