//! An HVM guest's memory by its linear addresses.

use fx_types::Fault;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// Copies from the linear address space of an HVM vCPU.
    ///
    /// # Errors
    /// [`Fault`] when some byte is not readable by the guest's kernel.
    #[cold]
    pub(crate) fn hvm_copy_in(&self, _c: &VcpuRef, _va: u64, _buf: &mut [u8]) -> Result<(), Fault> {
        Err(Fault { done: 0 })
    }

    /// Copies to the linear address space of an HVM vCPU.
    ///
    /// # Errors
    /// [`Fault`] when some byte is not writable by the guest's kernel.
    #[cold]
    pub(crate) fn hvm_copy_out(&self, _c: &VcpuRef, _va: u64, _buf: &[u8]) -> Result<(), Fault> {
        Err(Fault { done: 0 })
    }
}
