//! Looking at ports: the toolstack's status, polling, the debug key.

use core::sync::atomic::Ordering::Acquire;

use fx_types::{DomId, Maddr, Mfn, Result};
use xen_abi::event_channel::{
    EVTCHNSTAT_CLOSED, EVTCHNSTAT_INTERDOMAIN, EVTCHNSTAT_IPI, EVTCHNSTAT_PIRQ, EVTCHNSTAT_UNBOUND,
    EVTCHNSTAT_VIRQ, EvtchnStatus,
};

use crate::binding::Binding;
use crate::channel::{Channel, Queueing};
use crate::{EventHost, fifo, two_level};

/// What `EVTCHNOP_status` tells of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortStatus {
    /// What the port is bound to.
    pub binding: Binding,
    /// The vCPU that it notifies.
    pub vcpu: u32,
}

impl PortStatus {
    /// Writes the out fields of the hypercall's argument; `dom` and `port` stay.
    pub fn store(&self, out: &mut EvtchnStatus) {
        out.vcpu = self.vcpu;
        out.status = match self.binding {
            Binding::Free | Binding::Reserved => EVTCHNSTAT_CLOSED,
            Binding::Unbound { remote: DomId(dom) } => {
                out.set_unbound(dom);
                EVTCHNSTAT_UNBOUND
            }
            Binding::Interdomain { remote: DomId(dom), port } => {
                out.set_interdomain(dom, port);
                EVTCHNSTAT_INTERDOMAIN
            }
            Binding::Pirq { pirq } => {
                out.set_irq(pirq);
                EVTCHNSTAT_PIRQ
            }
            Binding::Virq { virq, .. } => {
                out.set_irq(virq);
                EVTCHNSTAT_VIRQ
            }
            Binding::Ipi => EVTCHNSTAT_IPI,
        };
    }
}

/// `EVTCHNOP_status` of a port of `host`.
///
/// # Errors
/// `EINVAL` when the port does not exist.
pub fn status<H: EventHost>(host: &H, port: u32) -> Result<PortStatus> {
    let ch = host.events().valid(port)?;
    let _held = ch.lock.lock();
    Ok(PortStatus { binding: ch.binding(), vcpu: ch.vcpu() })
}

/// Whether an event is pending on `port`, masked or not; false for one that is not in use.
///
/// # Errors
/// `EINVAL` when the port does not exist.
pub fn is_pending<H: EventHost>(host: &H, port: u32) -> Result<bool> {
    let ch = host.events().valid(port)?;
    let held = ch.lock.lock();
    Ok(ch.packed().is_usable() && pending(host, port, &held))
}

/// Whether the guest masks `port`; true for one that is not in use.
///
/// # Errors
/// `EINVAL` when the port does not exist.
pub fn is_masked<H: EventHost>(host: &H, port: u32) -> Result<bool> {
    let ch = host.events().valid(port)?;
    let _held = ch.lock.lock();
    Ok(!ch.packed().is_usable() || masked(host, port))
}

fn pending<H: EventHost>(host: &H, port: u32, held: &Queueing) -> bool {
    if host.events().is_fifo() {
        fifo::is_pending(host, port, held)
    } else {
        two_level::is_pending(host, port)
    }
}

fn masked<H: EventHost>(host: &H, port: u32) -> bool {
    if host.events().is_fifo() { fifo::is_masked(host, port) } else { two_level::is_masked(host, port) }
}

impl crate::EventChannels {
    /// The guest's pages that the FIFO ABI uses, one for each reference that is held: control blocks, then the event array.
    pub fn guest_pages(&self) -> impl Iterator<Item = Mfn> + '_ {
        let control = self.vcpus.iter().filter_map(|v| v.control().map(Maddr::mfn));
        let array = self.pages.iter().map(|page| page.load(Acquire)).take_while(|at| *at != 0);
        control.chain(array.map(|at| Maddr(at).mfn()))
    }
}

/// A port in use, as the debug key `e` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// The port.
    pub port: u32,
    /// What it is bound to, and whom it notifies.
    pub status: PortStatus,
    /// An event is pending.
    pub pending: bool,
    /// The guest masks it.
    pub masked: bool,
    /// FIFO: it is on a queue.
    pub queued: bool,
    /// FIFO: its priority, 0 being the highest.
    pub priority: u8,
}

/// The ports in use, in ascending order, each as it is when the iterator comes to it.
pub fn ports<H: EventHost>(host: &H) -> impl Iterator<Item = PortInfo> + '_ {
    (0u32..).map_while(|port| host.events().channel(port).map(|ch| info(host, port, ch))).flatten()
}

fn info<H: EventHost>(host: &H, port: u32, ch: &Channel) -> Option<PortInfo> {
    let held = ch.lock.lock();
    ch.packed().is_usable().then(|| PortInfo {
        port,
        status: PortStatus { binding: ch.binding(), vcpu: ch.vcpu() },
        pending: pending(host, port, &held),
        masked: masked(host, port),
        queued: host.events().is_fifo() && fifo::is_queued(host, port),
        priority: held.priority,
    })
}
