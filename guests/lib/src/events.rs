//! Two-level event channels: the shared information page, the upcall, and counts of what arrived.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use xen_abi::event_channel::*;
use xen_abi::hypercall::HYPERVISOR_XEN_VERSION;
use xen_abi::vcpu::{VCPUOP_REGISTER_VCPU_INFO, VCPUOP_STOP_PERIODIC_TIMER, VcpuRegisterVcpuInfo};
use xen_abi::xen::{SharedInfo, VcpuInfo};

use crate::{boot, hypercall, mmu, percpu};

const PORTS: usize = 256;

static SHARED: AtomicU64 = AtomicU64::new(0);
/// Where each vCPU's part is.
static INFOS: [AtomicU64; percpu::MAX_VCPUS] = [const { AtomicU64::new(0) }; percpu::MAX_VCPUS];
static COUNTS: [AtomicU32; PORTS] = [const { AtomicU32::new(0) }; PORTS];
/// Which vCPU took the last event of a port.
static TAKERS: [AtomicU32; PORTS] = [const { AtomicU32::new(0) }; PORTS];

/// Maps the shared information page and stops the periodic timer that new domains have.
pub fn init() {
    let page = mmu::alloc_page();
    let result = mmu::map(page, boot::start_info().shared_info / mmu::PAGE, mmu::RW);
    if result != 0 {
        boot::die(format_args!("cannot map the shared information page: {result}"));
    }
    SHARED.store(page, Ordering::Relaxed);
    for (id, slot) in INFOS.iter().enumerate() {
        // SAFETY: the address stays inside of the shared page.
        let info = unsafe { (&raw const (*shared()).vcpu_info).cast::<VcpuInfo>().add(id) };
        slot.store(info as u64, Ordering::Relaxed);
    }
    // The console's and the store's events are not for the tests.
    for index in 0..64 {
        masked(index).store(!0, Ordering::Relaxed);
    }
    hypercall::vcpu(VCPUOP_STOP_PERIODIC_TIMER, 0, &mut 0u64);
}

/// The shared information page; it changes at any time, so read it through raw pointers or the functions below.
pub fn shared() -> *const SharedInfo {
    SHARED.load(Ordering::Relaxed) as *const SharedInfo
}

/// What a vCPU shares with Xen.
pub fn vcpu_info(id: usize) -> *const VcpuInfo {
    INFOS[id].load(Ordering::Relaxed) as *const VcpuInfo
}

/// Moves a vCPU's part into a page of the guest's own.
pub fn register_vcpu_info(id: usize, page: u64, offset: u32) -> i64 {
    let mut register = VcpuRegisterVcpuInfo { mfn: mmu::mfn(page), offset, rsvd: 0 };
    let result = hypercall::vcpu(VCPUOP_REGISTER_VCPU_INFO, id as u32, &mut register);
    if result == 0 {
        INFOS[id].store(page + u64::from(offset), Ordering::SeqCst);
    }
    result
}

fn byte(at: *const u8) -> &'static AtomicU8 {
    // SAFETY: the shared page is mapped for ever and its bytes are only used as atomics.
    unsafe { &*at.cast() }
}

fn word(at: *const u64) -> &'static AtomicU64 {
    // SAFETY: the shared page is mapped for ever and its words are only used as atomics.
    unsafe { &*at.cast() }
}

/// The pending flag of the calling vCPU.
pub fn pending_flag() -> &'static AtomicU8 {
    // SAFETY: only the address is taken.
    byte(unsafe { &raw const (*vcpu_info(percpu::id())).evtchn_upcall_pending })
}

/// The mask flag of the calling vCPU.
pub fn mask_flag() -> &'static AtomicU8 {
    // SAFETY: only the address is taken.
    byte(unsafe { &raw const (*vcpu_info(percpu::id())).evtchn_upcall_mask })
}

/// The selector word of the calling vCPU.
pub fn selector() -> &'static AtomicU64 {
    // SAFETY: only the address is taken.
    word(unsafe { &raw const (*vcpu_info(percpu::id())).evtchn_pending_sel })
}

/// A word of the pending bits.
pub fn pending(index: usize) -> &'static AtomicU64 {
    // SAFETY: only the address is taken; the index is below 64.
    word(unsafe { (&raw const (*shared()).evtchn_pending).cast::<u64>().add(index % 64) })
}

/// A word of the mask bits.
pub fn masked(index: usize) -> &'static AtomicU64 {
    // SAFETY: only the address is taken; the index is below 64.
    word(unsafe { (&raw const (*shared()).evtchn_mask).cast::<u64>().add(index % 64) })
}

/// The address of the last page fault of the calling vCPU.
pub fn cr2() -> u64 {
    // SAFETY: only the address is taken.
    word(unsafe { &raw const (*vcpu_info(percpu::id())).arch.cr2 }).load(Ordering::Relaxed)
}

/// Lets upcalls through, and takes those that wait.
pub fn enable() {
    mask_flag().store(0, Ordering::SeqCst);
    if pending_flag().load(Ordering::SeqCst) != 0 {
        // Every return from a hypercall looks for events.
        hypercall::numbers(HYPERVISOR_XEN_VERSION, [0; 5]);
    }
}

