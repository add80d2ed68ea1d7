//! The choice of the next unit of a CPU, within its run queue.

use crate::bit;
use crate::held::Held;
use crate::runqueue::{Entry, RunQueue};
use crate::unit::{State, Unit};
use crate::vtime::{RATE_LIMIT_NS, SLICE_MAX_NS, SOFT_LEAD, ahead, burn, later, slice};

/// How many units a CPU passes over to find one that prefers it.
const SOFT_LOOK: usize = 8;

/// What became of the CPU.
#[derive(Default)]
pub(crate) struct Picked {
    /// The unit that runs now.
    pub(crate) next: Option<u32>,
    pub(crate) slice_end: Option<u64>,
    /// The unit that ran before, when it was another one: its id.
    pub(crate) prev: Option<u32>,
    /// Whether an idle CPU could go on with that.
    pub(crate) offer: bool,
    /// Whether the CPU's timer has brought it here.
    pub(crate) expired: bool,
    /// A unit (index) that has no CPU in this run queue any more.
    pub(crate) stray: Option<u32>,
    /// A unit (index) that was removed while it ran.
    pub(crate) dead: Option<u32>,
}

impl<T> RunQueue<T> {
    /// Chooses what CPU `c` of the run queue runs from `now` on.
    pub(crate) fn schedule(&mut self, c: usize, now: u64, held: &Held) -> Picked {
        self.kicked &= !bit(c);
        if !self.parked.is_empty() {
            self.unpark(now);
        }
        let mut p = Picked::default();
        let Some(cpu) = self.cpus.get_mut(c) else { return p };
        p.expired = cpu.timer <= now;
        let ran = now.saturating_sub(cpu.since);
        cpu.since = now;
        let cur = cpu.running;
        let stays = match cur {
            Some(i) => self.settle(i, c, ran, now, &mut p),
            None => {
                cpu.idle_total = cpu.idle_total.wrapping_add(ran);
                false
            }
        };
        p.next = match cur {
            _ if self.ready.is_empty() => cur.filter(|_| stays),
            Some(i) if stays => self.challenge(i, c, now, held),
            _ => self.take_best(c, now, held),
        };
        if p.next != cur {
            if let Some(i) = cur {
                self.leave(i, stays, c, &mut p);
            }
            self.enter(p.next, c, now);
        }
        self.set_timer(c, now, &mut p);
        p
    }

    /// Accounts the `ran` nanoseconds of unit `i`, which ran on the CPU, and tells whether it may run on there. If not, its
    /// state is set to what it is from now on.
    #[inline]
    fn settle(&mut self, i: u32, c: usize, ran: u64, now: u64, p: &mut Picked) -> bool {
        let online = self.online;
        let Some(u) = self.unit_mut(i) else { return false };
        u.vt = u.vt.wrapping_add(burn(ran, u.domain.rate()));
        u.runtime = u.runtime.wrapping_add(ran);
        let capped = u.domain.cap() != 0;
        if capped {
            u.charge(ran);
        }
        let (runnable, here) = (u.runnable, u.hard & online);
        if runnable && here & bit(c) != 0 {
            return !capped || self.fund(i, now);
        }
        u.return_budget();
        if !runnable && here != 0 && !u.dead {
            u.state = State::Blocked;
            let before = core::mem::take(&mut u.counted);
            self.load = self.load.wrapping_sub(u64::from(before));
            return false;
        }
        self.settle_rest(i, p);
        false
    }

    /// The rarer ways to stop: removed, or not allowed here any more.
    #[cold]
    fn settle_rest(&mut self, i: u32, p: &mut Picked) {
        let online = self.online;
        let Some(u) = self.unit_mut(i) else { return };
        let runnable = u.runnable;
        u.state = State::Blocked;
        if u.dead {
            p.dead = Some(i);
        } else if u.hard & online == 0 {
            u.state = State::Moving;
            p.stray = Some(i);
        } else {
            self.enqueue(i);
        }
        if !runnable {
            self.uncount(i);
        }
    }

    /// Sees to it that a unit of a capped domain has budget; without any it is parked.
    #[inline]
    fn fund(&mut self, i: u32, now: u64) -> bool {
        self.unit(i).is_some_and(|u| u.domain.cap() == 0 || u.granted != 0) || self.fund_capped(i, now)
    }

    #[cold]
    fn fund_capped(&mut self, i: u32, now: u64) -> bool {
        let Some(u) = self.unit_mut(i) else { return false };
        match u.domain.take(now, SLICE_MAX_NS) {
            Ok(ns) => {
                u.granted = ns;
                true
            }
            Err(due) => {
                u.state = State::Parked;
                self.parked.push((due, i));
                false
            }
        }
    }

    /// Puts the units back whose domain has budget again.
    #[cold]
    fn unpark(&mut self, now: u64) {
        let mut at = 0;
        while let Some(&(due, i)) = self.parked.get(at) {
            if due <= now {
                self.parked.swap_remove(at);
                self.join(i, now);
            } else {
                at = at.wrapping_add(1);
            }
        }
    }

    /// Whether the running unit `i` goes on or gives way to one that waits: the one that runs.
    fn challenge(&mut self, i: u32, c: usize, now: u64, held: &Held) -> Option<u32> {
        let started = self.cpus.get(c).map_or(0, |c| c.started);
        let yielded = self.set_yielded(i, false);
        if !yielded && now.saturating_sub(started) < RATE_LIMIT_NS {
            return Some(i);
        }
        while let Some(at) = self.best(c, held) {
            let Some(e) = self.ready.get(at).copied() else { break };
            let worse = self.unit(i).is_none_or(|u| ahead(u.vt, e.vt) > 0);
            if !worse && !yielded {
                break;
            }
            self.take_out(at);
            if self.fund(e.unit, now) {
                self.bound_lag(i, e);
                return Some(e.unit);
            }
        }
        Some(i)
    }

