//! Where the arguments of hypercalls of 32-bit code are in their native form: at linear addresses that such code does not have.

use fx_sync::Lock;

/// The first address beyond those of 32-bit code.
pub(crate) const SCRATCH: u64 = 1 << 32;
/// Bytes: a structure and an array.
const SIZE: usize = 2048;

/// The memory of one vCPU.
pub(crate) struct Scratch(Lock<[u8; SIZE]>);

impl Default for Scratch {
    fn default() -> Self {
        Self(Lock::new([0; SIZE]))
    }
}

/// The part that `len` bytes at an address are.
fn part(va: u64, len: usize) -> Option<core::ops::Range<usize>> {
    let first = usize::try_from(va.checked_sub(SCRATCH)?).ok()?;
    Some(first..first.checked_add(len)?)
}

impl Scratch {
    /// Reads; `false` when some byte is outside.
    pub(super) fn read(&self, va: u64, out: &mut [u8]) -> bool {
        let bytes = self.0.lock();
        let from = part(va, out.len()).and_then(|range| bytes.get(range));
        from.map(|from| out.copy_from_slice(from)).is_some()
    }

    /// Writes; `false` when some byte is outside.
    pub(super) fn write(&self, va: u64, data: &[u8]) -> bool {
        let mut bytes = self.0.lock();
        let to = part(va, data.len()).and_then(|range| bytes.get_mut(range));
        to.map(|to| to.copy_from_slice(data)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_and_outside() {
        let s = Scratch::default();
        let mut two = [0; 2];
        assert!(s.write(SCRATCH + 2046, &[7, 8]) && s.read(SCRATCH + 2046, &mut two));
        assert_eq!(two, [7, 8]);
        assert!(!s.read(SCRATCH + 2047, &mut two) && !s.write(SCRATCH - 1, &[1]));
    }
}
