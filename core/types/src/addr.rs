//! Frame numbers and addresses, one type each so that they cannot be mixed up.

use core::fmt;

/// log2 of the page size.
pub const PAGE_SHIFT: u32 = 12;
/// Bytes in a page.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// First virtual address that belongs to the hypervisor in every PV address space (`xen/arch-x86/xen-x86_64.h`).
pub const HYP_VIRT_START: u64 = 0xffff_8000_0000_0000;
/// First virtual address above the hypervisor's range.
pub const HYP_VIRT_END: u64 = 0xffff_8800_0000_0000;

macro_rules! frame_number {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// No frame.
            pub const INVALID: Self = Self(u64::MAX);

            /// The frame `n` frames further on.
            #[must_use]
            pub const fn add(self, n: u64) -> Self {
                Self(self.0.wrapping_add(n))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, ":{:x}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:x}", self.0)
            }
        }
    };
}

frame_number!(
    /// A machine frame number: a frame of real memory.
    Mfn,
    "mfn"
);
frame_number!(
    /// A guest frame number: what a guest names a frame by (for a PV guest the mfn).
    Gfn,
    "gfn"
);
frame_number!(
    /// A pseudo-physical frame number: an index into a PV guest's own p2m table.
    Pfn,
    "pfn"
);

impl Mfn {
    /// The frame's first byte.
    #[must_use]
    pub const fn addr(self) -> Maddr {
        Maddr(self.0 << PAGE_SHIFT)
    }

    /// The address of byte `offset` of the frame.
    #[must_use]
    pub const fn at(self, offset: u64) -> Maddr {
        Maddr((self.0 << PAGE_SHIFT).wrapping_add(offset))
    }
}

/// A machine (physical) address in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Maddr(pub u64);

impl Maddr {
    /// The frame that holds the address.
    #[must_use]
    pub const fn mfn(self) -> Mfn {
        Mfn(self.0 >> PAGE_SHIFT)
    }

    /// The offset in bytes within its frame.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.0 & (PAGE_SIZE - 1)
    }

    /// The address `n` bytes further on.
    #[must_use]
    pub const fn add(self, n: u64) -> Self {
        Self(self.0.wrapping_add(n))
    }
}

impl fmt::Debug for Maddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "maddr:{:x}", self.0)
    }
}

/// A domain's number (`domid_t` of `xen/xen.h`), reserved ones such as `DOMID_SELF` included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct DomId(pub u16);

impl fmt::Debug for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}", self.0)
    }
}

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}", self.0)
    }
}

/// Whether a 64-bit address is canonical for 48-bit linear addresses.
#[must_use]
pub const fn is_canonical(va: u64) -> bool {
    let top = va >> 47;
    top == 0 || top == 0x1_ffff
}

/// Whether a PV guest may let the hypervisor touch `len` bytes at `va`: canonical, without wrapping, and nowhere in the
/// hypervisor's own range.
#[must_use]
#[inline]
pub const fn guest_range_ok(va: u64, len: u64) -> bool {
    match va.checked_add(len) {
        Some(end) => end <= 0x0000_8000_0000_0000 || va >= HYP_VIRT_END,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_ranges() {
        assert!(guest_range_ok(0, 0x0000_8000_0000_0000));
        assert!(!guest_range_ok(1, 0x0000_8000_0000_0000));
        assert!(!guest_range_ok(HYP_VIRT_START, 1));
        assert!(guest_range_ok(HYP_VIRT_END, 8));
        assert!(!guest_range_ok(HYP_VIRT_END - 1, 1));
        assert!(!guest_range_ok(u64::MAX, 8));
        assert!(!guest_range_ok(0x0000_8000_0000_0000, 1));
    }

    #[test]
    fn canonical() {
        assert!(is_canonical(0x7fff_ffff_ffff));
        assert!(!is_canonical(0x8000_0000_0000));
        assert!(is_canonical(0xffff_8000_0000_0000));
    }
}
