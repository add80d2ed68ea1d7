//! What guests learn of the processor: CPUID by their policy, and the MSRs that they may read and write.

use fx_cpuid as cp;
use fx_cpuid::{CpuPolicy, DomainKind, DomainView, Entry, GuestCpuid, HostView, MsrAnswer, VcpuView};
use fx_virt::Register;

pub use fx_cpuid::Policies;

use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::{HvmVcpu, apic_id};
use crate::hw::Hw;

const MSR_TSC: u32 = 0x10;
const MSR_APIC_BASE: u32 = 0x1b;
const MSR_MISC_ENABLE: u32 = 0x1a0;
const MSR_PAT: u32 = 0x277;
const MSR_EFER: u32 = 0xc000_0080;
const MSR_FS_BASE: u32 = 0xc000_0100;
const MSR_GS_BASE: u32 = 0xc000_0101;
const MSR_KERNEL_GS_BASE: u32 = 0xc000_0102;
const MSR_AMD_PATCHLEVEL: u32 = 0x8b;
const MSR_MCG_CAP: u32 = 0x179;
const MSR_MCG_STATUS: u32 = 0x17a;
const MSR_MCG_CTL: u32 = 0x17b;
const MSR_MC0_CTL: u32 = 0x400;
/// Machine-check banks that a guest sees: none of them ever holds an error.
const MC_BANKS: u64 = 2;
const MSR_MC_LAST: u32 = MSR_MC0_CTL + 4 * MC_BANKS as u32 - 1;
/// EFER as a PV guest sees it: SCE, LME, LMA, NX.
const EFER: u64 = 0xd01;
/// The PAT that every PV address space lives with.
const PAT: u64 = 0x0000_0501_0007_0406;
/// APIC base: enabled, and the bootstrap processor's.
const APIC_BASE: u64 = 0xfee0_0900;

impl<H: Hw> Host<H> {
    pub(crate) fn kind_of(&self, hvm: bool) -> DomainKind {
        DomainKind { hvm, hap: hvm, nested: false, pmu: false, paddr_bits: self.machine_address_bits() }
    }

    /// Bits of guest-physical addresses, for the reserved bits of a guest's own page tables.
    pub(crate) fn guest_address_bits(&self) -> u8 {
        self.machine_address_bits()
    }

    fn machine_address_bits(&self) -> u8 {
        let [a, ..] = self.hw.cpuid(0x8000_0008, 0);
        (a & 0xff) as u8
    }

    /// The last frame number that the machine's addresses can name.
    pub(crate) fn last_frame(&self) -> u64 {
        let bits = u32::from(self.machine_address_bits().clamp(32, 52));
        (1u64 << bits.wrapping_sub(12)).wrapping_sub(1)
    }

    /// The policy that a new domain starts with.
    pub(crate) fn default_policy(&self, hardware: bool, hvm: bool) -> CpuPolicy {
        let kind = self.kind_of(hvm);
        if hardware {
            self.policies.for_dom0(kind, cp::Featureset::default(), cp::Featureset::default())
        } else {
            self.policies.for_domain(kind)
        }
    }

    fn domain_view(&self, d: &Domain) -> DomainView {
        let s = self.domain_scale(d);
        DomainView {
            domid: d.id.0,
            hvm: d.hvm.is_some(),
            hardware_domain: d.hardware,
            viridian: d.hvm.as_ref().is_some_and(|h| h.viridian_features() != 0),
            tsc_mode: d.tsc.mode(),
            vtsc: d.tsc.is_emulated(),
            tsc_khz: s.khz,
            incarnation: d.tsc.incarnation(),
            tsc_to_ns_mul: s.mul,
            tsc_to_ns_shift: s.shift,
            ..DomainView::default()
        }
    }

    /// What `cpuid` gives the current PV vCPU.
    pub(crate) fn guest_cpuid(&self, c: &VcpuRef, leaf: u32, subleaf: u32) -> [u32; 4] {
        let vcpu = VcpuView {
            vcpu_id: c.v.id,
            apic_id: apic_id(c.v.id),
            cr4: self.guest_cr4(&c.v),
            xcr0: c.v.pv.xcr0.get(),
            kernel_mode: c.v.in_kernel(),
            long_mode: true,
            ..VcpuView::default()
        };
        self.cpuid_as(c, &vcpu, leaf, subleaf)
    }

    /// Whether the current HVM vCPU's `cpuid` faults: its kernel wants that of user mode's.
    pub(crate) fn cpuid_faults(&self, c: &VcpuRef, x: &H::Context) -> bool {
        c.v.msrs.cpuid_faults() && self.hw.privilege(x) != 0
    }

