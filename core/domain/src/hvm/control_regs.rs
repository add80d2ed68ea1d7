//! Control registers of an HVM vCPU: which values it may write, and what follows.

use fx_virt::{Register, Segment};
use xen_abi::cpufeatureset as f;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

const CR0_PE: u64 = 1;
const CR0_NW: u64 = 1 << 29;
const CR0_CD: u64 = 1 << 30;
const CR0_PG: u64 = 1 << 31;
/// ET reads as one.
const CR0_ET: u64 = 1 << 4;
const CR0_KNOWN: u64 = 0xe005_003f;
const CR4_PAE: u64 = 1 << 5;
const CR4_PCIDE: u64 = 1 << 17;
const EFER_SCE: u64 = 1;
const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;
const EFER_NX: u64 = 1 << 11;
const EFER_FFXSE: u64 = 1 << 14;

/// Bits of CR4 and the features that allow them (APM volume 2, 3.1.3).
const CR4_BITS: [(u32, u32); 16] = [
    (0, f::X86_FEATURE_VME),
    (1, f::X86_FEATURE_VME),
    (2, f::X86_FEATURE_TSC),
    (3, f::X86_FEATURE_DE),
    (4, f::X86_FEATURE_PSE),
    (5, f::X86_FEATURE_PAE),
    (6, f::X86_FEATURE_MCE),
    (7, f::X86_FEATURE_PGE),
    (9, f::X86_FEATURE_FXSR),
    (10, f::X86_FEATURE_SSE),
    (11, f::X86_FEATURE_UMIP),
    (16, f::X86_FEATURE_FSGSBASE),
    (17, f::X86_FEATURE_PCID),
    (18, f::X86_FEATURE_XSAVE),
    (20, f::X86_FEATURE_SMEP),
    (21, f::X86_FEATURE_SMAP),
];
/// Performance counters may be read in user mode: the guest has none, but the bit is harmless and always there.
const CR4_PCE: u64 = 1 << 8;

impl<H: Hw> Host<H> {
    /// CR4 bits that a domain's vCPUs may set.
    pub(crate) fn cr4_allowed(&self, c: &VcpuRef) -> u64 {
        let policy = c.d.policy.lock();
        let of_policy = CR4_BITS.iter().filter(|(_, feature)| policy.has(*feature));
        of_policy.fold(CR4_PCE, |bits, (n, _)| bits | 1u64.wrapping_shl(*n))
    }

    /// Writes CR0; `false` for `#GP`.
    pub(crate) fn set_cr0(&self, x: &H::Context, value: u64) -> bool {
        if value >> 32 != 0 {
            return false;
        }
        let value = value & CR0_KNOWN | CR0_ET;
        let paging_without_protection = value & (CR0_PE | CR0_PG) == CR0_PG;
        let write_through_without_disable = value & (CR0_CD | CR0_NW) == CR0_NW;
        if paging_without_protection || write_through_without_disable {
            return false;
        }
        let (old, efer) = (self.hw.register(x, Register::Cr0), self.hw.register(x, Register::Efer));
        let cr4 = self.hw.register(x, Register::Cr4);
        if value & !old & CR0_PG != 0 && efer & EFER_LME != 0 {
            if cr4 & CR4_PAE == 0 || self.hw.segment(x, Segment::Cs).long() {
                return false;
            }
            self.hw.set_register(x, Register::Efer, efer | EFER_LMA);
        }
        if old & !value & CR0_PG != 0 {
            if cr4 & CR4_PCIDE != 0 || efer & EFER_LMA != 0 && self.hw.segment(x, Segment::Cs).long() {
                return false;
            }
            self.hw.set_register(x, Register::Efer, efer & !EFER_LMA);
        }
        self.hw.set_register(x, Register::Cr0, value);
        if (value ^ old) & (CR0_PG | 1 << 16) != 0 {
            self.hw.flush_guest(x);
        }
        true
    }

    /// Writes CR3; `false` for `#GP`.
    pub(crate) fn set_cr3(&self, x: &H::Context, value: u64) -> bool {
        /// PCID: keep the translations.
        const KEEP: u64 = 1 << 63;
        let keep = if self.hw.register(x, Register::Cr4) & CR4_PCIDE != 0 { KEEP } else { 0 };
        let value = value & !keep;
        let long = self.hw.register(x, Register::Efer) & EFER_LMA != 0;
        let bits = u32::from(self.guest_address_bits().clamp(32, 52));
        if long && value.checked_shr(bits).is_some_and(|high| high != 0) {
            return false;
        }
        self.hw.set_register(x, Register::Cr3, value);
        self.hw.flush_guest(x);
        true
    }

    /// Writes CR4; `false` for `#GP`.
    pub(crate) fn set_cr4(&self, c: &VcpuRef, x: &H::Context, value: u64) -> bool {
        let (old, efer) = (self.hw.register(x, Register::Cr4), self.hw.register(x, Register::Efer));
        let long = efer & EFER_LMA != 0;
        if value & !self.cr4_allowed(c) != 0
            || long && value & CR4_PAE == 0
            || value & !old & CR4_PCIDE != 0 && (!long || self.hw.register(x, Register::Cr3) & 0xfff != 0)
        {
            return false;
        }
        self.hw.set_register(x, Register::Cr4, value);
        if (value ^ old) & 0x0013_00b0 != 0 {
            self.hw.flush_guest(x);
        }
        true
    }

    /// Writes EFER; `false` for `#GP`.
    pub(crate) fn set_efer(&self, c: &VcpuRef, x: &H::Context, value: u64) -> bool {
        let allowed = {
            let p = c.d.policy.lock();
            let bit = |feature, bits| if p.has(feature) { bits } else { 0 };
            bit(f::X86_FEATURE_SYSCALL, EFER_SCE)
                | bit(f::X86_FEATURE_LM, EFER_LME | EFER_LMA)
                | bit(f::X86_FEATURE_NX, EFER_NX)
                | bit(f::X86_FEATURE_FFXSR, EFER_FFXSE)
        };
        let old = self.hw.register(x, Register::Efer);
        let paging = self.hw.register(x, Register::Cr0) & CR0_PG != 0;
        if value & !allowed != 0 || paging && (value ^ old) & EFER_LME != 0 {
            return false;
        }
        // LMA is the processor's.
        self.hw.set_register(x, Register::Efer, value & !EFER_LMA | old & EFER_LMA);
        if (value ^ old) & EFER_NX != 0 {
            self.hw.flush_guest(x);
        }
        true
    }

    /// `xsetbv`; `false` for `#GP`.
    pub(crate) fn hvm_xsetbv(&self, c: &VcpuRef, index: u32, value: u64) -> bool {
        let allowed = c.d.policy.lock().xcr0_mask();
        if index != 0 || value & !allowed != 0 || self.hw.set_xcr0(value).is_err() {
            return false;
        }
        c.v.pv.xcr0.set(value);
        true
    }

    /// The privilege level, and whether the guest executes 64-bit code.
    pub(crate) fn hvm_mode(&self, x: &H::Context) -> (u8, bool) {
        let long = self.hw.register(x, Register::Efer) & EFER_LMA != 0;
        (self.hw.privilege(x), long && self.hw.segment(x, Segment::Cs).long())
    }
}
