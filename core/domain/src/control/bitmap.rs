//! Bitmaps of CPUs and nodes in the caller's memory (`struct xenctl_bitmap`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use fx_types::{CpuSet, Errno, Result};
use xen_abi::xen::XenctlBitmap;

use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;

/// Bytes of a [`CpuSet`].
const BYTES: usize = fx_types::MAX_CPUS / 8;
/// The most bytes that a caller's bitmap may have to be filled up with.
const MOST: u32 = 16 * BYTES as u32;

/// The set of the numbers below `n`.
pub(crate) fn below(n: usize) -> CpuSet {
    let mut s = CpuSet::EMPTY;
    (0..n).for_each(|i| s.insert(i));
    s
}

impl<H: Hw> Host<H> {
    /// The CPUs that are online.
    pub(crate) fn online(&self) -> CpuSet {
        below(self.hw.cpus())
    }

    /// Reads a bitmap; numbers that a [`CpuSet`] cannot have are dropped.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(crate) fn bitmap_in(&self, b: &XenctlBitmap) -> Result<CpuSet> {
        let theirs = b.nr_bits.div_ceil(8) as usize;
        let n = theirs.min(BYTES);
        let mut bytes = [0; BYTES];
        let part = bytes.get_mut(..n).ok_or(Errno::EINVAL)?;
        self.hw.copy_in(b.bitmap.0, part)?;
        if theirs == n
            && !b.nr_bits.is_multiple_of(8)
            && let Some(last) = part.last_mut()
        {
            *last &= !(0xffu8.wrapping_shl(b.nr_bits & 7));
        }
        Ok(CpuSet::from_bytes(&bytes))
    }

    /// Writes the numbers of `set` below `bits` as a bitmap, as far as there is room, and zeroes behind.
    ///
    /// # Errors
    /// `EFAULT`, `EINVAL` for a bitmap of absurd size.
    pub(crate) fn bitmap_out(&self, b: &XenctlBitmap, set: &CpuSet, bits: usize) -> Result {
        let theirs = b.nr_bits.div_ceil(8);
        if theirs > MOST {
            return Err(Errno::EINVAL);
        }
        let mut bytes = [0; BYTES];
        for (to, from) in bytes.iter_mut().zip(set.and(&below(bits)).bytes()) {
            *to = from;
        }
        let mut at = 0usize;
        while at < theirs as usize {
            let n = (theirs as usize).saturating_sub(at).min(BYTES);
            let piece = bytes.get(..n).ok_or(Errno::EINVAL)?;
            self.hw.copy_out(b.bitmap.0.wrapping_add(at as u64), piece)?;
            bytes = [0; BYTES];
            at = at.saturating_add(n);
        }
        Ok(())
    }

    /// The domains from number `first` on, ascending, at most `most`.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn all_domains(&self, first: u16, most: usize) -> Result<Vec<Arc<Domain>>> {
        let domains = self.domains.read();
        let mut all = Vec::new();
        all.try_reserve_exact(domains.len().min(most)).map_err(|_| Errno::ENOMEM)?;
        all.extend(domains.range(first..).take(most).map(|(_, d)| d.clone()));
        Ok(all)
    }
}
