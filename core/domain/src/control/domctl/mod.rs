//! `domctl`: what the toolstack does to one domain.

mod affinity;
mod create;
mod device;
mod hvm;
mod info;
mod life;
mod memory;
mod misc;
mod policy;
mod sched;
mod state;
mod vcpu;
mod xstate;

use alloc::sync::Arc;

use fx_types::{DomId, Errno, GuestVirtExt, Result};
use xen_abi::domctl as d;
use xen_abi::domctl::Domctl;

use super::{Outcome, Reply};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::hypercall::{Answer, Args};
use crate::vcpu::Vcpu;

impl<H: Hw> Host<H> {
    /// `domctl(argument)`.
    pub(crate) fn domctl(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let _part = self.begin_part();
        let [arg, ..] = *args;
        let mut op: Domctl = self.hw.read_val(arg)?;
        if op.interface_version != d::XEN_DOMCTL_INTERFACE_VERSION {
            return Err(Errno::EACCES);
        }
        let outcome = if op.cmd == d::XEN_DOMCTL_CREATEDOMAIN {
            self.may_manage(c)?;
            let _one = self.control.begin()?;
            self.domctl_create(c, &mut op)
        } else {
            let target = self.domain(DomId(op.domain))?;
            self.may_domctl(c, &target, op.cmd)?;
            let _one = self.control.begin()?;
            self.domctl_on(c, &target, &mut op)
        };
        match outcome? {
            Reply::Done => Ok(0),
            Reply::Changed => self.hw.write_val(arg, &op).map(|()| 0),
            Reply::Refused(e) => {
                self.hw.write_val(arg, &op)?;
                Err(e)
            }
        }
    }

    /// A device model may connect its target's devices, the xenstore domain may look at all; the rest is for the
    /// control domain.
    fn may_domctl(&self, c: &VcpuRef, target: &Domain, cmd: u32) -> Result {
        match cmd {
            d::XEN_DOMCTL_IOPORT_MAPPING
            | d::XEN_DOMCTL_MEMORY_MAPPING
            | d::XEN_DOMCTL_BIND_PT_IRQ
            | d::XEN_DOMCTL_UNBIND_PT_IRQ => self.may_control(c, target),
            d::XEN_DOMCTL_GETDOMAININFO => self.may_look(c),
            _ => self.may_manage(c),
        }
    }

    /// Whether `c` may see which domains there are.
    ///
    /// # Errors
    /// `EPERM`.
    pub(crate) fn may_look(&self, c: &VcpuRef) -> Result {
        if c.d.create_flags & d::XEN_DOMCTL_CDF_XS_DOMAIN != 0 { Ok(()) } else { self.may_manage(c) }
    }

    fn domctl_on(&self, c: &VcpuRef, t: &Arc<Domain>, op: &mut Domctl) -> Outcome {
        match op.cmd {
            d::XEN_DOMCTL_DESTROYDOMAIN => self.domctl_destroy(c, t),
            d::XEN_DOMCTL_PAUSEDOMAIN => self.domctl_pause(c, t),
            d::XEN_DOMCTL_UNPAUSEDOMAIN => self.domctl_unpause(t),
            d::XEN_DOMCTL_RESUMEDOMAIN => self.domctl_resume(c, t),
            d::XEN_DOMCTL_GETDOMAININFO => self.domctl_info(t, op),
            d::XEN_DOMCTL_MAX_MEM => Self::domctl_max_mem(t, op),
            d::XEN_DOMCTL_MAX_VCPUS => Self::domctl_max_vcpus(c, t, op),
            d::XEN_DOMCTL_SETVCPUCONTEXT => self.domctl_set_context(c, t, op),
            d::XEN_DOMCTL_GETVCPUCONTEXT => self.domctl_get_context(c, t, op),
            d::XEN_DOMCTL_GETVCPUINFO => self.domctl_vcpu_info(t, op),
            d::XEN_DOMCTL_SETVCPUAFFINITY => self.domctl_set_affinity(t, op),
            d::XEN_DOMCTL_GETVCPUAFFINITY => self.domctl_get_affinity(t, op),
            d::XEN_DOMCTL_SETNODEAFFINITY => self.domctl_set_nodes(t, op),
            d::XEN_DOMCTL_GETNODEAFFINITY => self.domctl_get_nodes(t, op),
            d::XEN_DOMCTL_SCHEDULER_OP => self.domctl_scheduler(t, op),
            d::XEN_DOMCTL_SETDOMAINHANDLE => Self::domctl_set_handle(t, op),
            d::XEN_DOMCTL_SETTIMEOFFSET => self.domctl_time_offset(t, op),
            d::XEN_DOMCTL_SET_TARGET => self.domctl_set_target(t, op),
            d::XEN_DOMCTL_SET_VIRQ_HANDLER => self.domctl_virq_handler(t, op),
            _ => self.domctl_x86(c, t, op),
        }
    }

