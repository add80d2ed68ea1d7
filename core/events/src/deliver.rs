//! Sending and delivery: the hot paths.

use core::mem::offset_of;
use core::sync::atomic::Ordering::Acquire;

use fx_types::{Errno, Maddr, PhysMem, Result};
use xen_abi::xen::VcpuInfo;

use crate::binding::{self, Packed};
use crate::channel::Channel;
use crate::{EventHost, fifo, is_global, two_level};

/// What making a port pending calls for once the locks are dropped.
#[derive(Clone, Copy)]
pub(crate) struct Raised {
    /// The port was not pending before: wake pollers.
    pub fresh: bool,
    /// The vCPU's upcall was not pending before: kick it.
    pub kick: bool,
}

impl Raised {
    pub const NOTHING: Self = Self { fresh: false, kick: false };

    #[inline]
    fn announce<H: EventHost>(self, host: &H, port: u32, vcpu: u32) {
        if self.kick {
            host.kick(vcpu);
        }
        if self.fresh {
            host.poll_wake(port);
        }
    }
}

/// Makes the upcall of the vCPU with the `vcpu_info` at `info` pending; whether it was not so.
///
/// A mask of the upcall makes no difference: a guest's kernel clears it with a plain store and then looks whether an upcall is
/// pending. The processor may look first, while the store is not visible here yet, and then nobody would tell the guest.
#[inline]
pub(crate) fn upcall_raised<H: EventHost>(host: &H, info: Maddr) -> bool {
    host.mem().swap8(info.add(offset_of!(VcpuInfo, evtchn_upcall_pending) as u64), 1) == 0
}

/// Makes the upcall of `vcpu` pending, and kicks the vCPU if it was not so.
pub fn upcall<H: EventHost>(host: &H, vcpu: u32) {
    if host.vcpu_info(vcpu).is_some_and(|info| upcall_raised(host, info)) {
        host.kick(vcpu);
    }
}

/// After `vcpu` got a `vcpu_info` at a new place (`VCPUOP_register_vcpu_info`): everything may be pending, so that nothing
/// is lost that was raised in between.
pub fn vcpu_info_moved<H: EventHost>(host: &H, vcpu: u32) {
    if let Some(info) = host.vcpu_info(vcpu) {
        two_level::select_all(host, info);
        upcall(host, vcpu);
    }
}

/// Makes `port` pending if it is (still) bound as `expected`: the lock makes the check and the delivery one step.
#[inline]
pub(crate) fn raise_if<H: EventHost>(host: &H, port: u32, ch: &Channel, expected: Packed) {
    let mut held = ch.lock.lock();
    if ch.packed() != expected {
        return;
    }
    let vcpu = ch.vcpu();
    if ch.is_own() {
        drop(held);
        return host.consume(port, vcpu);
    }
    let raised = if host.events().is_fifo() {
        fifo::set_pending(host, port, vcpu, &mut held)
    } else {
        two_level::set_pending(host, port, vcpu)
    };
    drop(held);
    raised.announce(host, port, vcpu);
}

/// `EVTCHNOP_send`: notifies the other end of `port`. An unbound port has none, and the event is dropped.
///
/// # Errors
/// `EINVAL` when the port does not exist or is none that its owner can raise.
#[inline]
pub fn send<H: EventHost>(host: &H, port: u32) -> Result {
    let ch = host.events().valid(port)?;
    if ch.is_own() {
        return Err(Errno::EINVAL);
    }
    send_from(host, port, ch)
}

/// Notifies the other end of a port of the hypervisor's own.
pub fn notify_own<H: EventHost>(host: &H, port: u32) {
    if let Ok(ch) = host.events().valid(port) {
        let _ = send_from(host, port, ch);
    }
}

#[inline]
fn send_from<H: EventHost>(host: &H, port: u32, ch: &Channel) -> Result {
    let b = ch.packed();
    match b.kind() {
        binding::INTERDOMAIN => {
            let (there, back) = (b.number(), Packed::interdomain(host.id(), port));
            host.with_domain(b.dom(), |peer| {
                let Some(peer) = peer else { return };
                if let Some(ch) = peer.events().channel(there) {
                    raise_if(peer, there, ch, back);
                }
            });
        }
        binding::IPI => raise_if(host, port, ch, b),
        binding::UNBOUND => {}
        _ => return Err(Errno::EINVAL),
    }
    Ok(())
}

/// Raises `virq`: a per-vCPU one on `vcpu`, a global one wherever it is bound. Nothing happens when it is not bound.
#[inline]
pub fn send_virq<H: EventHost>(host: &H, vcpu: u32, virq: u32) {
    let t = host.events();
    let vcpu = if is_global(virq) { 0 } else { vcpu };
    let Some(port) = t.vcpu(vcpu).and_then(|v| v.virqs.get(virq as usize)).map(|p| p.load(Acquire)) else {
        return;
    };
    if port == 0 {
        return;
    }
    if let Some(ch) = t.channel(port) {
        raise_if(host, port, ch, Packed::virq(virq, vcpu));
    }
}

/// Raises `port` if `pirq` is bound to it.
#[inline]
pub fn send_pirq<H: EventHost>(host: &H, port: u32, pirq: u32) {
    if let Some(ch) = host.events().channel(port) {
        raise_if(host, port, ch, Packed::pirq(pirq));
    }
}

/// `EVTCHNOP_unmask`: unmasks `port`, and raises it if it is pending.
///
/// # Errors
/// `EINVAL` when the port does not exist.
pub fn unmask<H: EventHost>(host: &H, port: u32) -> Result {
    let ch = host.events().valid(port)?;
    let mut held = ch.lock.lock();
    if !ch.packed().is_usable() || ch.is_own() {
        return Ok(());
    }
    let vcpu = ch.vcpu();
    let raised = if host.events().is_fifo() {
        fifo::unmask(host, port, vcpu, &mut held)
    } else {
        two_level::unmask(host, port, vcpu)
    };
    drop(held);
    raised.announce(host, port, vcpu);
    Ok(())
}
