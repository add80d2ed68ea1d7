//! A server: made, switched on, given ranges, unmade.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use fx_events as ev;
use fx_sync::Lock;
use fx_types::{DomId, Errno, Maddr, Mfn, Result};
use xen_abi::dm_op::{XEN_DMOP_IO_RANGE_MEMORY, XEN_DMOP_IO_RANGE_PCI, XEN_DMOP_IO_RANGE_PORT};
use xen_abi::hvm_ioreq::Ioreq;
use xen_abi::hvm_op::{HVM_IOREQSRV_BUFIOREQ_ATOMIC, HVM_IOREQSRV_BUFIOREQ_OFF};

use crate::domain::Domain;
use crate::host::Host;
use crate::hvm::HvmDomain;
use crate::hw::Hw;
use crate::hypercall::event::EventView;
use crate::ranges::Ranges;

/// Bytes of a request in the page.
const REQUEST: u64 = size_of::<Ioreq>() as u64;
/// Offset of its event channel.
const PORT: u64 = core::mem::offset_of!(Ioreq, vp_eport) as u64;
/// As many vCPUs' requests as fit into the page.
const MOST_VCPUS: usize = 4096 / size_of::<Ioreq>();

/// A device model's connection.
pub struct Server {
    /// Its number.
    pub id: u16,
    /// The device model's domain.
    pub emulator: DomId,
    /// The page of requests.
    pub page: Mfn,
    /// The page of writes that nobody waits for.
    pub buffer: Option<Mfn>,
    /// The event channel of each vCPU: the hypervisor's end.
    pub ports: Vec<u32>,
    /// The event channel of the buffer.
    pub buffer_port: u32,
    /// It answers.
    pub enabled: AtomicBool,
    /// One vCPU at a time writes to the buffer.
    pub(super) buffer_turn: Lock<()>,
    ranges: Lock<[Ranges; 3]>,
}

impl Server {
    /// Where the request of a vCPU is.
    pub(super) fn request(&self, vcpu: u32) -> Maddr {
        self.page.at(u64::from(vcpu).wrapping_mul(REQUEST))
    }

    /// Whether `first..=last` of a kind (`XEN_DMOP_IO_RANGE_*`) is this one's.
    pub(super) fn owns(&self, kind: u32, first: u64, last: u64) -> bool {
        self.enabled.load(Ordering::Acquire)
            && self.ranges.lock().get(kind as usize).is_some_and(|r| r.contains(first, last))
    }

    /// Gives the server a range, or takes it away.
    ///
    /// # Errors
    /// `EINVAL` for a kind or range that there is not, `EEXIST` for one that it has, `ENOENT` for one that it has not.
    pub fn set_range(&self, kind: u32, first: u64, last: u64, give: bool) -> Result {
        let most = match kind {
            XEN_DMOP_IO_RANGE_PORT => 0xffff,
            XEN_DMOP_IO_RANGE_MEMORY => u64::MAX,
            XEN_DMOP_IO_RANGE_PCI => 0xffff_ffff,
            _ => return Err(Errno::EINVAL),
        };
        if first > last || last > most {
            return Err(Errno::EINVAL);
        }
        let mut all = self.ranges.lock();
        let r = all.get_mut(kind as usize).ok_or(Errno::EINVAL)?;
        if give {
            return if r.overlaps(first, last) { Err(Errno::EEXIST) } else { r.insert(first, last) };
        }
        if r.contains(first, last) { r.remove(first, last) } else { Err(Errno::ENOENT) }
    }
}

impl<H: Hw> Host<H> {
    /// Makes a server of `d` for the device model in domain `emulator`; `buffering`: `HVM_IOREQSRV_BUFIOREQ_*`.
    ///
    /// # Errors
    /// `EINVAL` for a kind of buffering that there is not or a domain that ends or has more vCPUs than a page has requests, `ENOSPC`
    /// when the domain has all the servers that it can have, `ENOMEM`.
    pub(crate) fn create_server(
        &self,
        d: &Arc<Domain>,
        h: &HvmDomain,
        emulator: DomId,
        buffering: u32,
    ) -> Result<u16> {
        if buffering > HVM_IOREQSRV_BUFIOREQ_ATOMIC || d.vcpus.len() > MOST_VCPUS {
            return Err(Errno::EINVAL);
        }
        let mut servers = h.ioreq.servers.lock();
        if d.is_dying() {
            // Those that there were are gone, or will be when this is over.
            return Err(Errno::EINVAL);
        }
        let (id, slot) = (0u16..).zip(servers.iter_mut()).find(|(_, s)| s.is_none()).ok_or(Errno::ENOSPC)?;
        let buffered = buffering != HVM_IOREQSRV_BUFIOREQ_OFF;
        *slot = Some(self.make_server(d, id, emulator, buffered)?);
        Ok(id)
    }

