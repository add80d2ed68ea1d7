//! What a guest's `cpuid` reads: its policy, adjusted by the state that its vCPU is in.

use xen_abi::cpufeatureset::*;

use crate::hypervisor_leaves::{DomainView, HostView, hypervisor_leaf};
use crate::policies::Policies;
use crate::policy::{CpuPolicy, Leaf, Vendor};

const CR4_OSXSAVE: u64 = 1 << 18;
const CR4_PKE: u64 = 1 << 22;

/// How a `cpuid` reached the hypervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Entry {
    /// The forced-emulation prefix: #UD.
    #[default]
    Forced,
    /// CPUID faulting: #GP.
    Faulted,
    /// An intercept of an HVM guest.
    Intercepted,
}

/// What of a vCPU its CPUID depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VcpuView {
    /// The vCPU's number.
    pub vcpu_id: u32,
    /// The id of its APIC.
    pub apic_id: u32,
    /// The guest's own `CR4`.
    pub cr4: u64,
    /// `XCR0`.
    pub xcr0: u64,
    /// `IA32_XSS`.
    pub xss: u64,
    /// The guest kernel executes the instruction.
    pub kernel_mode: bool,
    /// How it came here.
    pub entry: Entry,
    /// HVM: the guest runs in long mode.
    pub long_mode: bool,
    /// HVM: the APIC is switched off in `MSR_APIC_BASE`.
    pub apic_disabled: bool,
}

/// Everything that an answer depends on.
#[derive(Clone, Copy)]
pub struct GuestCpuid<'a> {
    /// The machine's policies.
    pub policies: &'a Policies,
    /// The domain's policy.
    pub policy: &'a CpuPolicy,
    /// The domain.
    pub domain: &'a DomainView,
    /// The vCPU that executes the instruction.
    pub vcpu: &'a VcpuView,
    /// The host.
    pub host: &'a HostView,
}

/// What `cpuid` reads; leaves that do not exist are zero, as on AMD's CPUs.
#[must_use]
pub fn guest_cpuid(g: &GuestCpuid<'_>, leaf: u32, subleaf: u32) -> Leaf {
    if (0x4000_0000..0x5000_0000).contains(&leaf) {
        return hypervisor_leaf(g, leaf, subleaf);
    }
    let Some(mut l) = g.policy.leaf(leaf, subleaf) else { return Leaf::EMPTY };
    match leaf {
        1 => leaf_1(g, &mut l),
        5 if hardware_kernel(g)
            && g.policies.host().has(X86_FEATURE_MONITOR)
            && g.vcpu.entry == Entry::Faulted =>
        {
            l = g.policies.raw().basic[5];
        }
        7 if subleaf == 0 && g.vcpu.cr4 & CR4_PKE != 0 => l.c |= mask(X86_FEATURE_OSPKE),
        0xa if !g.domain.pmu || g.policy.vendor() != Vendor::Intel => l = Leaf::EMPTY,
        // Version 3 of the architectural performance counters is what is emulated.
        0xa => l.a = (l.a & !0xff) | (l.a & 0xff).min(3),
        0xb if g.policy.has(X86_FEATURE_X2APIC) => {
            l.c = (l.c & !0xff) | (subleaf & 0xff);
            l.d = g.vcpu.apic_id;
        }
        0xd if subleaf == 0 => l.b = g.policy.xsave_size(g.vcpu.xcr0),
        0xd if subleaf == 1 && g.policy.has(X86_FEATURE_XSAVEC) => {
            l.b = g.policy.xsavec_size(g.vcpu.xcr0 | g.vcpu.xss);
        }
        0x8000_0001 => extended_1(g, &mut l),
        _ => {}
    }
    l
}

/// Whether the kernel of a PV hardware domain executes the instruction. For historical reasons it sees some of what the
/// host has although it cannot use it, and steers the host's power and memory-type management by it.
fn hardware_kernel(g: &GuestCpuid<'_>) -> bool {
    !g.domain.hvm && g.domain.hardware_domain && g.vcpu.kernel_mode
}

fn leaf_1(g: &GuestCpuid<'_>, l: &mut Leaf) {
    l.b &= 0x00ff_ffff;
    let mut osxsave = g.vcpu.cr4 & CR4_OSXSAVE != 0;
    if g.domain.hvm {
        l.b |= (g.vcpu.apic_id & 0xff) << 24;
    } else {
        // PV kernels rely on seeing the host's OSXSAVE before they have set their own.
        let leaked = g.vcpu.kernel_mode && g.vcpu.entry == Entry::Forced;
        osxsave |= leaked && g.policy.has(X86_FEATURE_XSAVE);
    }
    if osxsave {
        l.c |= mask(X86_FEATURE_OSXSAVE);
    }
    if hardware_kernel(g) {
        let host = g.policies.host();
        if host.has(X86_FEATURE_MONITOR) && g.vcpu.entry == Entry::Faulted {
            l.c |= mask(X86_FEATURE_MONITOR);
        }
        if host.has(X86_FEATURE_EIST) {
            l.c |= mask(X86_FEATURE_EIST);
        }
    }
    common_1(g, &mut l.d);
}

fn extended_1(g: &GuestCpuid<'_>, l: &mut Leaf) {
    match g.policy.vendor() {
        // Intel hides SYSCALL outside of long mode.
        Vendor::Intel if g.domain.hvm && !g.vcpu.long_mode => l.d &= !mask(X86_FEATURE_SYSCALL),
        Vendor::Amd | Vendor::Hygon => common_1(g, &mut l.d),
        _ => {}
    }
}

/// Adjusts what leaf 1 and AMD's leaf 0x8000_0001 have in common.
fn common_1(g: &GuestCpuid<'_>, d: &mut u32) {
    if g.domain.hvm && g.vcpu.apic_disabled {
        *d &= !mask(X86_FEATURE_APIC);
    }
    if hardware_kernel(g) && g.policies.host().has(X86_FEATURE_MTRR) {
        *d |= mask(X86_FEATURE_MTRR);
    }
}
