//! The way of units between run queues: to an idle CPU at wake-up, to one that runs out of work, and for equal load.
//!
//! Whoever holds a run queue's lock only *tries* another one; who needs both takes the lower one first.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use fx_types::CpuSet;

use crate::bit;
use crate::runqueue::RunQueue;
use crate::sched::{Guard, Hint, Sched};
use crate::slots::Home;
use crate::unit::{State, Unit, window};

/// How many other run queues, or units of one, are looked at in one go.
const LOOK: usize = 64;
/// A run queue compares its load with the others once in this time, in nanoseconds.
const BALANCE_NS: u64 = 10_000_000;
/// How often a move starts anew because something changed under way.
const RETRIES: usize = 16;

impl<T: Clone> Sched<T> {
    /// Moves a unit, which does not run, from one locked run queue to another.
    fn transfer(&self, from: &mut RunQueue<T>, i: u32, to: &mut RunQueue<T>, queue: usize) -> Option<u32> {
        to.reserve().ok()?;
        let mut u = from.extract(i)?;
        u.vt = u.vt.wrapping_sub(from.base).wrapping_add(to.base);
        let (id, runnable) = (u.id, u.runnable);
        u.state = if runnable { State::Moving } else { State::Blocked };
        let at = to.adopt(u);
        if let Some(s) = self.slots.get(id) {
            s.set_home(Some(Home::new(queue, at)));
        }
        if runnable {
            to.join(at, 0);
        }
        Some(at)
    }

