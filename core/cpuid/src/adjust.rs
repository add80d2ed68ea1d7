//! What guests may have and get by default, for PV and HVM guests.

use xen_abi::cpufeatureset::*;

use crate::audience;
use crate::deps::close;
use crate::derive::{HostConfig, last};
use crate::featureset::Featureset;
use crate::policy::{CpuPolicy, EXTD, Leaf, NR_BASIC, NR_EXTD, NR_FEAT, PLATFORM_CPUID_FAULTING, Vendor};
use crate::recalc::recalculate_xstate;

/// Features that the maximum offers whatever the host has, and that a guest gets by default only where the host has them.
const HOST_DECIDES: &[u32] = &[
    X86_FEATURE_HTT,
    X86_FEATURE_CMP_LEGACY,
    X86_FEATURE_MD_CLEAR,
    X86_FEATURE_FB_CLEAR,
    X86_FEATURE_RFDS_CLEAR,
    X86_FEATURE_VERW_CLEAR,
];

/// Features whose model-specific registers, or whose controls of hardware virtualisation, guests in containers do not get here.
const WITHOUT_REGISTERS: &[u32] = &[
    X86_FEATURE_XSAVES,
    X86_FEATURE_MPX,
    X86_FEATURE_PKU,
    X86_FEATURE_PKS,
    X86_FEATURE_DBEXT,
    X86_FEATURE_ADDR_MSK_EXT,
    X86_FEATURE_WRMSRNS,
    X86_FEATURE_AUTO_IBRS,
    X86_FEATURE_L1D_FLUSH,
    // SPEC_CTRL and PRED_CMD.
    X86_FEATURE_IBRSB,
    X86_FEATURE_STIBP,
    X86_FEATURE_SSBD,
    X86_FEATURE_IBPB,
    X86_FEATURE_IBRS,
    X86_FEATURE_AMD_STIBP,
    X86_FEATURE_AMD_SSBD,
    X86_FEATURE_PSFD,
    X86_FEATURE_IPRED_CTRL,
    X86_FEATURE_RRSBA_CTRL,
    X86_FEATURE_BHI_CTRL,
];

/// The same of PV guests: the registers of wider breakpoints.
const PV_WITHOUT_REGISTERS: &[u32] = &[X86_FEATURE_DBEXT, X86_FEATURE_ADDR_MSK_EXT];

/// The machine's policies that guests' ones are derived from.
#[derive(Clone, Copy)]
pub(crate) struct Machine<'a> {
    pub raw: &'a CpuPolicy,
    pub host: &'a CpuPolicy,
    pub config: &'a HostConfig,
}

/// What a PV guest may have.
pub(crate) fn pv_max(m: Machine<'_>) -> CpuPolicy {
    let mut p = m.host.clone();
    max_leaves(&mut p);
    let mut fs = p.featureset().and(audience::PV_MAX);
    if !m.config.spec_ctrl_pv {
        fs.remove(&[X86_FEATURE_IBRSB, X86_FEATURE_IBRS]);
    }
    max_features(&mut fs, m);
    fs.remove(PV_WITHOUT_REGISTERS);
    finish(&mut p, &mut fs, m);
    p.extd[0xa] = Leaf::EMPTY;
    p
}

/// What a PV guest gets by default.
pub(crate) fn pv_default(m: Machine<'_>, max: &CpuPolicy) -> CpuPolicy {
    let mut p = max.clone();
    default_leaves(&mut p, m.host);
    let mut fs = p.featureset().and(audience::PV_DEFAULT);
    default_features(&mut fs, m);
    finish(&mut p, &mut fs, m);
    p
}

/// What an HVM guest may have.
pub(crate) fn hvm_max(m: Machine<'_>) -> CpuPolicy {
    let mut p = m.host.clone();
    max_leaves(&mut p);
    let audience = if m.config.hap { audience::HAP_MAX } else { audience::SHADOW_MAX };
    let mut fs = p.featureset().and(audience);
    // The APIC is emulated.
    fs.add(&[X86_FEATURE_APIC, X86_FEATURE_X2APIC]);
    if m.host.vendor().is_amd_like() {
        // Outside of long mode SYSENTER works on AMD too; and EFER.LMSLE is not offered.
        fs.set(X86_FEATURE_SEP, m.raw.has(X86_FEATURE_SEP));
        fs.set(X86_FEATURE_NO_LMSL, true);
        fs.set(X86_FEATURE_VIRT_SSBD, m.config.virt_ssbd);
    }
    if !m.config.nested {
        fs.remove(&[X86_FEATURE_VMX, X86_FEATURE_SVM]);
    }
    max_features(&mut fs, m);
    fs.remove(WITHOUT_REGISTERS);
    fs = fs.without(m.config.hvm_hidden);
    finish(&mut p, &mut fs, m);
    nested_leaf(&mut p);
    // For an HVM guest CPUID is always intercepted.
    p.platform_info |= PLATFORM_CPUID_FAULTING;
    p
}

