//! Permissions for interrupts, I/O memory and ports. Nobody can give away what it does not have itself.

use fx_types::{Errno, Result};
use xen_abi::domctl as d;
use xen_abi::domctl::{
    Domctl, DomctlGsiPermission, DomctlIomemPermission, DomctlIoportPermission, DomctlIrqPermission,
    DomctlMemoryMapping,
};

use crate::control::{Outcome, Reply};
use crate::domain::{Domain, Rights};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::ranges::Ranges;

/// I/O ports of the machine.
const PORTS: u64 = 1 << 16;
/// The most frames that one call maps.
const MAX_MAPPED: u64 = 64;

/// Which of a domain's rights.
type Which = fn(&mut Rights) -> &mut Ranges;

fn irqs(r: &mut Rights) -> &mut Ranges {
    &mut r.irqs
}

fn mmio(r: &mut Rights) -> &mut Ranges {
    &mut r.mmio
}

fn ports(r: &mut Rights) -> &mut Ranges {
    &mut r.ports
}

/// Gives `first..=last` to the target or takes it away, if the caller has it.
fn permit(c: &VcpuRef, t: &Domain, which: Which, first: u64, last: u64, allow: bool) -> Result {
    if !which(&mut c.d.rights.lock()).contains(first, last) {
        return Err(Errno::EPERM);
    }
    let mut theirs = t.rights.lock();
    if allow { which(&mut theirs).insert(first, last) } else { which(&mut theirs).remove(first, last) }
}

/// The last of `count` numbers from `first` on.
fn last_of(first: u64, count: u64) -> Result<u64> {
    count.checked_sub(1).and_then(|n| first.checked_add(n)).ok_or(Errno::EINVAL)
}

impl<H: Hw> Host<H> {
    /// By the caller's pirq.
    pub(super) fn domctl_irq(c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlIrqPermission = op.get();
        if a.pad != [0; 3] || a.allow_access > 1 {
            return Err(Errno::EINVAL);
        }
        let irq = Host::<H>::irq_of_pirq(&c.d, a.pirq).map_err(|_| Errno::EPERM)?;
        let irq = u64::from(irq);
        permit(c, t, irqs, irq, irq, a.allow_access != 0).map(|()| Reply::Done)
    }

    pub(super) fn domctl_gsi(c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlGsiPermission = op.get();
        if a.flags & !d::XEN_DOMCTL_GSI_ACTION_MASK != 0 {
            return Err(Errno::EINVAL);
        }
        let gsi = u64::from(a.gsi);
        permit(c, t, irqs, gsi, gsi, a.flags & d::XEN_DOMCTL_GSI_GRANT != 0).map(|()| Reply::Done)
    }

    pub(super) fn domctl_iomem(c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlIomemPermission = op.get();
        let last = last_of(a.first_mfn, a.nr_mfns)?;
        permit(c, t, mmio, a.first_mfn, last, a.allow_access != 0).map(|()| Reply::Done)
    }

    pub(super) fn domctl_ioport(c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlIoportPermission = op.get();
        let first = u64::from(a.first_port);
        let last = last_of(first, u64::from(a.nr_ports))?;
        if last >= PORTS {
            return Err(Errno::EINVAL);
        }
        permit(c, t, ports, first, last, a.allow_access != 0).map(|()| Reply::Done)
    }

    /// A PV domain maps I/O memory itself: nothing to do besides the checks.
    pub(super) fn domctl_map_mmio(c: &VcpuRef, op: &Domctl) -> Outcome {
        let a: DomctlMemoryMapping = op.get();
        let last = last_of(a.first_mfn, a.nr_mfns)?;
        last_of(a.first_gfn, a.nr_mfns)?;
        if a.nr_mfns > MAX_MAPPED {
            return Err(Errno::E2BIG);
        }
        if !c.d.rights.lock().mmio.contains(a.first_mfn, last) {
            return Err(Errno::EPERM);
        }
        Ok(Reply::Done)
    }
}
