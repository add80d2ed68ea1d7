//! Port I/O.

use core::arch::asm;

macro_rules! port {
    ($read:ident, $write:ident, $ty:ty, $bits:literal, $in:literal, $out:literal, $reg:tt) => {
        #[doc = concat!("Reads ", $bits, " bits from a port.")]
        ///
        /// # Safety
        /// Reading the port must have no effect on memory that the hypervisor relies on.
        #[inline]
        #[must_use]
        pub unsafe fn $read(port: u16) -> $ty {
            let v;
            // SAFETY: the caller vouches for the device.
            unsafe { asm!($in, in("dx") port, out($reg) v, options(nomem, nostack, preserves_flags)) };
            v
        }

        #[doc = concat!("Writes ", $bits, " bits to a port.")]
        ///
        /// # Safety
        /// The write must have no effect on memory that the hypervisor relies on.
        #[inline]
        pub unsafe fn $write(port: u16, v: $ty) {
            // SAFETY: the caller vouches for the device.
            unsafe { asm!($out, in("dx") port, in($reg) v, options(nomem, nostack, preserves_flags)) };
        }
    };
}

port!(inb, outb, u8, "8", "in al, dx", "out dx, al", "al");
port!(inw, outw, u16, "16", "in ax, dx", "out dx, ax", "ax");
port!(inl, outl, u32, "32", "in eax, dx", "out dx, eax", "eax");
