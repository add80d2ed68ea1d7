//! Closing ports: one, or all of a domain's.

use core::sync::atomic::Ordering::Release;

use fx_types::{Errno, Result};

use crate::binding::{Binding, Packed};
use crate::channel::Channel;
use crate::table::lock_both;
use crate::{EventHost, fifo_setup};

/// How often closing starts anew because the peer changed the connection meanwhile. It can do so once or twice only,
/// short of a race that somebody stages.
const TRIES: u32 = 64;

/// `EVTCHNOP_close`: frees `port`; the other end of a connection becomes unbound and waits for this domain.
///
/// # Errors
/// `EINVAL` when the port does not exist, is not in use, or is reserved. `EAGAIN` when the peer keeps changing the
/// connection.
pub fn close<H: EventHost>(host: &H, port: u32) -> Result {
    if host.events().valid(port)?.is_own() {
        return Err(Errno::EINVAL);
    }
    close_any(host, port)
}

/// Closes a port of the hypervisor's own.
///
/// # Errors
/// As [`close`].
pub fn close_own<H: EventHost>(host: &H, port: u32) -> Result {
    close_any(host, port)
}

fn close_any<H: EventHost>(host: &H, port: u32) -> Result {
    let ch = host.events().valid(port)?;
    for _ in 0..TRIES {
        let seen = ch.packed();
        if !seen.is_usable() {
            return Err(Errno::EINVAL);
        }
        let done = match seen.unpack() {
            Binding::Interdomain { remote, port: there } => host.with_domain(remote, |peer| match peer {
                Some(peer) => close_connection(host, port, ch, seen, (peer, there)),
                None => close_here(host, port, ch, seen),
            }),
            _ => close_here(host, port, ch, seen),
        };
        if done {
            return Ok(());
        }
    }
    Err(Errno::EAGAIN)
}

/// Closes a connection if it is still the one that was `seen`. No channel becomes free before its peer is unbound.
fn close_connection<H: EventHost>(host: &H, port: u32, ch: &Channel, seen: Packed, to: (&H, u32)) -> bool {
    let (peer, there) = to;
    let mut both = lock_both(host, peer);
    if ch.packed() != seen {
        return false;
    }
    if let Some(other) = peer.events().channel(there)
        && other.packed() == Packed::interdomain(host.id(), port)
    {
        other.rebind(Binding::Unbound { remote: host.id() });
    }
    host.events().free(host, &mut both.local, port, ch);
    true
}

/// Closes a port that has no peer if it is still bound as `seen`.
fn close_here<H: EventHost>(host: &H, port: u32, ch: &Channel, seen: Packed) -> bool {
    let t = host.events();
    let mut ports = t.ports.lock();
    if ch.packed() != seen {
        return false;
    }
    match seen.unpack() {
        Binding::Pirq { pirq } => host.pirq_unbind(pirq, port),
        Binding::Virq { virq, vcpu } => {
            if let Some(slot) = t.vcpu(vcpu).and_then(|v| v.virqs.get(virq as usize)) {
                slot.store(0, Release);
            }
        }
        _ => {}
    }
    t.free(host, &mut ports, port, ch);
    true
}

/// Closes up to `budget` ports from `cursor` on, moving it; whether all are done. Ports not in use cost an eighth.
fn close_some<H: EventHost>(
    host: &H,
    cursor: &mut u32,
    budget: u32,
    close: impl Fn(&H, u32) -> Result,
) -> bool {
    let mut left = budget.max(1).saturating_mul(8);
    while left > 0 {
        let Some(ch) = host.events().channel(*cursor) else { return true };
        let used = ch.packed().is_usable();
        if used && close(host, *cursor) == Err(Errno::EAGAIN) {
            return false;
        }
        left = left.saturating_sub(if used { 8 } else { 1 });
        *cursor = cursor.saturating_add(1);
    }
    false
}

/// `EVTCHNOP_reset`: closes all ports and goes back to the 2-level ABI. Preemptible: with `Ok(false)`, after about
/// `budget` closed ports, the caller calls again with the same `cursor`, which starts at 0. The caller has checked that the
/// domain is the current one or is paused.
///
/// # Errors
/// `EAGAIN` when ports were bound meanwhile.
pub fn reset<H: EventHost>(host: &H, cursor: &mut u32, budget: u32) -> Result<bool> {
    if !close_some(host, cursor, budget, close) {
        return Ok(false);
    }
    let ports = host.events().ports.lock();
    if ports.active != ports.own {
        return Err(Errno::EAGAIN);
    }
    fifo_setup::take_down(host, &ports);
    Ok(true)
}

/// The end of a domain: no port is allocated from now on, all are closed and the guest's pages given back. Preemptible:
/// while it says false, after about `budget` closed ports, the caller calls again with the same `cursor`, which starts at 0.
pub fn destroy<H: EventHost>(host: &H, cursor: &mut u32, budget: u32) -> bool {
    host.events().ports.lock().dying = true;
    close_some(host, cursor, budget, close_any) && {
        fifo_setup::take_down(host, &host.events().ports.lock());
        true
    }
}
