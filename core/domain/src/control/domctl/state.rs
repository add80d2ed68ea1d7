//! The rest of a vCPU's state in a saved image: 32-bit system-call entries, and MSRs.

use fx_types::{Errno, GuestVirtExt, is_canonical};
use xen_abi::arch_x86::FLAT_KERNEL_CS;
use xen_abi::domctl::{Domctl, DomctlExtVcpucontext, DomctlVcpuMsr, DomctlVcpuMsrs};

use super::{not_self, vcpu_of};
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::own_msrs::SAVED_MSRS;
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

    /// Registers that are not part of a vCPU's context.
    pub(super) fn domctl_get_msrs(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlVcpuMsrs = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        if a.msrs.is_null() || a.msr_count == 0 {
            a.msr_count = SAVED_MSRS;
            op.put(&a);
            return Ok(Reply::Changed);
        }
        let all = self.while_stopped(t, v, || Self::saved_msrs(t, v))?;
        for ((index, value), n) in all.iter().zip(0..a.msr_count) {
            let msr = DomctlVcpuMsr { index: *index, reserved: 0, value: *value };
            self.hw.write_at(a.msrs.0, n.into(), &msr)?;
        }
        let fits = all.len() <= a.msr_count as usize;
        a.msr_count = all.len() as u32;
        op.put(&a);
        Ok(if fits { Reply::Changed } else { Reply::Refused(Errno::ENOBUFS) })
    }

    pub(super) fn domctl_set_msrs(&self, c: &VcpuRef, t: &Domain, op: &mut Domctl) -> Outcome {
        not_self(c, t)?;
        let mut a: DomctlVcpuMsrs = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        for n in 0..a.msr_count {
            let msr: DomctlVcpuMsr = self.hw.read_at(a.msrs.0, n.into())?;
            let known = n < SAVED_MSRS && msr.reserved == 0;
            let set = || Self::restore_msr(t, v, msr.index, msr.value);
            if !known || self.while_stopped(t, v, set).is_err() {
                // The one that is refused.
                a.msr_count = n;
                op.put(&a);
                return Ok(Reply::Refused(Errno::EINVAL));
            }
        }
        Ok(Reply::Done)
    }
}