    fn domctl_x86(&self, c: &VcpuRef, t: &Arc<Domain>, op: &mut Domctl) -> Outcome {
        match op.cmd {
            d::XEN_DOMCTL_IRQ_PERMISSION => Self::domctl_irq(c, t, op),
            d::XEN_DOMCTL_GSI_PERMISSION => Self::domctl_gsi(c, t, op),
            d::XEN_DOMCTL_IOMEM_PERMISSION => Self::domctl_iomem(c, t, op),
            d::XEN_DOMCTL_IOPORT_PERMISSION => Self::domctl_ioport(c, t, op),
            d::XEN_DOMCTL_MEMORY_MAPPING => Self::domctl_map_mmio(c, op),
            d::XEN_DOMCTL_HYPERCALL_INIT => self.domctl_hypercall_page(t, op),
            d::XEN_DOMCTL_GETPAGEFRAMEINFO3 => self.domctl_frame_types(t, op),
            d::XEN_DOMCTL_SHADOW_OP => self.domctl_shadow(c, t, op),
            d::XEN_DOMCTL_SENDTRIGGER => self.domctl_trigger(t, op),
            d::XEN_DOMCTL_SET_ADDRESS_SIZE => self.domctl_set_address_size(c, op),
            d::XEN_DOMCTL_GET_ADDRESS_SIZE => Self::domctl_get_address_size(op),
            d::XEN_DOMCTL_GETTSCINFO => self.domctl_get_tsc(c, t, op),
            d::XEN_DOMCTL_SETTSCINFO => self.domctl_set_tsc(c, t, op),
            d::XEN_DOMCTL_SET_EXT_VCPUCONTEXT => self.domctl_set_ext(c, t, op),
            d::XEN_DOMCTL_GET_EXT_VCPUCONTEXT => self.domctl_get_ext(c, t, op),
            d::XEN_DOMCTL_SETVCPUEXTSTATE => self.domctl_set_xstate(c, t, op),
            d::XEN_DOMCTL_GETVCPUEXTSTATE => self.domctl_get_xstate(c, t, op),
            d::XEN_DOMCTL_GET_VCPU_MSRS => self.domctl_get_msrs(c, t, op),
            d::XEN_DOMCTL_SET_VCPU_MSRS => self.domctl_set_msrs(c, t, op),
            d::XEN_DOMCTL_GET_CPU_POLICY => self.domctl_get_policy(t, op),
            d::XEN_DOMCTL_SET_CPU_POLICY => self.domctl_set_policy(c, t, op),
            d::XEN_DOMCTL_GETHVMCONTEXT => self.domctl_get_hvm(c, t, op),
            d::XEN_DOMCTL_SETHVMCONTEXT => self.domctl_set_hvm(c, t, op),
            d::XEN_DOMCTL_GETHVMCONTEXT_PARTIAL => self.domctl_get_hvm_part(c, t, op),
            d::XEN_DOMCTL_GET_PAGING_MEMPOOL_SIZE => Self::domctl_get_mempool(t, op),
            d::XEN_DOMCTL_SET_PAGING_MEMPOOL_SIZE => Self::domctl_set_mempool(t, op),
            other => Err(not_here(other)),
        }
    }
}

/// The error of an operation that PV domains do not have, or that needs what is not there: an IOMMU, VM events, cache
/// allocation, memory sharing.
const fn not_here(cmd: u32) -> Errno {
    match cmd {
        d::XEN_DOMCTL_SOFT_RESET | d::XEN_DOMCTL_DEBUG_OP => Errno::EINVAL,
        d::XEN_DOMCTL_IOPORT_MAPPING
        | d::XEN_DOMCTL_ASSIGN_DEVICE
        | d::XEN_DOMCTL_TEST_ASSIGN_DEVICE
        | d::XEN_DOMCTL_DEASSIGN_DEVICE
        | d::XEN_DOMCTL_BIND_PT_IRQ
        | d::XEN_DOMCTL_UNBIND_PT_IRQ
        | d::XEN_DOMCTL_SETDEBUGGING
        | d::XEN_DOMCTL_SUBSCRIBE
        | d::XEN_DOMCTL_VM_EVENT_OP
        | d::XEN_DOMCTL_MONITOR_OP
        | d::XEN_DOMCTL_SET_ACCESS_REQUIRED
        | d::XEN_DOMCTL_SETVNUMAINFO
        | d::XEN_DOMCTL_VMTRACE_OP
        | d::XEN_DOMCTL_SET_LLC_COLORS => Errno::EOPNOTSUPP,
        d::XEN_DOMCTL_PSR_CMT_OP | d::XEN_DOMCTL_PSR_ALLOC => Errno::ENODEV,
        _ => Errno::ENOSYS,
    }
}

/// The vCPU with the number.
///
/// # Errors
/// `ESRCH`.
fn vcpu_of(t: &Domain, id: u32) -> Result<&Arc<Vcpu>> {
    t.vcpu(id).ok_or(Errno::ESRCH)
}

/// That the target is not the caller itself, which could not be stopped for the operation.
///
/// # Errors
/// `EINVAL`.
fn not_self(c: &VcpuRef, t: &Domain) -> Result {
    if c.d.id == t.id { Err(Errno::EINVAL) } else { Ok(()) }
}
