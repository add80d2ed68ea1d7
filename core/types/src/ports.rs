//! The ports: what the core needs of a machine. `hypervisor` implements them on the hardware, `sim` in a test process.
//! All are used through generics (static dispatch).

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use crate::{Errno, Maddr, Mfn, Result};

/// Real memory. Every method is for memory that exists and that the caller holds a reference to; addresses of the atomic
/// methods are aligned to their size. Single words are accessed atomically, ranges byte by byte with no ordering: guests
/// may write the same memory at any time.
pub trait PhysMem {
    /// Reads 8 bytes.
    fn load64(&self, a: Maddr) -> u64;
    /// Writes 8 bytes.
    fn store64(&self, a: Maddr, v: u64);
    /// Replaces `old` by `new`; `Err` carries what was found instead.
    ///
    /// # Errors
    /// The present value, when it is not `old`.
    fn cas64(&self, a: Maddr, old: u64, new: u64) -> core::result::Result<(), u64>;
    /// Ors `bits` in and returns the value before.
    fn fetch_or64(&self, a: Maddr, bits: u64) -> u64;
    /// Ands with `bits` and returns the value before.
    fn fetch_and64(&self, a: Maddr, bits: u64) -> u64;
    /// Reads 4 bytes.
    fn load32(&self, a: Maddr) -> u32;
    /// Writes 4 bytes.
    fn store32(&self, a: Maddr, v: u32);
    /// Replaces `old` by `new`; `Err` carries what was found instead.
    ///
    /// # Errors
    /// The present value, when it is not `old`.
    fn cas32(&self, a: Maddr, old: u32, new: u32) -> core::result::Result<(), u32>;
    /// Ors `bits` in and returns the value before.
    fn fetch_or32(&self, a: Maddr, bits: u32) -> u32;
    /// Ands with `bits` and returns the value before.
    fn fetch_and32(&self, a: Maddr, bits: u32) -> u32;
    /// Reads one byte.
    fn load8(&self, a: Maddr) -> u8;
    /// Writes one byte.
    fn store8(&self, a: Maddr, v: u8);
    /// Swaps one byte in and returns the one before.
    fn swap8(&self, a: Maddr, v: u8) -> u8;
    /// Reads a range that lies within one frame.
    fn read(&self, a: Maddr, buf: &mut [u8]);
    /// Writes a range that lies within one frame.
    fn write(&self, a: Maddr, buf: &[u8]);
    /// Fills a frame with zeroes.
    fn zero_frame(&self, mfn: Mfn);
    /// Copies a whole frame.
    fn copy_frame(&self, to: Mfn, from: Mfn);
    /// Copies within memory: both ranges lie within one frame each and do not overlap.
    fn copy(&self, to: Maddr, from: Maddr, len: u64);
}

/// Typed access on top of [`PhysMem`].
pub trait PhysMemExt: PhysMem {
    /// Reads a value that lies within one frame.
    fn get<T: FromBytes + IntoBytes + FromZeros>(&self, a: Maddr) -> T {
        let mut v = T::new_zeroed();
        self.read(a, v.as_mut_bytes());
        v
    }

    /// Writes a value that lies within one frame.
    fn put<T: IntoBytes + Immutable>(&self, a: Maddr, v: &T) {
        self.write(a, v.as_bytes());
    }
}

impl<P: PhysMem + ?Sized> PhysMemExt for P {}

/// A guest address that could not be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How many bytes had been copied before the fault.
    pub done: usize,
}

impl From<Fault> for Errno {
    fn from(_: Fault) -> Self {
        Errno::EFAULT
    }
}

/// The virtual memory of the guest that is current on this CPU. Accesses are made with the guest's own rights; addresses in
/// the hypervisor's range and non-canonical ones fault.
pub trait GuestVirt {
    /// Copies from the guest.
    ///
    /// # Errors
    /// [`Fault`] when some byte is not readable by the guest.
    fn copy_in(&self, va: u64, buf: &mut [u8]) -> core::result::Result<(), Fault>;
    /// Copies to the guest.
    ///
    /// # Errors
    /// [`Fault`] when some byte is not writable by the guest.
    fn copy_out(&self, va: u64, buf: &[u8]) -> core::result::Result<(), Fault>;
}

/// Typed access on top of [`GuestVirt`].
pub trait GuestVirtExt: GuestVirt {
    /// Reads a value.
    ///
    /// # Errors
    /// `EFAULT` when it is not readable.
    #[inline]
    fn read_val<T: FromBytes + IntoBytes + FromZeros>(&self, va: u64) -> Result<T> {
        let mut v = T::new_zeroed();
        self.copy_in(va, v.as_mut_bytes())?;
        Ok(v)
    }

    /// Writes a value.
    ///
    /// # Errors
    /// `EFAULT` when it is not writable.
    #[inline]
    fn write_val<T: IntoBytes + Immutable>(&self, va: u64, v: &T) -> Result<()> {
        self.copy_out(va, v.as_bytes())?;
        Ok(())
    }

    /// Reads element `index` of an array of `T` at `base`.
    ///
    /// # Errors
    /// `EFAULT` when it is not readable.
    fn read_at<T: FromBytes + IntoBytes + FromZeros>(&self, base: u64, index: u64) -> Result<T> {
        self.read_val(element(base, index, core::mem::size_of::<T>() as u64)?)
    }

    /// Writes element `index` of an array of `T` at `base`.
    ///
    /// # Errors
    /// `EFAULT` when it is not writable.
    fn write_at<T: IntoBytes + Immutable>(&self, base: u64, index: u64, v: &T) -> Result<()> {
        self.write_val(element(base, index, core::mem::size_of::<T>() as u64)?, v)
    }
}

impl<G: GuestVirt + ?Sized> GuestVirtExt for G {}

fn element(base: u64, index: u64, size: u64) -> Result<u64> {
    index.checked_mul(size).and_then(|o| base.checked_add(o)).ok_or(Errno::EFAULT)
}

/// Time.
pub trait Clock {
    /// Nanoseconds of system time since boot, the same on every CPU.
    fn now(&self) -> u64;
}
