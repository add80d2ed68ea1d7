//! The scheduler as its users see it: the run queues, each behind its lock, and the way from a unit's id to its queue.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use fx_sync::{Lock, LockGuard};
use fx_types::{CpuSet, Errno, Result, try_arc};

use crate::bit;
use crate::domain::Domains;
use crate::held::Held;
use crate::pick::Picked;
use crate::runqueue::RunQueue;
use crate::slots::{Home, Slots};
use crate::unit::{Affinity, State, Unit, window};

/// How many CPUs share a run queue, unless told otherwise.
const CPUS_PER_QUEUE: usize = 16;

/// What a CPU does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<T> {
    /// The unit to run, its id and payload; none: be idle.
    pub next: Option<(u32, T)>,
    /// When to call [`Sched::schedule`] again at the latest, in nanoseconds; none: nobody waits.
    pub slice_end: Option<u64>,
    /// Another CPU that should reschedule, too.
    pub kick: Option<usize>,
    /// More of these, seldom. Each was chosen for a unit that nobody else will take there.
    pub also: [Option<usize>; 2],
    /// The unit that ran before, when it is another one: after its state is saved, [`Sched::context_saved`] is due.
    pub prev: Option<u32>,
}

/// What is known of a run queue without its lock: hints for the balancing.
#[derive(Default)]
pub(crate) struct Hint {
    pub(crate) online: AtomicU64,
    pub(crate) idle: AtomicU64,
    pub(crate) ready: AtomicU32,
    pub(crate) load: AtomicU64,
    units: AtomicU32,
}

impl Hint {
    /// The load that one of the CPUs bears; without any CPU, the highest.
    pub(crate) fn load_per_cpu(&self) -> u64 {
        let cpus = self.online.load(Relaxed).count_ones();
        self.load.load(Relaxed).checked_div(u64::from(cpus)).unwrap_or(u64::MAX)
    }
}

/// The scheduler of all CPUs. `T` tells its user which vCPU a unit is. Every method may be called on every CPU.
pub struct Sched<T> {
    pub(crate) queues: Box<[Lock<RunQueue<T>>]>,
    pub(crate) hints: Box<[Hint]>,
    /// log2 of the CPUs in a run queue.
    shift: u32,
    pub(crate) slots: Slots,
    pub(crate) held: Held,
    domains: Domains,
}

pub(crate) type Guard<'a, T> = LockGuard<'a, RunQueue<T>>;

