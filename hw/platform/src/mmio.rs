//! Device registers in memory.

use core::ptr::NonNull;

/// A mapped block of device registers.
#[derive(Clone, Copy, Debug)]
pub struct Mmio {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is the same on every CPU, and accesses are volatile; drivers lock where a device needs it.
unsafe impl Send for Mmio {}
// SAFETY: as above.
unsafe impl Sync for Mmio {}

impl Mmio {
    /// The registers at `base`.
    ///
    /// # Safety
    /// `len` bytes from `base` (aligned to 8) stay mapped for good, uncached, belong to the device that the caller is
    /// making a driver for, and nothing else in the hypervisor refers to them.
    #[must_use]
    pub const unsafe fn new(base: NonNull<u8>, len: usize) -> Self {
        Self { base, len }
    }

    /// Where it is mapped.
    #[must_use]
    pub const fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no registers at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A part of the block; `None` when it is not within the block.
    #[must_use]
    pub fn part(&self, offset: usize, len: usize) -> Option<Self> {
        let inside = offset.checked_add(len)? <= self.len;
        // The part's first byte, which exists because it is inside.
        inside.then(|| Self {
            base: NonNull::new(self.base.as_ptr().wrapping_add(offset)).unwrap_or(self.base),
            len,
        })
    }

    #[inline]
    fn at<T>(&self, offset: usize) -> *mut T {
        let size = size_of::<T>();
        assert!(
            offset.is_multiple_of(size) && offset <= self.len.saturating_sub(size),
            "register outside of its device"
        );
        self.base.as_ptr().wrapping_add(offset).cast()
    }

    /// Reads 8 bits. Panics, as the others do, when the register is outside of the block: a driver's mistake.
    #[inline]
    #[must_use]
    pub fn read8(&self, offset: usize) -> u8 {
        // SAFETY: within the block, which is mapped.
        unsafe { self.at::<u8>(offset).read_volatile() }
    }

    /// Writes 8 bits.
    #[inline]
    pub fn write8(&self, offset: usize, v: u8) {
        // SAFETY: within the block, which is mapped.
        unsafe { self.at::<u8>(offset).write_volatile(v) };
    }

    /// Reads 16 bits.
    #[inline]
    #[must_use]
    pub fn read16(&self, offset: usize) -> u16 {
        // SAFETY: within the block, which is mapped.
        unsafe { self.at::<u16>(offset).read_volatile() }
    }

    /// Writes 16 bits.
    #[inline]
    pub fn write16(&self, offset: usize, v: u16) {
        // SAFETY: within the block, which is mapped.
        unsafe { self.at::<u16>(offset).write_volatile(v) };
    }

    /// Reads 32 bits.
    #[inline]
    #[must_use]
    pub fn read32(&self, offset: usize) -> u32 {
        // SAFETY: within the block, which is mapped.
        unsafe { self.at::<u32>(offset).read_volatile() }
    }

    /// Writes 32 bits.
    #[inline]
    pub fn write32(&self, offset: usize, v: u32) {
        // SAFETY: within the block, which is mapped.
        unsafe { self.at::<u32>(offset).write_volatile(v) };
    }
}
