//! A CPU policy: the CPUID leaves and feature MSRs that describe a CPU.

use xen_abi::cpufeatureset::*;

use crate::featureset::Featureset;

/// The four registers that `cpuid` returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Leaf {
    pub a: u32,
    pub b: u32,
    pub c: u32,
    pub d: u32,
}

impl Leaf {
    /// All zero.
    pub const EMPTY: Self = Self { a: 0, b: 0, c: 0, d: 0 };

    /// From eax, ebx, ecx, edx.
    #[must_use]
    pub const fn new([a, b, c, d]: [u32; 4]) -> Self {
        Self { a, b, c, d }
    }

    /// eax, ebx, ecx, edx.
    #[must_use]
    pub const fn regs(self) -> [u32; 4] {
        [self.a, self.b, self.c, self.d]
    }
}

/// Who made the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Vendor {
    Intel,
    Amd,
    Hygon,
    Other,
}

impl Vendor {
    /// Whether CPUs of this vendor follow AMD's manual.
    #[must_use]
    pub const fn is_amd_like(self) -> bool {
        matches!(self, Self::Amd | Self::Hygon)
    }
}

/// Basic leaves of a policy: 0 to 0xd.
pub(crate) const NR_BASIC: usize = 0xd + 1;
/// Subleaves of leaf 4.
pub(crate) const NR_CACHE: usize = 6;
/// Subleaves of leaf 7.
pub(crate) const NR_FEAT: usize = 3;
/// Subleaves of leaf 0xb.
pub(crate) const NR_TOPO: usize = 2;
/// Subleaves of leaf 0xd.
pub(crate) const NR_XSTATE: usize = 63;
/// Extended leaves on Intel's CPUs: 0x8000_0000 to 0x8000_0008.
pub(crate) const NR_EXTD_INTEL: usize = 8 + 1;
/// Extended leaves: 0x8000_0000 to 0x8000_0021.
pub(crate) const NR_EXTD: usize = 0x21 + 1;
/// The first extended leaf.
pub(crate) const EXTD: u32 = 0x8000_0000;

/// A CPU policy. Leaves 4, 7, 0xb and 0xd have subleaves and live in their own arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuPolicy {
    pub(crate) basic: [Leaf; NR_BASIC],
    pub(crate) cache: [Leaf; NR_CACHE],
    pub(crate) feat: [Leaf; NR_FEAT],
    pub(crate) topo: [Leaf; NR_TOPO],
    pub(crate) xstate: [Leaf; NR_XSTATE],
    pub(crate) extd: [Leaf; NR_EXTD],
    /// The highest hypervisor leaf that the toolstack asks for, counted from the first; 0 for the default.
    pub hv_limit: u32,
    /// The same, for the hypervisor leaves behind Viridian's.
    pub hv2_limit: u32,
    /// `MSR_PLATFORM_INFO`: bit 31 is CPUID faulting.
    pub platform_info: u32,
    /// `MSR_ARCH_CAPABILITIES`.
    pub arch_caps: u64,
}

/// `MSR_PLATFORM_INFO`: CPUID faulting is available.
pub(crate) const PLATFORM_CPUID_FAULTING: u32 = 1 << 31;

impl CpuPolicy {
    /// A policy without any leaf.
    pub(crate) const EMPTY: Self = Self {
        basic: [Leaf::EMPTY; NR_BASIC],
        cache: [Leaf::EMPTY; NR_CACHE],
        feat: [Leaf::EMPTY; NR_FEAT],
        topo: [Leaf::EMPTY; NR_TOPO],
        xstate: [Leaf::EMPTY; NR_XSTATE],
        extd: [Leaf::EMPTY; NR_EXTD],
        hv_limit: 0,
        hv2_limit: 0,
        platform_info: 0,
        arch_caps: 0,
    };

    /// The vendor, by the signature of leaf 0.
    #[must_use]
    pub fn vendor(&self) -> Vendor {
        let l = &self.basic[0];
        match (l.b, l.c, l.d) {
            (0x756e_6547, 0x6c65_746e, 0x4965_6e69) => Vendor::Intel,
            (0x6874_7541, 0x444d_4163, 0x6974_6e65) => Vendor::Amd,
            (0x6f67_7948, 0x656e_6975, 0x6e65_476e) => Vendor::Hygon,
            _ => Vendor::Other,
        }
    }

    /// The highest basic leaf.
    #[must_use]
    pub fn max_basic(&self) -> u32 {
        self.basic[0].a
    }

    /// The highest subleaf of leaf 7.
    #[must_use]
    pub fn max_feat(&self) -> u32 {
        self.feat[0].a
    }

    /// The highest extended leaf.
    #[must_use]
    pub fn max_extd(&self) -> u32 {
        self.extd[0].a
    }

    /// The width of physical addresses, in bits.
    #[must_use]
    pub fn paddr_bits(&self) -> u8 {
        self.extd[8].a as u8
    }

    /// Whether the CPU has `feature`.
    #[must_use]
    pub fn has(&self, feature: u32) -> bool {
        self.word(word(feature)) & mask(feature) != 0
    }

    /// Whether CPUID faulting is available.
    #[must_use]
    pub fn cpuid_faulting(&self) -> bool {
        self.platform_info & PLATFORM_CPUID_FAULTING != 0
    }

    /// The state components that `XCR0` and `IA32_XSS` may name.
    #[must_use]
    pub fn xstates(&self) -> u64 {
        let [main, xss] = [&self.xstate[0], &self.xstate[1]];
        (u64::from(main.d | xss.d) << 32) | u64::from(main.a | xss.c)
    }