/// Keeps upcalls away.
pub fn disable() {
    mask_flag().store(1, Ordering::SeqCst);
}

/// The upcall: counts every pending port that is not masked.
pub fn upcall() {
    percpu::this().upcalls.fetch_add(1, Ordering::Relaxed);
    pending_flag().store(0, Ordering::SeqCst);
    let mut words = selector().swap(0, Ordering::SeqCst);
    while words != 0 {
        let index = words.trailing_zeros() as usize;
        words &= words - 1;
        let mut bits = pending(index).load(Ordering::SeqCst) & !masked(index).load(Ordering::SeqCst);
        pending(index).fetch_and(!bits, Ordering::SeqCst);
        while bits != 0 {
            let port = index * 64 + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            COUNTS[port % PORTS].fetch_add(1, Ordering::SeqCst);
            TAKERS[port % PORTS].store(percpu::id() as u32, Ordering::SeqCst);
        }
    }
}

/// How often a port's event arrived.
pub fn count(port: u32) -> u32 {
    COUNTS[port as usize % PORTS].load(Ordering::SeqCst)
}

/// Which vCPU took the last event of a port.
pub fn taker(port: u32) -> u32 {
    TAKERS[port as usize % PORTS].load(Ordering::SeqCst)
}

/// Number of upcalls of the calling vCPU so far.
pub fn upcalls() -> u64 {
    percpu::this().upcalls.load(Ordering::Relaxed)
}

/// Whether a port is pending.
pub fn is_pending(port: u32) -> bool {
    pending(port as usize / 64).load(Ordering::SeqCst) >> (port % 64) & 1 != 0
}

/// Masks a port.
pub fn mask(port: u32) {
    masked(port as usize / 64).fetch_or(1 << (port % 64), Ordering::SeqCst);
}

/// Unmasks a port without looking whether it is pending.
pub fn unmask(port: u32) {
    masked(port as usize / 64).fetch_and(!(1 << (port % 64)), Ordering::SeqCst);
}

/// Unmasks a port by the hypercall, which delivers a pending event.
pub fn unmask_by_call(port: u32) -> i64 {
    hypercall::event_channel(EVTCHNOP_UNMASK, &mut EvtchnUnmask { port })
}

/// Binds an inter-vCPU interrupt and unmasks it.
pub fn bind_ipi(vcpu: u32) -> Result<u32, i64> {
    let mut bind = EvtchnBindIpi { vcpu, ..EvtchnBindIpi::default() };
    check(hypercall::event_channel(EVTCHNOP_BIND_IPI, &mut bind))?;
    unmask(bind.port);
    Ok(bind.port)
}

/// Binds a virtual interrupt and unmasks it.
pub fn bind_virq(virq: u32, vcpu: u32) -> Result<u32, i64> {
    let mut bind = EvtchnBindVirq { virq, vcpu, ..EvtchnBindVirq::default() };
    check(hypercall::event_channel(EVTCHNOP_BIND_VIRQ, &mut bind))?;
    unmask(bind.port);
    Ok(bind.port)
}

/// Allocates a port that a domain may bind to.
pub fn alloc_unbound(dom: u16, remote_dom: u16) -> Result<u32, i64> {
    let mut alloc = EvtchnAllocUnbound { dom, remote_dom, ..EvtchnAllocUnbound::default() };
    check(hypercall::event_channel(EVTCHNOP_ALLOC_UNBOUND, &mut alloc))?;
    Ok(alloc.port)
}

/// Binds to another domain's unbound port.
pub fn bind_interdomain(remote_dom: u16, remote_port: u32) -> Result<u32, i64> {
    let mut bind = EvtchnBindInterdomain { remote_dom, remote_port, ..EvtchnBindInterdomain::default() };
    check(hypercall::event_channel(EVTCHNOP_BIND_INTERDOMAIN, &mut bind))?;
    Ok(bind.local_port)
}

/// Closes a port.
pub fn close(port: u32) -> i64 {
    hypercall::event_channel(EVTCHNOP_CLOSE, &mut EvtchnClose { port })
}

/// The state of a port of this domain.
pub fn status(port: u32) -> Result<EvtchnStatus, i64> {
    let mut status = EvtchnStatus { dom: xen_abi::xen::DOMID_SELF, port, ..EvtchnStatus::default() };
    check(hypercall::event_channel(EVTCHNOP_STATUS, &mut status))?;
    Ok(status)
}

/// This domain's number, which Xen writes into the state of a port for `DOMID_SELF`.
pub fn own_domid() -> Result<u16, i64> {
    let port = alloc_unbound(xen_abi::xen::DOMID_SELF, xen_abi::xen::DOMID_SELF)?;
    let status = status(port);
    close(port);
    Ok(status?.remote_dom())
}

fn check(result: i64) -> Result<(), i64> {
    if result == 0 { Ok(()) } else { Err(result) }
}
