//! Guests' time: the clock page of each vCPU, the wall clock, run-state accounting, timers.

use core::sync::atomic::Ordering;

use fx_types::{DomId, GuestVirtExt, Maddr, PhysMemExt};
use xen_abi::trace::TRC_SCHED_RUNSTATE_CHANGE;
use xen_abi::xen::{VIRQ_TIMER, VcpuTimeInfo, XEN_PVCLOCK_TSC_STABLE_BIT};

use crate::domain::Domain;
use crate::host::{Host, TimerKey, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::{Vcpu, WAIT_POLL};

/// Offset of `time` in `vcpu_info`.
const TIME: u64 = 32;
/// Offsets of the wall clock in the shared information page, and of its upper half of seconds.
const WALLCLOCK: [u64; 2] = [0xc00, 0xc0c];
/// The same in the layout of 32-bit guests.
const NARROW_WALLCLOCK: [u64; 2] = [0x900, 0x924];
/// Offset of the multiplier in `vcpu_time_info`.
const SCALE: u64 = core::mem::offset_of!(VcpuTimeInfo, tsc_to_system_mul) as u64;
/// Timer kind: a PV vCPU's single-shot one.
const SINGLE: u8 = 0;
/// Timer kind: its periodic one.
const PERIODIC: u8 = 1;
/// Timer kind: end of a poll.
pub const POLL: u8 = 2;
/// Timer kind: a watchdog of a domain; the key names its slot instead of a vCPU.
pub const WATCHDOG: u8 = 3;
/// Timer kind: a virtual APIC's.
pub const APIC: u8 = 4;
/// Timer kind: the devices of an HVM domain's platform; of vCPU 0.
pub const PLATFORM: u8 = 5;
/// Timer kind: a vCPU's synthetic ones of Hyper-V's interface.
pub const SYNTHETIC: u8 = 6;

/// Where 32-bit guests, which align 64-bit words to 4 bytes, have the time since when in their run state.
const NARROW_SINCE: u64 = 4;

/// A run state as 32-bit guests have it: the state, since when, the times.
pub(crate) fn narrow_runstate(r: &crate::vcpu::RunState, since: u64) -> [u32; 11] {
    let mut words = [0; 11];
    let halves = [since].into_iter().chain(r.time).flat_map(|w| [w as u32, (w >> 32) as u32]);
    for (to, from) in words.iter_mut().zip([r.state].into_iter().chain(halves)) {
        *to = from;
    }
    words
}

impl<H: Hw> Host<H> {
    /// Brings a vCPU's clock page up to date.
    pub fn update_time(&self, c: &VcpuRef) {
        let scale = self.domain_scale(&c.d);
        let tsc = self.hw.tsc();
        let at = c.v.info().add(TIME);
        let version = self.hw.load32(at);
        let info = VcpuTimeInfo {
            version: version | 1,
            // The guest's counter need not be the machine's.
            tsc_timestamp: self.vcpu_tsc_at(&c.d, &c.v, tsc),
            system_time: self.hw.tsc_scale().at(tsc),
            tsc_to_system_mul: scale.mul,
            tsc_shift: scale.shift,
            flags: XEN_PVCLOCK_TSC_STABLE_BIT,
            ..VcpuTimeInfo::default()
        };
        // System time follows from the counter by one fixed line since boot, so what was written once stays true.
        let now: VcpuTimeInfo = self.hw.get(at);
        if now.tsc_to_system_mul == info.tsc_to_system_mul && now.flags == info.flags {
            return;
        }
        self.hw.store32(at, version | 1);
        self.hw.put(at, &info);
        self.hw.store32(at, (version | 1).wrapping_add(1));
        let done = VcpuTimeInfo { version: 2, ..info };
        if c.v.time_area.get() != 0 {
            let _ = self.guest(c).write_val(c.v.time_area.get(), &done);
        }
        if c.v.time_phys.get() != 0 {
            self.hw.put(Maddr(c.v.time_phys.get()), &done);
        }
    }

    /// Writes the wall clock at system time zero into a domain's shared information page.
    pub fn update_wallclock(&self, d: &Domain) {
        if d.is_dying() {
            return;
        }
        let ns = self.wallclock();
        let sec = (ns / 1_000_000_000).wrapping_add(d.time_offset.get());
        let [at, high] = if d.events.is_narrow() { NARROW_WALLCLOCK } else { WALLCLOCK };
        let [at, high] = [at, high].map(|offset| d.shared_info().add(offset));
        let version = self.hw.load32(at) | 1;
        self.hw.store32(at, version);
        self.hw.store32(at.add(4), sec as u32);
        self.hw.store32(at.add(8), (ns % 1_000_000_000) as u32);
        self.hw.store32(high, (sec >> 32) as u32);
        self.hw.store32(at, version.wrapping_add(1));
    }

    /// Makes the clocks of a domain that was just built right: the toolstack wrote its shared information page as a whole, with
    /// zeroes or with what was saved at another time.
    pub(crate) fn renew_clocks(&self, d: &Domain) {
        self.update_wallclock(d);
        for v in &d.vcpus {
            // What it will never be, so that the next update writes all.
            self.hw.store32(v.info().add(TIME).add(SCALE), 0);
        }
    }

    /// Counts the time since the latest change and enters `state`.
    pub fn change_runstate(&self, c: &VcpuRef, state: u32, now: u64) {
        let (old, snapshot) = {
            let mut r = c.v.runstate.lock();
            let spent = now.saturating_sub(r.since);
            let old = r.state;
            if let Some(t) = r.time.get_mut(old as usize) {
                *t = t.saturating_add(spent);
            }
            r.state = state;
            r.since = now;
            (old, *r)
        };
        let change = TRC_SCHED_RUNSTATE_CHANGE | old << 8 | state << 4;
        self.trace(c, change, &[c.v.id | u32::from(c.d.id.0) << 16]);
        let at = c.v.runstate_phys.get();
        if at != 0 {
            self.put_runstate(c, Maddr(at), &snapshot);
        }
        let va = c.v.runstate_area.get();
        if va != 0 && state == crate::schedule::RUNNING {
            let _ = self.write_runstate(c, va, &snapshot);
        }
    }

    /// Writes the run state where the guest asked for it, in the address space that is loaded.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write_runstate(&self, c: &VcpuRef, va: u64, r: &crate::vcpu::RunState) -> fx_types::Result {
        const UPDATE: u64 = 1 << 63;
        let flagged = c.d.assists(xen_abi::xen::VMASST_TYPE_RUNSTATE_UPDATE_FLAG);
        if c.d.events.is_narrow() {
            let mark = if flagged { UPDATE } else { 0 };
            self.guest(c).write_val(va, &narrow_runstate(r, r.since | mark))?;
            return self.guest(c).write_val(va.wrapping_add(NARROW_SINCE), &r.since);
        }
        let [t0, t1, t2, t3] = r.time;
        let words = [u64::from(r.state), r.since, t0, t1, t2, t3];
        if flagged {
            self.guest(c).write_val(va.wrapping_add(8), &(r.since | UPDATE))?;
            self.guest(c).write_val(va.wrapping_add(16), &[t0, t1, t2, t3])?;
            self.guest(c).write_val(va, &r.state)?;
            self.guest(c).write_val(va.wrapping_add(8), &r.since)
        } else {
            self.guest(c).write_val(va, &words)
        }
    }

    /// Writes the run state where the guest asked for it by machine address.
    pub(crate) fn put_runstate(&self, c: &VcpuRef, at: Maddr, r: &crate::vcpu::RunState) {
        const UPDATE: u64 = 1 << 63;
        let flagged = c.d.assists(xen_abi::xen::VMASST_TYPE_RUNSTATE_UPDATE_FLAG);
        if c.d.events.is_narrow() {
            let mark = if flagged { UPDATE } else { 0 };
            self.hw.put(at, &narrow_runstate(r, r.since | mark));
            return self.hw.put(at.add(NARROW_SINCE), &r.since);
        }
        if flagged {
            self.hw.store64(at.add(8), r.since | UPDATE);
        }
        self.hw.store64(at, u64::from(r.state));
        for (i, t) in (2u64..).zip(r.time) {
            self.hw.store64(at.add(i.wrapping_mul(8)), t);
        }
        self.hw.store64(at.add(8), r.since);
    }

    /// Arms a vCPU's single-shot timer; 0 stops it.
    pub fn set_single_shot(&self, c: &VcpuRef, deadline: u64) {
        c.v.timer.store(deadline, Ordering::Release);
        self.arm(&(c.d.id.0, c.v.id, SINGLE), deadline);
    }

    /// Sets a vCPU's periodic timer; 0 stops it.
    pub fn set_periodic(&self, c: &VcpuRef, period: u64) {
        let next = if period == 0 { 0 } else { self.hw.now().saturating_add(period) };
        c.v.periodic.store(period, Ordering::Release);
        c.v.periodic_next.store(next, Ordering::Release);
        self.arm(&(c.d.id.0, c.v.id, PERIODIC), next);
    }

    /// Has this CPU see to a timer when it is due, or not any more with deadline 0.
    pub(crate) fn arm(&self, key: &TimerKey, deadline: u64) {
        self.queue(key, deadline);
        self.await_timer(deadline);
    }

    /// A timer with this deadline is on this CPU's queue, or none any more with 0: the hardware follows, or what is due is done.
    fn await_timer(&self, deadline: u64) {
        if deadline != 0 && deadline <= self.hw.now() {
            self.ask(self.hw.cpu(), crate::host::TIMER);
        } else {
            self.program_timer();
        }
    }

    /// Puts a timer on this CPU's queue, or takes it off with deadline 0.
    fn queue(&self, key: &TimerKey, deadline: u64) {
        let Some(cpu) = self.this_cpu() else { return };
        let mut t = cpu.timers.lock();
        if deadline == 0 {
            t.cancel(*key);
        } else {
            let _ = t.set(*key, deadline);
        }
    }

    /// The timers of a vCPU that has come here from another CPU.
    pub(crate) fn rearm_timers(&self, c: &VcpuRef) {
        let single = c.v.timer.load(Ordering::Acquire);
        if single != 0 {
            self.queue(&(c.d.id.0, c.v.id, SINGLE), single);
        }
        let next = c.v.periodic_next.load(Ordering::Acquire);
        if next != 0 {
            self.queue(&(c.d.id.0, c.v.id, PERIODIC), next);
        }
        self.rearm_apic(c);
        self.rearm_platform(c);
        self.rearm_synthetic(c);
        if let Some(first) = [single, next].into_iter().filter(|t| *t != 0).min() {
            self.await_timer(first);
        }
    }

    /// Arms the hardware for whatever comes first on this CPU.
    pub fn program_timer(&self) {
        let Some(cpu) = self.this_cpu() else { return };
        let slice = cpu.slice_end.load(Ordering::Relaxed);
        let first = cpu.timers.lock().next_deadline().unwrap_or(u64::MAX).min(slice);
        self.hw.set_timer((first != u64::MAX).then_some(first));
    }

    pub(crate) fn expire_timers(&self, now: u64) {
        let Some(cpu) = self.this_cpu() else { return };
        loop {
            let Some((dom, vcpu, kind)) = cpu.timers.lock().pop_expired(now) else { return };
            let Ok(d) = self.domain(DomId(dom)) else { continue };
            if kind == WATCHDOG {
                self.watchdog_expired(&d, vcpu, now);
                continue;
            }
            let Some(v) = d.vcpu(vcpu) else { continue };
            match kind {
                SINGLE => self.single_shot_expired(&d, v, now),
                PERIODIC => self.periodic_expired(&d, v, now),
                APIC => self.apic_timer_expired(&d, v, now),
                PLATFORM => self.platform_expired(&d),
                SYNTHETIC => self.wake_hvm(&d, v),
                _ => {
                    if v.blocked.load(Ordering::Acquire) == WAIT_POLL {
                        self.unblock(&d, v);
                    }
                }
            }
        }
    }

    fn single_shot_expired(&self, d: &Domain, v: &Vcpu, now: u64) {
        let due = v.timer.load(Ordering::Acquire);
        // Armed again elsewhere since: that one will see to it.
        if due != 0
            && due <= now
            && v.timer.compare_exchange(due, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            self.send_vcpu_virq(d, v.id, VIRQ_TIMER);
        }
    }

    fn periodic_expired(&self, d: &Domain, v: &Vcpu, now: u64) {
        let (period, due) = (v.periodic.load(Ordering::Acquire), v.periodic_next.load(Ordering::Acquire));
        if period == 0 || due == 0 || due > now {
            return;
        }
        // Ticks that nobody could have taken are not made up for.
        let missed = now.wrapping_sub(due).checked_div(period).unwrap_or(0);
        let next = due.saturating_add(period.saturating_mul(missed.saturating_add(1)));
        v.periodic_next.store(next, Ordering::Release);
        self.queue(&(d.id.0, v.id, PERIODIC), next);
        self.send_vcpu_virq(d, v.id, VIRQ_TIMER);
    }
}
