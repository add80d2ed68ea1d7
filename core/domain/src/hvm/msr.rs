//! Model-specific registers as an HVM vCPU has them.

use core::sync::atomic::Ordering;

use fx_cpuid::MsrAnswer;
use fx_vdev::mtrr::Mtrr;
use fx_viridian::msrs as viridian;
use fx_virt::{Register, Virt};
use xen_abi::cpufeatureset::{X86_FEATURE_TSC_ADJUST, X86_FEATURE_X2APIC};

use super::HvmVcpu;
use super::viridian::XEN_HYPERCALL_PAGE;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;

const TSC: u32 = 0x10;
const APIC_BASE: u32 = 0x1b;
const TSC_ADJUST: u32 = 0x3b;
const PATCH_LEVEL: u32 = 0x8b;
const SYSENTER_CS: u32 = 0x174;
const SYSENTER_ESP: u32 = 0x175;
const SYSENTER_EIP: u32 = 0x176;
const MCG_CAP: u32 = 0x179;
const MCG_CTL: u32 = 0x17b;
const MISC_ENABLE: u32 = 0x1a0;
const DEBUG_CONTROL: u32 = 0x1d9;
const PAT: u32 = 0x277;
const MC_FIRST: u32 = 0x400;
const MC_LAST: u32 = MC_FIRST + 4 * MC_BANKS as u32 - 1;
const TSC_DEADLINE: u32 = 0x6e0;
const X2APIC_FIRST: u32 = 0x800;
const X2APIC_LAST: u32 = 0x8ff;
/// The MSR that installs a hypercall page (leaf 2 of the hypervisor's CPUID).
const HYPERCALL_PAGE: u32 = 0x4000_0000;
const EFER: u32 = 0xc000_0080;
const STAR: u32 = 0xc000_0081;
const LSTAR: u32 = 0xc000_0082;
const CSTAR: u32 = 0xc000_0083;
const SFMASK: u32 = 0xc000_0084;
const FS_BASE: u32 = 0xc000_0100;
const GS_BASE: u32 = 0xc000_0101;
const KERNEL_GS_BASE: u32 = 0xc000_0102;
const AMD_SYSCFG: u32 = 0xc001_0010;
const AMD_IORR_FIRST: u32 = 0xc001_0016;
const AMD_IORR_LAST: u32 = 0xc001_0019;
const AMD_TOP_MEM: u32 = 0xc001_001a;
const AMD_TOP_MEM2: u32 = 0xc001_001d;
const AMD_HWCR: u32 = 0xc001_0015;
const AMD_DE_CFG: u32 = 0xc001_1029;
const LFENCE_SERIALISES: u64 = 2;
/// `HWCR`: TSC runs at a constant rate; what Linux expects of every such processor.
const HWCR_TSC_CONSTANT: u64 = 1 << 24;
/// Machine-check banks that a guest sees: none of them ever holds an error.
const MC_BANKS: u64 = 2;

/// Registers that are the guest's alone while it runs, and may hold any value: it reads and writes them without an exit.
const OWN: [u32; 10] =
    [SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP, STAR, LSTAR, CSTAR, SFMASK, FS_BASE, GS_BASE, KERNEL_GS_BASE];

/// The register that installs Xen's hypercall page: another one where the guest has Hyper-V's interface.
fn hypercall_page_msr(c: &VcpuRef) -> u32 {
    let viridian = c.d.hvm.as_ref().is_some_and(|d| d.viridian_features() != 0);
    if viridian { XEN_HYPERCALL_PAGE } else { HYPERCALL_PAGE }
}

fn has_tsc_adjust(c: &VcpuRef) -> bool {
    c.d.policy.lock().has(X86_FEATURE_TSC_ADJUST)
}

/// Lets the guest have its own registers.
pub(super) fn pass_own<H: Virt>(hw: &H, x: &H::Context) {
    for msr in OWN {
        hw.pass_msr(x, msr, true, true);
    }
}

