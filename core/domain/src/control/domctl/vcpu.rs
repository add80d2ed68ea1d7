//! A vCPU's registers and state.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_types::{Errno, GuestVirtExt, Result, try_box};
use xen_abi::arch_x86::{VGCF_ONLINE, VcpuGuestContext};
use xen_abi::domctl::{Domctl, DomctlGetvcpuinfo, DomctlVcpucontext};
use zerocopy::IntoBytes;

use super::{not_self, vcpu_of};
use crate::control::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::schedule;
use crate::vcpu::{RUN, Vcpu};

impl<H: Hw> Host<H> {
    /// Stops a vCPU that is not the caller's for the time of `act`.
    pub(super) fn while_stopped<R>(&self, t: &Domain, v: &Vcpu, act: impl FnOnce() -> R) -> R {
        self.pause_vcpu(t, v, true);
        let r = act();
        self.unpause_vcpu(t, v);
        r
    }

    pub(super) fn domctl_set_context(&self, c: &VcpuRef, t: &Arc<Domain>, op: &Domctl) -> Outcome {
        not_self(c, t)?;
        let a: DomctlVcpucontext = op.get();
        let v = t.vcpu(a.vcpu).ok_or(Errno::EINVAL)?;
        if a.ctxt.is_null() {
            return self.while_stopped(t, v, || self.reset_vcpu(v)).map(|()| Reply::Done);
        }
        let mut k = try_box(VcpuGuestContext::default())?;
        let k = k.first_mut().ok_or(Errno::ENOMEM)?;
        self.hw.copy_in(a.ctxt.0, k.as_mut_bytes())?;
        self.while_stopped(t, v, || {
            self.set_context(t, v, k)?;
            v.down.store(k.flags & VGCF_ONLINE == 0, Ordering::SeqCst);
            Ok(Reply::Done)
        })
    }

    /// A vCPU that never ran needs no reset; others keep references to frames that only the end of the domain drops.
    fn reset_vcpu(&self, v: &Vcpu) -> Result {
        if v.initialised.load(Ordering::Acquire) {
            return Err(Errno::EINVAL);
        }
        v.down.store(true, Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn domctl_get_context(&self, c: &VcpuRef, t: &Domain, op: &Domctl) -> Outcome {
        not_self(c, t)?;
        let a: DomctlVcpucontext = op.get();
        let v = t.vcpu(a.vcpu).ok_or(Errno::EINVAL)?;
        if !v.initialised.load(Ordering::Acquire) {
            return Err(Errno::ENODATA);
        }
        let mut k = try_box(VcpuGuestContext::default())?;
        let k = k.first_mut().ok_or(Errno::ENOMEM)?;
        self.while_stopped(t, v, || self.get_context(t, v, k));
        self.hw.write_val(a.ctxt.0, k).map(|()| Reply::Done)
    }

    pub(super) fn domctl_vcpu_info(&self, t: &Domain, op: &mut Domctl) -> Outcome {
        let mut a: DomctlGetvcpuinfo = op.get();
        let v = vcpu_of(t, a.vcpu)?;
        let r = self.runstate_now(v);
        let [running, ..] = r.time;
        a.online = u8::from(!v.down.load(Ordering::Acquire));
        a.blocked = u8::from(v.blocked.load(Ordering::Acquire) != RUN);
        a.running = u8::from(r.state == schedule::RUNNING);
        a.cpu_time = running;
        a.cpu = v.cpu.load(Ordering::Acquire);
        op.put(&a);
        Ok(Reply::Changed)
    }
}
