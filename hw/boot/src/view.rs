//! Reading physical memory.

/// Physical memory as the boot code sees it.
pub trait PhysView {
    /// Copies `buf.len()` bytes from `addr`; false when some of them cannot be read.
    fn read(&self, addr: u64, buf: &mut [u8]) -> bool;

    /// Four bytes.
    fn u32(&self, addr: u64) -> Option<u32> {
        let mut b = [0; 4];
        self.read(addr, &mut b).then(|| u32::from_le_bytes(b))
    }

    /// Eight bytes.
    fn u64(&self, addr: u64) -> Option<u64> {
        let mut b = [0; 8];
        self.read(addr, &mut b).then(|| u64::from_le_bytes(b))
    }
}
