//! Physical CPUs, as the hardware domain's kernel asks for them.

use fx_types::{Errno, GuestVirtExt};
use xen_abi::platform as p;
use xen_abi::platform::{
    PlatformOp, XenpfGetidletime, XenpfPcpuVersion, XenpfPcpuinfo, XenpfResourceEntry, XenpfResourceOp,
    XenpfUcodeRevision,
};
use xen_abi::xen::XenctlBitmap;

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;
use crate::hypercall::Answer;

/// The most accesses of one `XENPF_resource_op`.
const MAX_ENTRIES: u32 = 3;
const MSR_TSC: u64 = 0x10;
/// Microcode revision: AMD's in the low half, Intel's in the high half.
const MSR_UCODE: u32 = 0x8b;

impl<H: Hw> Host<H> {
    pub(super) fn platform_idle_times(&self, op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfGetidletime = op.get();
        let map = XenctlBitmap { bitmap: a.cpumap_bitmap, nr_bits: a.cpumap_nr_cpus, _pad: 0 };
        let mut cpus = self.bitmap_in(&map)?.and(&self.online());
        let now = self.hw.now();
        for cpu in self.online().and(&cpus).iter() {
            let idle = self.sched.idle_ns(cpu, now);
            if idle == 0 {
                cpus.remove(cpu);
            } else {
                self.hw.write_at(a.idletime.0, cpu as u64, &idle)?;
            }
        }
        self.bitmap_out(&map, &cpus, self.hw.cpus())?;
        a.now = now;
        op.put(&a);
        Ok(Reply::Changed)
    }

    fn last_cpu(&self) -> u32 {
        (self.hw.cpus() as u32).saturating_sub(1)
    }

    pub(super) fn platform_cpu(&self, op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfPcpuinfo = op.get();
        a.max_present = self.last_cpu();
        if a.xen_cpuid > a.max_present {
            a.flags = p::XEN_PCPU_FLAGS_INVALID;
        } else {
            a.flags = p::XEN_PCPU_FLAGS_ONLINE;
            (a.apic_id, a.acpi_id) = (a.xen_cpuid, a.xen_cpuid);
        }
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn platform_cpu_version(&self, op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfPcpuVersion = op.get();
        a.max_present = self.last_cpu();
        if a.xen_cpuid <= a.max_present {
            let [_, b, c, d] = self.hw.cpuid(0, 0);
            for (to, from) in a.vendor_id.iter_mut().zip([b, d, c].into_iter().flat_map(u32::to_le_bytes)) {
                *to = from;
            }
            let [signature, ..] = self.hw.cpuid(1, 0);
            (a.family, a.model, a.stepping) = family_model_stepping(signature);
        }
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn platform_microcode(&self, op: &mut PlatformOp) -> Outcome {
        let mut a: XenpfUcodeRevision = op.get();
        if a.cpu > self.last_cpu() {
            return Err(Errno::ENOENT);
        }
        let [signature, ..] = self.hw.cpuid(1, 0);
        let raw = self.hw.rdmsr(MSR_UCODE).unwrap_or(0);
        a.signature = signature;
        a.pf = 0;
        a.revision =
            if self.policies.host().vendor().is_amd_like() { raw as u32 } else { (raw >> 32) as u32 };
        op.put(&a);
        Ok(Reply::Changed)
    }

    /// The only register that may be read is the time stamp counter; the answer is how many accesses were made.
    pub(super) fn platform_resource(&self, op: &PlatformOp) -> Answer {
        let a: XenpfResourceOp = op.get();
        if a.nr_entries > MAX_ENTRIES || a.cpu > self.last_cpu() {
            return Err(Errno::EINVAL);
        }
        let mut done = 0i64;
        for i in 0..u64::from(a.nr_entries) {
            let mut e: XenpfResourceEntry = self.hw.read_at(a.entries.0, i)?;
            if e.rsvd != 0 {
                return Err(Errno::EINVAL);
            }
            let command: u32 = e.get();
            let ok = command == p::XEN_RESOURCE_OP_MSR_READ && e.idx == MSR_TSC;
            e.put(&if ok { 0 } else { Errno::EPERM.to_ret() as i32 });
            if ok {
                e.val = self.hw.tsc();
                done = done.wrapping_add(1);
            }
            self.hw.write_at(a.entries.0, i, &e)?;
            if !ok {
                break;
            }
        }
        Ok(done)
    }
}

/// The parts of a processor's signature (CPUID leaf 1, EAX), extended ones counted in.
const fn family_model_stepping(eax: u32) -> (u32, u32, u32) {
    let base = (eax >> 8) & 0xf;
    let model = (eax >> 4) & 0xf;
    let family = if base == 0xf { base.wrapping_add((eax >> 20) & 0xff) } else { base };
    let model = if base == 0xf || base == 6 { model | ((eax >> 12) & 0xf0) } else { model };
    (family, model, eax & 0xf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        assert_eq!(family_model_stepping(0x0080_0f12), (0x17, 1, 2));
        assert_eq!(family_model_stepping(0x0005_0654), (6, 0x55, 4));
    }
}