impl<T: Clone> Sched<T> {
    /// A scheduler for CPUs 0 to `max_cpus - 1`, none of them online.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(max_cpus: usize) -> Result<Self> {
        Self::with_queues_of(max_cpus, CPUS_PER_QUEUE)
    }

    /// The same with run queues for `per_queue` CPUs each, a power of two up to 64.
    ///
    /// # Errors
    /// `EINVAL` for another size, `ENOMEM`.
    pub fn with_queues_of(max_cpus: usize, per_queue: usize) -> Result<Self> {
        if !per_queue.is_power_of_two() || per_queue > 64 {
            return Err(Errno::EINVAL);
        }
        let n = max_cpus.div_ceil(per_queue).max(1);
        let mut queues = alloc::vec::Vec::new();
        queues.try_reserve_exact(n).map_err(|_| Errno::ENOMEM)?;
        for q in 0..n {
            queues.push(Lock::new(RunQueue::new(q.saturating_mul(per_queue), per_queue)?));
        }
        Ok(Self {
            queues: queues.into_boxed_slice(),
            hints: fx_types::try_filled(n, |_| Hint::default())?,
            shift: per_queue.trailing_zeros(),
            slots: Slots::new(),
            held: Held::new(max_cpus)?,
            domains: Domains::new(),
        })
    }

    /// The run queue of a CPU and the CPU's number within it.
    #[inline]
    pub(crate) fn queue_of(&self, cpu: usize) -> (usize, usize) {
        (cpu.wrapping_shr(self.shift), cpu & 1usize.wrapping_shl(self.shift).wrapping_sub(1))
    }

    /// Locks the run queue in which a unit is.
    #[inline]
    pub(crate) fn find(&self, id: u32) -> Option<(Guard<'_, T>, Home)> {
        let slot = self.slots.get(id)?;
        loop {
            let home = slot.home()?;
            let guard = self.queues.get(home.queue())?.lock();
            if slot.home() == Some(home) {
                return Some((guard, home));
            }
        }
    }

    /// Whether there is more than one run queue.
    #[inline]
    pub(crate) fn many(&self) -> bool {
        self.queues.len() > 1
    }

    /// Refreshes the hints about a run queue.
    #[inline]
    pub(crate) fn publish(&self, queue: usize, rq: &RunQueue<T>) {
        let Some(h) = self.hints.get(queue) else { return };
        h.ready.store(rq.ready.len() as u32, Relaxed);
        if self.many() {
            h.online.store(rq.online, Relaxed);
            h.idle.store(rq.idle & !rq.kicked, Relaxed);
            h.load.store(rq.load, Relaxed);
            h.units.store(rq.unit_count(), Relaxed);
        }
    }

    /// Adds a unit of domain `group` that may run on the CPUs `hard`; it is not runnable yet. The answer is its id.
    ///
    /// # Errors
    /// `EINVAL` when `hard` is empty, `ENOMEM`, `ENOSPC` for too many units.
    pub fn insert(&self, payload: T, group: u16, hard: &CpuSet) -> Result<u32> {
        if hard.is_empty() {
            return Err(Errno::EINVAL);
        }
        let domain = self.domains.get_or_new(group)?;
        let affinity = try_arc(Affinity { hard: hard.clone(), soft: CpuSet::ALL })?;
        let id = self.slots.alloc()?;
        let queue = self.place(hard).unwrap_or(0);
        let placed = self.queues.get(queue).ok_or(Errno::EINVAL).and_then(|q| {
            let mut rq = q.lock();
            rq.reserve()?;
            let mut unit = Unit::new(payload, id, domain, affinity);
            unit.vt = rq.base;
            let i = rq.adopt(unit);
            if let Some(s) = self.slots.get(id) {
                s.set_home(Some(Home::new(queue, i)));
            }
            self.publish(queue, &rq);
            Ok(id)
        });
        if placed.is_err() {
            self.slots.free(id);
        }
        placed
    }

    /// Removes a unit. When it runs, it is gone as soon as the CPU answered with has rescheduled.
    pub fn remove(&self, id: u32) -> Option<usize> {
        let (mut rq, home) = self.find(id)?;
        let u = rq.unit_mut(home.index())?;
        if let State::Running(c) = u.state {
            u.dead = true;
            u.runnable = false;
            return rq.kick(c);
        }
        self.drop_unit(rq, home, id);
        None
    }

    fn drop_unit(&self, mut rq: Guard<'_, T>, home: Home, id: u32) {
        let unit = rq.extract(home.index());
        if let Some(s) = self.slots.get(id) {
            s.set_home(None);
        }
        self.publish(home.queue(), &rq);
        drop(rq);
        self.slots.free(id);
        drop(unit);
    }

    /// A unit becomes runnable. The answer is the CPU that should reschedule for it; none when it runs anyway or waits for
    /// a CPU that will look by itself.
    #[inline]
    pub fn wake(&self, id: u32, now: u64) -> Option<usize> {
        let (mut rq, home) = self.find(id)?;
        let i = home.index();
        let u = rq.unit_mut(i)?;
        if u.runnable || u.dead {
            return None;
        }
        u.runnable = true;
        if u.state != State::Blocked {
            return None;
        }
        rq.join(i, now);
        let mut kick = rq.find_idle(i);
        if kick.is_none() {
            if self.many() {
                kick = self.push_out(&mut rq, home);
            }
            kick = kick.or_else(|| rq.find_victim(i, now));
        }
        self.publish(home.queue(), &rq);
        kick
    }

    /// A unit is not runnable any more. The answer is the CPU on which it runs, which should reschedule.
    #[inline]
    pub fn sleep(&self, id: u32) -> Option<usize> {
        let (mut rq, home) = self.find(id)?;
        let i = home.index();
        let u = rq.unit_mut(i)?;
        if !u.runnable {
            return None;
        }
        u.runnable = false;
        if let State::Running(c) = u.state {
            return rq.kick(c);
        }
        rq.unqueue(i);
        rq.uncount(i);
        if let Some(u) = rq.unit_mut(i) {
            u.state = State::Blocked;
        }
        self.publish(home.queue(), &rq);
        None
    }

    /// Chooses what `cpu` runs from `now` (nanoseconds) on, and accounts what ran there until now. To be called by that CPU
    /// only.
    #[inline]
    pub fn schedule(&self, cpu: usize, now: u64) -> Choice<T> {
        let (queue, c) = self.queue_of(cpu);
        let Some(q) = self.queues.get(queue) else {
            return Choice { next: None, slice_end: None, kick: None, also: [None; 2], prev: None };
        };
        let mut rq = q.lock();
        let mut p = rq.schedule(c, now, &self.held);
        if self.many() && p.next.is_none() && self.pull(&mut rq, queue, c) {
            let again = rq.schedule(c, now, &self.held);
            (p.next, p.slice_end) = (again.next, again.slice_end);
        }
        let stale = self.hand_over(cpu, &rq, &p);
        let next = p.next.and_then(|i| rq.unit(i)).map(|u| (u.id, u.payload.clone()));
        let mut kick = rq.kick_waiter(c, if p.offer { p.prev } else { None });
        if kick.is_none() && p.expired {
            // Somebody has waited for a whole slice: more CPUs should know.
            kick = rq.find_unaware();
            if self.many() {
                kick = kick.or_else(|| self.push_load(&mut rq, queue, now));
            }
        }
        self.publish(queue, &rq);
        let stray = p.stray.and_then(|i| rq.unit(i)).map(|u| u.id);
        match p.dead.zip(p.prev) {
            Some((i, id)) => self.drop_unit(rq, Home::new(queue, i), id),
            None => drop(rq),
        }
        let also = [stray.and_then(|id| self.relocate(id)), stale.and_then(|id| self.offer(id))];
        Choice { next, slice_end: p.slice_end, kick, also, prev: p.prev }
    }

    /// Notes whose state is in the CPU. The answer is a unit whose state must have left it without anybody saying so.
    #[inline]
    fn hand_over(&self, cpu: usize, rq: &RunQueue<T>, p: &Picked) -> Option<u32> {
        let mut stale = None;
        if let Some(prev) = p.prev {
            stale = self.held.by(cpu);
            if let Some(s) = stale.and_then(|id| self.slots.get(id)) {
                s.leave_cpu(cpu);
            }
            self.held.hold(cpu, prev, p.offer);
        }
        if let Some(u) = p.next.and_then(|i| rq.unit(i)) {
            self.held.resume(cpu, u.id);
            if let Some(s) = self.slots.get(u.id) {
                s.set_cpu(cpu);
            }
        }
        stale
    }

    /// `cpu` has saved the state of the unit that ran there before the last [`Self::schedule`]: others may run it from now
    /// on. The answer is a CPU that should reschedule to do so.
    #[inline]
    pub fn context_saved(&self, cpu: usize) -> Option<usize> {
        let id = self.held.by(cpu)?;
        if let Some(s) = self.slots.get(id) {
            s.leave_cpu(cpu);
        }
        if self.held.release(cpu) { self.offer(id) } else { None }
    }

    /// Finds a CPU for a unit that waits and that nobody could take until now.
    fn offer(&self, id: u32) -> Option<usize> {
        let (mut rq, home) = self.find(id)?;
        if rq.unit(home.index())?.state != State::Ready {
            return None;
        }
        let kick = rq.find_cpu(home.index(), 0);
        self.publish(home.queue(), &rq);
        kick
    }

    /// The unit lets others run first at the next [`Self::schedule`] of its CPU. Whether that is worth calling: when nobody
    /// waits, the unit goes on anyway.
    #[inline]
    pub fn yield_now(&self, id: u32) -> bool {
        let Some(queue) = self.slots.get(id).and_then(|s| s.home()).map(Home::queue) else { return false };
        if self.hints.get(queue).is_none_or(|h| h.ready.load(Relaxed) == 0) {
            return false;
        }
        if let Some((mut rq, home)) = self.find(id)
            && let Some(u) = rq.unit_mut(home.index())
            && matches!(u.state, State::Running(_))
        {
            u.yielded = true;
        }
        true
    }

    /// The CPU on which a unit runs, or which still has its state.
    #[inline]
    #[must_use]
    pub fn running_on(&self, id: u32) -> Option<usize> {
        self.slots.get(id)?.cpu()
    }

    /// Sets on which CPUs a unit may run and on which of these it should. The answer is a CPU that should reschedule.
    ///
    /// # Errors
    /// `EINVAL` when `hard` is empty, `ENOENT` for no such unit, `ENOMEM`.
    pub fn set_affinity(&self, id: u32, hard: &CpuSet, soft: &CpuSet) -> Result<Option<usize>> {
        if hard.is_empty() {
            return Err(Errno::EINVAL);
        }
        let affinity = try_arc(Affinity { hard: hard.clone(), soft: soft.clone() })?;
        let (mut rq, home) = self.find(id).ok_or(Errno::ENOENT)?;
        let (i, online) = (home.index(), rq.online);
        let (first, n) = (rq.first, rq.cpus.len());
        let u = rq.unit_mut(i).ok_or(Errno::ENOENT)?;
        u.affinity = affinity;
        u.set_window(first, n);
        let (state, here) = (u.state, u.hard & online);
        Ok(match state {
            State::Running(c) if here & bit(c) == 0 => rq.kick(c),
            State::Running(_) | State::Moving => None,
            _ if here == 0 => {
                rq.unqueue(i);
                self.publish(home.queue(), &rq);
                drop(rq);
                self.relocate(id)
            }
            State::Ready => {
                rq.unqueue(i);
                rq.join(i, 0);
                rq.find_cpu(i, 0)
            }
            State::Blocked | State::Parked => None,
        })
    }

    /// A CPU takes part from now on; it calls [`Self::schedule`] next. The answer is the CPUs that should reschedule.
    pub fn cpu_online(&self, cpu: usize) -> CpuSet {
        let (queue, c) = self.queue_of(cpu);
        let Some(q) = self.queues.get(queue) else { return CpuSet::EMPTY };
        let mut rq = q.lock();
        rq.online |= bit(c);
        rq.idle |= bit(c);
        rq.kicked &= !bit(c);
        self.publish(queue, &rq);
        drop(rq);
        let mut kicks = CpuSet::EMPTY;
        for q in 0..self.queues.len() {
            self.rehome(q, &mut kicks);
        }
        kicks
    }

    /// A CPU takes part no more: its next [`Self::schedule`] answers with nothing. Units that may run on no other CPU wait.
    /// The answer is the CPUs that should reschedule.
    pub fn cpu_offline(&self, cpu: usize) -> CpuSet {
        let mut kicks = CpuSet::EMPTY;
        let (queue, c) = self.queue_of(cpu);
        let Some(q) = self.queues.get(queue) else { return kicks };
        let mut rq = q.lock();
        rq.online &= !bit(c);
        rq.idle &= !bit(c);
        rq.kicked = rq.online;
        for other in 0..rq.cpus.len() {
            if rq.online & bit(other) != 0 {
                kicks.insert(rq.first.wrapping_add(other));
            }
        }
        self.publish(queue, &rq);
        drop(rq);
        self.rehome(queue, &mut kicks);
        kicks
    }

    /// The run queue with the least load for its CPUs among those that have a CPU of the set.
    pub(crate) fn place(&self, hard: &CpuSet) -> Option<usize> {
        if !self.many() {
            return Some(0);
        }
        let n = 1usize.wrapping_shl(self.shift);
        let mut best: Option<((u64, u32), usize)> = None;
        for (q, h) in self.hints.iter().enumerate() {
            let online = h.online.load(Relaxed);
            if online == 0 || window(hard, q.wrapping_shl(self.shift), n) & online == 0 {
                continue;
            }
            let load = (h.load_per_cpu(), h.units.load(Relaxed));
            if best.is_none_or(|(l, _)| load < l) {
                best = Some((load, q));
            }
        }
        best.map(|b| b.1)
    }

    /// Sets weight (1 to [`crate::MAX_WEIGHT`]) and cap (per cent of one CPU, 0 for none) of a domain.
    ///
    /// # Errors
    /// `EINVAL` for a weight of 0, `ENOMEM`.
    pub fn set_group_params(&self, group: u16, weight: u16, cap: u16) -> Result {
        self.domains.set(group, weight, cap)
    }

    /// Weight and cap of a domain.
    #[must_use]
    pub fn group_params(&self, group: u16) -> (u16, u16) {
        self.domains.get(group)
    }

    /// Forgets the parameters of a domain that is gone.
    pub fn forget_group(&self, group: u16) {
        self.domains.forget(group);
    }

    /// The CPU time of a unit in nanoseconds, with that of the stretch that lasts.
    #[must_use]
    pub fn runtime_ns(&self, id: u32, now: u64) -> u64 {
        let Some((rq, home)) = self.find(id) else { return 0 };
        let Some(u) = rq.unit(home.index()) else { return 0 };
        match u.state {
            State::Running(c) => {
                let since = rq.cpus.get(c).map_or(now, |c| c.since);
                u.runtime.wrapping_add(now.saturating_sub(since))
            }
            _ => u.runtime,
        }
    }

    /// How long a CPU was idle, in nanoseconds (`struct xen_sysctl_cpuinfo`).
    #[must_use]
    pub fn idle_ns(&self, cpu: usize, now: u64) -> u64 {
        let (queue, c) = self.queue_of(cpu);
        let Some(q) = self.queues.get(queue) else { return 0 };
        let rq = q.lock();
        rq.cpus.get(c).map_or(0, |cpu| match cpu.running {
            Some(_) => cpu.idle_total,
            None => cpu.idle_total.wrapping_add(now.saturating_sub(cpu.since)),
        })
    }
}

impl<T> RunQueue<T> {
    /// Notes that CPU `c` of the run queue is told to reschedule; its number.
    fn kick(&mut self, c: usize) -> Option<usize> {
        self.kicked |= bit(c);
        Some(self.first.wrapping_add(c))
    }

    /// An idle CPU other than `c` for the first unit that waits and could run there; not for the unit `except`.
    #[inline]
    fn kick_waiter(&mut self, c: usize, except: Option<u32>) -> Option<usize> {
        let idle = self.idle & !self.kicked & !bit(c);
        if idle == 0 || self.ready.is_empty() {
            return None;
        }
        let may = |u: &&Unit<T>| u.hard & idle != 0 && Some(u.id) != except;
        let i = self.ready.iter().rev().find(|e| self.unit(e.unit).as_ref().is_some_and(may))?.unit;
        self.find_idle_in(i, idle)
    }
}
