//! A schedulable unit: a vCPU.

use alloc::sync::Arc;

use fx_types::CpuSet;

use crate::bit;
use crate::domain::Domain;

/// Where a unit stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Not runnable.
    Blocked,
    /// Waits in the ready list.
    Ready,
    /// Runs on the CPU with this number within the run queue.
    Running(usize),
    /// Runnable, but its domain has used up its cap.
    Parked,
    /// Runnable, on its way to another run queue.
    Moving,
}

/// Where a unit may run and where it likes to.
pub(crate) struct Affinity {
    pub(crate) hard: CpuSet,
    pub(crate) soft: CpuSet,
}

/// A schedulable unit.
pub(crate) struct Unit<T> {
    pub(crate) payload: T,
    pub(crate) id: u32,
    pub(crate) state: State,
    /// It wants to run.
    pub(crate) runnable: bool,
    /// It lets others go first, once.
    pub(crate) yielded: bool,
    /// It was removed while it ran.
    pub(crate) dead: bool,
    /// The CPU on which it ran last.
    pub(crate) last: usize,
    pub(crate) vt: u64,
    /// CPU time in nanoseconds.
    pub(crate) runtime: u64,
    /// What is left of the budget that it took, in nanoseconds, if its domain is capped.
    pub(crate) granted: u64,
    /// The CPUs of its run queue on which it may run, and of these the ones that it prefers.
    pub(crate) hard: u64,
    pub(crate) soft: u64,
    /// The weight with which it counts in the load of its run queue.
    pub(crate) counted: u32,
    pub(crate) domain: Arc<Domain>,
    pub(crate) affinity: Arc<Affinity>,
}

impl<T> Unit<T> {
    pub(crate) fn new(payload: T, id: u32, domain: Arc<Domain>, affinity: Arc<Affinity>) -> Self {
        Self {
            payload,
            id,
            state: State::Blocked,
            runnable: false,
            yielded: false,
            dead: false,
            last: usize::MAX,
            vt: 0,
            runtime: 0,
            granted: 0,
            hard: 0,
            soft: 0,
            counted: 0,
            domain,
            affinity,
        }
    }

    /// Works out the masks for the run queue of `n` CPUs from `first` on.
    pub(crate) fn set_window(&mut self, first: usize, n: usize) {
        self.hard = window(&self.affinity.hard, first, n);
        let soft = window(&self.affinity.soft, first, n) & self.hard;
        self.soft = if soft == 0 { self.hard } else { soft };
    }

    /// Charges what it ran to its budget; the domain's goes below zero when a timer came late.
    #[cold]
    pub(crate) fn charge(&mut self, ran: u64) {
        let over = ran.saturating_sub(self.granted);
        self.granted = self.granted.saturating_sub(ran);
        if over != 0 {
            self.domain.give_back((over as i64).wrapping_neg());
        }
    }

    /// Returns what is left of the budget that it took.
    #[inline]
    pub(crate) fn return_budget(&mut self) {
        if self.granted != 0 {
            self.domain.give_back(self.granted as i64);
            self.granted = 0;
        }
    }
}

/// The `n` members from `first` on as a mask.
pub(crate) fn window(set: &CpuSet, first: usize, n: usize) -> u64 {
    (0..n).filter(|c| set.contains(first.wrapping_add(*c))).fold(0, |m, c| m | bit(c))
}
