//! Edits of policies, dynamic leaves, MSRs, and properties over random input.

mod common;

use common::{HVM, PV, amd, intel, recorded};
use fx_cpuid::{
    CpuPolicy, DomainView, Entry, Featureset, GuestCpuid, HostConfig, HostView, MAX_SERIALISED_LEAVES,
    MsrAnswer, Policies, PolicyError, RawCpu, VcpuView, close, guest_cpuid, guest_rdmsr, guest_wrmsr,
};
use fx_types::Errno;
use proptest::prelude::*;
use xen_abi::arch_x86::{CpuidLeaf, MsrEntry};
use xen_abi::cpufeatureset::*;

const NO_SUB: u32 = u32::MAX;

fn leaf(leaf: u32, subleaf: u32, a: u32) -> CpuidLeaf {
    CpuidLeaf { leaf, subleaf, a, b: 0, c: 0, d: 0 }
}

fn leaves(p: &CpuPolicy) -> Vec<CpuidLeaf> {
    let mut v = Vec::new();
    let _: Result<(), ()> = p.for_each_leaf(|l| {
        v.push(l);
        Ok(())
    });
    v
}

fn ask(p: &Policies, policy: &CpuPolicy, d: DomainView, v: VcpuView, l: u32, s: u32) -> [u32; 4] {
    let host = HostView { tsc_reliable: true, tsc_khz: 5, machine_address_bits: 40 };
    guest_cpuid(&GuestCpuid { policies: p, policy, domain: &d, vcpu: &v, host: &host }, l, s).regs()
}

#[test]
fn limits() {
    assert_eq!(MAX_SERIALISED_LEAVES, 120);
    let p = amd();
    assert!(p.by_index(5).is_some() && p.by_index(6).is_none());
    assert_eq!(p.featureset(2), Some(p.default_for(false).featureset()));
    assert_eq!(p.featureset(6), None);
}

#[test]
fn round_trip() {
    for (p, kinds) in [(amd(), &[PV, HVM][..]), (intel(), &[PV])] {
        for kind in kinds.iter().copied() {
            let domain = p.for_domain(kind);
            let mut copy = domain.clone();
            for l in leaves(&domain) {
                copy.apply_leaf(&l).unwrap();
            }
            for m in domain.msrs() {
                copy.apply_msr(&m).unwrap();
            }
            p.commit(&mut copy, kind).unwrap();
            assert_eq!(recorded(&copy), recorded(&domain));
        }
    }
}

#[test]
fn refused_edits() {
    let p = amd();
    let mut d = p.for_domain(PV);
    let none = PolicyError::new(Errno::ERANGE);
    for (l, s) in [
        (0xe, NO_SUB),
        (1, 0),
        (4, 6),
        (7, 3),
        (0xb, 2),
        (0xd, 63),
        (0x4000_0001, NO_SUB),
        (0x8000_0022, NO_SUB),
    ] {
        assert_eq!(d.apply_leaf(&leaf(l, s, 0)), Err(PolicyError { leaf: l, subleaf: s, ..none }));
    }
    for (idx, flags, val, errno) in
        [(0x10, 0, 0, Errno::ERANGE), (0xce, 1, 0, Errno::EINVAL), (0xce, 0, 1 << 32, Errno::EOVERFLOW)]
    {
        let want = PolicyError { msr: idx, ..PolicyError::new(errno) };
        assert_eq!(d.apply_msr(&MsrEntry { idx, flags, val }), Err(want));
    }
    let einval = PolicyError::new(Errno::EINVAL);
    let mut e = d.clone();
    e.apply_leaf(&CpuidLeaf { a: 0xe, ..leaves(&d)[0] }).unwrap();
    assert_eq!(p.commit(&mut e, PV), Err(PolicyError { leaf: 0, subleaf: NO_SUB, ..einval }));
    let mut e = d.clone();
    e.apply_leaf(&leaf(7, 0, 3)).unwrap();
    assert_eq!(p.commit(&mut e, PV), Err(PolicyError { leaf: 7, subleaf: 0, ..einval }));
    let mut e = d.clone();
    e.apply_leaf(&leaf(0x8000_0000, NO_SUB, 0x8000_0022)).unwrap();
    assert_eq!(p.commit(&mut e, PV), Err(PolicyError { leaf: 0x8000_0000, subleaf: NO_SUB, ..einval }));
    let mut e = d.clone();
    e.apply_msr(&MsrEntry { idx: 0xce, flags: 0, val: 1 << 31 }).unwrap();
    assert_eq!(p.commit(&mut e, PV), Err(PolicyError { msr: 0xce, ..einval }));
}

