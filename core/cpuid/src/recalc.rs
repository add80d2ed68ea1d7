//! Bringing a policy into a consistent state: what follows from its features, and what no guest sees.

use xen_abi::cpufeatureset::*;

use crate::deps::close;
use crate::featureset::Featureset;
use crate::policy::{CpuPolicy, EXTD, Leaf, NR_EXTD, NR_EXTD_INTEL, Vendor};

/// The features of leaf 1's edx that AMD repeats in leaf 0x8000_0001.
const COMMON_1D: u32 = 0x0183_f3ff;

/// What of a domain its policy depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainKind {
    /// An HVM or PVH domain rather than PV.
    pub hvm: bool,
    /// With nested paging.
    pub hap: bool,
    /// With nested virtualisation.
    pub nested: bool,
    /// With a virtual performance monitoring unit.
    pub pmu: bool,
    /// The width in bits of the physical addresses that it can use.
    pub paddr_bits: u8,
}

/// Empties the leaves of `leaves` from index `from` on.
pub(crate) fn empty_from(leaves: &mut [Leaf], from: usize) {
    leaves.iter_mut().skip(from).for_each(|l| *l = Leaf::EMPTY);
}

/// Clears what is beyond the policy's own limits.
pub(crate) fn clear_out_of_range(p: &mut CpuPolicy) {
    let basic = p.max_basic();
    empty_from(&mut p.basic, (basic as usize).saturating_add(1));
    if basic < 4 {
        empty_from(&mut p.cache, 0);
    }
    let feat = if basic < 7 { 0 } else { (p.max_feat() as usize).saturating_add(1) };
    empty_from(&mut p.feat, feat);
    if basic < 0xb {
        empty_from(&mut p.topo, 0);
    }
    let xstates = p.xstates();
    let used = 64u32.wrapping_sub(xstates.leading_zeros()).max(2);
    let xstate = if basic < 0xd || xstates == 0 { 0 } else { used as usize };
    empty_from(&mut p.xstate, xstate);
    let extd = p.max_extd();
    let extd = if extd >> 16 == EXTD >> 16 { ((extd & 0xffff) as usize).saturating_add(1) } else { 0 };
    empty_from(&mut p.extd, extd);
}

/// Derives leaf 0xd from the features; `raw` has the sizes of the state components.
pub(crate) fn recalculate_xstate(p: &mut CpuPolicy, raw: &CpuPolicy) {
    const FP_SSE: u64 = 3;
    let features = p.xstate[1].a;
    empty_from(&mut p.xstate, 0);
    if !p.has(X86_FEATURE_XSAVE) {
        return;
    }
    let mut xstates = FP_SSE;
    for (feature, states) in [
        (X86_FEATURE_AVX, 1 << 2),
        (X86_FEATURE_MPX, 3 << 3),
        (X86_FEATURE_AVX512F, 7 << 5),
        (X86_FEATURE_PKU, 1 << 9),
    ] {
        if p.has(feature) {
            xstates |= states;
        }
    }
    // The attributes of a component mean something to XSAVES and XSAVEC only.
    let xsavec = features & mask(X86_FEATURE_XSAVEC) != 0;
    let xsaves = features & mask(X86_FEATURE_XSAVES) != 0;
    let attributes = u32::from(xsaves) | (u32::from(xsavec) << 1);
    for (i, (l, r)) in p.xstate.iter_mut().zip(raw.xstate.iter()).enumerate().skip(2) {
        if xstates.wrapping_shr(i as u32) & 1 != 0 {
            *l = Leaf { a: r.a, b: r.b, c: r.c & attributes, d: 0 };
        }
    }
    p.xstate[0] = Leaf { a: xstates as u32, b: 0, c: p.xsave_size(xstates), d: (xstates >> 32) as u32 };
    p.xstate[1].a = features;
}

/// Hides what is dynamic, or no business of a guest.
pub(crate) fn recalculate_misc(p: &mut CpuPolicy) {
    // The processor type, and the initial APIC id.
    p.basic[1].a &= 0x0fff_0fff;
    p.basic[1].b &= 0x00ff_ffff;
    // MONITOR, power management, and topology.
    for leaf in [5, 6, 8, 0xc] {
        if let Some(l) = p.basic.get_mut(leaf) {
            *l = Leaf::EMPTY;
        }
    }
    empty_from(&mut p.topo, 0);
    p.extd[1].d &= !COMMON_1D;
    p.extd[7] = Leaf { d: p.extd[7].d, ..Leaf::EMPTY };
    p.extd[8].d = 0;
    match p.vendor() {
        Vendor::Intel => misc_intel(p),
        Vendor::Amd | Vendor::Hygon => misc_amd(p),
        Vendor::Other => {}
    }
}

fn misc_intel(p: &mut CpuPolicy) {
    // One query of leaf 2 gives everything.
    p.basic[2].a = (p.basic[2].a & !0xff) | 1;
    p.basic[3] = Leaf::EMPTY;
    p.basic[9] = Leaf::EMPTY;
    p.extd[0] = Leaf { a: p.extd[0].a, ..Leaf::EMPTY };
    p.extd[1].a = 0;
    p.extd[1].b = 0;
    p.extd[5] = Leaf::EMPTY;
    p.extd[6] = Leaf { c: p.extd[6].c, ..Leaf::EMPTY };
    p.extd[8].a &= 0xffff;
    p.extd[8].c = 0;
}

