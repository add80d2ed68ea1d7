//! On which CPUs and nodes a domain may run.

use core::sync::atomic::Ordering;

use fx_types::{CpuSet, Errno, Result};
use xen_abi::domctl as d;
use xen_abi::domctl::{Domctl, DomctlNodeaffinity, DomctlVcpuaffinity};

use super::vcpu_of;
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;

/// Bits of a bitmap of nodes.
const NODES: usize = 64;

impl<H: Hw> Host<H> {
    pub(super) fn domctl_set_affinity(&self, t: &Domain, op: &mut Domctl) -> Outcome {
        let a: DomctlVcpuaffinity = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        let (hard, soft) = asked(&a)?;
        let there = self.pool_cpus(t.pool.load(Ordering::Relaxed)).ok_or(Errno::EINVAL)?;
        let (old_hard, old_soft) = v.affinity_now();
        let new_hard = if hard { self.bitmap_in(&a.cpumap_hard)? } else { old_hard };
        let new_soft = if soft { self.bitmap_in(&a.cpumap_soft)? } else { old_soft };
        if soft && new_soft.is_empty() {
            return Err(Errno::EINVAL);
        }
        self.set_affinity(t, v, &new_hard, &new_soft)?;
        // What is in effect goes back.
        let effective = new_hard.and(&there);
        if hard {
            self.bitmap_out(&a.cpumap_hard, &effective, self.hw.cpus())?;
        }
        if soft {
            self.bitmap_out(&a.cpumap_soft, &new_soft.and(&effective), self.hw.cpus())?;
        }
        Ok(Reply::Done)
    }

    pub(super) fn domctl_get_affinity(&self, t: &Domain, op: &mut Domctl) -> Outcome {
        let a: DomctlVcpuaffinity = op.get();
        if a.flags & d::XEN_VCPUAFFINITY_FORCE != 0 {
            return Err(Errno::EINVAL);
        }
        let v = vcpu_of(t, a.vcpu)?;
        let (hard, soft) = asked(&a)?;
        if hard {
            let set = v.affinity.lock().hard.clone();
            self.bitmap_out(&a.cpumap_hard, &set, self.hw.cpus())?;
        }
        if soft {
            let set = v.affinity.lock().soft.clone();
            self.bitmap_out(&a.cpumap_soft, &set, self.hw.cpus())?;
        }
        Ok(Reply::Done)
    }

    /// There is one node, number 0.
    pub(super) fn domctl_set_nodes(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlNodeaffinity = op.get();
        let nodes = self.bitmap_in(&a.nodemap)?.and(&CpuSet::one(0));
        if nodes.is_empty() {
            return Err(Errno::EINVAL);
        }
        *t.nodes.lock() = nodes;
        Ok(Reply::Done)
    }

    pub(super) fn domctl_get_nodes(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlNodeaffinity = op.get();
        let nodes = t.nodes.lock().and(&CpuSet::one(0));
        self.bitmap_out(&a.nodemap, &nodes, NODES).map(|()| Reply::Done)
    }
}

/// Whether the hard and the soft affinity are meant.
fn asked(a: &DomctlVcpuaffinity) -> Result<(bool, bool)> {
    let both = d::XEN_VCPUAFFINITY_HARD | d::XEN_VCPUAFFINITY_SOFT;
    if a.flags & both == 0 || a.flags & !(both | d::XEN_VCPUAFFINITY_FORCE) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok((a.flags & d::XEN_VCPUAFFINITY_HARD != 0, a.flags & d::XEN_VCPUAFFINITY_SOFT != 0))
}
