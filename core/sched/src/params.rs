//! Parameters of domains and CPUs, and the time that units and CPUs have had.

use fx_types::Result;

use crate::sched::Sched;
use crate::unit::State;
use crate::vtime::RATE_LIMIT_NS;

impl<T: Clone> Sched<T> {
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

    /// Sets how long a unit runs on a CPU at least before another one takes its place, in nanoseconds.
    pub fn set_rate_limit(&self, cpu: usize, ns: u64) {
        let (queue, c) = self.queue_of(cpu);
        if let Some(cpu) = self.queues.get(queue).map(|q| q.lock()).as_mut().and_then(|rq| rq.cpus.get_mut(c))
        {
            cpu.rate_limit = ns;
        }
    }

    /// What [`Self::set_rate_limit`] set.
    #[must_use]
    pub fn rate_limit(&self, cpu: usize) -> u64 {
        let (queue, c) = self.queue_of(cpu);
        self.queues.get(queue).map_or(RATE_LIMIT_NS, |q| q.lock().rate_limit(c))
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
