//! Guest memory as the arguments of hypercalls name it: by the calling vCPU's linear addresses.

use fx_types::{Fault, GuestVirt};

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// The linear address space of a vCPU that is current on this CPU. A PV guest's is accessed where it is; an HVM guest's by
/// walking its page tables.
pub struct GuestMem<'a, H: Hw> {
    host: &'a Host<H>,
    c: &'a VcpuRef,
}

impl<H: Hw> Host<H> {
    /// The memory of the current vCPU.
    #[inline(always)]
    pub(crate) fn guest<'a>(&'a self, c: &'a VcpuRef) -> GuestMem<'a, H> {
        GuestMem { host: self, c }
    }
}

impl<H: Hw> GuestVirt for GuestMem<'_, H> {
    #[inline(always)]
    fn copy_in(&self, va: u64, buf: &mut [u8]) -> Result<(), Fault> {
        if self.c.d.hvm.is_some() {
            return self.host.hvm_copy_in(self.c, va, buf);
        }
        self.host.hw.copy_in(va, buf)
    }

    #[inline(always)]
    fn copy_out(&self, va: u64, buf: &[u8]) -> Result<(), Fault> {
        if self.c.d.hvm.is_some() {
            return self.host.hvm_copy_out(self.c, va, buf);
        }
        self.host.hw.copy_out(va, buf)
    }
}