    fn make_server(&self, d: &Arc<Domain>, id: u16, emulator: DomId, buffered: bool) -> Result<Arc<Server>> {
        let mut s = Server {
            id,
            emulator,
            page: self.shared_frame(d)?,
            buffer: None,
            ports: Vec::new(),
            buffer_port: 0,
            enabled: AtomicBool::new(false),
            buffer_turn: Lock::new(()),
            ranges: Lock::default(),
        };
        if let Err(e) = self.equip(d, &mut s, buffered) {
            self.strip(d, &s);
            return Err(e);
        }
        fx_types::try_arc(s)
    }

    fn shared_frame(&self, d: &Domain) -> Result<Mfn> {
        let mut pages = d.pages.lock();
        self.alloc_shared(d.id, &mut pages.shared)
    }

    fn equip(&self, d: &Domain, s: &mut Server, buffered: bool) -> Result {
        if buffered {
            s.buffer = Some(self.shared_frame(d)?);
        }
        s.ports.try_reserve_exact(d.vcpus.len()).map_err(|_| Errno::ENOMEM)?;
        let view = EventView::new(self, d);
        for v in &d.vcpus {
            let port = ev::alloc_own(&view, s.emulator, v.id)?;
            s.ports.push(port);
            self.hw.store32(s.request(v.id).add(PORT), port);
        }
        if buffered {
            s.buffer_port = ev::alloc_own(&view, s.emulator, 0)?;
        }
        Ok(())
    }

    /// Lets go what a server has.
    fn strip(&self, d: &Domain, s: &Server) {
        let view = EventView::new(self, d);
        for port in s.ports.iter().chain((s.buffer_port != 0).then_some(&s.buffer_port)) {
            let _ = ev::close_own(&view, *port);
        }
        for mfn in s.buffer.iter().chain([&s.page]) {
            self.give_up(d, *mfn);
        }
    }

    /// Unmakes a server. vCPUs that wait for it find that it is gone.
    ///
    /// # Errors
    /// `ENOENT`.
    pub(crate) fn destroy_server(&self, d: &Arc<Domain>, h: &HvmDomain, id: u16) -> Result {
        h.ioreq.get(id)?.enabled.store(false, Ordering::SeqCst);
        // No vCPU is in the middle of writing a request when the page goes.
        self.pause_domain(d, true);
        let found = {
            // Whoever takes it strips it before another can go on: the end of the domain waits here.
            let mut servers = h.ioreq.servers.lock();
            let taken = servers.get_mut(usize::from(id)).and_then(Option::take);
            taken.map(|s| self.strip(d, &s))
        };
        self.unpause_domain(d);
        for v in &d.vcpus {
            self.kick_runner(d, v);
        }
        found.ok_or(Errno::ENOENT)
    }

    /// Unmakes all servers of a dying domain, whose vCPUs stand still.
    pub(crate) fn release_servers(&self, d: &Domain) {
        let Some(h) = &d.hvm else { return };
        let mut servers = h.ioreq.servers.lock();
        servers.iter_mut().filter_map(Option::take).for_each(|s| self.strip(d, &s));
    }

    /// A frame of a server for `XENMEM_acquire_resource`: 0 is the buffer, from 1 on are requests.
    ///
    /// # Errors
    /// `ENOENT` for a server, `EINVAL` for a frame that there is not.
    pub(crate) fn server_frame(&self, h: &HvmDomain, id: u32, frame: u64) -> Result<Mfn> {
        let s = h.ioreq.get(u16::try_from(id).map_err(|_| Errno::ENOENT)?)?;
        match frame {
            0 => s.buffer.ok_or(Errno::EINVAL),
            1 => Ok(s.page),
            _ => Err(Errno::EINVAL),
        }
    }
}
