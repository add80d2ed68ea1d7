//! Synthetic timers: when one is due, a message is put into the vCPU's page of them, and may interrupt it.

use fx_types::Maddr;
use fx_viridian::{MESSAGE, Message, TIMERS, VcpuState};
use xen_abi::hvm_params::HVMPV_STIMER;

use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hvm::{HvmDomain, HvmVcpu};
use crate::hw::Hw;
use crate::time::SYNTHETIC;
use crate::vcpu::Vcpu;

/// Nanoseconds of a unit of reference time.
const UNIT: u64 = 100;
/// Byte of a message that has its flags: another one waits for its place.
const FLAGS: u64 = 5;
const PENDING: u8 = 1;

/// When the next timer is due whose message would find room.
fn next_due(v: &VcpuState) -> Option<u64> {
    let open = |sint: u8| v.blocked.wrapping_shr(sint.into()) & 1 == 0;
    v.timers.iter().filter(|t| open(t.sint())).filter_map(fx_viridian::Timer::due).min()
}

impl<H: Hw> Host<H> {
    /// The current vCPU is about to go on: timers that are due send their messages.
    pub(in crate::hvm) fn synthetic_timers(&self, c: &VcpuRef, h: &HvmVcpu) {
        let Some(d) = c.d.hvm.as_ref().filter(|d| d.has_viridian(HVMPV_STIMER)) else { return };
        if next_due(&h.viridian.lock()).is_none() {
            return;
        }
        let now = self.reference_time(&c.d, d);
        for n in 0..TIMERS {
            self.expire_timer(d, h, n, now);
        }
        self.arm_synthetic(&c.d, &c.v);
    }

    fn expire_timer(&self, d: &HvmDomain, h: &HvmVcpu, n: usize, now: u64) {
        let register = h.viridian.lock().messages;
        let page = self.viridian_page(d, register);
        let mut v = h.viridian.lock();
        let Some((timer, due)) = v.timers.get(n).and_then(|t| Some((*t, t.expired(now)?))) else { return };
        let message = Message::TimerExpired { timer: n as u32, due, now };
        if !self.post(page, &mut v, timer.sint(), &message) {
            return;
        }
        if let Some(t) = v.timers.get_mut(n) {
            t.delivered(now);
        }
        let sint = v.sints.get(usize::from(timer.sint())).copied().unwrap_or_default();
        drop(v);
        if sint.interrupts() {
            h.lapic.lock().raise(sint.vector(), false);
        }
    }

    /// Puts a message where the current vCPU finds it; `false` when there is no room, which the guest will say when there is.
    fn post(&self, page: Option<Maddr>, v: &mut VcpuState, sint: u8, message: &Message) -> bool {
        let bit = 1u16.wrapping_shl(sint.into());
        if v.blocked & bit != 0 {
            return false;
        }
        let place = page.map(|at| at.add(u64::from(sint).wrapping_mul(MESSAGE)));
        let Some(at) = place.filter(|at| self.hw.load32(*at) == 0) else {
            v.blocked |= bit;
            if let Some(at) = place {
                self.hw.store8(at.add(FLAGS), self.hw.load8(at.add(FLAGS)) | PENDING);
            }
            return false;
        };
        let words = message.words();
        for (i, word) in (0u64..).zip(words).skip(1) {
            self.hw.store64(at.add(i.wrapping_mul(8)), word);
        }
        let [kind, ..] = words;
        self.hw.store64(at, kind);
        true
    }

    /// Puts the vCPU's synthetic timers on this CPU's queue.
    pub(crate) fn arm_synthetic(&self, d: &Domain, v: &Vcpu) {
        let Some((h, domain)) = v.hvm.as_ref().zip(d.hvm.as_ref()) else { return };
        let due = next_due(&h.viridian.lock());
        let deadline = due.map_or(0, |due| {
            let left = due.saturating_sub(self.reference_time(d, domain));
            self.hw.now().saturating_add(left.saturating_mul(UNIT)).max(1)
        });
        self.arm(&(d.id.0, v.id, SYNTHETIC), deadline);
    }

    /// A vCPU that came here from another CPU brings its synthetic timers.
    pub(crate) fn rearm_synthetic(&self, c: &VcpuRef) {
        if c.v.hvm.as_ref().is_some_and(|h| next_due(&h.viridian.lock()).is_some()) {
            self.arm_synthetic(&c.d, &c.v);
        }
    }
}