#[test]
fn a_toolstack_may_take_features_away_but_not_add() {
    let p = amd();
    let mut d = p.for_domain(PV);
    let mut l = leaves(&d).into_iter().find(|l| l.leaf == 1).unwrap();
    l.c &= !mask(X86_FEATURE_XSAVE);
    l.d |= mask(X86_FEATURE_HTT) | mask(X86_FEATURE_MTRR);
    d.apply_leaf(&l).unwrap();
    p.commit(&mut d, PV).unwrap();
    assert!(!d.has(X86_FEATURE_XSAVE) && !d.has(X86_FEATURE_AVX2) && !d.has(X86_FEATURE_MTRR));
    assert!(d.has(X86_FEATURE_HTT));
    assert_eq!(d.xstates(), 0);
    assert_eq!(ask(&p, &d, DomainView::default(), VcpuView::default(), 0xd, 0), [0; 4]);
}

#[test]
fn dom0_sees_leaks() {
    let p = amd();
    let d = p.for_dom0(PV, Featureset::of(&[X86_FEATURE_RDRAND]), Featureset::NONE);
    assert!(!d.has(X86_FEATURE_RDRAND) && p.default_for(false).has(X86_FEATURE_RDRAND));
    let domain = DomainView { hardware_domain: true, ..DomainView::default() };
    let kernel = VcpuView { kernel_mode: true, ..VcpuView::default() };
    let [_, _, c, d1] = ask(&p, &d, domain, kernel, 1, 0);
    assert!(c & mask(X86_FEATURE_OSXSAVE) != 0 && d1 & mask(X86_FEATURE_MTRR) != 0);
    let faulted = VcpuView { entry: Entry::Faulted, ..kernel };
    assert_eq!(ask(&p, &d, domain, faulted, 1, 0)[2] & mask(X86_FEATURE_OSXSAVE), 0);
    let [_, _, c, d1] = ask(&p, &d, DomainView::default(), kernel, 1, 0);
    assert!(c & mask(X86_FEATURE_OSXSAVE) != 0 && d1 & mask(X86_FEATURE_MTRR) == 0);
}

#[test]
fn hvm_dynamics() {
    let p = amd();
    let d = p.for_domain(HVM);
    assert!(!d.has(X86_FEATURE_SVM) && d.has(X86_FEATURE_PAGE1GB) && d.cpuid_faulting());
    let domain = DomainView { hvm: true, domid: 7, ..DomainView::default() };
    let v = VcpuView { vcpu_id: 3, apic_id: 6, xcr0: 7, entry: Entry::Intercepted, ..VcpuView::default() };
    let [_, b, c, _] = ask(&p, &d, domain, v, 1, 0);
    assert_eq!((b >> 24, c & mask(X86_FEATURE_OSXSAVE)), (6, 0));
    assert_eq!(ask(&p, &d, domain, v, 0xb, 1), [0, 0, 1, 6]);
    assert_eq!(ask(&p, &d, domain, v, 0xd, 0)[1], 0x340);
    assert_eq!(ask(&p, &d, domain, v, 0x4000_0004, 0), [0x5c, 3, 7, 0]);
    assert_eq!(ask(&p, &d, domain, v, 0x4000_0005, 0), [0; 4]);
    let off = VcpuView { apic_disabled: true, ..v };
    assert_eq!(ask(&p, &d, domain, off, 1, 0)[3] & mask(X86_FEATURE_APIC), 0);
    let viridian = DomainView { viridian: true, ..domain };
    assert_eq!(ask(&p, &d, viridian, v, 0x4000_0100, 0)[0], 0x4000_0105);
    assert_eq!(ask(&p, &d, viridian, v, 0x4000_0102, 0)[1], 0x4000_0200);
    assert_eq!(ask(&p, &d, viridian, v, 0x4000_0000, 0), [0; 4]);
}

#[test]
fn time_leaf() {
    let p = amd();
    let d = p.for_domain(PV);
    let v = VcpuView::default();
    let mut domain = DomainView {
        tsc_mode: 2,
        tsc_khz: 1000,
        incarnation: 4,
        tsc_offset: 0x1_0000_0002,
        tsc_to_ns_mul: 9,
        tsc_to_ns_shift: -3,
        ..DomainView::default()
    };
    assert_eq!(ask(&p, &d, domain, v, 0x4000_0003, 0), [2, 2, 1000, 4]);
    assert_eq!(ask(&p, &d, domain, v, 0x4000_0003, 1), [2, 1, 9, 0xffff_fffd]);
    assert_eq!(ask(&p, &d, domain, v, 0x4000_0003, 2), [5, 0, 0, 0]);
    domain.vtsc = true;
    assert_eq!(ask(&p, &d, domain, v, 0x4000_0003, 1), [0, 0, 9, 0xffff_fffd]);
    let mut limited = d.clone();
    limited.hv_limit = 1;
    assert_eq!(ask(&p, &limited, domain, v, 0x4000_0000, 0)[0], 0x4000_0002);
    assert_eq!(ask(&p, &limited, domain, v, 0x4000_0003, 0), [0; 4]);
}

