//! Messages as they stand in the page of them (TLFS 11.8).

/// Bytes from one message to the next.
pub const MESSAGE: u64 = 256;
/// `HvMessageTimerExpired`.
const TIMER_EXPIRED: u32 = 0x8000_0010;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A synthetic timer was due.
    TimerExpired {
        /// Its number.
        timer: u32,
        /// When it was due.
        due: u64,
        /// When it is told.
        now: u64,
    },
}

impl Message {
    /// The message in words of 8 bytes; the first has the kind, which is written last.
    #[must_use]
    pub fn words(&self) -> [u64; 5] {
        const PAYLOAD: u64 = 24;
        let Self::TimerExpired { timer, due, now } = *self;
        // Kind, length of the payload, flags; the sender; the payload.
        [u64::from(TIMER_EXPIRED) | PAYLOAD << 32, 0, u64::from(timer), due, now]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout() {
        let m = Message::TimerExpired { timer: 3, due: 7, now: 9 };
        assert_eq!(m.words(), [0x18_8000_0010, 0, 3, 7, 9]);
    }
}