impl<H: Hw> Host<H> {
    /// A register as the current HVM vCPU reads it; `None` for `#GP`.
    pub(crate) fn hvm_rdmsr(&self, c: &VcpuRef, h: &HvmVcpu, x: &H::Context, msr: u32) -> Option<u64> {
        let read = |r| Some(self.hw.register(x, r));
        match msr {
            TSC => Some(self.vcpu_tsc(&c.d, &c.v)),
            TSC_ADJUST if has_tsc_adjust(c) => Some(h.tsc_adjust.load(Ordering::Relaxed)),
            EFER => read(Register::Efer),
            SYSENTER_CS => read(Register::SysenterCs),
            SYSENTER_ESP => read(Register::SysenterEsp),
            SYSENTER_EIP => read(Register::SysenterEip),
            STAR => read(Register::Star),
            LSTAR => read(Register::Lstar),
            CSTAR => read(Register::Cstar),
            SFMASK => read(Register::Sfmask),
            KERNEL_GS_BASE => read(Register::KernelGsBase),
            FS_BASE => Some(self.hw.segment(x, fx_virt::Segment::Fs).base),
            GS_BASE => Some(self.hw.segment(x, fx_virt::Segment::Gs).base),
            DEBUG_CONTROL => read(Register::DebugCtl),
            APIC_BASE => Some(h.lapic.lock().base()),
            X2APIC_FIRST..=X2APIC_LAST | TSC_DEADLINE => {
                let time = self.apic_time(&c.d, &c.v);
                h.lapic.lock().msr_read(msr, &time)
            }
            PATCH_LEVEL => self.hw.rdmsr(msr).or(Some(0)),
            MCG_CAP => Some(MC_BANKS),
            0x17a | MCG_CTL | MC_FIRST..=MC_LAST => Some(0),
            MISC_ENABLE => self.hw.rdmsr(msr).map(|v| v & !(1 << 18)),
            // What the machine's firmware set up is nothing to guests, but kernels look at it.
            AMD_SYSCFG | AMD_IORR_FIRST..=AMD_IORR_LAST | AMD_TOP_MEM | AMD_TOP_MEM2 if self.is_amd() => {
                Some(0)
            }
            AMD_HWCR if self.is_amd() => Some(HWCR_TSC_CONSTANT),
            AMD_DE_CFG if self.is_amd() => Some(LFENCE_SERIALISES),
            _ if Mtrr::owns(msr) => h.mtrr.lock().read(msr),
            viridian::FIRST..=viridian::LAST => self.viridian_rdmsr(c, h, msr),
            _ => match Self::read_own_msr(c, msr) {
                MsrAnswer::Value(v) => Some(v),
                MsrAnswer::Fault | MsrAnswer::NotMine => None,
            },
        }
    }

    /// Whether the processor behaves as AMD's do.
    pub(super) fn is_amd(&self) -> bool {
        self.policies.host().vendor().is_amd_like()
    }

    /// A write to a register by the current HVM vCPU; `false` for `#GP`.
    pub(crate) fn hvm_wrmsr(&self, c: &VcpuRef, h: &HvmVcpu, x: &H::Context, msr: u32, value: u64) -> bool {
        match msr {
            EFER => return self.set_efer(c, x, value),
            PAT => {
                let valid = h.mtrr.lock().write(msr, value);
                if valid {
                    self.hw.set_register(x, Register::Pat, value);
                }
                return valid;
            }
            TSC => {
                let old = h.tsc_offset.load(Ordering::Relaxed);
                self.set_guest_tsc(&c.d, &c.v, self.hw.tsc(), value);
                h.tsc_adjust
                    .fetch_add(h.tsc_offset.load(Ordering::Relaxed).wrapping_sub(old), Ordering::Relaxed);
                self.counter_moved(c, h);
            }
            TSC_ADJUST if has_tsc_adjust(c) => {
                let more = value.wrapping_sub(h.tsc_adjust.swap(value, Ordering::Relaxed));
                self.set_tsc_offset(&c.v, h.tsc_offset.load(Ordering::Relaxed).wrapping_add(more));
                self.counter_moved(c, h);
            }
            APIC_BASE => {
                let x2apic = c.d.policy.lock().has(X86_FEATURE_X2APIC);
                // One that is switched off lets the 8259A's interrupts through.
                h.look();
                return h.lapic.lock().set_base(value, x2apic);
            }
            X2APIC_FIRST..=X2APIC_LAST | TSC_DEADLINE => {
                let time = self.apic_time(&c.d, &c.v);
                let effect = h.lapic.lock().msr_write(msr, value, &time);
                return effect.map(|e| self.apic_effect(c, h, e)).is_some();
            }
            _ if msr == hypercall_page_msr(c) => return self.install_hypercall_page(c, value),
            viridian::FIRST..=viridian::LAST => return self.viridian_wrmsr(c, h, msr, value),
            DEBUG_CONTROL if value & !1 == 0 => self.hw.set_register(x, Register::DebugCtl, value),
            PATCH_LEVEL | MISC_ENABLE | 0x17a | MCG_CTL | MC_FIRST..=MC_LAST => {}
            AMD_HWCR | AMD_DE_CFG if self.is_amd() => {}
            _ => return self.write_passed_msr(x, msr, value) || self.write_other_msr(c, h, msr, value),
        }
        true
    }

