//! How often an entry is in use, by kind.

use xen_abi::grant_table::{GNTMAP_DEVICE_MAP, GNTMAP_HOST_MAP, GNTMAP_READONLY};

/// Four counts in a word: reading and writing uses by host CPUs and by devices. A count that reaches 128 is full.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Pins(u32);

const HOST_READ: u32 = 1;
const HOST_WRITE: u32 = 1 << 8;
const DEVICE_READ: u32 = 1 << 16;
const READS: u32 = 0x00ff_00ff;
const WRITES: u32 = 0xff00_ff00;
const FULL: u32 = 0x8080_8080;

impl Pins {
    /// The uses that a mapping with these `GNTMAP_*` flags makes.
    #[inline]
    #[must_use]
    pub const fn of_mapping(flags: u32) -> Self {
        let host = if flags & GNTMAP_HOST_MAP != 0 { HOST_READ } else { 0 };
        let device = if flags & GNTMAP_DEVICE_MAP != 0 { DEVICE_READ } else { 0 };
        let reads = host | device;
        // A writing count lies 8 bits above the reading count of the same kind.
        Self(if flags & GNTMAP_READONLY != 0 { reads } else { reads << 8 })
    }

    /// The one use that the hypervisor makes for a copy.
    #[inline]
    #[must_use]
    pub const fn of_copy(readonly: bool) -> Self {
        Self(if readonly { HOST_READ } else { HOST_WRITE })
    }

    /// Whether there is no use.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether there is a reading use.
    #[inline]
    #[must_use]
    pub const fn reads(self) -> bool {
        self.0 & READS != 0
    }

    /// Whether there is a writing use.
    #[inline]
    #[must_use]
    pub const fn writes(self) -> bool {
        self.0 & WRITES != 0
    }

    /// Whether some count cannot take more.
    #[inline]
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.0 & FULL != 0
    }

    /// Counts as `[host read, host write, device read, device write]`.
    #[must_use]
    pub const fn counts(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// With `more` added; the caller has checked [`is_full`](Self::is_full), so no count runs over.
    #[inline]
    pub(crate) const fn plus(self, more: Self) -> Self {
        Self(self.0.wrapping_add(more.0))
    }

    /// Without `less`, which is part of it.
    #[inline]
    pub(crate) const fn minus(self, less: Self) -> Self {
        Self(self.0.wrapping_sub(less.0))
    }
}
