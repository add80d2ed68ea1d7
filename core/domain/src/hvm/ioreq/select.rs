//! Which server answers an access.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use xen_abi::dm_op::{XEN_DMOP_IO_RANGE_MEMORY, XEN_DMOP_IO_RANGE_PCI, XEN_DMOP_IO_RANGE_PORT};
use xen_abi::hvm_ioreq::{IOREQ_TYPE_COPY, IOREQ_TYPE_PCI_CONFIG, IOREQ_TYPE_PIO};

use super::{IoreqServers, Server};

/// The ports of PCI configuration.
const PCI_ADDRESS: u64 = 0xcf8;
const PCI_DATA: u64 = 0xcfc;
/// In the address: configuration is meant.
const ENABLED: u32 = 1 << 31;

/// An access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// To a port rather than to memory.
    pub port: bool,
    /// Where.
    pub addr: u64,
    /// 1, 2, 4 or 8 bytes.
    pub size: u8,
    /// It writes.
    pub write: bool,
    /// What it writes.
    pub data: u64,
}

/// What is asked of a server: the request's type and address.
pub(super) type Asked = (Arc<Server>, u8, u64);

impl IoreqServers {
    /// The guest writes to a port: it may choose a PCI configuration register.
    pub(super) fn note(&self, a: &Access) {
        if a.port && a.write && a.addr == PCI_ADDRESS && a.size == 4 {
            self.pci_address.store(a.data as u32, Ordering::Release);
        }
    }

    /// Who answers, and what it is asked; `None` when nobody has it.
    pub(super) fn select(&self, a: &Access) -> Option<Asked> {
        let last = a.addr.checked_add(u64::from(a.size).wrapping_sub(1))?;
        let (kind, request, key, end, addr) = match self.config_register(a) {
            Some(addr) => (XEN_DMOP_IO_RANGE_PCI, IOREQ_TYPE_PCI_CONFIG, addr >> 32, addr >> 32, addr),
            None if a.port => (XEN_DMOP_IO_RANGE_PORT, IOREQ_TYPE_PIO, a.addr, last, a.addr),
            None => (XEN_DMOP_IO_RANGE_MEMORY, IOREQ_TYPE_COPY, a.addr, last, a.addr),
        };
        let mut found = None;
        self.each(|s| {
            if found.is_none() && s.owns(kind, key, end) {
                found = Some(s.clone());
            }
        });
        found.map(|s| (s, request, addr))
    }

    /// The configuration register that an access to port 0xcfc means: bus, device, function in bits 32–47, register below. AMD's
    /// processors have bits 8–11 of the register in bits 24–27 of the address.
    fn config_register(&self, a: &Access) -> Option<u64> {
        let chosen = self.pci_address.load(Ordering::Acquire);
        if !a.port || a.addr & !3 != PCI_DATA || chosen & ENABLED == 0 {
            return None;
        }
        let function = u64::from(chosen >> 8 & 0xffff);
        let register = u64::from(chosen & 0xfc) | u64::from(chosen >> 16 & 0xf00) | a.addr & 3;
        Some(function << 32 | register)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_by_ports() {
        let s = IoreqServers::default();
        let data = Access { port: true, addr: 0xcfe, size: 2, write: false, data: 0 };
        assert_eq!(s.config_register(&data), None);
        s.note(&Access { addr: 0xcf8, size: 2, write: true, data: 0x8000_1808, ..data });
        assert_eq!(s.config_register(&data), None, "only a whole word chooses");
        s.note(&Access { addr: 0xcf8, size: 4, write: true, data: 0x8000_1808, ..data });
        assert_eq!(s.config_register(&data), Some(0x18 << 32 | 0x0a));
        assert_eq!(s.config_register(&Access { port: false, ..data }), None);
    }
}