    /// What `cpuid` gives the current HVM vCPU.
    pub(crate) fn hvm_cpuid(
        &self,
        c: &VcpuRef,
        h: &HvmVcpu,
        x: &H::Context,
        leaf: u32,
        subleaf: u32,
    ) -> [u32; 4] {
        if let Some(answer) = self.viridian_leaf(&c.d, leaf) {
            return answer;
        }
        let (privilege, long_mode) = self.hvm_mode(x);
        let vcpu = VcpuView {
            vcpu_id: c.v.id,
            apic_id: apic_id(c.v.id),
            cr4: self.hw.register(x, Register::Cr4),
            xcr0: c.v.pv.xcr0.get(),
            kernel_mode: privilege == 0,
            entry: Entry::Intercepted,
            long_mode,
            apic_disabled: !h.lapic.lock().is_enabled(),
            ..VcpuView::default()
        };
        self.cpuid_as(c, &vcpu, leaf, subleaf)
    }

    fn cpuid_as(&self, c: &VcpuRef, vcpu: &VcpuView, leaf: u32, subleaf: u32) -> [u32; 4] {
        let policy = c.d.policy.lock();
        let host = HostView {
            tsc_reliable: true,
            tsc_khz: self.hw.tsc_scale().khz,
            machine_address_bits: self.machine_address_bits(),
        };
        let domain = self.domain_view(&c.d);
        let g = GuestCpuid { policies: &self.policies, policy: &policy, domain: &domain, vcpu, host: &host };
        let l = cp::guest_cpuid(&g, leaf, subleaf);
        [l.a, l.b, l.c, l.d]
    }

    /// A model-specific register as the current vCPU reads it; `None` for #GP.
    pub(crate) fn guest_rdmsr(&self, c: &VcpuRef, msr: u32) -> Option<u64> {
        match msr {
            MSR_FS_BASE => return Some(self.hw.save_segments().fs_base),
            MSR_GS_BASE => return Some(self.hw.save_segments().gs_base),
            MSR_KERNEL_GS_BASE => return Some(self.hw.save_segments().gs_base_other),
            MSR_EFER => return Some(EFER),
            MSR_TSC => return Some(self.domain_tsc(&c.d)),
            MSR_PAT => return Some(PAT),
            MSR_APIC_BASE => return Some(if c.v.id == 0 { APIC_BASE } else { APIC_BASE & !0x100 }),
            MSR_MISC_ENABLE => return self.hw.rdmsr(msr).map(|v| v & !(1 << 18)),
            MSR_AMD_PATCHLEVEL => return self.hw.rdmsr(msr).or(Some(0)),
            MSR_MCG_CAP => return Some(MC_BANKS),
            MSR_MCG_STATUS | MSR_MCG_CTL | MSR_MC0_CTL..=MSR_MC_LAST => return Some(0),
            _ => {}
        }
        match Self::read_own_msr(c, msr) {
            MsrAnswer::Value(v) => Some(v),
            MsrAnswer::Fault => None,
            // The hardware domain manages the hardware; what it may see of it is still a closed list.
            MsrAnswer::NotMine if c.d.hardware && readable_by_hardware_domain(msr) => self.hw.rdmsr(msr),
            MsrAnswer::NotMine => None,
        }
    }

    /// A write to a model-specific register by the current vCPU; `false` for #GP.
    pub(crate) fn guest_wrmsr(&self, c: &VcpuRef, msr: u32, value: u64) -> bool {
        match msr {
            MSR_FS_BASE | MSR_GS_BASE | MSR_KERNEL_GS_BASE if !fx_types::is_canonical(value) => return false,
            MSR_FS_BASE => self.hw.set_fs_base(value),
            MSR_GS_BASE => self.hw.set_gs_base(value),
            MSR_KERNEL_GS_BASE => self.hw.set_gs_base_other(value),
            MSR_EFER => return value == EFER,
            MSR_PAT => return value == PAT,
            MSR_AMD_PATCHLEVEL => return value == 0,
            MSR_MISC_ENABLE | MSR_MCG_STATUS | MSR_MCG_CTL | MSR_MC0_CTL..=MSR_MC_LAST => return true,
            _ => return matches!(self.write_own_msr(c, msr, value), MsrAnswer::Value(_)),
        }
        true
    }
}

/// Registers that tell of the platform and hold no secrets: MTRRs, machine-check banks' capabilities, AMD's system
/// configuration, family 10h MMIO configuration base, hardware configuration.
const fn readable_by_hardware_domain(msr: u32) -> bool {
    matches!(msr, 0xfe | 0x2ff | 0x200..=0x20f | 0x250 | 0x258 | 0x259 | 0x268..=0x26f
        | 0xc001_0010 | 0xc001_0015 | 0xc001_0058 | 0xc001_0061..=0xc001_006b | 0xc001_1029)
}
