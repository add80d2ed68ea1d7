//! Hyper-V's interface to guests, for HVM domains whose toolstack wants it.

mod assist;
mod calls;
mod clock;
mod msrs;
mod saved;
mod synic;

pub(crate) use calls::is_marked;

use fx_types::Maddr;
use fx_viridian::{Machine, PageRegister};
use xen_abi::hvm_params::HVM_PARAM_VIRIDIAN;

use super::HvmDomain;
use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;

/// Xen's own register of a hypercall page, where the usual number is another interface's.
pub(super) const XEN_HYPERCALL_PAGE: u32 = 0x4000_0200;
/// The leaves of this interface.
const LEAVES: core::ops::Range<u32> = 0x4000_0000..0x4000_0100;

impl HvmDomain {
    /// What it has of the interface (`HVMPV_*`); 0 for nothing.
    pub(crate) fn viridian_features(&self) -> u64 {
        self.param(HVM_PARAM_VIRIDIAN)
    }

    /// Whether it has this of it.
    fn has_viridian(&self, feature: u64) -> bool {
        self.viridian_features() & feature != 0
    }
}

impl<H: Hw> Host<H> {
    /// What `cpuid` gives for a leaf of this interface; `None` for others, and for domains without it.
    pub(crate) fn viridian_leaf(&self, d: &Domain, leaf: u32) -> Option<[u32; 4]> {
        let h = d.hvm.as_ref()?;
        let features = h.viridian_features();
        if features == 0 || !LEAVES.contains(&leaf) {
            return None;
        }
        let guest_os_id = h.viridian.lock().guest_os_id;
        Some(fx_viridian::leaf(&Machine { features, guest_os_id }, leaf))
    }

    /// Where in real memory the page is that a register names, while it is on and memory that the guest may write.
    fn viridian_page(&self, h: &HvmDomain, register: PageRegister) -> Option<Maddr> {
        let gpa = register.frame()?.checked_mul(4096)?;
        self.ram_at(h, gpa, true)
    }

    /// Fills the hypercall page: it marks the call as one of this interface.
    fn fill_hypercall_page(&self, h: &HvmDomain, register: PageRegister) {
        let Some(vendor) = self.hw.virt().map(|f| f.vendor) else { return };
        if let Some(at) = self.viridian_page(h, register) {
            self.hw.write(at, &fx_loader::marked_hypercall_page(super::hypercall_instruction(vendor)));
        }
    }
}
