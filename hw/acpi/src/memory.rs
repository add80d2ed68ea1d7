//! Reading physical memory.

use fx_types::{Maddr, PAGE_SIZE, PhysMem};

/// Physical memory, firmware areas included.
pub trait Memory {
    /// Copies from memory; false when not all of the range is readable memory.
    fn read(&self, addr: u64, buf: &mut [u8]) -> bool;

    /// One byte.
    fn u8(&self, addr: u64) -> Option<u8> {
        let mut b = [0; 1];
        self.read(addr, &mut b).then(|| u8::from_le_bytes(b))
    }

    /// Two bytes, little-endian.
    fn u16(&self, addr: u64) -> Option<u16> {
        let mut b = [0; 2];
        self.read(addr, &mut b).then(|| u16::from_le_bytes(b))
    }

    /// Four bytes, little-endian.
    fn u32(&self, addr: u64) -> Option<u32> {
        let mut b = [0; 4];
        self.read(addr, &mut b).then(|| u32::from_le_bytes(b))
    }

    /// Eight bytes, little-endian.
    fn u64(&self, addr: u64) -> Option<u64> {
        let mut b = [0; 8];
        self.read(addr, &mut b).then(|| u64::from_le_bytes(b))
    }
}

/// The [`Memory`] of a [`PhysMem`]: `readable(start, length)` says whether a range, which lies within one frame, can be
/// read through it.
pub struct Ram<'a, P, F> {
    /// Real memory.
    pub mem: &'a P,
    /// Which ranges exist.
    pub readable: F,
}

impl<P: PhysMem, F: Fn(u64, u64) -> bool> Memory for Ram<'_, P, F> {
    fn read(&self, addr: u64, buf: &mut [u8]) -> bool {
        let mut at = addr;
        let mut rest = buf;
        while !rest.is_empty() {
            let room = PAGE_SIZE.saturating_sub(Maddr(at).offset()) as usize;
            let (piece, tail) = rest.split_at_mut(room.min(rest.len()));
            let len = piece.len() as u64;
            let Some(next) = at.checked_add(len) else { return false };
            if !(self.readable)(at, len) {
                return false;
            }
            self.mem.read(Maddr(at), piece);
            at = next;
            rest = tail;
        }
        true
    }
}
