//! Setting the FIFO ABI up and taking it down: control blocks, event array, priorities.

use core::sync::atomic::Ordering::{Acquire, Release};

use fx_sync::LockGuard;
use fx_types::{Errno, Maddr, Mfn, PAGE_SIZE, Result};
use xen_abi::event_channel::{EVTCHN_FIFO_PRIORITY_MIN, EvtchnFifoControlBlock};

use crate::deliver::raise_if;
use crate::table::{Ports, WORDS_PER_PAGE, has_vcpu};
use crate::{EventHost, two_level};

/// `EVTCHNOP_init_control`: the control block of `vcpu` is at byte `offset` of `mfn`, to which the caller passes a
/// reference on. The first one switches the domain to the FIFO ABI; what is pending then is raised again as soon as the
/// port's event word exists. The caller answers `EVTCHN_FIFO_LINK_BITS`.
///
/// # Errors
/// `ENOENT`: no such vCPU. `EINVAL`: a block that is misaligned or leaves the frame, or the vCPU has one. The reference
/// stays the caller's then.
pub fn init_control<H: EventHost>(host: &H, vcpu: u32, mfn: Mfn, offset: u32) -> Result {
    if !has_vcpu(host, vcpu) {
        return Err(Errno::ENOENT);
    }
    let last = PAGE_SIZE.saturating_sub(size_of::<EvtchnFifoControlBlock>() as u64);
    if u64::from(offset) > last || !offset.is_multiple_of(8) {
        return Err(Errno::EINVAL);
    }
    let t = host.events();
    let ports = t.ports.lock();
    let v = t.vcpu(vcpu).ok_or(Errno::ENOENT)?;
    if ports.dying || v.control().is_some() {
        return Err(Errno::EINVAL);
    }
    v.control.store(mfn.at(u64::from(offset)).0, Release);
    if !t.is_fifo() {
        switch_to_fifo(host, &ports);
    }
    Ok(())
}

/// Switches, then takes the pending bits over: a sender that still used the 2-level ABI held the channel's lock, so its
/// bit is there when that lock is free.
fn switch_to_fifo<H: EventHost>(host: &H, ports: &LockGuard<'_, Ports>) {
    let t = host.events();
    t.set_fifo(ports, true);
    for port in 1.. {
        let Some(ch) = t.channel(port) else { break };
        let mut held = ch.lock.lock();
        held.early = ch.packed().is_usable() && two_level::is_pending(host, port);
    }
}

/// `EVTCHNOP_expand_array`: `mfn`, to which the caller passes a reference on, holds the next 1024 event words. Ports that
/// were raised before they had one are raised again.
///
/// # Errors
/// `EOPNOTSUPP` under the 2-level ABI, `ENOSPC` when the array is complete. The reference stays the caller's then.
pub fn expand_array<H: EventHost>(host: &H, mfn: Mfn) -> Result {
    let t = host.events();
    let ports = t.ports.lock();
    if !t.is_fifo() || ports.dying {
        return Err(Errno::EOPNOTSUPP);
    }
    let free = t.pages.iter().zip(0u32..).find(|(page, _)| page.load(Acquire) == 0);
    let (page, index) = free.ok_or(Errno::ENOSPC)?;
    page.store(mfn.addr().0, Release);
    drop(ports);
    let first = index.saturating_mul(WORDS_PER_PAGE);
    for port in first..first.saturating_add(WORDS_PER_PAGE) {
        let Some(ch) = t.channel(port) else { break };
        let early = core::mem::take(&mut ch.lock.lock().early);
        let b = ch.packed();
        if early && b.is_usable() {
            raise_if(host, port, ch, b);
        }
    }
    Ok(())
}

/// `EVTCHNOP_set_priority`: the priority of `port` from the next time on that it is queued.
///
/// # Errors
/// `EINVAL`: no such port, or priority. `ENOSYS` under the 2-level ABI.
pub fn set_priority<H: EventHost>(host: &H, port: u32, priority: u32) -> Result {
    let t = host.events();
    let ch = t.valid(port)?;
    if !t.is_fifo() {
        return Err(Errno::ENOSYS);
    }
    if priority > EVTCHN_FIFO_PRIORITY_MIN {
        return Err(Errno::EINVAL);
    }
    ch.lock.lock().priority = priority as u8;
    Ok(())
}

/// Back to the 2-level ABI, giving the guest's pages back. No port is bound, and the table is locked, so nobody delivers.
pub(crate) fn take_down<H: EventHost>(host: &H, ports: &LockGuard<'_, Ports>) {
    let t = host.events();
    if !t.is_fifo() {
        return;
    }
    t.set_fifo(ports, false);
    for v in &t.vcpus {
        if let Some(control) = v.control() {
            v.control.store(0, Release);
            host.release_page(control.mfn());
        }
        for tail in &v.tails {
            *tail.lock() = 0;
        }
    }
    for page in &t.pages {
        let addr = page.swap(0, Release);
        if addr != 0 {
            host.release_page(Maddr(addr).mfn());
        }
    }
}
