//! Allocating ports and binding them.

use core::sync::atomic::Ordering::{Acquire, Release};

use fx_types::{DomId, Errno, Result};
use xen_abi::xen::NR_VIRQS;

use crate::binding::{Binding, Packed};
use crate::deliver::raise_if;
use crate::table::{has_vcpu, lock_both};
use crate::{EventHost, is_global};

/// Allocates a port and binds it: the whole of what the simple bindings need.
fn allocate_as<H: EventHost>(host: &H, b: Binding, vcpu: u32) -> Result<u32> {
    let t = host.events();
    let mut ports = t.ports.lock();
    let (port, ch) = t.allocate(host, &mut ports)?;
    ch.bind(b, vcpu);
    Ok(port)
}

/// `EVTCHNOP_alloc_unbound`: a new port of `host` that `remote` may bind to.
///
/// # Errors
/// `ENOSPC` when the domain has no port left, `ENOMEM`, `EINVAL` when it is being destroyed.
pub fn alloc_unbound<H: EventHost>(host: &H, remote: DomId) -> Result<u32> {
    allocate_as(host, Binding::Unbound { remote }, 0)
}

/// A new port of `host` that `remote` may bind to and whose events go to the hypervisor, for `vcpu`
/// ([`EventHost::consume`]). The domain itself can neither use nor close it.
///
/// # Errors
/// Those of [`alloc_unbound`].
pub fn alloc_own<H: EventHost>(host: &H, remote: DomId, vcpu: u32) -> Result<u32> {
    let t = host.events();
    let mut ports = t.ports.lock();
    let (port, ch) = t.allocate(host, &mut ports)?;
    ch.bind_for(Binding::Unbound { remote }, vcpu, true);
    ports.own = ports.own.saturating_add(1);
    Ok(port)
}

/// `EVTCHNOP_bind_interdomain`: connects a new port of `local` to `remote_port` of `remote`, which waits for it; both may
/// be one domain. The new port is pending from the start, for the peer may have sent already.
///
/// # Errors
/// `EINVAL` when the remote port does not wait for `local`; those of [`alloc_unbound`].
pub fn bind_interdomain<H: EventHost>(local: &H, remote: &H, remote_port: u32) -> Result<u32> {
    let mut both = lock_both(local, remote);
    let there = remote.events().valid(remote_port)?;
    if there.binding() != (Binding::Unbound { remote: local.id() }) {
        return Err(Errno::EINVAL);
    }
    let (port, here) = local.events().allocate(local, &mut both.local)?;
    let b = Binding::Interdomain { remote: remote.id(), port: remote_port };
    here.bind(b, 0);
    there.rebind(Binding::Interdomain { remote: local.id(), port });
    drop(both);
    raise_if(local, port, here, Packed::from(b));
    Ok(port)
}

/// `EVTCHNOP_bind_virq`: a new port that `virq` raises, on `vcpu` (0 for a global one).
///
/// # Errors
/// `EINVAL`: no such virtual IRQ, or a global one elsewhere than on vCPU 0. `ENOENT`: no such vCPU. `EEXIST`: it is bound.
/// Those of [`alloc_unbound`].
pub fn bind_virq<H: EventHost>(host: &H, virq: u32, vcpu: u32) -> Result<u32> {
    if virq >= NR_VIRQS || is_global(virq) && vcpu != 0 {
        return Err(Errno::EINVAL);
    }
    if !has_vcpu(host, vcpu) {
        return Err(Errno::ENOENT);
    }
    let t = host.events();
    let mut ports = t.ports.lock();
    let slot = t.vcpu(vcpu).and_then(|v| v.virqs.get(virq as usize)).ok_or(Errno::ENOENT)?;
    if slot.load(Acquire) != 0 {
        return Err(Errno::EEXIST);
    }
    let (port, ch) = t.allocate(host, &mut ports)?;
    ch.bind(Binding::Virq { virq, vcpu }, vcpu);
    slot.store(port, Release);
    Ok(port)
}

/// `EVTCHNOP_bind_ipi`: a new port that the domain itself raises, for ever on `vcpu`.
///
/// # Errors
/// `ENOENT`: no such vCPU. Those of [`alloc_unbound`].
pub fn bind_ipi<H: EventHost>(host: &H, vcpu: u32) -> Result<u32> {
    if !has_vcpu(host, vcpu) {
        return Err(Errno::ENOENT);
    }
    allocate_as(host, Binding::Ipi, vcpu)
}

/// `EVTCHNOP_bind_pirq`: a new port that the physical IRQ `pirq` raises, on vCPU 0. `share`: the line may be shared
/// (`BIND_PIRQ_WILL_SHARE`).
///
/// # Errors
/// Those of [`EventHost::pirq_bind`] and of [`alloc_unbound`].
pub fn bind_pirq<H: EventHost>(host: &H, pirq: u32, share: bool) -> Result<u32> {
    let t = host.events();
    let mut ports = t.ports.lock();
    let (port, ch) = t.allocate(host, &mut ports)?;
    ch.bind(Binding::Pirq { pirq }, 0);
    if let Err(e) = host.pirq_bind(pirq, share, port) {
        t.free(host, &mut ports, port, ch);
        return Err(e);
    }
    Ok(port)
}

/// `EVTCHNOP_bind_vcpu`: `port` notifies `vcpu` from now on. What is pending is not notified again.
///
/// # Errors
/// `ENOENT`: no such vCPU. `EINVAL`: no such port, or one whose vCPU is fixed (IPIs, per-vCPU virtual IRQs).
pub fn bind_vcpu<H: EventHost>(host: &H, port: u32, vcpu: u32) -> Result {
    if !has_vcpu(host, vcpu) {
        return Err(Errno::ENOENT);
    }
    let ch = host.events().valid(port)?;
    let held = ch.lock.lock();
    let b = ch.binding();
    match b {
        _ if ch.is_own() => return Err(Errno::EINVAL),
        Binding::Virq { virq, .. } if is_global(virq) => {}
        Binding::Unbound { .. } | Binding::Interdomain { .. } | Binding::Pirq { .. } => {}
        _ => return Err(Errno::EINVAL),
    }
    let moved = ch.vcpu() != vcpu;
    ch.set_vcpu(&held, vcpu);
    drop(held);
    match b {
        Binding::Pirq { pirq } if moved => host.pirq_moved(pirq, vcpu),
        _ => {}
    }
    Ok(())
}