    /// The other run queues, from the next one on.
    fn others(&self, queue: usize) -> impl Iterator<Item = usize> + '_ {
        let n = self.queues.len();
        (1..n).take(LOOK).filter_map(move |d| queue.wrapping_add(d).checked_rem(n))
    }

    /// Gives a unit that waits to another run queue that has an idle CPU for it; the CPU to kick.
    pub(crate) fn push_out(&self, rq: &mut Guard<'_, T>, home: Home) -> Option<usize> {
        for q in self.others(home.queue()) {
            if self.hints.get(q).is_none_or(|h| h.idle.load(Relaxed) == 0) {
                continue;
            }
            let Some(mut to) = self.queues.get(q).and_then(|l| l.try_lock()) else { continue };
            let hard = window(&rq.unit(home.index())?.affinity.hard, to.first, to.cpus.len());
            if hard & to.idle & !to.kicked == 0 {
                continue;
            }
            let at = self.transfer(rq, home.index(), &mut to, q)?;
            let kick = to.find_idle(at);
            self.publish(q, &to);
            return kick;
        }
        None
    }

    /// Takes a unit that waits in another run queue, for CPU `c` that has nothing to do.
    pub(crate) fn pull(&self, rq: &mut Guard<'_, T>, queue: usize, c: usize) -> bool {
        if rq.online & bit(c) == 0 {
            return false;
        }
        let cpu = rq.first.wrapping_add(c);
        for q in self.others(queue) {
            if self.hints.get(q).is_none_or(|h| h.ready.load(Relaxed) == 0) {
                continue;
            }
            let Some(mut from) = self.queues.get(q).and_then(|l| l.try_lock()) else { continue };
            let suits = |u: &Unit<T>| {
                u.affinity.hard.contains(cpu) && (u.last == cpu || !self.held.is_held(u.last, u.id))
            };
            let Some(i) = from.waiting(suits) else { continue };
            let moved = self.transfer(&mut from, i, rq, queue).is_some();
            self.publish(q, &from);
            if moved {
                return true;
            }
        }
        false
    }

    /// Gives a unit that waits to the run queue with the least load, if that makes the loads more equal; now and then only.
    /// The CPU to kick.
    pub(crate) fn push_load(&self, rq: &mut Guard<'_, T>, queue: usize, now: u64) -> Option<usize> {
        if now < rq.next_balance || rq.ready.is_empty() {
            return None;
        }
        rq.next_balance = now.saturating_add(BALANCE_NS);
        let q = self.others(queue).min_by_key(|q| self.hints.get(*q).map_or(u64::MAX, Hint::load_per_cpu))?;
        let mut to = self.queues.get(q)?.try_lock()?;
        let (mine, its) = (u64::from(rq.online.count_ones()), u64::from(to.online.count_ones()));
        let suits = |u: &Unit<T>| {
            let w = u64::from(u.counted);
            let (left, there) = (rq.load.saturating_sub(w), to.load.saturating_add(w));
            left.saturating_mul(its) >= there.saturating_mul(mine)
                && window(&u.affinity.hard, to.first, to.cpus.len()) & to.online != 0
        };
        let i = rq.waiting(suits)?;
        let at = self.transfer(rq, i, &mut to, q)?;
        let kick = to.find_cpu(at, now);
        self.publish(q, &to);
        kick
    }

    /// Moves a unit to a run queue where it may run; if there is none it waits where it is. The CPU to kick.
    pub(crate) fn relocate(&self, id: u32) -> Option<usize> {
        for _ in 0..RETRIES {
            let (rq, home) = self.find(id)?;
            let affinity = Arc::clone(&rq.unit(home.index())?.affinity);
            drop(rq);
            let to = self.place(&affinity.hard).unwrap_or(home.queue());
            if let Ok(kick) = self.move_to(id, home, to) {
                return kick;
            }
        }
        let (mut rq, home) = self.find(id)?;
        let kick = rq.stay(home.index());
        self.publish(home.queue(), &rq);
        kick
    }

    /// Moves a unit from `home` to run queue `to`; `Err` when something has changed since.
    fn move_to(&self, id: u32, home: Home, to: usize) -> Result<Option<usize>, ()> {
        if to == home.queue() {
            let mut rq = self.queues.get(to).ok_or(())?.lock();
            if self.slots.get(id).and_then(|s| s.home()) != Some(home) {
                return Err(());
            }
            let kick = rq.stay(home.index());
            self.publish(to, &rq);
            return Ok(kick);
        }
        let (mut a, mut b) = self.lock_two(home.queue(), to).ok_or(())?;
        if self.slots.get(id).and_then(|s| s.home()) != Some(home) {
            return Err(());
        }
        let u = a.unit(home.index()).ok_or(())?;
        if matches!(u.state, State::Running(_)) {
            return Ok(None);
        }
        if window(&u.affinity.hard, b.first, b.cpus.len()) & b.online == 0 {
            return Err(());
        }
        let at = self.transfer(&mut a, home.index(), &mut b, to).ok_or(())?;
        let kick = b.unit(at).is_some_and(|u| u.runnable).then(|| b.find_cpu(at, 0)).flatten();
        self.publish(home.queue(), &a);
        self.publish(to, &b);
        Ok(kick)
    }

    fn lock_two(&self, a: usize, b: usize) -> Option<(Guard<'_, T>, Guard<'_, T>)> {
        let (qa, qb) = (self.queues.get(a)?, self.queues.get(b)?);
        if a < b {
            let ga = qa.lock();
            Some((ga, qb.lock()))
        } else {
            let gb = qb.lock();
            Some((qa.lock(), gb))
        }
    }

    /// Moves every unit of a run queue that can run on none of its CPUs to one where it can.
    pub(crate) fn rehome(&self, queue: usize, kicks: &mut CpuSet) {
        let Some(q) = self.queues.get(queue) else { return };
        let mut i = 0;
        loop {
            let mut rq = q.lock();
            if i as usize >= rq.units.len() {
                return;
            }
            let online = rq.online;
            let homeless =
                rq.unit(i).filter(|u| u.hard & online == 0 && !matches!(u.state, State::Running(_)));
            let found = homeless.map(|u| (u.id, self.place(&u.affinity.hard)));
            if let Some((id, Some(to))) = found
                && to != queue
            {
                rq.unqueue(i);
                drop(rq);
                if let Some(cpu) = self.relocate(id) {
                    kicks.insert(cpu);
                }
            }
            i = i.wrapping_add(1);
        }
    }
}

impl<T> RunQueue<T> {
    /// The first unit of those next in turn that `suits`.
    fn waiting(&self, suits: impl Fn(&Unit<T>) -> bool) -> Option<u32> {
        let suits = |i: &u32| self.unit(*i).is_some_and(&suits);
        self.ready.iter().rev().take(LOOK).map(|e| e.unit).find(suits)
    }

    /// A unit that was to move stays: it waits here if it is runnable. The CPU to kick.
    fn stay(&mut self, i: u32) -> Option<usize> {
        let u = self.unit_mut(i)?;
        if u.state != State::Moving {
            return None;
        }
        if u.runnable {
            self.join(i, 0);
            return self.find_cpu(i, 0);
        }
        u.state = State::Blocked;
        None
    }
}
