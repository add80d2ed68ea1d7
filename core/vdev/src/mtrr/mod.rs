//! A vCPU's memory type range registers and page attribute table (Intel SDM volume 3, chapter 12): what is written is checked and
//! kept for the guest to read again. Ranges have no other effect; `PAT` has the one that its owner lets it have.

use xen_abi::hvm_save::{HvmHwMtrr, MTRR_VCNT, NUM_FIXED_MSR};

/// `MTRRcap`: what there is.
pub const MSR_CAP: u32 = 0xfe;
/// The first of the variable ranges: bases and masks by turns.
pub const MSR_VARIABLE: u32 = 0x200;
/// `PAT`.
pub const MSR_PAT: u32 = 0x277;
/// `MTRRdefType`: the type of all other memory; on and off.
pub const MSR_DEFAULT: u32 = 0x2ff;
/// The fixed ranges, from address 0 on: one of 64 KiB parts, two of 16 KiB parts, eight of 4 KiB parts.
pub const MSR_FIXED: [u32; FIXED] =
    [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];

const VARIABLE: usize = MTRR_VCNT as usize;
const FIXED: usize = NUM_FIXED_MSR as usize;
/// Eight variable ranges, fixed ranges, write combining.
const CAP: u64 = 1 << 10 | 1 << 8 | MTRR_VCNT as u64;
const CAP_RANGES: u64 = 0xff;
/// Default type: all of it counts, the fixed ranges count, the type.
const DEFAULT_BITS: u64 = 1 << 11 | 1 << 10 | 0xff;
/// Bits that a base and a mask do not have, below the page number.
const BASE_RESERVED: u64 = 0xf00;
const MASK_RESERVED: u64 = 0x7ff;
const PAT_RESET: u64 = 0x0007_0406_0007_0406;

#[derive(Clone, Copy, Debug, Default)]
struct Range {
    base: u64,
    mask: u64,
}

/// The registers of a vCPU.
#[derive(Clone, Copy, Debug)]
pub struct Mtrr {
    pat: u64,
    default: u64,
    variable: [Range; VARIABLE],
    fixed: [u64; FIXED],
    /// Bits that no address has.
    beyond: u64,
}

/// Which register an MSR is.
enum Register {
    Cap,
    Pat,
    Default,
    Base(usize),
    Mask(usize),
    Fixed(usize),
}

/// Whether a range can have a memory type: 0 not cached, 1 the same with writes combined, 4 written through, 5 written to memory, 6
/// cached.
const fn is_for_range(memory_type: u8) -> bool {
    matches!(memory_type, 0 | 1 | 4..=6)
}

/// Whether an entry of the page attribute table can have it; also 7, not cached unless a range says otherwise.
const fn is_for_pat(memory_type: u8) -> bool {
    is_for_range(memory_type) || memory_type == 7
}

fn register(msr: u32) -> Option<Register> {
    match msr {
        MSR_CAP => return Some(Register::Cap),
        MSR_PAT => return Some(Register::Pat),
        MSR_DEFAULT => return Some(Register::Default),
        _ => {}
    }
    if let Some(n) = MSR_FIXED.iter().position(|fixed| *fixed == msr) {
        return Some(Register::Fixed(n));
    }
    let n = msr.checked_sub(MSR_VARIABLE)? as usize;
    let range = n >> 1;
    let register = if n & 1 == 0 { Register::Base(range) } else { Register::Mask(range) };
    (range < VARIABLE).then_some(register)
}

impl Mtrr {
    /// After reset, with addresses of so many bits: all off.
    #[must_use]
    pub fn new(address_bits: u8) -> Self {
        let beyond = u64::MAX.checked_shl(address_bits.into()).unwrap_or(0);
        Self { pat: PAT_RESET, default: 0, variable: Default::default(), fixed: [0; FIXED], beyond }
    }

    /// Whether an MSR is one of these.
    #[must_use]
    pub fn owns(msr: u32) -> bool {
        register(msr).is_some()
    }

    /// Reads a register; `None` for `#GP`.
    #[must_use]
    pub fn read(&self, msr: u32) -> Option<u64> {
        match register(msr)? {
            Register::Cap => Some(CAP),
            Register::Pat => Some(self.pat),
            Register::Default => Some(self.default),
            Register::Base(n) => self.variable.get(n).map(|r| r.base),
            Register::Mask(n) => self.variable.get(n).map(|r| r.mask),
            Register::Fixed(n) => self.fixed.get(n).copied(),
        }
    }

    /// Writes a register; `false` for `#GP`.
    pub fn write(&mut self, msr: u32, value: u64) -> bool {
        let Some(register) = register(msr) else { return false };
        let [lowest, ..] = value.to_le_bytes();
        let all = |is: fn(u8) -> bool| value.to_le_bytes().into_iter().all(is);
        let (slot, valid) = match register {
            Register::Cap => return false,
            Register::Pat => (Some(&mut self.pat), all(is_for_pat)),
            Register::Default => {
                (Some(&mut self.default), value & !DEFAULT_BITS == 0 && is_for_range(lowest))
            }
            Register::Base(n) => {
                let valid = value & (self.beyond | BASE_RESERVED) == 0 && is_for_range(lowest);
                (self.variable.get_mut(n).map(|r| &mut r.base), valid)
            }
            Register::Mask(n) => {
                let valid = value & (self.beyond | MASK_RESERVED) == 0;
                (self.variable.get_mut(n).map(|r| &mut r.mask), valid)
            }
            Register::Fixed(n) => (self.fixed.get_mut(n), all(is_for_range)),
        };
        if let Some(slot) = slot.filter(|_| valid) {
            *slot = value;
        }
        valid
    }

    /// The form in which they are saved.
    #[must_use]
    pub fn save(&self) -> HvmHwMtrr {
        let mut k = HvmHwMtrr {
            msr_pat_cr: self.pat,
            msr_mtrr_fixed: self.fixed,
            msr_mtrr_cap: CAP,
            msr_mtrr_def_type: self.default,
            ..HvmHwMtrr::default()
        };
        let values = self.variable.iter().flat_map(|r| [r.base, r.mask]);
        for (to, from) in k.msr_mtrr_var.iter_mut().zip(values) {
            *to = from;
        }
        k
    }

    /// Takes what was saved; `false` for a processor with more ranges. As with Xen, a value that a guest could not have written leaves
    /// its register as it is.
    pub fn load(&mut self, k: &HvmHwMtrr) -> bool {
        if k.msr_mtrr_cap & CAP_RANGES > u64::from(MTRR_VCNT) {
            return false;
        }
        self.write(MSR_PAT, k.msr_pat_cr);
        self.write(MSR_DEFAULT, k.msr_mtrr_def_type);
        for (msr, value) in (MSR_VARIABLE..).zip(k.msr_mtrr_var) {
            self.write(msr, value);
        }
        for (msr, value) in MSR_FIXED.into_iter().zip(k.msr_mtrr_fixed) {
            self.write(msr, value);
        }
        true
    }
}

#[cfg(test)]
mod tests;
