//! The output of a guest, collected into lines.

use crate::rate::Bucket;

/// The longest line; longer ones are broken.
const LINE: usize = 200;

/// The line that a guest has not finished yet, and how many it may print: what it writes takes nothing from others.
pub struct GuestLine {
    bytes: [u8; LINE],
    len: usize,
    pub(crate) bucket: Bucket,
}

impl Default for GuestLine {
    fn default() -> Self {
        Self::new()
    }
}

impl GuestLine {
    /// An empty line.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; LINE], len: 0, bucket: Bucket::new() }
    }

    /// Adds a byte, printable ones and tabs only; the line, when it is complete, and what it is to be paid from.
    pub(crate) fn add(&mut self, byte: u8) -> Option<(&[u8], &mut Bucket)> {
        let printable = byte == b'\t' || (0x20..0x7f).contains(&byte);
        if printable && let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len = self.len.saturating_add(1);
        }
        if byte == b'\n' || self.len == LINE {
            let len = core::mem::take(&mut self.len);
            return self.bytes.get(..len).map(|line| (line, &mut self.bucket));
        }
        None
    }
}