/// What an HVM guest gets by default.
pub(crate) fn hvm_default(m: Machine<'_>, max: &CpuPolicy) -> CpuPolicy {
    let mut p = max.clone();
    default_leaves(&mut p, m.host);
    let mut audience = audience::HAP_DEFAULT;
    audience.add(&[X86_FEATURE_VIRT_SSBD]);
    if !m.config.hap {
        audience = audience.and(audience::SHADOW_MAX.or(Featureset::of(&[X86_FEATURE_VIRT_SSBD])));
    }
    let mut fs = p.featureset().and(audience);
    default_features(&mut fs, m);
    fs.remove(WITHOUT_REGISTERS);
    fs = fs.without(m.config.hvm_hidden);
    finish(&mut p, &mut fs, m);
    p
}

/// A nested hypervisor sees what hardware and this hypervisor both do for it (AMD APM volume 3, appendix E.4.9).
fn nested_leaf(p: &mut CpuPolicy) {
    if !p.has(X86_FEATURE_SVM) {
        p.extd[0xa] = Leaf::EMPTY;
        return;
    }
    const NPT_LBRV_NRIPS: u32 = 1 << 0 | 1 << 1 | 1 << 3;
    const CLEAN_BITS: u32 = 1 << 5;
    const DECODE_PAUSE: u32 = 1 << 7 | 1 << 10;
    p.extd[0xa].d = (p.extd[0xa].d & (NPT_LBRV_NRIPS | DECODE_PAUSE)) | CLEAN_BITS;
}

/// A guest may have come from a machine with higher leaves.
fn max_leaves(p: &mut CpuPolicy) {
    p.basic[0].a = last(NR_BASIC);
    p.feat[0].a = last(NR_FEAT);
    p.extd[0].a = EXTD | last(NR_EXTD);
}

fn default_leaves(p: &mut CpuPolicy, host: &CpuPolicy) {
    p.basic[0].a = host.max_basic();
    p.feat[0].a = host.max_feat();
    p.extd[0].a = host.max_extd();
}

fn max_features(fs: &mut Featureset, m: Machine<'_>) {
    match m.host.vendor() {
        Vendor::Intel => {
            // Statements about behaviour that hold, or do no harm, on every machine that a guest may move to.
            fs.add(&[X86_FEATURE_ARCH_CAPS, X86_FEATURE_RSBA, X86_FEATURE_RRSBA]);
            fs.add(&[X86_FEATURE_MD_CLEAR, X86_FEATURE_FB_CLEAR, X86_FEATURE_RFDS_CLEAR]);
            if m.raw.has(X86_FEATURE_CLWB) {
                fs.add(&[X86_FEATURE_CLWB]);
            }
        }
        Vendor::Amd | Vendor::Hygon => fs.add(&[X86_FEATURE_VERW_CLEAR]),
        Vendor::Other => {}
    }
    fs.add(&[X86_FEATURE_HTT, X86_FEATURE_X2APIC, X86_FEATURE_CMP_LEGACY]);
    common_features(fs, m);
}

fn default_features(fs: &mut Featureset, m: Machine<'_>) {
    for f in HOST_DECIDES {
        fs.set(*f, fs.has(*f) && m.host.has(*f));
    }
    // Weaknesses that the host has must be seen, though they are for no guest by default.
    if m.host.vendor() == Vendor::Intel {
        for f in [X86_FEATURE_RSBA, X86_FEATURE_RRSBA] {
            fs.set(f, m.host.has(f));
        }
    }
    common_features(fs, m);
}

fn common_features(fs: &mut Featureset, m: Machine<'_>) {
    fs.add(&[X86_FEATURE_HYPERVISOR]);
    // STIBP is without effect on CPUs without hyper-threading, and makes mixed pools simpler.
    if fs.has(X86_FEATURE_IBRSB) {
        fs.add(&[X86_FEATURE_STIBP]);
    }
    if fs.has(X86_FEATURE_IBRS) {
        fs.add(&[X86_FEATURE_AMD_STIBP]);
    }
    // IBPB can be offered without IBRS, by AMD's bit for it.
    if m.host.has(X86_FEATURE_IBRSB) {
        fs.add(&[X86_FEATURE_IBPB]);
    }
}

fn finish(p: &mut CpuPolicy, fs: &mut Featureset, m: Machine<'_>) {
    close(fs);
    p.set_featureset(fs);
    recalculate_xstate(p, m.raw);
}
