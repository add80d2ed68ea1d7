//! Topology: one node and one socket, whose CPUs are cores of one thread each.

use fx_types::{Errno, GuestVirtExt};
use xen_abi::sysctl as s;
use xen_abi::sysctl::{
    Sysctl, SysctlCputopo, SysctlCputopoinfo, SysctlMeminfo, SysctlNumainfo, SysctlPcitopoinfo,
};

use crate::control::{Outcome, Reply};
use crate::host::Host;
use crate::hw::Hw;

/// Distance of a node to itself (ACPI 5.2.17).
const NEAR: u32 = 10;
/// The most PCI devices of one call.
const MAX_DEVICES: u32 = 4096;

impl<H: Hw> Host<H> {
    /// A null array asks for the number only.
    pub(super) fn sysctl_cpu_topology(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlCputopoinfo = op.get();
        let mut n = self.hw.cpus() as u32;
        if !a.cputopo.is_null() {
            n = n.min(a.num_cpus);
            for core in 0..n {
                self.hw.write_at(
                    a.cputopo.0,
                    u64::from(core),
                    &SysctlCputopo { core, socket: 0, node: 0 },
                )?;
            }
        }
        a.num_cpus = n;
        op.put(&a);
        Ok(Reply::Changed)
    }

    /// Null arrays ask for the number of nodes only.
    pub(super) fn sysctl_numa(&self, op: &mut Sysctl) -> Outcome {
        let mut a: SysctlNumainfo = op.get();
        let asked = !a.meminfo.is_null() || !a.distance.is_null();
        let nodes = if asked { a.num_nodes.min(1) } else { 1 };
        if nodes != 0 && !a.meminfo.is_null() {
            let free = self.free.lock().free_frames();
            let info = SysctlMeminfo {
                memsize: self.total_frames.saturating_mul(fx_types::PAGE_SIZE),
                memfree: free.saturating_mul(fx_types::PAGE_SIZE),
            };
            self.hw.write_val(a.meminfo.0, &info)?;
        }
        if nodes != 0 && !a.distance.is_null() {
            self.hw.write_val(a.distance.0, &NEAR)?;
        }
        a.num_nodes = nodes;
        op.put(&a);
        Ok(Reply::Changed)
    }

    /// Nodes of PCI devices are not kept.
    pub(super) fn sysctl_pci_topology(&self, op: &mut Sysctl) -> Outcome {
        let a: SysctlPcitopoinfo = op.get();
        if a.devs.is_null() || a.nodes.is_null() {
            return Err(Errno::EINVAL);
        }
        if a.num_devs > MAX_DEVICES {
            return Err(Errno::E2BIG);
        }
        for i in 0..u64::from(a.num_devs) {
            self.hw.write_at(a.nodes.0, i, &s::XEN_INVALID_DEV)?;
        }
        Ok(Reply::Changed)
    }
}
