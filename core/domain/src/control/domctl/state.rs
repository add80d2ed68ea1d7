//! The rest of a vCPU's state in a saved image: 32-bit system-call entries, and MSRs.

use fx_types::{Errno, is_canonical};
use xen_abi::arch_x86::FLAT_KERNEL_CS;
use xen_abi::domctl::{Domctl, DomctlExtVcpucontext, DomctlVcpuMsrs};

use super::{not_self, vcpu_of};
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::SYSENTER_MASKS;

impl<H: Hw> Host<H> {
    pub(super) fn domctl_get_ext(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlExtVcpucontext = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        a.size = size_of::<DomctlExtVcpucontext>() as u32;
        self.while_stopped(t, v, || {
            a.syscall32_callback_eip = v.pv.syscall32_callback.get();
            a.sysenter_callback_eip = v.pv.sysenter_callback.get();
            a.syscall32_callback_cs = FLAT_KERNEL_CS;
            a.sysenter_callback_cs = FLAT_KERNEL_CS;
            a.syscall32_disables_events = 0;
            a.sysenter_disables_events = u8::from(v.flags.get() & SYSENTER_MASKS != 0);
        });
        // No machine checks are delivered to guests.
        a.vmce = Default::default();
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn domctl_set_ext(&self, c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        not_self(c, t)?;
        let a: DomctlExtVcpucontext = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        if (a.size as usize) < core::mem::offset_of!(DomctlExtVcpucontext, vmce)
            || !is_canonical(a.sysenter_callback_eip)
            || !is_canonical(a.syscall32_callback_eip)
        {
            return Err(Errno::EINVAL);
        }
        self.while_stopped(t, v, || {
            v.pv.syscall32_callback.set(a.syscall32_callback_eip);
            v.pv.sysenter_callback.set(a.sysenter_callback_eip);
            v.set_flag(SYSENTER_MASKS, a.sysenter_disables_events != 0);
        });
        Ok(Reply::Done)
    }

    /// A vCPU has no MSRs with a state of its own besides what its context holds.
    pub(super) fn domctl_get_msrs(c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlVcpuMsrs = op.get();
        vcpu_of(t, a.vcpu)?;
        a.msr_count = 0;
        op.put(&a);
        Ok(Reply::Changed)
    }

    pub(super) fn domctl_set_msrs(c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlVcpuMsrs = op.get();
        vcpu_of(t, a.vcpu)?;
        if a.msr_count == 0 {
            return Ok(Reply::Done);
        }
        // The first one is refused.
        a.msr_count = 0;
        op.put(&a);
        Ok(Reply::Refused(Errno::EINVAL))
    }
}