    fn set_yielded(&mut self, i: u32, to: bool) -> bool {
        self.unit_mut(i).is_some_and(|u| core::mem::replace(&mut u.yielded, to))
    }

    /// Keeps virtual times comparable for ever: a unit that no one could challenge for a very long time is not further from
    /// the others than half of the number circle allows.
    fn bound_lag(&mut self, i: u32, e: Entry) {
        const FAR: i64 = 1 << 60;
        if let Some(u) = self.unit_mut(i) {
            let lead = ahead(u.vt, e.vt).clamp(FAR.wrapping_neg(), FAR);
            u.vt = e.vt.wrapping_add(lead as u64);
        }
    }

    /// Takes the unit out of the ready list that an idle CPU should run.
    fn take_best(&mut self, c: usize, now: u64, held: &Held) -> Option<u32> {
        while let Some(at) = self.best(c, held) {
            let e = self.ready.get(at).copied()?;
            self.take_out(at);
            if self.fund(e.unit, now) {
                return Some(e.unit);
            }
        }
        None
    }

    /// Takes an entry out of the ready list, most often the last one.
    #[inline]
    fn take_out(&mut self, at: usize) {
        if at.wrapping_add(1) == self.ready.len() {
            self.ready.pop();
        } else {
            self.ready.remove(at);
        }
    }

    /// Where in the ready list the unit is that the CPU should run next.
    #[inline]
    fn best(&self, c: usize, held: &Held) -> Option<usize> {
        if self.online & bit(c) == 0 {
            return None;
        }
        let mut found: Option<(usize, u64)> = None;
        let mut looked = 0;
        for (at, e) in self.ready.iter().enumerate().rev() {
            if let Some((_, vt)) = found {
                looked = SOFT_LOOK.min(looked).wrapping_add(1);
                if looked > SOFT_LOOK || ahead(e.vt, vt) > SOFT_LEAD as i64 {
                    break;
                }
            }
            let Some(u) = self.unit(e.unit) else { continue };
            let soft = u.soft & bit(c) != 0;
            if u.hard & bit(c) == 0 || (found.is_some() && !soft) || self.elsewhere(u.last, c, u.id, held) {
                continue;
            }
            if soft {
                return Some(at);
            }
            found = Some((at, e.vt));
        }
        found.map(|f| f.0)
    }

    /// Whether the state of a unit is still in another CPU, the one on which it ran last.
    #[inline]
    fn elsewhere(&self, last: usize, c: usize, id: u32, held: &Held) -> bool {
        last != self.first.wrapping_add(c) && held.is_held(last, id)
    }

    /// Unit `i` does not run any more; with `waits`, only because another one is due.
    #[inline]
    fn leave(&mut self, i: u32, waits: bool, c: usize, p: &mut Picked) {
        if waits {
            if let Some(u) = self.unit_mut(i) {
                u.return_budget();
            }
            self.enqueue(i);
        }
        let others = self.idle & !self.kicked & !bit(c);
        if let Some(u) = self.unit(i) {
            p.offer = others & u.hard != 0 && u.state == State::Ready;
            p.prev = Some(u.id);
        }
    }

    /// CPU `c` runs `next` from `now` on, or nothing.
    #[inline]
    fn enter(&mut self, next: Option<u32>, c: usize, now: u64) {
        let Some(cpu) = self.cpus.get_mut(c) else { return };
        cpu.running = next;
        cpu.started = now;
        let Some(i) = next else {
            self.idle |= bit(c) & self.online;
            return;
        };
        self.idle &= !bit(c);
        let Some(u) = self.units.get_mut(i as usize).and_then(Option::as_mut) else { return };
        u.state = State::Running(c);
        u.last = self.first.wrapping_add(c);
        u.yielded = false;
        cpu.base = later(cpu.base, u.vt);
        self.base = later(self.base, u.vt);
    }

    /// When the CPU should look again at the latest.
    #[inline]
    fn set_timer(&mut self, c: usize, now: u64, p: &mut Picked) {
        let mut end = u64::MAX;
        if let Some(i) = p.next
            && let Some(u) = self.unit(i)
        {
            if !self.ready.is_empty() {
                end = self.slice_end(u, c, now);
            }
            if u.domain.cap() != 0 {
                end = end.min(now.saturating_add(u.granted));
            }
        }
        if !self.parked.is_empty() {
            end = self.parked.iter().fold(end, |e, p| e.min(p.0));
        }
        if let Some(cpu) = self.cpus.get_mut(c) {
            cpu.timer = end;
        }
        p.slice_end = (end != u64::MAX).then_some(end);
    }

    /// When the slice of unit `u` ends if another one waits for the CPU.
    fn slice_end(&self, u: &Unit<T>, c: usize, now: u64) -> u64 {
        let Some(vt) = self.waiting_vt(c) else { return u64::MAX };
        let started = self.cpus.get(c).map_or(now, |c| c.started);
        let earliest = if now.saturating_sub(started) < RATE_LIMIT_NS { started } else { now };
        let earliest = earliest.wrapping_add(RATE_LIMIT_NS);
        // One with more credit waits only until the rate limit is over.
        if ahead(u.vt, vt) > 0 {
            return earliest;
        }
        earliest.max(now.wrapping_add(slice(u.vt, vt, u.domain.rate())))
    }

    /// The virtual time of the first unit that waits and may run on the CPU.
    fn waiting_vt(&self, c: usize) -> Option<u64> {
        let may = |e: &&Entry| self.unit(e.unit).is_some_and(|u| u.hard & bit(c) != 0);
        self.ready.iter().rev().find(may).map(|e| e.vt)
    }
}
