//! The 8254 timer (Intel's data sheet 231164), and port 0x61 with the gate and the output of its third counter.

mod channel;
mod count;
mod saved;

use channel::Channel;

use crate::bytes::ones;

/// The first of four ports.
pub const PORT: u16 = 0x40;
/// Gate and speaker.
pub const SPEAKER_PORT: u16 = 0x61;

const CONTROL: u16 = 0x43;
const GATE: u8 = 1 << 0;
const SPEAKER: u8 = 1 << 1;
/// Port 0x61: a bit that changes all the time, once for the refresh of memory.
const REFRESH_NS_SHIFT: u32 = 14;

/// The timer.
#[derive(Clone, Copy, Debug)]
pub struct Pit {
    channels: [Channel; 3],
    speaker: bool,
    /// Whether counter 0 is connected to interrupt 0.
    connected: bool,
    /// How often counter 0's output rose, as far as the owner was told.
    told: u64,
}

impl Default for Pit {
    fn default() -> Self {
        let channels = [Channel::new(true), Channel::new(true), Channel::new(false)];
        Self { channels, speaker: false, connected: true, told: 0 }
    }
}

impl Pit {
    /// Reads a port.
    pub fn read(&mut self, port: u16, size: u8, now: u64) -> u32 {
        let value = match port {
            _ if size != 1 => return ones(size),
            SPEAKER_PORT => self.speaker_read(now),
            CONTROL => 0,
            _ => self.channel(port & 3).map_or(0xff, |c| c.read(now)),
        };
        u32::from(value)
    }

    /// Writes a port; whether [`Pit::next_deadline`] may have changed.
    pub fn write(&mut self, port: u16, size: u8, value: u32, now: u64) -> bool {
        let value = value as u8;
        match port {
            _ if size != 1 => false,
            SPEAKER_PORT => {
                self.speaker = value & SPEAKER != 0;
                let [_, _, third] = &mut self.channels;
                third.counter.set_gate(value & GATE != 0, now);
                false
            }
            CONTROL => self.control(value, now),
            _ => {
                let complete = self.channel(port & 3).is_some_and(|c| c.write(value, now));
                complete && port & 3 == 0 && self.restarted()
            }
        }
    }

    fn channel(&mut self, n: u16) -> Option<&mut Channel> {
        self.channels.get_mut(usize::from(n))
    }

    fn restarted(&mut self) -> bool {
        self.told = 0;
        true
    }

    /// A control word: for a counter, to latch one, or to latch some.
    fn control(&mut self, value: u8, now: u64) -> bool {
        let n = u16::from(value >> 6);
        let Some(channel) = self.channel(n) else {
            self.read_back(value, now);
            return false;
        };
        if value & 0x30 == 0 {
            channel.latch(now);
            return false;
        }
        channel.control(value);
        n == 0 && self.restarted()
    }

    fn read_back(&mut self, value: u8, now: u64) {
        let chosen = [2, 4, 8].map(|bit| value & bit != 0);
        for (channel, _) in self.channels.iter_mut().zip(chosen).filter(|(_, chosen)| *chosen) {
            if value & 0x20 == 0 {
                channel.latch(now);
            }
            if value & 0x10 == 0 {
                channel.latch_status(now);
            }
        }
    }

    fn speaker_read(&self, now: u64) -> u8 {
        let [_, _, third] = &self.channels;
        let refresh = (now >> REFRESH_NS_SHIFT) as u8 & 1;
        u8::from(third.counter.gate)
            | u8::from(self.speaker) << 1
            | refresh << 4
            | u8::from(third.counter.output(now)) << 5
    }

    /// When interrupt 0 has its next edge.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let [first, ..] = &self.channels;
        first.counter.when(self.told.checked_add(1)?).filter(|_| self.connected)
    }

    /// How many edges interrupt 0 has had since this was asked last.
    pub fn expire(&mut self, now: u64) -> u64 {
        let [first, ..] = &self.channels;
        let rises = first.counter.rises(now);
        let new = rises.saturating_sub(self.told);
        self.told = self.told.max(rises);
        if self.connected { new } else { 0 }
    }

    /// Connects counter 0 to interrupt 0, or leaves that to the HPET.
    pub fn connect(&mut self, connected: bool, now: u64) {
        // What came meanwhile is not made up for.
        self.expire(now);
        self.connected = connected;
    }
}

#[cfg(test)]
mod tests;
