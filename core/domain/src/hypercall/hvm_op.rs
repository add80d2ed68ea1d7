//! `hvm_op`: parameters of HVM and PVH domains, and where their events arrive.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_types::{Errno, GuestVirtExt, Result};
use xen_abi::hvm_op as o;
use xen_abi::hvm_params as p;
use xen_abi::xen::DOMID_SELF;

use super::{Answer, Args};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hw::Hw;

/// The first vector that is no exception.
const FIRST_VECTOR: u8 = 16;

/// Parameters that a guest may set itself.
const fn guest_may_set(index: u32) -> bool {
    matches!(
        index,
        p::HVM_PARAM_CALLBACK_IRQ
            | p::HVM_PARAM_VM86_TSS
            | p::HVM_PARAM_VM86_TSS_SIZED
            | p::HVM_PARAM_ACPI_IOPORTS_LOCATION
            | p::HVM_PARAM_VM_GENERATION_ID_ADDR
            | p::HVM_PARAM_ACPI_S_STATE
    )
}

/// Parameters that a guest may read itself.
const fn guest_may_get(index: u32) -> bool {
    matches!(
        index,
        p::HVM_PARAM_CALLBACK_IRQ
            | p::HVM_PARAM_VM86_TSS
            | p::HVM_PARAM_ACPI_IOPORTS_LOCATION
            | p::HVM_PARAM_VM_GENERATION_ID_ADDR
            | p::HVM_PARAM_STORE_PFN
            | p::HVM_PARAM_STORE_EVTCHN
            | p::HVM_PARAM_CONSOLE_PFN
            | p::HVM_PARAM_CONSOLE_EVTCHN
            | p::HVM_PARAM_ALTP2M
            | p::HVM_PARAM_X87_FIP_WIDTH
            | p::HVM_PARAM_VM86_TSS_SIZED
            | p::HVM_PARAM_HPET_ENABLED
    )
}

/// Parameters that are set once.
const fn once(index: u32) -> bool {
    matches!(
        index,
        p::HVM_PARAM_VIRIDIAN
            | p::HVM_PARAM_IOREQ_SERVER_PFN
            | p::HVM_PARAM_NR_IOREQ_SERVER_PAGES
            | p::HVM_PARAM_ALTP2M
            | p::HVM_PARAM_MCA_CAP
    )
}

/// Parameters that are no more, or belong to what there is not: memory events, nested virtualisation.
const fn gone(index: u32) -> bool {
    matches!(
        index,
        p::HVM_PARAM_PAE_ENABLED
            | p::HVM_PARAM_DM_DOMAIN
            | p::HVM_PARAM_MEMORY_EVENT_CR0
            | p::HVM_PARAM_MEMORY_EVENT_CR3
            | p::HVM_PARAM_MEMORY_EVENT_CR4
            | p::HVM_PARAM_MEMORY_EVENT_INT3
            | p::HVM_PARAM_NESTEDHVM
            | p::HVM_PARAM_MEMORY_EVENT_SINGLE_STEP
            | p::HVM_PARAM_BUFIOREQ_EVTCHN
            | p::HVM_PARAM_MEMORY_EVENT_MSR
            | 3
            | 7
            | 8
    )
}