    /// Registers that do not exit, when an emulated instruction writes them all the same.
    fn write_passed_msr(&self, x: &H::Context, msr: u32, value: u64) -> bool {
        let register = match msr {
            SYSENTER_CS => Register::SysenterCs,
            STAR => Register::Star,
            SFMASK => Register::Sfmask,
            SYSENTER_ESP => Register::SysenterEsp,
            SYSENTER_EIP => Register::SysenterEip,
            LSTAR => Register::Lstar,
            CSTAR => Register::Cstar,
            KERNEL_GS_BASE => Register::KernelGsBase,
            _ => return self.write_base_msr(x, msr, value),
        };
        let any = matches!(msr, SYSENTER_CS | STAR | SFMASK);
        if any || fx_types::is_canonical(value) {
            self.hw.set_register(x, register, value);
            return true;
        }
        false
    }

    fn write_base_msr(&self, x: &H::Context, msr: u32, value: u64) -> bool {
        let segment = match msr {
            FS_BASE => fx_virt::Segment::Fs,
            GS_BASE => fx_virt::Segment::Gs,
            _ => return false,
        };
        if fx_types::is_canonical(value) {
            let old = self.hw.segment(x, segment);
            self.hw.set_segment(x, segment, &fx_virt::SegmentRegister { base: value, ..old });
            return true;
        }
        false
    }

    fn write_other_msr(&self, c: &VcpuRef, h: &HvmVcpu, msr: u32, value: u64) -> bool {
        if Mtrr::owns(msr) {
            return h.mtrr.lock().write(msr, value);
        }
        matches!(self.write_own_msr(c, msr, value), MsrAnswer::Value(_))
    }

    /// The current vCPU has moved its counter: what it reads of time, and waits for, is by the counter.
    fn counter_moved(&self, c: &VcpuRef, h: &HvmVcpu) {
        self.refresh_time(c);
        if c.v.id == 0 {
            self.reference_counter_moved(&c.d);
        }
        let time = self.apic_time(&c.d, &c.v);
        if h.lapic.lock().tsc_moved(&time) {
            self.arm_apic_timer(&c.d, &c.v);
        }
    }

    /// Makes a vCPU's time stamp counter be `value` when the machine's is `tsc`.
    pub(super) fn set_guest_tsc(&self, d: &Domain, v: &Vcpu, tsc: u64, value: u64) {
        self.set_tsc_offset(v, value.wrapping_sub(self.domain_tsc_at(d, tsc)));
    }

    /// Makes a vCPU's time stamp counter differ by so much from its domain's. It is current here, or stands still.
    pub(super) fn set_tsc_offset(&self, v: &Vcpu, offset: u64) {
        if let (Some(h), Some(x)) = (&v.hvm, self.context(v)) {
            h.tsc_offset.store(offset, Ordering::Relaxed);
            self.hw.set_register(x, Register::TscOffset, offset);
        }
    }

    /// Fills the page at the guest-physical address with the entries of hypercalls.
    fn install_hypercall_page(&self, c: &VcpuRef, value: u64) -> bool {
        // The low bits are the number of the page, and there is one.
        if value & 0xfff != 0 {
            return false;
        }
        let Some(vendor) = self.hw.virt().map(|f| f.vendor) else { return false };
        let page = c.d.hvm.as_ref().and_then(|h| self.ram_at(h, value, true));
        page.map(|at| self.hw.write(at, &super::hypercall_page(vendor))).is_some()
    }

    /// Puts the APIC timer of a vCPU that came here from another CPU on this one's queue.
    pub(crate) fn rearm_apic(&self, c: &VcpuRef) {
        if let Some(h) = &c.v.hvm
            && h.lapic.lock().deadline().is_some()
        {
            self.arm_apic_timer(&c.d, &c.v);
        }
    }
}
