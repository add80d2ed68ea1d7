//! Policies and answers against what Xen 4.20 gave on the same machines.

mod common;

use common::{AMD, INTEL, PV, amd, intel, recorded, section};
use fx_cpuid::{
    DomainView, Entry, Featureset, GuestCpuid, HostView, Policies, VcpuView, audience, close, guest_cpuid,
};

fn same(p: &fx_cpuid::CpuPolicy, data: &str, name: &str) {
    let (got, want) = (recorded(p), section(data, name));
    assert_eq!(got.count, want.count, "{name}");
    for key in got.leaves.keys().chain(want.leaves.keys()) {
        let [g, w] = [&got, &want].map(|s| s.leaves.get(key));
        assert_eq!(g, w, "{name} {key:x?}: {g:x?} {w:x?}");
    }
    assert_eq!(got.msrs, want.msrs, "{name}");
}

fn all(p: &Policies, data: &str) {
    same(p.raw(), data, "raw");
    same(p.host(), data, "host");
    same(p.max(false), data, "pv_max");
    same(p.default_for(false), data, "pv_default");
    same(p.max(true), data, "hvm_max");
    same(p.default_for(true), data, "hvm_default");
    same(&p.for_dom0(PV, Featureset::NONE, Featureset::NONE), data, "dom0");
}

#[test]
fn amd_machine() {
    all(&amd(), AMD);
}

#[test]
fn intel_machine() {
    all(&intel(), INTEL);
}

/// What user mode of the hardware domain reads.
fn user(p: &Policies, data: &str, xcr0: u64, tsc_khz: u32) {
    let policy = p.for_dom0(PV, Featureset::NONE, Featureset::NONE);
    let domain = DomainView { hardware_domain: true, ..DomainView::default() };
    let vcpu = VcpuView { cr4: 1 << 18, xcr0, entry: Entry::Forced, ..VcpuView::default() };
    let host = HostView { tsc_reliable: false, tsc_khz, machine_address_bits: 0x21 };
    let g = GuestCpuid { policies: p, policy: &policy, domain: &domain, vcpu: &vcpu, host: &host };
    let want = section(data, "user");
    let leaves = (0..0x18).chain(0x4000_0000..0x4000_0008).chain(0x8000_0000..0x8000_0023);
    for leaf in leaves {
        let subleaves = if matches!(leaf, 4 | 7 | 0xb | 0xd | 0x4000_0003) { 4 } else { 1 };
        for sub in 0..subleaves {
            let want = want.leaves.get(&(leaf, sub)).copied().unwrap_or_default();
            let got = guest_cpuid(&g, leaf, sub).regs();
            assert_eq!(got, want, "{leaf:x} {sub:x}: {got:x?} {want:x?}");
        }
    }
}

#[test]
fn user_mode_of_dom0() {
    user(&amd(), AMD, 7, 1_000_000);
    user(&intel(), INTEL, 3, 0x0027_9d18);
}

/// The sets that the reference's tools show, dependencies applied.
#[test]
fn audiences() {
    let set = |words: &str| {
        let w: Vec<u32> = words.split(':').map(|w| u32::from_str_radix(w, 16).unwrap()).collect();
        Featureset(w.try_into().unwrap())
    };
    let check = |name, fs: Featureset, want: &str| {
        let mut fs = fs;
        close(&mut fs);
        let want = set(want);
        for (i, (g, w)) in fs.0.iter().zip(want.0).enumerate() {
            assert_eq!(*g, w, "{name} word {i}: {g:08x} {w:08x}");
        }
    };
    check(
        "known",
        audience::KNOWN,
        "bfebfbff:fffefbff:ee500800:6469bfff:0000001f:ffbfffff:fb417fff:00000780:779fd205:ffddef3e:\
         00aa1cb7:f81e0d67:00000001:0000003f:00000000:00044530:1fbeffff:40000001:00000006",
    );
    check(
        "PV max",
        audience::PV_MAX,
        "1fc9cbf5:f6d83203:ea500800:442109e3:00000007:f1af0b39:1a405f43:00000100:64001005:ac814510:\
         00801cb7:781c0c65:00000000:00000021:00000000:00004430:1d12e173:40000000:00000006",
    );
    check(
        "PV default",
        audience::PV_DEFAULT,
        "1fc9cbf5:f6d83203:ea500800:442109e3:00000007:f1af0b29:02405f43:00000000:64001005:ac804410:\
         00801c37:781c0c65:00000000:00000021:00000000:00004430:1d12e173:40000000:00000006",
    );
    check(
        "HVM shadow max",
        audience::SHADOW_MAX,
        "1fcbfbff:f7f83203:ea500800:442109f3:0000000f:f1bf4bbb:1a405f47:00000100:751fd005:bc814510:\
         00881cb7:781c0d67:00000000:00000037:00000000:00004430:1d12e173:40000000:00000006",
    );
    check(
        "HVM max",
        audience::HAP_MAX,
        "1fcbfbff:f7fa3223:ee500800:442109f7:0000000f:f1bf4fbb:9a405f4f:00000100:751fd005:bc814510:\
         00881cb7:781c0d67:00000000:00000037:00000000:00004430:1d12e173:40000000:00000006",
    );
    check(
        "HVM default",
        audience::HAP_DEFAULT,
        "1fcbfbff:f7fa3203:ee500800:442109f3:0000000f:f1bf0fab:82405f4f:00000000:751fd005:bc804410:\
         00881c37:781c0d67:00000000:00000037:00000000:00004430:1d12e173:40000000:00000006",
    );
}