#[test]
fn msrs() {
    let (a, i) = (amd().for_domain(HVM), intel().for_domain(PV));
    assert_eq!(guest_rdmsr(&a, 0, 0xce), MsrAnswer::Value(1 << 31));
    assert_eq!(guest_rdmsr(&a, 0, 0x10a), MsrAnswer::Fault);
    assert_eq!(guest_rdmsr(&i, 0, 0x10a), MsrAnswer::Value(4));
    assert_eq!(guest_rdmsr(&i, 1, 0x140), MsrAnswer::Value(1));
    assert_eq!(guest_rdmsr(&i, 1, 0x10), MsrAnswer::NotMine);
    assert_eq!(guest_wrmsr(&a, 0x140, 1), MsrAnswer::Value(1));
    assert_eq!(guest_wrmsr(&a, 0x140, 2), MsrAnswer::Fault);
    assert_eq!(guest_wrmsr(&i, 0x140, 1), MsrAnswer::Fault);
    assert_eq!(guest_wrmsr(&i, 0x140, 0), MsrAnswer::Value(0));
    assert_eq!(guest_wrmsr(&i, 0xce, 0), MsrAnswer::Fault);
}

/// Attribute letters of the public header, where it is installed (or where `FX_XEN_INCLUDE` says).
#[test]
fn attributes_of_the_header() {
    let dir = std::env::var("FX_XEN_INCLUDE").unwrap_or_else(|_| "/usr/include/xen".into());
    let Ok(header) = std::fs::read_to_string(format!("{dir}/arch-x86/cpufeatureset.h")) else {
        return;
    };
    let mut seen = 0;
    for line in header.lines().filter_map(|l| l.strip_prefix("XEN_CPUFEATURE(")) {
        let (_, rest) = line.split_once(',').unwrap();
        let (word, rest) = rest.trim().split_once('*').unwrap();
        let (bit, rest) = rest.split_once('+').unwrap().1.split_once(')').unwrap();
        let feature = word.parse::<u32>().unwrap() * 32 + bit.trim().parse::<u32>().unwrap();
        let letters = rest.trim_start().trim_start_matches("/*").split(' ').next().unwrap();
        use fx_cpuid::audience::*;
        for (letter, set) in [
            ('A', ALL),
            ('a', ALL_OPTIONAL),
            ('S', HVM),
            ('s', HVM_OPTIONAL),
            ('H', HAP),
            ('h', HAP_OPTIONAL),
            ('|', ACCUMULATE),
        ] {
            assert_eq!(set.has(feature), letters.contains(letter), "{line} {letter}");
        }
        assert!(KNOWN.has(feature), "{line}");
        seen += 1;
    }
    assert!(seen > 250);
}

struct Random(u64);

impl RawCpu for Random {
    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4] {
        let mut x = self.0 ^ (u64::from(leaf) << 32 | u64::from(subleaf)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        core::array::from_fn(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x as u32
        })
    }
    fn arch_capabilities(&self) -> u64 {
        self.0
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn closure_is_closed(words: [u32; 19]) {
        let mut fs = Featureset(words);
        close(&mut fs);
        let mut again = fs;
        close(&mut again);
        prop_assert_eq!(fs, again);
        prop_assert_eq!(fs.and(Featureset(words)), fs);
        prop_assert!(fs.has(X86_FEATURE_AVX) || !fs.has(X86_FEATURE_AVX512BW));
    }

    #[test]
    fn any_machine(seed: u64, hvm: bool, edits in prop::collection::vec((0u32..0x30, 0u32..64, any::<[u32; 4]>()), 0..40)) {
        let config = HostConfig { hvm: true, hap: seed & 1 == 0, pmu: true, ..HostConfig::default() };
        let p = Policies::new(&Random(seed), &config).unwrap();
        let kind = if hvm { HVM } else { PV };
        let mut d = p.for_domain(kind);
        for (l, s, [a, b, c, r]) in edits {
            for (leaf, subleaf) in [(l, s), (l, NO_SUB), (l | 0x8000_0000, NO_SUB)] {
                let _ = d.apply_leaf(&CpuidLeaf { leaf, subleaf, a, b, c, d: r });
            }
        }
        let _ = p.commit(&mut d, kind);
        prop_assert!(leaves(&d).len() <= 120);
        let max = p.max(hvm).featureset();
        prop_assert_eq!(d.has(X86_FEATURE_AVX) && !max.has(X86_FEATURE_AVX) && p.commit(&mut d.clone(), kind).is_ok(), false);
        let domain = DomainView { hvm, pmu: true, hardware_domain: true, ..DomainView::default() };
        let v = VcpuView { xcr0: seed, xss: !seed, cr4: seed, kernel_mode: true, ..VcpuView::default() };
        for l in (0..0x40).chain(0x4000_0000..0x4000_0010).chain(0x8000_0000..0x8000_0030).chain([seed as u32]) {
            for s in [0, 1, 2, 62, 63, seed as u32] {
                let _ = ask(&p, &d, domain, v, l, s);
            }
        }
    }
}
