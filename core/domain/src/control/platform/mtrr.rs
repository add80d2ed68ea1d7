//! `XENPF_read_memtype`: the variable-range MTRRs (AMD64 APM volume 2, 7.7; Intel SDM volume 3, 12.11).

use fx_types::Errno;
use xen_abi::platform::{PlatformOp, XenpfReadMemtype};

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;

const MTRR_CAP: u32 = 0xfe;
const MTRR_BASE0: u32 = 0x200;
/// In a mask: the range is in use.
const VALID: u64 = 1 << 11;

impl<H: Hw> Host<H> {
    pub(super) fn platform_read_mtrr(&self, op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfReadMemtype = op.get();
        let count = self.hw.rdmsr(MTRR_CAP).ok_or(Errno::EINVAL)? & 0xff;
        if u64::from(a.reg) >= count {
            return Err(Errno::EINVAL);
        }
        let at = MTRR_BASE0.wrapping_add(a.reg.wrapping_mul(2));
        let base = self.hw.rdmsr(at).ok_or(Errno::EINVAL)?;
        let mask = self.hw.rdmsr(at.wrapping_add(1)).ok_or(Errno::EINVAL)?;
        let width = u32::from(self.policies.host().paddr_bits()).clamp(13, 52);
        (a.mfn, a.nr_mfns, a.r#type) = range(base, mask, width);
        op.put(&a);
        Ok(Reply::Changed)
    }
}

/// First frame, number of frames and type of a range; all zero when it is not in use. `width`: bits of an address.
fn range(base: u64, mask: u64, width: u32) -> (u64, u64, u32) {
    if mask & VALID == 0 {
        return (0, 0, 0);
    }
    let frames = 1u64.wrapping_shl(width.wrapping_sub(12)).wrapping_sub(1);
    // The lowest bit of the mask is the size.
    let bits = (mask >> 12) & frames;
    let size = bits & bits.wrapping_neg();
    ((base >> 12) & frames, size, (base & 0xff) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(range(0xc000_0000, 0xff_c000_0800, 40), (0xc_0000, 0x4_0000, 0));
        assert_eq!(range(6, 0xff_8000_0800, 40), (0, 0x8_0000, 6));
        assert_eq!(range(6, 0xff_8000_0000, 40), (0, 0, 0));
    }
}