fn misc_amd(p: &mut CpuPolicy) {
    p.basic[2] = Leaf::EMPTY;
    p.basic[3] = Leaf::EMPTY;
    empty_from(&mut p.cache, 0);
    p.basic[9] = Leaf::EMPTY;
    p.basic[0xa] = Leaf::EMPTY;
    p.extd[0] = Leaf { a: p.extd[0].a, ..p.basic[0] };
    p.extd[1].a = p.basic[1].a;
    p.extd[1].b &= 0xff00_ffff;
    p.extd[1].d |= p.basic[1].d & COMMON_1D;
    p.extd[8].a &= 0xffff;
    p.extd[8].c &= 0x0003_f0ff;
    p.extd[9] = Leaf::EMPTY;
    // 0x19 and 0x1a, TLB and performance hints, are passed on.
    let hidden = (0xb..=0x18).chain(0x1b..=0x20);
    for leaf in hidden {
        if let Some(l) = p.extd.get_mut(leaf) {
            *l = Leaf::EMPTY;
        }
    }
    p.extd[0x21].b = 0;
    p.extd[0x21].d = 0;
}

/// Makes `p` a policy that a domain of `kind` can have: within `max`, and consistent. `host` and `raw` are the machine's.
pub(crate) fn recalculate(
    p: &mut CpuPolicy,
    kind: DomainKind,
    max: &CpuPolicy,
    host: &CpuPolicy,
    raw: &CpuPolicy,
) {
    p.basic[0].a = p.max_basic().min(max.max_basic());
    p.feat[0].a = p.max_feat().min(max.max_feat());
    let extd = if p.vendor().is_amd_like() { NR_EXTD } else { NR_EXTD_INTEL };
    p.extd[0].a = EXTD | (p.max_extd() & 0xffff).min((extd as u32).wrapping_sub(1));

    let mut fs = p.featureset().and(permitted(kind, max));
    if p.max_basic() < 0xd {
        fs.set(X86_FEATURE_XSAVE, false);
    }
    close(&mut fs);
    // How the FPU behaves cannot be hidden.
    const FPU_BEHAVIOUR: u32 = mask(X86_FEATURE_FDP_EXCP_ONLY) | mask(X86_FEATURE_NO_FPU_SEL);
    let w = &mut fs.0[FEATURESET_7B0];
    *w = (*w & !FPU_BEHAVIOUR) | (host.feat[0].b & FPU_BEHAVIOUR);
    p.set_featureset(&fs);

    const CLFLUSH_SIZE: u32 = 0xff00;
    p.basic[1].b = (p.basic[1].b & !CLFLUSH_SIZE) | (max.basic[1].b & CLFLUSH_SIZE);
    address_widths(p, kind, max);
    recalculate_xstate(p, raw);
    recalculate_misc(p);
    cache_leaves(p);
    if !kind.pmu {
        p.basic[0xa] = Leaf::EMPTY;
    }
    if !p.has(X86_FEATURE_SVM) {
        p.extd[0xa] = Leaf::EMPTY;
    }
    if !p.has(X86_FEATURE_PAGE1GB) {
        p.extd[0x19] = Leaf::EMPTY;
    }
}

/// The features that a domain of `kind` may have at most.
fn permitted(kind: DomainKind, max: &CpuPolicy) -> Featureset {
    let mut fs = max.featureset();
    if kind.hvm && !kind.hap {
        fs = fs.and(crate::audience::SHADOW_MAX);
    }
    if !kind.nested {
        fs.remove(&[X86_FEATURE_VMX, X86_FEATURE_SVM]);
    }
    // These say how to read the topology leaves, which are the toolstack's.
    fs.add(&[X86_FEATURE_HTT, X86_FEATURE_X2APIC, X86_FEATURE_CMP_LEGACY]);
    fs
}

fn address_widths(p: &mut CpuPolicy, kind: DomainKind, max: &CpuPolicy) {
    let least = if p.has(X86_FEATURE_PAE) || p.has(X86_FEATURE_PSE36) { 36 } else { 32 };
    let physical = p.paddr_bits().min(max.paddr_bits()).min(kind.paddr_bits).max(least);
    let linear = if p.has(X86_FEATURE_LM) { 48u32 } else { 32 };
    p.extd[8].a = (p.extd[8].a & !0xffff) | (linear << 8) | u32::from(physical);
}

/// Clears reserved fields of the cache subleaves, and all behind the last valid one.
fn cache_leaves(p: &mut CpuPolicy) {
    let valid = p.cache.iter().take_while(|l| matches!(l.a & 0x1f, 1..=3)).count();
    for l in p.cache.iter_mut().take(valid) {
        l.a &= 0xffff_c3ff;
        l.d &= 7;
    }
    empty_from(&mut p.cache, valid);
}
