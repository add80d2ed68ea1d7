//! I/O ports as a value, so that drivers of port devices run against a fake one in tests.

use fx_x86::port;

/// I/O ports of devices that do nothing to memory the hypervisor relies on.
pub trait Ports: Copy + Send + Sync {
    /// Reads 8 bits.
    fn in8(&self, port: u16) -> u8;
    /// Writes 8 bits.
    fn out8(&self, port: u16, v: u8);
    /// Reads 16 bits.
    fn in16(&self, port: u16) -> u16;
    /// Writes 16 bits.
    fn out16(&self, port: u16, v: u16);
    /// Reads 32 bits.
    fn in32(&self, port: u16) -> u32;
    /// Writes 32 bits.
    fn out32(&self, port: u16, v: u32);
}

/// The machine's ports.
#[derive(Clone, Copy, Debug)]
pub struct Native(());

impl Native {
    /// The ports.
    ///
    /// # Safety
    /// The caller hands them only to drivers of devices that exist at the ports given to those drivers, or that are
    /// harmless to probe, and does not let a driver point a device's bus mastering at memory in use.
    #[must_use]
    pub const unsafe fn new() -> Self {
        Self(())
    }
}

impl Ports for Native {
    #[inline]
    fn in8(&self, port: u16) -> u8 {
        // SAFETY: see `Native::new`.
        unsafe { port::inb(port) }
    }

    #[inline]
    fn out8(&self, port: u16, v: u8) {
        // SAFETY: see `Native::new`.
        unsafe { port::outb(port, v) };
    }

    #[inline]
    fn in16(&self, port: u16) -> u16 {
        // SAFETY: see `Native::new`.
        unsafe { port::inw(port) }
    }

    #[inline]
    fn out16(&self, port: u16, v: u16) {
        // SAFETY: see `Native::new`.
        unsafe { port::outw(port, v) };
    }

    #[inline]
    fn in32(&self, port: u16) -> u32 {
        // SAFETY: see `Native::new`.
        unsafe { port::inl(port) }
    }

    #[inline]
    fn out32(&self, port: u16, v: u32) {
        // SAFETY: see `Native::new`.
        unsafe { port::outl(port, v) };
    }
}
