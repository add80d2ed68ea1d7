//! `XEN_DOMCTL_getdomaininfo`.

use core::sync::atomic::Ordering;

use xen_abi::domctl as d;
use xen_abi::domctl::{Domctl, DomctlGetdomaininfo};

use crate::control::{Outcome, Reply};
use crate::domain::{DEAD, Domain, RUNNING};
use crate::host::Host;
use crate::hw::Hw;
use crate::schedule;
use crate::vcpu::RUN;

impl<H: Hw> Host<H> {
    pub(super) fn domctl_info(&self, t: &Domain, op: &mut Domctl) -> Outcome {
        op.put(&self.domain_info(t));
        Ok(Reply::Changed)
    }

    /// What the toolstack sees of a domain.
    pub(crate) fn domain_info(&self, t: &Domain) -> DomctlGetdomaininfo {
        let mut info = DomctlGetdomaininfo {
            domain: t.id.0,
            flags: domain_flags(t),
            max_vcpu_id: (t.vcpus.len() as u32).wrapping_sub(1),
            shared_info_frame: t.shared_info.0,
            ssidref: t.ssidref.load(Ordering::Relaxed),
            handle: *t.handle.lock(),
            cpupool: t.pool.load(Ordering::Relaxed),
            gpaddr_bits: t.policy.lock().paddr_bits(),
            ..DomctlGetdomaininfo::default()
        };
        {
            let p = t.pages.lock();
            info.tot_pages = p.list.len();
            info.max_pages = p.max;
            info.outstanding_pages = p.claim;
        }
        self.count_vcpus(t, &mut info);
        info
    }

    fn count_vcpus(&self, t: &Domain, info: &mut DomctlGetdomaininfo) {
        let mut flags = d::XEN_DOMINF_BLOCKED;
        for v in &t.vcpus {
            let [running, ..] = self.runstate_now(v).time;
            info.cpu_time = info.cpu_time.saturating_add(running);
            if v.down.load(Ordering::Acquire) {
                continue;
            }
            if v.blocked.load(Ordering::Acquire) == RUN {
                flags &= !d::XEN_DOMINF_BLOCKED;
            }
            if v.runstate.lock().state == schedule::RUNNING {
                flags |= d::XEN_DOMINF_RUNNING;
            }
            info.nr_online_vcpus = info.nr_online_vcpus.wrapping_add(1);
        }
        if info.nr_online_vcpus != 0 {
            info.flags |= flags;
        }
    }
}

/// The flags that concern the domain as a whole.
fn domain_flags(t: &Domain) -> u32 {
    let flag = |on: bool, bit: u32| if on { bit } else { 0 };
    let code = t.shutdown_code.load(Ordering::Acquire);
    let down = if code == RUNNING {
        0
    } else {
        d::XEN_DOMINF_SHUTDOWN | ((code & d::XEN_DOMINF_SHUTDOWNMASK) << d::XEN_DOMINF_SHUTDOWNSHIFT)
    };
    let hvm = t.hvm.is_some();
    down | flag(hvm, d::XEN_DOMINF_HVM_GUEST | d::XEN_DOMINF_HAP)
        | flag(t.dying.load(Ordering::Acquire) == DEAD, d::XEN_DOMINF_DYING)
        | flag(t.tool_pauses.load(Ordering::Acquire) > 0, d::XEN_DOMINF_PAUSED)
        | flag(t.create_flags & d::XEN_DOMCTL_CDF_XS_DOMAIN != 0, d::XEN_DOMINF_XS_DOMAIN)
}
