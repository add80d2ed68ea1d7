//! The toolstack's interfaces.

pub mod pool {
    //! CPU pools.

    /// CPU pools.
    #[derive(Default)]
    pub struct Pools;
}

use fx_types::Errno;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::hypercall::{Answer, Args};

impl<H: Hw> Host<H> {
    pub(crate) fn platform_op(&self, _c: &VcpuRef, _args: &mut Args) -> Answer {
        Err(Errno::ENOSYS)
    }
    pub(crate) fn sysctl(&self, _c: &VcpuRef, _args: &mut Args) -> Answer {
        Err(Errno::ENOSYS)
    }
    pub(crate) fn domctl(&self, _c: &VcpuRef, _args: &mut Args) -> Answer {
        Err(Errno::ENOSYS)
    }
    pub(crate) fn hypfs_op(&self, _c: &VcpuRef, _args: &mut Args) -> Answer {
        Err(Errno::ENOSYS)
    }
}
