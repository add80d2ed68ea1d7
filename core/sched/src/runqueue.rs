//! A run queue: the units of a group of CPUs, the ones that are ready in the order of their credit.

use alloc::boxed::Box;
use alloc::vec::Vec;

use fx_types::{Errno, Result, try_filled};

use crate::bit;
use crate::unit::{State, Unit};
use crate::vtime::{ahead, burn, join, later};

/// A CPU of a run queue.
pub(crate) struct Cpu {
    /// The unit that runs there.
    pub(crate) running: Option<u32>,
    /// Since when its time, or that without a unit, is not accounted yet.
    pub(crate) since: u64,
    /// When it was chosen.
    pub(crate) started: u64,
    /// When the CPU will reschedule by itself; `u64::MAX`: never.
    pub(crate) timer: u64,
    /// The highest virtual time that was chosen here.
    pub(crate) base: u64,
    /// Time without a unit, in nanoseconds.
    pub(crate) idle_total: u64,
}

impl Cpu {
    fn new() -> Self {
        Self { running: None, since: u64::MAX, started: 0, timer: u64::MAX, base: 0, idle_total: 0 }
    }
}

/// A unit that waits.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) vt: u64,
    pub(crate) unit: u32,
}

/// The CPUs of a group and their units.
pub(crate) struct RunQueue<T> {
    /// Number of the first CPU.
    pub(crate) first: usize,
    pub(crate) online: u64,
    pub(crate) idle: u64,
    /// CPUs that were told to reschedule and have not done so yet.
    pub(crate) kicked: u64,
    /// The highest virtual time that was chosen.
    pub(crate) base: u64,
    pub(crate) cpus: Box<[Cpu]>,
    pub(crate) units: Vec<Option<Unit<T>>>,
    free: Vec<u32>,
    /// The units that wait, the one to run next at the end.
    pub(crate) ready: Vec<Entry>,
    /// The units whose domain is out of budget, and when it has some again.
    pub(crate) parked: Vec<(u64, u32)>,
    /// Sum of the weights of the runnable units.
    pub(crate) load: u64,
    pub(crate) next_balance: u64,
}

impl<T> RunQueue<T> {
    pub(crate) fn new(first: usize, cpus: usize) -> Result<Self> {
        Ok(Self {
            first,
            online: 0,
            idle: 0,
            kicked: 0,
            base: 0,
            cpus: try_filled(cpus, |_| Cpu::new())?,
            units: Vec::new(),
            free: Vec::new(),
            ready: Vec::new(),
            parked: Vec::new(),
            load: 0,
            next_balance: 0,
        })
    }