impl<H: Hw> Host<H> {
    /// `hvm_op(command, argument)`.
    pub(crate) fn hvm_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = *args;
        match command as u32 {
            o::HVMOP_SET_PARAM => {
                let a: o::HvmParam = self.guest(c).read_val(arg)?;
                let (d, h) = self.hvm_subject(c, a.domid)?;
                self.set_hvm_param(c, &d, &h, a.index, a.value).map(|()| 0)
            }
            o::HVMOP_GET_PARAM => {
                let mut a: o::HvmParam = self.guest(c).read_val(arg)?;
                let (d, h) = self.hvm_subject(c, a.domid)?;
                if a.index >= p::HVM_NR_PARAMS || gone(a.index) {
                    return Err(Errno::EINVAL);
                }
                if !guest_may_get(a.index) {
                    self.may_control(c, &d)?;
                }
                a.value = h.param(a.index);
                self.guest(c).write_val(arg, &a).map(|()| 0)
            }
            o::HVMOP_SET_EVTCHN_UPCALL_VECTOR => {
                let a: o::HvmEvtchnUpcallVector = self.guest(c).read_val(arg)?;
                self.set_upcall_vector(c, &a).map(|()| 0)
            }
            o::HVMOP_FLUSH_TLBS => {
                if arg != 0 || c.d.hvm.is_none() {
                    return Err(if arg != 0 { Errno::EINVAL } else { Errno::EPERM });
                }
                self.flush_domain_tlb(&c.d);
                Ok(0)
            }
            o::HVMOP_GET_TIME => {
                let t = o::HvmGetTime { now: self.hw.now() };
                if c.d.hvm.is_none() {
                    return Err(Errno::EINVAL);
                }
                self.guest(c).write_val(arg, &t).map(|()| 0)
            }
            o::HVMOP_GET_MEM_TYPE => {
                let mut a: o::HvmGetMemType = self.guest(c).read_val(arg)?;
                let (_, h) = self.hvm_subject(c, a.domid)?;
                a.mem_type = mem_type(h.p2m.get(&self.hw, a.pfn).kind);
                self.guest(c).write_val(arg, &a).map(|()| 0)
            }
            // Shadow page tables, tracing by guests, VM events and alternate views of memory are not there.
            o::HVMOP_PAGETABLE_DYING => Err(Errno::EINVAL),
            o::HVMOP_XENTRACE => Ok(0),
            o::HVMOP_GUEST_REQUEST_VM_EVENT | o::HVMOP_ALTP2M => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::ENOSYS),
        }
    }

    /// The HVM domain that a call is about.
    fn hvm_subject(&self, c: &VcpuRef, id: u16) -> Result<(Arc<Domain>, Arc<HvmDomain>)> {
        let d = self.domain_or_self(&c.d, id)?;
        if d.id != c.d.id && id != DOMID_SELF {
            self.may_control(c, &d)?;
        }
        let h = d.hvm.clone().ok_or(Errno::EINVAL)?;
        Ok((d, h))
    }

    fn set_hvm_param(&self, c: &VcpuRef, d: &Arc<Domain>, h: &HvmDomain, index: u32, value: u64) -> Result {
        let slot = h.params.get(index as usize).filter(|_| !gone(index)).ok_or(Errno::EINVAL)?;
        if !guest_may_set(index) {
            self.may_control(c, d)?;
        }
        let old = slot.load(Ordering::Acquire);
        if once(index) && old != 0 && old != value {
            return Err(Errno::EEXIST);
        }
        match index {
            p::HVM_PARAM_TRIPLE_FAULT_REASON if value > u64::from(xen_abi::sched::SHUTDOWN_MAX) => {
                return Err(Errno::EINVAL);
            }
            p::HVM_PARAM_VIRIDIAN if !fx_viridian::is_valid(value) => return Err(Errno::EINVAL),
            p::HVM_PARAM_TIMER_MODE if value > 3 => return Err(Errno::EINVAL),
            p::HVM_PARAM_ACPI_IOPORTS_LOCATION if value > 1 => return Err(Errno::EINVAL),
            p::HVM_PARAM_CALLBACK_IRQ => {
                slot.store(value, Ordering::Release);
                self.latch_layout(c, d);
                self.callback_changed(d);
            }
            _ => {}
        }
        slot.store(value, Ordering::Release);
        Ok(())
    }

    /// Events that are pending already are announced by the new way.
    fn callback_changed(&self, d: &Domain) {
        self.move_callback(d);
        for v in &d.vcpus {
            self.wake_hvm(d, v);
        }
    }

    fn set_upcall_vector(&self, c: &VcpuRef, a: &o::HvmEvtchnUpcallVector) -> Result {
        if c.d.hvm.is_none() || a.vector < FIRST_VECTOR {
            return Err(Errno::EINVAL);
        }
        let v = c.d.vcpu(a.vcpu).ok_or(Errno::ENOENT)?;
        let h = v.hvm.as_ref().ok_or(Errno::EINVAL)?;
        h.upcall_vector.store(u32::from(a.vector), Ordering::Release);
        if self.hw.load8(v.info()) != 0 {
            self.kick_vcpu(&c.d, v);
        }
        Ok(())
    }
}

fn mem_type(kind: fx_p2m::Kind) -> u16 {
    use fx_p2m::Kind;
    (match kind {
        Kind::RamReadOnly | Kind::GrantReadOnly => o::HVMMEM_RAM_RO,
        Kind::IoreqServer => o::HVMMEM_IOREQ_SERVER,
        k if k.is_present() && k != Kind::Mmio => o::HVMMEM_RAM_RW,
        Kind::OnDemand => o::HVMMEM_RAM_RW,
        _ => o::HVMMEM_MMIO_DM,
    }) as u16
}