    /// The bits of `XCR0` that may be set.
    #[must_use]
    pub fn xcr0_mask(&self) -> u64 {
        (u64::from(self.xstate[0].d) << 32) | u64::from(self.xstate[0].a)
    }

    /// The features that the leaves and MSRs say.
    #[must_use]
    pub fn featureset(&self) -> Featureset {
        Featureset(core::array::from_fn(|w| self.word(w)))
    }

    /// Makes the leaves and MSRs say `fs`.
    pub(crate) fn set_featureset(&mut self, fs: &Featureset) {
        for (w, bits) in fs.0.iter().enumerate() {
            if let Some(register) = self.register(w) {
                *register = *bits;
            }
        }
        let [lo, hi] = [fs.0[FEATURESET_M10AL], fs.0[FEATURESET_M10AH]];
        self.arch_caps = (u64::from(hi) << 32) | u64::from(lo);
    }

    fn word(&self, w: usize) -> u32 {
        match w {
            FEATURESET_1D => self.basic[1].d,
            FEATURESET_1C => self.basic[1].c,
            FEATURESET_E1D => self.extd[1].d,
            FEATURESET_E1C => self.extd[1].c,
            FEATURESET_DA1 => self.xstate[1].a,
            FEATURESET_7B0 => self.feat[0].b,
            FEATURESET_7C0 => self.feat[0].c,
            FEATURESET_E7D => self.extd[7].d,
            FEATURESET_E8B => self.extd[8].b,
            FEATURESET_7D0 => self.feat[0].d,
            FEATURESET_7A1 => self.feat[1].a,
            FEATURESET_E21A => self.extd[0x21].a,
            FEATURESET_7B1 => self.feat[1].b,
            FEATURESET_7D2 => self.feat[2].d,
            FEATURESET_7C1 => self.feat[1].c,
            FEATURESET_7D1 => self.feat[1].d,
            FEATURESET_M10AL => self.arch_caps as u32,
            FEATURESET_M10AH => (self.arch_caps >> 32) as u32,
            FEATURESET_E21C => self.extd[0x21].c,
            _ => 0,
        }
    }

    /// The CPUID register of featureset word `w`, if that is one.
    fn register(&mut self, w: usize) -> Option<&mut u32> {
        Some(match w {
            FEATURESET_1D => &mut self.basic[1].d,
            FEATURESET_1C => &mut self.basic[1].c,
            FEATURESET_E1D => &mut self.extd[1].d,
            FEATURESET_E1C => &mut self.extd[1].c,
            FEATURESET_DA1 => &mut self.xstate[1].a,
            FEATURESET_7B0 => &mut self.feat[0].b,
            FEATURESET_7C0 => &mut self.feat[0].c,
            FEATURESET_E7D => &mut self.extd[7].d,
            FEATURESET_E8B => &mut self.extd[8].b,
            FEATURESET_7D0 => &mut self.feat[0].d,
            FEATURESET_7A1 => &mut self.feat[1].a,
            FEATURESET_E21A => &mut self.extd[0x21].a,
            FEATURESET_7B1 => &mut self.feat[1].b,
            FEATURESET_7D2 => &mut self.feat[2].d,
            FEATURESET_7C1 => &mut self.feat[1].c,
            FEATURESET_7D1 => &mut self.feat[1].d,
            FEATURESET_E21C => &mut self.extd[0x21].c,
            _ => return None,
        })
    }

    /// The leaf as the policy has it; `None` beyond the policy's limits.
    #[must_use]
    pub fn leaf(&self, leaf: u32, subleaf: u32) -> Option<Leaf> {
        let sub = subleaf as usize;
        if leaf >= EXTD {
            let index = leaf.wrapping_sub(EXTD);
            return (index <= self.max_extd() & 0xffff)
                .then(|| self.extd.get(index as usize).copied())
                .flatten();
        }
        if leaf > self.max_basic() {
            return None;
        }
        match leaf {
            4 => self.cache.get(sub).copied(),
            7 if subleaf > self.max_feat() => None,
            7 => self.feat.get(sub).copied(),
            0xb => self.topo.get(sub).copied(),
            0xd if !self.has(X86_FEATURE_XSAVE) => None,
            0xd => self.xstate.get(sub).copied(),
            _ => self.basic.get(leaf as usize).copied(),
        }
    }

    /// Bytes of an XSAVE area in standard form for the state components `xstates` (Intel SDM volume 1, section 13.4).
    #[must_use]
    pub fn xsave_size(&self, xstates: u64) -> u32 {
        self.components(xstates).fold(XSAVE_MIN, |size, l| size.max(l.a.saturating_add(l.b)))
    }

    /// Bytes of an XSAVE area in compacted form.
    #[must_use]
    pub fn xsavec_size(&self, xstates: u64) -> u32 {
        const ALIGNED: u32 = 1 << 1;
        self.components(xstates).fold(XSAVE_MIN, |size, l| {
            let start = if l.c & ALIGNED != 0 { size.saturating_add(63) & !63 } else { size };
            start.saturating_add(l.a)
        })
    }

    /// The subleaves of the components among `xstates` that are not part of the legacy area.
    fn components(&self, xstates: u64) -> impl Iterator<Item = &Leaf> {
        self.xstate
            .iter()
            .enumerate()
            .skip(2)
            .filter(move |(i, _)| xstates.wrapping_shr(*i as u32) & 1 != 0)
            .map(|(_, l)| l)
    }
}

/// Bytes of the legacy area and the header of an XSAVE area.
pub(crate) const XSAVE_MIN: u32 = 512 + 64;
