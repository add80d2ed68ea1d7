//! Time, triggers, address size, device models, global VIRQs.

use fx_types::{DomId, Errno};
use fx_vdev::pm::Button;
use xen_abi::domctl as d;
use xen_abi::domctl::{
    Domctl, DomctlAddressSize, DomctlSendtrigger, DomctlSetTarget, DomctlSetVirqHandler, DomctlSettimeoffset,
    DomctlTscInfo,
};
use xen_abi::xen::NR_VIRQS;

use super::{not_self, vcpu_of};
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    pub(super) fn domctl_time_offset(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlSettimeoffset = op.get();
        t.time_offset.set(a.time_offset_seconds as u64);
        self.update_wallclock(t);
        self.set_clock_offset(t, a.time_offset_seconds);
        Ok(Reply::Done)
    }

    pub(super) fn domctl_trigger(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlSendtrigger = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        match a.trigger {
            d::XEN_DOMCTL_SENDTRIGGER_NMI => {
                self.send_nmi(t, v);
                Ok(Reply::Done)
            }
            // A PV domain has no ACPI buttons.
            d::XEN_DOMCTL_SENDTRIGGER_POWER | d::XEN_DOMCTL_SENDTRIGGER_SLEEP if t.hvm.is_none() => {
                Err(Errno::EINVAL)
            }
            d::XEN_DOMCTL_SENDTRIGGER_POWER => {
                self.press_button(t, Button::Power);
                Ok(Reply::Done)
            }
            d::XEN_DOMCTL_SENDTRIGGER_SLEEP => {
                self.press_button(t, Button::Sleep);
                Ok(Reply::Done)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    pub(super) fn domctl_set_address_size(&self, c: &VcpuRef, op: &Domctl) -> Outcome {
        let a: DomctlAddressSize = op.get();
        match a.size {
            64 => Ok(Reply::Done),
            32 => {
                self.log_guest(
                    c.d.id,
                    format_args!("32-bit PV guests are not supported: use a 64-bit kernel"),
                );
                Err(Errno::EINVAL)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    pub(super) fn domctl_get_address_size(op: &mut Domctl) -> Outcome {
        op.put(&DomctlAddressSize { size: 64 });
        Ok(Reply::Changed)
    }

    pub(super) fn domctl_get_tsc(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        op.put(&self.tsc_info(t));
        Ok(Reply::Changed)
    }

    pub(super) fn domctl_set_tsc(&self, c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        not_self(c, t)?;
        let a: DomctlTscInfo = op.get();
        self.set_tsc_info(t, &a).map(|()| Reply::Done)
    }

    pub(super) fn domctl_set_target(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlSetTarget = op.get();
        let target = self.domain(DomId(a.target))?;
        self.set_target(t, &target).map(|()| Reply::Done)
    }

    pub(super) fn domctl_virq_handler(&self, t: &Domain, op: &Domctl) -> Outcome {
        let a: DomctlSetVirqHandler = op.get();
        if a.virq >= NR_VIRQS || !fx_events::is_global(a.virq) || t.is_dying() {
            return Err(Errno::EINVAL);
        }
        self.virq_handlers.lock().insert(a.virq, t.id.0);
        Ok(Reply::Done)
    }
}
