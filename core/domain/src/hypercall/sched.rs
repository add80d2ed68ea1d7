//! `sched_op`: giving the processor up, shutting down.

use core::sync::atomic::Ordering;

use alloc::sync::Arc;

use fx_events as ev;
use fx_types::{DomId, Errno, GuestVirtExt};
use xen_abi::sched as s;
use xen_abi::xen::VIRQ_DOM_EXC;

use super::event::EventView;
use super::{Answer, Args};
use crate::domain::{Domain, RUNNING};
use crate::host::{Host, RESCHED, VcpuRef};
use crate::hw::Hw;
use crate::time;
use crate::vcpu::RUN;

/// The most ports of one poll.
const MAX_PORTS: u32 = 128;

impl<H: Hw> Host<H> {
    /// `sched_op(command, argument)`.
    pub(crate) fn sched_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = *args;
        match command as u32 {
            s::SCHEDOP_YIELD => {
                if self.sched.yield_now(c.v.unit.load(Ordering::Acquire)) {
                    self.ask(self.hw.cpu(), RESCHED);
                }
            }
            s::SCHEDOP_BLOCK => self.block(c),
            s::SCHEDOP_SHUTDOWN => {
                let a: s::SchedShutdown = self.guest(c).read_val(arg)?;
                self.shut_down(&c.d, a.reason);
            }
            s::SCHEDOP_SHUTDOWN_CODE => {
                let a: s::SchedShutdown = self.guest(c).read_val(arg)?;
                c.d.shutdown_hint.store(a.reason, Ordering::Relaxed);
            }
            s::SCHEDOP_POLL => {
                let p: s::SchedPoll = self.guest(c).read_val(arg)?;
                return self.poll(c, &p);
            }
            s::SCHEDOP_REMOTE_SHUTDOWN => {
                let a: s::SchedRemoteShutdown = self.guest(c).read_val(arg)?;
                let d = self.domain(DomId(a.domain_id))?;
                self.may_control(c, &d)?;
                self.shut_down(&d, a.reason);
            }
            s::SCHEDOP_WATCHDOG => {
                let a: s::SchedWatchdog = self.guest(c).read_val(arg)?;
                return self.set_watchdog(c, a.id, a.timeout);
            }
            s::SCHEDOP_PIN_OVERRIDE => return if c.d.hardware { Ok(0) } else { Err(Errno::EPERM) },
            _ => return Err(Errno::ENOSYS),
        }
        Ok(0)
    }

    /// Stops a domain for good (or until the toolstack resumes it) and tells the toolstack.
    pub fn shut_down(&self, d: &Arc<Domain>, reason: u32) {
        let hint = d.shutdown_hint.load(Ordering::Relaxed);
        let code = if hint != RUNNING && reason != s::SHUTDOWN_CRASH { hint } else { reason } & 0xff;
        if d.shutdown_code.compare_exchange(RUNNING, code, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return;
        }
        if d.hardware {
            self.hardware_domain_stopped(code);
        }
        // One pause of the domain that only `resumedomain` takes back.
        self.pause_domain(d, false);
        self.send_global_virq(VIRQ_DOM_EXC);
    }

    /// Waits until one of the ports is pending or the time is over.
    fn poll(&self, c: &VcpuRef, p: &s::SchedPoll) -> Answer {
        if p.nr_ports > MAX_PORTS {
            return Err(Errno::EINVAL);
        }
        let mut only = 0;
        if p.nr_ports == 1 {
            only = self.guest(c).read_at::<u32>(p.ports.0, 0)?;
        }
        c.d.pollers.fetch_add(1, Ordering::SeqCst);
        self.wait_poll(c, only);
        let ready = self.any_pending(c, p);
        if !matches!(ready, Ok(false)) {
            self.unblock(&c.d, &c.v);
            return ready.map(|_| 0);
        }
        if p.timeout != 0 {
            self.arm(&(c.d.id.0, c.v.id, time::POLL), p.timeout);
        }
        if c.v.blocked.load(Ordering::SeqCst) != RUN {
            self.update_runnable(&c.d, &c.v);
        }
        Ok(0)
    }

    fn any_pending(&self, c: &VcpuRef, p: &s::SchedPoll) -> fx_types::Result<bool> {
        let view = EventView::new(self, &c.d);
        for i in 0..u64::from(p.nr_ports) {
            let port: u32 = self.guest(c).read_at(p.ports.0, i)?;
            if ev::is_pending(&view, port)? {
                return Ok(true);
            }
        }
        // An upcall that would be delivered ends the wait as well.
        Ok(fx_types::PhysMem::load32(&self.hw, c.v.info()) & 0xffff == 1)
    }

    /// `id` 0 asks for a new watchdog; a timeout of 0 stops one.
    fn set_watchdog(&self, c: &VcpuRef, id: u32, seconds: u32) -> Answer {
        let slot = match id {
            0 => c.d.watchdogs.iter().position(|w| w.load(Ordering::Acquire) == 0).ok_or(Errno::ENOSPC)?,
            n => (n as usize).wrapping_sub(1),
        };
        let w = c.d.watchdogs.get(slot).ok_or(Errno::EINVAL)?;
        if id == 0 && seconds == 0 {
            return Err(Errno::EINVAL);
        }
        let at = if seconds == 0 {
            0
        } else {
            self.hw.now().saturating_add(u64::from(seconds).saturating_mul(1_000_000_000))
        };
        w.store(at, Ordering::Release);
        self.arm(&(c.d.id.0, slot as u32, time::WATCHDOG), at);
        Ok(if id == 0 { (slot as i64).saturating_add(1) } else { 0 })
    }

    pub(crate) fn watchdog_expired(&self, d: &Arc<Domain>, slot: u32, now: u64) {
        let due = d.watchdogs.get(slot as usize).map_or(0, |w| w.load(Ordering::Acquire));
        if due != 0 && due <= now {
            self.shut_down(d, s::SHUTDOWN_WATCHDOG);
        }
    }
}
