//! `XEN_DOMCTL_createdomain`.

use core::sync::atomic::Ordering;

use fx_types::{DomId, Errno, Result};
use xen_abi::domctl as d;
use xen_abi::domctl::{Domctl, DomctlCreatedomain};
use xen_abi::xen::DOMID_FIRST_RESERVED;

use crate::control::{Outcome, Reply};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::lifecycle::Create;

/// The most vCPUs of a domain.
const MAX_VCPUS: u32 = 128;
/// The most frames that the toolstack may ask for of either kind.
pub(crate) const MOST_FRAMES: u32 = 1 << 16;

/// Flags that a PV domain may be created with.
const FLAGS: u32 = d::XEN_DOMCTL_CDF_XS_DOMAIN;

/// Flags that an HVM or PVH domain may be created with.
const HVM_FLAGS: u32 = FLAGS
    | d::XEN_DOMCTL_CDF_HVM
    | d::XEN_DOMCTL_CDF_HAP
    | d::XEN_DOMCTL_CDF_OOS_OFF
    | d::XEN_DOMCTL_CDF_S3_INTEGRITY;
/// The devices that are emulated for an HVM domain; whether its interrupts may be event channels it asks later.
const HVM_DEVICES: u32 = xen_abi::arch_x86::XEN_X86_EMU_ALL
    & !xen_abi::arch_x86::XEN_X86_EMU_VPCI
    & !xen_abi::arch_x86::XEN_X86_EMU_USE_PIRQ;
/// The devices that are emulated for a PVH domain.
const PVH_DEVICES: u32 = xen_abi::arch_x86::XEN_X86_EMU_LAPIC;

impl<H: Hw> Host<H> {
    pub(super) fn domctl_create(&self, c: &VcpuRef, op: &mut Domctl) -> Outcome {
        let config: DomctlCreatedomain = op.get();
        if let Err((e, why)) = check(&config, self.hw.virt().is_some()) {
            self.log_guest(c.d.id, format_args!("No domain created: {why}"));
            return Err(e);
        }
        if self.pool_cpus(config.cpupool_id).is_none_or(|cpus| cpus.is_empty()) {
            return Err(Errno::ENOENT);
        }
        let id = self.free_domid(op.domain)?;
        let grants = self.settings.grant_frames.load(Ordering::Relaxed);
        let maptrack = self.settings.maptrack_frames.load(Ordering::Relaxed);
        self.create_domain(&Create {
            id,
            privileged: false,
            hardware: false,
            flags: config.flags,
            container: (config.flags & d::XEN_DOMCTL_CDF_HVM != 0).then_some(config.arch.emulation_flags),
            pool: config.cpupool_id,
            handle: config.handle,
            ssidref: config.ssidref,
            max_vcpus: config.max_vcpus,
            max_evtchn_port: config.max_evtchn_port,
            max_grant_frames: u32::try_from(config.max_grant_frames).unwrap_or(grants),
            max_maptrack_frames: u32::try_from(config.max_maptrack_frames).unwrap_or(maptrack),
            max_grant_version: config.grant_opts & d::XEN_DOMCTL_GRANT_VERSION_MASK,
        })?;
        if op.domain != id.0 {
            self.next_domid.store(u32::from(id.0).wrapping_add(1), Ordering::Relaxed);
        }
        op.domain = id.0;
        Ok(Reply::Changed)
    }

    /// The number that was asked for, or for 0 and reserved ones the next that is free.
    fn free_domid(&self, wanted: u16) -> Result<DomId> {
        let domains = self.domains.read();
        if (1..DOMID_FIRST_RESERVED).contains(&wanted) {
            return if domains.contains_key(&wanted) { Err(Errno::EEXIST) } else { Ok(DomId(wanted)) };
        }
        let last = DOMID_FIRST_RESERVED.wrapping_sub(1);
        let first = self.next_domid.load(Ordering::Relaxed);
        let first = if (1..=u32::from(last)).contains(&first) { first as u16 } else { 1 };
        let found = (first..=last).chain(1..first).find(|n| !domains.contains_key(n));
        found.map(DomId).ok_or(Errno::ENOMEM)
    }
}

/// Whether there can be such a domain, else what for not.
fn check(k: &DomctlCreatedomain, virt: bool) -> core::result::Result<(), (Errno, &'static str)> {
    let refuse = |why| Err((Errno::EINVAL, why));
    let hvm = k.flags & d::XEN_DOMCTL_CDF_HVM != 0;
    if hvm && !virt {
        return refuse(
            "this machine has no hardware virtualisation (or the firmware switched it off); use type = \"pv\"",
        );
    }
    if hvm != (k.flags & d::XEN_DOMCTL_CDF_HAP != 0) {
        return refuse("there are no shadow page tables: HVM and PVH guests need nested paging (hap = 1)");
    }
    if k.flags & d::XEN_DOMCTL_CDF_IOMMU != 0 {
        return refuse("passthrough was asked for, and there is no IOMMU");
    }
    if k.flags & !(if hvm { HVM_FLAGS } else { FLAGS }) != 0 {
        return refuse("flags that such domains do not have (nested virtualisation, performance counters)");
    }
    if k.iommu_opts != 0 || k.altp2m_opts != 0 || k.vmtrace_size != 0 {
        return refuse("IOMMU, altp2m or trace options that PV domains do not have");
    }
    if !(1..=MAX_VCPUS).contains(&k.max_vcpus) {
        return refuse("the number of vCPUs must be 1 to 128");
    }
    let devices = k.arch.emulation_flags & !xen_abi::arch_x86::XEN_X86_EMU_USE_PIRQ;
    if hvm && devices != PVH_DEVICES && devices != HVM_DEVICES {
        return refuse("emulated devices that are neither those of type = \"pvh\" nor of type = \"hvm\"");
    }
    if !hvm && k.arch.emulation_flags != 0 || k.arch.misc_flags & !xen_abi::arch_x86::XEN_X86_MSR_RELAXED != 0
    {
        return refuse("emulated devices or options that PV domains do not have");
    }
    if k.grant_opts & !d::XEN_DOMCTL_GRANT_VERSION_MASK != 0 || !(1..=2).contains(&k.grant_opts) {
        return refuse("the grant table version must be 1 or 2");
    }
    if k.max_grant_frames == 0 || k.max_grant_frames.max(k.max_maptrack_frames) > MOST_FRAMES as i32 {
        return refuse("the grant table's limits are out of range");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations() {
        let good = DomctlCreatedomain {
            max_vcpus: 2,
            grant_opts: 2,
            max_grant_frames: -1,
            max_maptrack_frames: -1,
            ..Default::default()
        };
        assert!(check(&good, true).is_ok());
        let refused = |k: DomctlCreatedomain| check(&k, true).err().map(|e| e.0);
        let pvh = DomctlCreatedomain { flags: 3, ..good };
        assert_eq!(refused(DomctlCreatedomain { flags: 1, ..good }), Some(Errno::EINVAL), "no shadow paging");
        assert_eq!(check(&pvh, false).err().map(|e| e.0), Some(Errno::EINVAL));
        assert_eq!(refused(DomctlCreatedomain { flags: 1 << 5, ..good }), Some(Errno::EINVAL));
        assert_eq!(refused(DomctlCreatedomain { max_vcpus: 0, ..good }), Some(Errno::EINVAL));
        assert_eq!(refused(DomctlCreatedomain { grant_opts: 3, ..good }), Some(Errno::EINVAL));
        assert_eq!(refused(DomctlCreatedomain { max_grant_frames: 0, ..good }), Some(Errno::EINVAL));
    }
}
