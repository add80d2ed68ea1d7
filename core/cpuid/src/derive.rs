//! The machine's policies: what the hardware says, and what the hypervisor uses of it.

use xen_abi::cpufeatureset::*;

use crate::audience::KNOWN;
use crate::deps::close;
use crate::featureset::Featureset;
use crate::policy::{CpuPolicy, EXTD, Leaf, NR_BASIC, NR_EXTD, NR_FEAT, PLATFORM_CPUID_FAULTING};
use crate::recalc::{recalculate_misc, recalculate_xstate};

/// The hardware's own answers.
pub trait RawCpu {
    /// What `cpuid` returns in eax, ebx, ecx, edx.
    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4];
    /// `MSR_ARCH_CAPABILITIES`; only called when the CPU has it.
    fn arch_capabilities(&self) -> u64 {
        0
    }
    /// `MSR_PLATFORM_INFO`, or 0 where that does not exist.
    fn platform_info(&self) -> u64 {
        0
    }
}

/// What the hypervisor and its operator make of the machine.
#[derive(Clone, Debug, Default)]
pub struct HostConfig {
    /// Features that the hypervisor does not use, or that the operator switched off.
    pub hidden: Featureset,
    /// Features that the hypervisor established or concluded itself, whatever CPUID says (`LFENCE_DISPATCH`, `RSBA`).
    pub forced: Featureset,
    /// `MSR_SPEC_CTRL` is switched for PV guests.
    pub spec_ctrl_pv: bool,
    /// `MSR_VIRT_SPEC_CTRL` is emulated for HVM guests.
    pub virt_ssbd: bool,
    /// Guests may have a performance monitoring unit.
    pub pmu: bool,
    /// CPUID faulting works.
    pub cpuid_faulting: bool,
    /// Features that hardware virtualisation keeps from HVM guests.
    pub hvm_hidden: Featureset,
    /// HVM guests are possible; without this their policies are empty.
    pub hvm: bool,
    /// Nested paging works.
    pub hap: bool,
    /// Nested virtualisation is offered.
    pub nested: bool,
}

/// Reads the machine's policy. Fields that depend on a CPU's momentary state are cleared.
#[must_use]
pub fn raw_policy(cpu: &impl RawCpu) -> CpuPolicy {
    let mut p = CpuPolicy::EMPTY;
    let read = |leaf, subleaf| Leaf::new(cpu.cpuid(leaf, subleaf));
    p.basic[0] = read(0, 0);
    let max = p.max_basic();
    for (i, l) in (0u32..).zip(p.basic.iter_mut()).skip(1) {
        if i <= max && !matches!(i, 4 | 7 | 0xb | 0xd) {
            *l = read(i, 0);
        }
    }
    if max >= 4 {
        read_until(&mut p.cache, |i| read(4, i), |l| l.a & 0x1f == 0);
    }
    if max >= 7 {
        p.feat[0] = read(7, 0);
        let last = p.max_feat();
        (1u32..)
            .zip(p.feat.iter_mut().skip(1))
            .filter(|(i, _)| *i <= last)
            .for_each(|(i, l)| *l = read(7, i));
    }
    if max >= 0xb {
        read_until(&mut p.topo, |i| read(0xb, i), |l| l.c & 0xff00 == 0);
    }
    if max >= 0xd {
        read_xstate(&mut p, read);
    }
    read_extended(&mut p, read);
    if p.has(X86_FEATURE_ARCH_CAPS) {
        p.arch_caps = cpu.arch_capabilities();
    }
    p.platform_info = cpu.platform_info() as u32 & PLATFORM_CPUID_FAULTING;
    clear_dynamic(&mut p);
    p
}

fn read_until(leaves: &mut [Leaf], read: impl Fn(u32) -> Leaf, last: impl Fn(&Leaf) -> bool) {
    for (i, l) in (0u32..).zip(leaves.iter_mut()) {
        *l = read(i);
        if last(l) {
            return;
        }
    }
}

fn read_xstate(p: &mut CpuPolicy, read: impl Fn(u32, u32) -> Leaf) {
    p.xstate[0] = read(0xd, 0);
    p.xstate[1] = read(0xd, 1);
    let xstates = p.xstates();
    for (i, l) in (0u32..).zip(p.xstate.iter_mut()).skip(2) {
        if xstates.wrapping_shr(i) & 1 != 0 {
            *l = read(0xd, i);
        }
    }
}

fn read_extended(p: &mut CpuPolicy, read: impl Fn(u32, u32) -> Leaf) {
    let first = read(EXTD, 0);
    if first.a >> 16 != EXTD >> 16 {
        return;
    }
    p.extd[0] = first;
    for (i, l) in (0u32..).zip(p.extd.iter_mut()).skip(1) {
        if i <= first.a & 0xffff {
            *l = read(EXTD | i, 0);
        }
    }
}

/// Clears the APIC id, the mirrors of `CR4`, and the sizes that depend on `XCR0`.
fn clear_dynamic(p: &mut CpuPolicy) {
    p.basic[1].b &= 0x00ff_ffff;
    p.basic[1].c &= !mask(X86_FEATURE_OSXSAVE);
    p.feat[0].c &= !mask(X86_FEATURE_OSPKE);
    p.xstate[0].b = 0;
    p.xstate[1].b = 0;
    p.topo.iter_mut().for_each(|l| l.d = 0);
}

/// The policy of the machine as the hypervisor uses it.
pub(crate) fn host_policy(raw: &CpuPolicy, config: &HostConfig) -> CpuPolicy {
    let mut p = raw.clone();
    p.basic[0].a = p.max_basic().min(last(NR_BASIC));
    p.feat[0].a = p.max_feat().min(last(NR_FEAT));
    let mut extd = p.max_extd() & 0xffff;
    if config.forced.has(X86_FEATURE_LFENCE_DISPATCH) {
        extd = extd.max(0x21);
    }
    p.extd[0].a = EXTD | extd.min(last(NR_EXTD));

    let mut fs = raw.featureset().and(KNOWN).without(config.hidden);
    if raw.vendor().is_amd_like() {
        // SYSENTER does not exist in AMD's long mode.
        fs.set(X86_FEATURE_SEP, false);
    }
    close(&mut fs);
    p.set_featureset(&fs.or(config.forced));
    recalculate_xstate(&mut p, raw);
    recalculate_misc(&mut p);
    if !config.pmu {
        p.basic[0xa] = Leaf::EMPTY;
    }
    p.platform_info = if config.cpuid_faulting { PLATFORM_CPUID_FAULTING } else { 0 };
    p
}

/// The number of the last of `n` leaves.
pub(crate) const fn last(n: usize) -> u32 {
    (n as u32).wrapping_sub(1)
}
