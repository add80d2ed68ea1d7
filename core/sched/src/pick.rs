//! The choice of the next unit of a CPU, within its run queue.

use crate::bit;
use crate::held::Held;
use crate::runqueue::{Entry, RunQueue};
use crate::unit::State;
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
        let expired = self.cpus.get(c).and_then(|c| c.timer).is_some_and(|t| t <= now);
        let mut p = Picked { expired, ..Picked::default() };
        let cur = self.account(c, now);
        let stays = cur.filter(|i| self.may_stay(*i, c, now, &mut p));
        p.next = match stays {
            Some(i) => self.challenge(i, c, now, held),
            None => self.take_best(c, now, held),
        };
        if p.next != cur {
            p.prev = cur.and_then(|i| self.leave(i, stays.is_some(), c, &mut p));
            self.enter(p.next, c, now);
        }
        p.slice_end = self.slice_end(p.next, c, now);
        p
    }

    /// Accounts the time of the unit that runs on the CPU.
    #[inline]
    fn account(&mut self, c: usize, now: u64) -> Option<u32> {
        let cpu = self.cpus.get_mut(c)?;
        let Some(i) = cpu.running else {
            cpu.idle_total = cpu.idle_total.wrapping_add(now.saturating_sub(cpu.idle_since.unwrap_or(now)));
            cpu.idle_since = Some(now);
            return None;
        };
        let ran = now.saturating_sub(cpu.since);
        cpu.since = now;
        let u = self.unit_mut(i)?;
        let rate = u.domain.rate();
        u.vt = u.vt.wrapping_add(burn(ran, rate));
        u.runtime = u.runtime.wrapping_add(ran);
        if u.domain.cap() != 0 {
            if let Some(over) = ran.checked_sub(u.granted).filter(|o| *o > 0) {
                u.domain.give_back((over as i64).wrapping_neg());
            }
            u.granted = u.granted.saturating_sub(ran);
        }
        Some(i)
    }

    /// Whether the unit that ran on the CPU may run on there. If not, its state is set to what it is from now on.
    #[inline]
    fn may_stay(&mut self, i: u32, c: usize, now: u64, p: &mut Picked) -> bool {
        let online = self.online;
        let Some(u) = self.unit_mut(i) else { return false };
        let (runnable, here) = (u.runnable, u.hard & online);
        if runnable && here & bit(c) != 0 {
            return self.fund(i, now);
        }
        u.return_budget();
        if u.dead {
            p.dead = Some(i);
        }
        u.state = State::Blocked;
        if !u.dead && here == 0 {
            u.state = State::Moving;
            p.stray = Some(i);
        } else if runnable {
            self.enqueue(i);
        }
        if !runnable {
            self.uncount(i);
        }
        false
    }

    /// Sees to it that a unit of a capped domain has budget; without any it is parked.
    #[inline]
    fn fund(&mut self, i: u32, now: u64) -> bool {
        let Some(u) = self.unit_mut(i) else { return false };
        if u.granted != 0 || u.domain.cap() == 0 {
            return true;
        }
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
    fn unpark(&mut self, now: u64) {
        let mut at = 0;
        while let Some(&(due, i)) = self.parked.get(at) {
            if due <= now {
                self.parked.swap_remove(at);
                self.join(i);
            } else {
                at = at.wrapping_add(1);
            }
        }
    }

    /// Whether the running unit `i` goes on or gives way to one that waits: the one that runs.
    fn challenge(&mut self, i: u32, c: usize, now: u64, held: &Held) -> Option<u32> {
        if self.ready.is_empty() {
            self.set_yielded(i, false);
            return Some(i);
        }
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
            self.ready.remove(at);
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
            self.ready.remove(at);
            if self.fund(e.unit, now) {
                return Some(e.unit);
            }
        }
        None
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
    fn leave(&mut self, i: u32, waits: bool, c: usize, p: &mut Picked) -> Option<u32> {
        if waits {
            if let Some(u) = self.unit_mut(i) {
                u.return_budget();
            }
            self.enqueue(i);
        }
        let others = self.idle & !self.kicked & !bit(c);
        let u = self.unit(i)?;
        p.offer = u.state == State::Ready && others & u.hard != 0;
        Some(u.id)
    }

    /// CPU `c` runs `next` from `now` on, or nothing.
    #[inline]
    fn enter(&mut self, next: Option<u32>, c: usize, now: u64) {
        let number = self.first.wrapping_add(c);
        let vt = next.and_then(|i| self.unit_mut(i)).map(|u| {
            u.state = State::Running(c);
            u.last = number;
            u.yielded = false;
            u.vt
        });
        let Some(cpu) = self.cpus.get_mut(c) else { return };
        cpu.running = next;
        cpu.since = now;
        cpu.started = now;
        match vt {
            Some(vt) => {
                cpu.base = later(cpu.base, vt);
                self.base = later(self.base, vt);
                self.idle &= !bit(c);
                cpu.idle_since = None;
            }
            None => {
                self.idle |= bit(c) & self.online;
                cpu.idle_since = Some(now);
            }
        }
    }

    /// When the CPU should look again at the latest.
    #[inline]
    fn slice_end(&mut self, next: Option<u32>, c: usize, now: u64) -> Option<u64> {
        let mut end = None;
        if let Some(u) = next.and_then(|i| self.unit(i)) {
            if !self.ready.is_empty()
                && let Some(vt) = self.waiting_vt(c)
            {
                let started = self.cpus.get(c).map_or(now, |c| c.started);
                let earliest = if now.saturating_sub(started) < RATE_LIMIT_NS { started } else { now };
                let earliest = earliest.wrapping_add(RATE_LIMIT_NS);
                // One with more credit waits only until the rate limit is over.
                let fair = if ahead(u.vt, vt) > 0 { 0 } else { slice(u.vt, vt, u.domain.rate()) };
                end = Some(earliest.max(now.wrapping_add(fair)));
            }
            if u.domain.cap() != 0 {
                let limit = now.saturating_add(u.granted);
                end = Some(end.map_or(limit, |e| e.min(limit)));
            }
        }
        if !self.parked.is_empty() {
            let due = self.parked.iter().map(|p| p.0).min();
            end = end.into_iter().chain(due).min();
        }
        if let Some(cpu) = self.cpus.get_mut(c) {
            cpu.timer = end;
        }
        end
    }

    /// The virtual time of the first unit that waits and may run on the CPU.
    fn waiting_vt(&self, c: usize) -> Option<u64> {
        let may = |e: &&Entry| self.unit(e.unit).is_some_and(|u| u.hard & bit(c) != 0);
        self.ready.iter().rev().find(may).map(|e| e.vt)
    }
}
