//! Records of a saved domain.

use alloc::vec::Vec;

use fx_types::{Errno, Result};
use fx_viridian::{DomainState, PageRegister};
use xen_abi::hvm_save::{
    HVM_SAVE_CODE_VIRIDIAN_DOMAIN, HVM_SAVE_CODE_VIRIDIAN_VCPU, HvmViridianDomainContext,
    HvmViridianVcpuContext,
};

use crate::domain::Domain;
use crate::host::Host;
use crate::hvm::HvmVcpu;
use crate::hvm::save::push;
use crate::hw::Hw;
use crate::vcpu::Vcpu;

impl<H: Hw> Host<H> {
    /// The record of the domain, if it has the interface.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(in crate::hvm) fn save_viridian(&self, d: &Domain, out: &mut Vec<u8>) -> Result {
        let Some(h) = d.hvm.as_ref().filter(|h| h.viridian_features() != 0) else { return Ok(()) };
        let time_ref_count = self.reference_time(d, h);
        let state = *h.viridian.lock();
        let k = HvmViridianDomainContext {
            hypercall_gpa: state.hypercall.0,
            guest_os_id: state.guest_os_id,
            time_ref_count,
            reference_tsc: state.reference_tsc.0,
        };
        push(out, HVM_SAVE_CODE_VIRIDIAN_DOMAIN, 0, &k)
    }

    /// The record of a vCPU, if its domain has the interface.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(in crate::hvm) fn save_viridian_vcpu(
        &self,
        d: &Domain,
        v: &Vcpu,
        h: &HvmVcpu,
        out: &mut Vec<u8>,
    ) -> Result {
        if d.hvm.as_ref().is_none_or(|d| d.viridian_features() == 0) {
            return Ok(());
        }
        let k = h.viridian.lock().save();
        push(out, HVM_SAVE_CODE_VIRIDIAN_VCPU, v.id, &k)
    }

    /// Takes the record of a domain.
    ///
    /// # Errors
    /// `EINVAL` when it does not have the interface.
    pub(in crate::hvm) fn load_viridian(&self, d: &Domain, k: &HvmViridianDomainContext) -> Result {
        let h = d.hvm.as_ref().filter(|h| h.viridian_features() != 0).ok_or(Errno::EINVAL)?;
        *h.viridian.lock() = DomainState {
            guest_os_id: k.guest_os_id,
            hypercall: PageRegister(k.hypercall_gpa),
            reference_tsc: PageRegister(k.reference_tsc),
            ..DomainState::default()
        };
        self.set_reference_time(d, h, k.time_ref_count);
        self.fill_hypercall_page(h, PageRegister(k.hypercall_gpa));
        self.write_reference_page(d, h);
        Ok(())
    }

    /// Takes the record of a vCPU.
    ///
    /// # Errors
    /// `EINVAL` when its domain does not have the interface.
    pub(in crate::hvm) fn load_viridian_vcpu(
        &self,
        d: &Domain,
        h: &HvmVcpu,
        k: &HvmViridianVcpuContext,
    ) -> Result {
        let domain = d.hvm.as_ref().filter(|d| d.viridian_features() != 0).ok_or(Errno::EINVAL)?;
        let now = self.reference_time(d, domain);
        h.viridian.lock().load(k, now);
        h.look();
        Ok(())
    }
}
