//! A vCPU's extended state in a saved image: XCR0 as it is, XCR0 as it ever was, and an XSAVE area in standard form.

use alloc::vec::Vec;

use fx_types::{Errno, GuestVirtExt, Maddr, Mfn, Result};
use xen_abi::domctl::{Domctl, DomctlVcpuextstate};

use super::{not_self, vcpu_of};
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;

/// Bytes before the XSAVE area.
const HEADER: u64 = 16;
/// x87 and SSE.
const FP_SSE: u64 = 3;
/// Bytes of an XSAVE area without components of its own (Intel SDM volume 1, section 13.4).
const XSAVE_MIN: usize = 576;
/// Offset of MXCSR, and the bits that every 64-bit processor takes.
const MXCSR: usize = 24;
const MXCSR_BITS: u32 = 0xffff;
/// Offsets of the header's words: components in use, compaction; reserved from there on.
const XSTATE_BV: usize = 512;
const XCOMP_BV: usize = 520;
/// Bytes that are copied at a time; a frame holds a whole number of pieces.
const PIECE: usize = 256;

impl<H: Hw> Host<H> {
    /// The components of the host, and the size of the image of a vCPU whose XCR0 has been `used`.
    fn xstate_image(&self, used: u64) -> (u64, u64) {
        let host = self.policies.host();
        let mask = host.xcr0_mask();
        let area = u64::from(host.xsave_size((used | FP_SSE) & mask)).min(self.hw.xstate_size() as u64);
        (mask, if mask == 0 { 0 } else { HEADER.saturating_add(area) })
    }

    pub(super) fn domctl_get_xstate(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlVcpuextstate = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        self.while_stopped(t, v, || {
            let xcr0 = v.pv.xcr0.get();
            let (mask, size) = self.xstate_image(xcr0);
            if a.buffer.is_null() || a.size == 0 && a.xfeature_mask == 0 {
                a.size = size;
                a.xfeature_mask = mask;
                return Ok(());
            }
            if a.size != size || a.xfeature_mask != mask {
                return Err(Errno::EINVAL);
            }
            self.hw.write_val(a.buffer.0, &[xcr0, (xcr0 | FP_SSE) & mask])?;
            self.xstate_out(v, a.buffer.0.wrapping_add(HEADER), size.saturating_sub(HEADER) as usize)
        })?;
        op.put(&a);
        Ok(Reply::Changed)
    }

    fn xstate_out(&self, v: &Vcpu, to: u64, len: usize) -> Result {
        let mut image = Vec::new();
        image.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
        image.resize(len, 0);
        self.read_xstate(v, &mut image);
        self.hw.copy_out(to, &image)?;
        Ok(())
    }

    /// Copies the XSAVE area of a vCPU that stands still; leaves `image` as it is when the domain has ended.
    pub(crate) fn read_xstate(&self, v: &Vcpu, image: &mut [u8]) {
        if v.xstate.get() == 0 {
            return;
        }
        let area = Mfn(v.xstate.get()).addr();
        for (i, piece) in (0u64..).zip(image.chunks_mut(PIECE)) {
            self.hw.read(area.add(i.wrapping_mul(PIECE as u64)), piece);
        }
    }

    pub(super) fn domctl_set_xstate(&self, c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        not_self(c, t)?;
        let a: DomctlVcpuextstate = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        let (_, most) = self.xstate_image(u64::MAX);
        if a.size < HEADER || a.size > most {
            return Err(Errno::EINVAL);
        }
        let [xcr0, used]: [u64; 2] = self.hw.read_val(a.buffer.0)?;
        let len = a.size.saturating_sub(HEADER) as usize;
        if len == 0 {
            return Ok(Reply::Done);
        }
        let mut image = Vec::new();
        image.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
        image.resize(len, 0);
        self.hw.copy_in(a.buffer.0.wrapping_add(HEADER), &mut image)?;
        self.while_stopped(t, v, || self.set_xstate_image(t, v, xcr0, used, &mut image)).map(|()| Reply::Done)
    }

    /// Gives a vCPU that stands still its XCR0 and extended state.
    ///
    /// # Errors
    /// `EINVAL` for what the processor would not take or the domain's policy does not allow, `ESRCH` when the domain has ended.
    pub(crate) fn set_xstate_image(
        &self,
        t: &Domain,
        v: &Vcpu,
        xcr0: u64,
        used: u64,
        image: &mut [u8],
    ) -> Result {
        let allowed = t.policy.lock().xcr0_mask() | FP_SSE;
        check(image, xcr0, used, allowed)?;
        let components = word(image, XSTATE_BV);
        if image.len() < self.policies.host().xsave_size(components | FP_SSE) as usize {
            return Err(Errno::EINVAL);
        }
        if v.xstate.get() == 0 {
            return Err(Errno::ESRCH);
        }
        v.pv.xcr0.set(xcr0);
        self.xstate_in(Mfn(v.xstate.get()).addr(), image);
        Ok(())
    }

    fn xstate_in(&self, area: Maddr, image: &[u8]) {
        for (i, piece) in (0u64..).zip(image.chunks(PIECE)) {
            self.hw.write(area.add(i.wrapping_mul(PIECE as u64)), piece);
        }
    }
}

/// Whether the processor will take the image; bits of MXCSR that it would not are cleared.
fn check(image: &mut [u8], xcr0: u64, used: u64, allowed: u64) -> Result {
    let valid = image.len() >= XSAVE_MIN
        && xcr0 & 1 != 0
        && xcr0 & !used == 0
        && used & !allowed == 0
        && word(image, XSTATE_BV) & !(used | FP_SSE) == 0
        && image.get(XCOMP_BV..XSAVE_MIN).is_some_and(|rest| rest.iter().all(|b| *b == 0));
    if !valid {
        return Err(Errno::EINVAL);
    }
    for (b, keep) in image.iter_mut().skip(MXCSR).zip(MXCSR_BITS.to_le_bytes()) {
        *b &= keep;
    }
    Ok(())
}

fn word(image: &[u8], at: usize) -> u64 {
    image.iter().skip(at).take(8).rev().fold(0, |w, b| w << 8 | u64::from(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        let mut image = [0; XSAVE_MIN];
        image[XSTATE_BV] = 3;
        image[MXCSR + 2] = 1;
        assert_eq!(check(&mut image, 7, 7, 7), Ok(()));
        assert_eq!(image[MXCSR + 2], 0);
        assert_eq!(check(&mut image, 7, 3, 7), Err(Errno::EINVAL), "XCR0 within what was used");
        assert_eq!(check(&mut image, 7, 7, 3), Err(Errno::EINVAL), "and that within the policy");
        assert_eq!(check(&mut image, 2, 3, 7), Err(Errno::EINVAL), "x87 always");
        assert_eq!(check(&mut image[..575], 3, 3, 7), Err(Errno::EINVAL));
        image[XCOMP_BV + 7] = 0x80;
        assert_eq!(check(&mut image, 3, 3, 7), Err(Errno::EINVAL), "standard form only");
        image[XCOMP_BV + 7] = 0;
        image[XSTATE_BV] = 4;
        assert_eq!(word(&image, XSTATE_BV), 4);
        assert_eq!(check(&mut image, 3, 3, 7), Err(Errno::EINVAL), "no component that was never on");
    }
}
