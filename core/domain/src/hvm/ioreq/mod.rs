//! Ioreq servers: device models that answer a domain's accesses to ports, memory and PCI configuration (`xen/hvm/dm_op.h`,
//! `xen/hvm/ioreq.h`).
//!
//! A server has a page with a request for each vCPU, perhaps one with a ring of writes that nobody waits for, and an event channel for
//! each vCPU, whose near end is the hypervisor's. A vCPU with a request waits until the device model has answered it; then the
//! same instruction is done again with the answer.

mod request;
mod select;
mod server;

use alloc::sync::Arc;
use core::sync::atomic::AtomicU32;

use fx_sync::Lock;
use fx_types::{Errno, Result};

pub use request::Io;
pub use select::Access;
pub use server::Server;

/// The most servers of a domain.
const SERVERS: usize = 8;

/// The servers of a domain.
#[derive(Default)]
pub struct IoreqServers {
    servers: Lock<[Option<Arc<Server>>; SERVERS]>,
    /// What the guest last wrote to port 0xcf8: the PCI configuration register that it means by port 0xcfc.
    pub pci_address: AtomicU32,
}

impl IoreqServers {
    /// The server with the number.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn get(&self, id: u16) -> Result<Arc<Server>> {
        self.servers.lock().get(usize::from(id)).cloned().flatten().ok_or(Errno::ENOENT)
    }

    /// All of them, in order.
    pub(crate) fn each(&self, mut act: impl FnMut(&Arc<Server>)) {
        self.servers.lock().iter().flatten().for_each(&mut act);
    }
}
