//! Time stamp counters of domains: the machine's own, or one that is emulated (`XEN_DOMCTL_settscinfo`).
//!
//! An emulated counter is computed from system time by the line that the guest finds in its clock page, backwards; so what the
//! guest makes of a reading is the system time, for ever.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use fx_types::{Errno, Result};
use xen_abi::arch_x86::{
    XEN_CPUID_TSC_MODE_ALWAYS_EMULATE, XEN_CPUID_TSC_MODE_DEFAULT, XEN_CPUID_TSC_MODE_NEVER_EMULATE,
};
use xen_abi::domctl::DomctlTscInfo;

use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::{Hw, TscScale};
use crate::vcpu::Vcpu;

/// CR4: only kernels read the counter.
pub(crate) const CR4_TSD: u64 = 4;

/// How a domain's counter runs. Changed only while the domain stands still.
#[derive(Debug, Default)]
pub struct Tsc {
    mode: AtomicU32,
    /// Times restored or migrated.
    incarnation: AtomicU32,
    emulated: AtomicBool,
    /// kHz of the emulated counter.
    khz: AtomicU32,
    /// System time at which the emulated counter was zero, modulo 2⁶⁴.
    zero: AtomicU64,
}

impl Tsc {
    /// Whether reading the counter has to stop the guest.
    #[must_use]
    pub fn is_emulated(&self) -> bool {
        self.emulated.load(Relaxed)
    }

    /// `tsc_mode`.
    pub(crate) fn mode(&self) -> u32 {
        self.mode.load(Relaxed)
    }

    /// Times restored or migrated.
    pub(crate) fn incarnation(&self) -> u32 {
        self.incarnation.load(Relaxed)
    }

    /// Takes what the toolstack says. `khz` is the machine's frequency: the domain keeps that of the machine it was made on, so
    /// in the default mode its counter is emulated when it has come to one of another frequency.
    fn set(&self, a: &DomctlTscInfo, khz: u32, now: u64) -> Result {
        let own = if a.gtsc_khz == 0 { khz } else { a.gtsc_khz };
        let emulated = match a.tsc_mode {
            XEN_CPUID_TSC_MODE_DEFAULT => own != khz,
            XEN_CPUID_TSC_MODE_ALWAYS_EMULATE => true,
            XEN_CPUID_TSC_MODE_NEVER_EMULATE => false,
            _ => return Err(Errno::EINVAL),
        };
        self.mode.store(a.tsc_mode, Relaxed);
        self.incarnation.store(a.incarnation.wrapping_add(1), Relaxed);
        self.khz.store(own, Relaxed);
        self.zero.store(now.wrapping_sub(a.elapsed_nsec), Relaxed);
        self.emulated.store(emulated, Relaxed);
        Ok(())
    }

    /// The emulated counter at a system time.
    fn at(&self, now: u64) -> u64 {
        TscScale::of(self.khz.load(Relaxed)).ticks(now.wrapping_sub(self.zero.load(Relaxed)))
    }
}

impl<H: Hw> Host<H> {
    /// How system time follows from a domain's counter. The base is of use for the machine's own only.
    pub(crate) fn domain_scale(&self, d: &Domain) -> TscScale {
        if d.tsc.is_emulated() { TscScale::of(d.tsc.khz.load(Relaxed)) } else { self.hw.tsc_scale() }
    }

    /// A domain's counter when the machine's has the value `tsc`; offsets of single vCPUs come on top.
    pub(crate) fn domain_tsc_at(&self, d: &Domain, tsc: u64) -> u64 {
        if d.tsc.is_emulated() { d.tsc.at(self.hw.tsc_scale().at(tsc)) } else { tsc }
    }

    /// A domain's counter; offsets of single vCPUs come on top.
    pub(crate) fn domain_tsc(&self, d: &Domain) -> u64 {
        self.domain_tsc_at(d, self.hw.tsc())
    }

    /// A vCPU's counter when the machine's has the value `tsc`.
    pub(crate) fn vcpu_tsc_at(&self, d: &Domain, v: &Vcpu, tsc: u64) -> u64 {
        let offset = v.hvm.as_ref().map_or(0, |h| h.tsc_offset.load(Relaxed));
        self.domain_tsc_at(d, tsc).wrapping_add(offset)
    }

    /// A vCPU's counter.
    pub(crate) fn vcpu_tsc(&self, d: &Domain, v: &Vcpu) -> u64 {
        self.vcpu_tsc_at(d, v, self.hw.tsc())
    }

    /// Whether ring 3 must not read the machine's counter while a PV vCPU runs: it is emulated, or the guest's kernel wants to
    /// keep it from its user mode.
    pub(crate) fn hides_tsc(c: &VcpuRef) -> bool {
        c.d.tsc.is_emulated() || c.v.pv.cr4.get() & CR4_TSD != 0
    }

    /// `XEN_DOMCTL_settscinfo`. The domain is not the caller's.
    ///
    /// # Errors
    /// `EINVAL` for a mode that there is not.
    pub(crate) fn set_tsc_info(&self, d: &Domain, a: &DomctlTscInfo) -> Result {
        self.pause_domain(d, true);
        let done = d.tsc.set(a, self.hw.tsc_scale().khz, self.hw.now());
        if done.is_ok() {
            self.renew_clocks(d);
        }
        self.unpause_domain(d);
        done
    }

    /// `XEN_DOMCTL_gettscinfo`.
    pub(crate) fn tsc_info(&self, d: &Domain) -> DomctlTscInfo {
        let t = &d.tsc;
        let (khz, elapsed) = match t.mode() {
            XEN_CPUID_TSC_MODE_NEVER_EMULATE => (0, 0),
            _ if t.is_emulated() => (t.khz.load(Relaxed), self.hw.now().wrapping_sub(t.zero.load(Relaxed))),
            _ => (self.hw.tsc_scale().khz, self.hw.now()),
        };
        DomctlTscInfo {
            tsc_mode: t.mode(),
            gtsc_khz: khz,
            incarnation: t.incarnation(),
            pad: 0,
            elapsed_nsec: elapsed,
        }
    }
}