    #[inline]
    pub(crate) fn unit(&self, i: u32) -> Option<&Unit<T>> {
        self.units.get(i as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn unit_mut(&mut self, i: u32) -> Option<&mut Unit<T>> {
        self.units.get_mut(i as usize)?.as_mut()
    }

    /// How many units there are.
    pub(crate) fn unit_count(&self) -> u32 {
        self.units.len().wrapping_sub(self.free.len()) as u32
    }

    /// Makes room for one more unit in every list, so that no later step needs memory.
    pub(crate) fn reserve(&mut self) -> Result {
        let n = self.units.len().saturating_add(1);
        let grow = |have: usize| n.saturating_sub(have);
        let nomem = |_| Errno::ENOMEM;
        self.units.try_reserve(1).map_err(nomem)?;
        self.free.try_reserve(grow(self.free.len())).map_err(nomem)?;
        self.ready.try_reserve(grow(self.ready.len())).map_err(nomem)?;
        self.parked.try_reserve(grow(self.parked.len())).map_err(nomem)
    }

    /// Takes a unit in; [`Self::reserve`] went before. It is not in the ready list yet.
    pub(crate) fn adopt(&mut self, mut u: Unit<T>) -> u32 {
        u.set_window(self.first, self.cpus.len());
        let i = self.free.pop().unwrap_or_else(|| {
            self.units.push(None);
            self.units.len().wrapping_sub(1) as u32
        });
        if let Some(slot) = self.units.get_mut(i as usize) {
            *slot = Some(u);
        }
        i
    }

    /// Gives a unit away that does not run.
    pub(crate) fn extract(&mut self, i: u32) -> Option<Unit<T>> {
        self.unqueue(i);
        self.uncount(i);
        let mut u = self.units.get_mut(i as usize)?.take()?;
        u.return_budget();
        self.free.push(i);
        Some(u)
    }

    /// The virtual time where those are with whom a unit with this mask competes, with what has run until `now`: who runs
    /// alone is not chosen anew for as long as nobody else wants its CPU.
    #[inline]
    fn base_for(&self, hard: u64, now: u64) -> u64 {
        let mine = self.cpus.iter().enumerate().filter(|(c, _)| hard & bit(*c) != 0);
        let at = mine.map(|(_, c)| self.running_vt(c, now).map_or(c.base, |vt| later(c.base, vt)));
        at.reduce(later).unwrap_or(self.base)
    }

    /// The virtual time at `now` of what runs on a CPU.
    #[inline]
    fn running_vt(&self, cpu: &Cpu, now: u64) -> Option<u64> {
        let r = self.unit(cpu.running?)?;
        Some(r.vt.wrapping_add(burn(now.saturating_sub(cpu.since), r.domain.rate())))
    }

    /// A unit becomes runnable: it counts in the load and waits from `now` on.
    #[inline]
    pub(crate) fn join(&mut self, i: u32, now: u64) {
        let Some(hard) = self.unit(i).map(|u| u.hard) else { return };
        let base = self.base_for(hard, now);
        let Some(u) = self.units.get_mut(i as usize).and_then(Option::as_mut) else { return };
        u.vt = join(u.vt, base, u.domain.rate());
        let w = u32::from(u.domain.weight());
        let before = core::mem::replace(&mut u.counted, w);
        self.load = self.load.wrapping_add(u64::from(w)).wrapping_sub(u64::from(before));
        self.enqueue(i);
    }

    /// Takes a unit out of the load.
    #[inline]
    pub(crate) fn uncount(&mut self, i: u32) {
        let Some(u) = self.unit_mut(i) else { return };
        let before = core::mem::take(&mut u.counted);
        self.load = self.load.wrapping_sub(u64::from(before));
    }

    /// Puts a unit in the ready list, behind those with the same credit.
    #[inline]
    pub(crate) fn enqueue(&mut self, i: u32) {
        let Some(u) = self.unit_mut(i) else { return };
        u.state = State::Ready;
        let e = Entry { vt: u.vt, unit: i };
        if self.ready.is_empty() {
            self.ready.push(e);
            return;
        }
        let at = self.ready.partition_point(|r| ahead(r.vt, e.vt) > 0);
        self.ready.insert(at, e);
    }

    /// Takes a unit out of the list in which it waits; it counts as moving then.
    pub(crate) fn unqueue(&mut self, i: u32) {
        let Some(u) = self.unit_mut(i) else { return };
        match u.state {
            State::Ready => self.ready.retain(|e| e.unit != i),
            State::Parked => self.parked.retain(|p| p.1 != i),
            _ => return,
        }
        if let Some(u) = self.unit_mut(i) {
            u.state = State::Moving;
        }
    }

    /// An idle CPU for a unit that waits, which is then to be kicked.
    #[inline]
    pub(crate) fn find_idle(&mut self, i: u32) -> Option<usize> {
        self.find_idle_in(i, self.idle & !self.kicked)
    }

    /// The same, one of those in the mask.
    #[inline]
    pub(crate) fn find_idle_in(&mut self, i: u32, mask: u64) -> Option<usize> {
        let u = self.unit(i)?;
        let idle = mask & u.hard;
        if idle == 0 {
            return None;
        }
        let liked = if idle & u.soft != 0 { idle & u.soft } else { idle };
        let last = u.last.wrapping_sub(self.first);
        let c = if last < 64 && liked & bit(last) != 0 { last } else { liked.trailing_zeros() as usize };
        self.kicked |= bit(c);
        Some(self.first.wrapping_add(c))
    }

    /// The busy CPU that should reschedule for a unit that waits: the one whose unit has the least credit, when that is less
    /// than the waiting one has or when no CPU would look at the list by itself.
    pub(crate) fn find_victim(&mut self, i: u32, now: u64) -> Option<usize> {
        let u = self.unit(i)?;
        let (vt, mut left) = (u.vt, u.hard & self.online);
        if left & (self.kicked | self.idle) != 0 {
            return None;
        }
        let (mut best, mut armed) = (None, false);
        while left != 0 {
            let c = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            let Some(cpu) = self.cpus.get(c) else { break };
            armed |= cpu.timer != u64::MAX;
            let Some(running) = self.running_vt(cpu, now) else { continue };
            let lead = ahead(running, vt);
            if best.is_none_or(|(l, _)| lead > l) {
                best = Some((lead, c));
            }
        }
        let (lead, c) = best?;
        if lead <= 0 && armed {
            return None;
        }
        self.kicked |= bit(c);
        Some(self.first.wrapping_add(c))
    }

    /// A busy CPU without a timer that the first unit which waits could run on: it does not know yet that somebody waits.
    pub(crate) fn find_unaware(&mut self) -> Option<usize> {
        let first = self.ready.last().and_then(|e| self.unit(e.unit))?;
        let mask = first.hard & self.online & !self.idle & !self.kicked;
        let unaware = |c: &(usize, &Cpu)| mask & bit(c.0) != 0 && c.1.timer == u64::MAX;
        let c = self.cpus.iter().enumerate().find(unaware)?.0;
        self.kicked |= bit(c);
        Some(self.first.wrapping_add(c))
    }

    /// The CPU to kick for a unit that waits.
    pub(crate) fn find_cpu(&mut self, i: u32, now: u64) -> Option<usize> {
        self.find_idle(i).or_else(|| self.find_victim(i, now))
    }
}
