//! CPU pools: which CPUs are whose, and how a pool's vCPUs share them.
//!
//! The scheduler knows nothing of pools: a vCPU may run on the CPUs of its hard affinity that are its pool's. In a pool of policy
//! *null* each vCPU has a CPU for itself, its seat; who has none waits.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use fx_types::{CpuSet, Errno, Result};

use crate::domain::Domain;
use crate::host::{Host, RESCHED, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;

/// The pool that is always there.
pub const POOL: u32 = 0;

/// How vCPUs share the CPUs of a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// By weight and cap.
    Credit2,
    /// Each has one for itself, or none.
    Null,
}

/// A vCPU: domain and number.
type Who = (u16, u32);
/// Which CPU each vCPU of a null pool has for itself.
type Seats = BTreeMap<Who, usize>;

/// A pool besides pool 0.
struct Pool {
    policy: Policy,
    cpus: CpuSet,
    seats: Seats,
}

/// All pools. Pool 0 has the CPUs that no other one has and that are not free.
///
/// It is part of `Host`, which is moved on the stack when it is made: so no [`CpuSet`] in place.
#[derive(Default)]
pub struct Pools {
    others: BTreeMap<u32, Pool>,
    free: BTreeSet<usize>,
}

impl Pools {
    /// The CPUs of a pool, among those pool 0's numbers of CPUs that do not exist.
    pub(crate) fn cpus(&self, id: u32) -> Option<CpuSet> {
        if id != POOL {
            return self.others.get(&id).map(|p| p.cpus.clone());
        }
        let mut left = CpuSet::ALL;
        self.free.iter().for_each(|cpu| left.remove(*cpu));
        self.others.values().flat_map(|p| p.cpus.iter()).for_each(|cpu| left.remove(cpu));
        Some(left)
    }

    pub(crate) fn policy(&self, id: u32) -> Option<Policy> {
        if id == POOL { Some(Policy::Credit2) } else { self.others.get(&id).map(|p| p.policy) }
    }

    /// The CPUs that are in no pool.
    pub(crate) fn free(&self) -> &BTreeSet<usize> {
        &self.free
    }

    /// The pool with the number, or the next one.
    pub(crate) fn at_or_after(&self, id: u32) -> Option<u32> {
        if id == POOL { Some(POOL) } else { self.others.range(id..).next().map(|(id, _)| *id) }
    }

    /// A new pool without CPUs; for no number, one above all others.
    pub(crate) fn create(&mut self, id: Option<u32>, policy: Policy) -> Result<u32> {
        let last = self.others.last_key_value().map_or(POOL, |(id, _)| *id);
        let id = id.or_else(|| last.checked_add(1).filter(|n| *n != u32::MAX)).ok_or(Errno::ENOSPC)?;
        if self.policy(id).is_some() {
            return Err(Errno::EEXIST);
        }
        self.others.insert(id, Pool { policy, cpus: CpuSet::EMPTY, seats: Seats::new() });
        Ok(id)
    }

    /// The end of a pool that has no CPUs.
    pub(crate) fn destroy(&mut self, id: u32) -> Result {
        match self.others.get(&id) {
            None if id != POOL => Err(Errno::ENOENT),
            Some(p) if p.cpus.is_empty() => {
                self.others.remove(&id);
                Ok(())
            }
            _ => Err(Errno::EBUSY),
        }
    }

    /// Gives a free CPU to a pool.
    pub(crate) fn give(&mut self, id: u32, cpu: usize) -> Result {
        if self.policy(id).is_none() {
            return Err(Errno::ENOENT);
        }
        if !self.free.remove(&cpu) {
            return Err(Errno::EBUSY);
        }
        if let Some(p) = self.others.get_mut(&id) {
            p.cpus.insert(cpu);
        }
        Ok(())
    }

    /// Takes a CPU of a pool's away from it.
    pub(crate) fn take(&mut self, id: u32, cpu: usize) {
        if let Some(p) = self.others.get_mut(&id) {
            p.cpus.remove(cpu);
        }
        self.free.insert(cpu);
    }

    /// Gives the vCPUs of a null pool their seats.
    fn seat(&mut self, id: u32, wants: &[(Who, CpuSet, CpuSet)]) -> Seats {
        let Some(p) = self.others.get_mut(&id) else { return Seats::new() };
        p.seats = seats(&p.cpus, &p.seats, wants);
        p.seats.clone()
    }
}

/// Who of `wants` (with hard and soft affinity) gets which of the CPUs: whoever has one that it may keep keeps it, and each of the
/// others gets one that is left, if possible one of its soft affinity.
fn seats(cpus: &CpuSet, now: &Seats, wants: &[(Who, CpuSet, CpuSet)]) -> Seats {
    let mut left = cpus.clone();
    let mut taken = Seats::new();
    for (who, hard, _) in wants {
        if let Some(cpu) = now.get(who).filter(|cpu| hard.contains(**cpu) && left.contains(**cpu)) {
            left.remove(*cpu);
            taken.insert(*who, *cpu);
        }
    }
    for (who, hard, soft) in wants {
        if taken.contains_key(who) {
            continue;
        }
        let may = left.and(hard);
        if let Some(cpu) = may.and(soft).first().or_else(|| may.first()) {
            left.remove(cpu);
            taken.insert(*who, cpu);
        }
    }
    taken
}

// Sets of CPUs are large: what has some of them on the stack is not inlined into what has none.
impl<H: Hw> Host<H> {
    /// The CPUs of a pool that there are.
    #[inline(never)]
    pub(crate) fn pool_cpus(&self, id: u32) -> Option<CpuSet> {
        self.pools.lock().cpus(id).map(|cpus| cpus.and(&self.online()))
    }

    /// Where a vCPU of the pool that can run on `hard` starts; [`Self::reseat_pool`] follows.
    #[inline(never)]
    pub(crate) fn first_cpus(&self, pool: u32, hard: &CpuSet) -> CpuSet {
        let pools = self.pools.lock();
        match (pools.policy(pool), pools.cpus(pool)) {
            (Some(Policy::Credit2), Some(cpus)) => hard.and(&cpus),
            _ => CpuSet::EMPTY,
        }
    }

    /// How many domains a pool has.
    pub(crate) fn domains_in_pool(&self, id: u32) -> u32 {
        self.domains.read().values().filter(|d| d.pool.load(Ordering::Relaxed) == id).count() as u32
    }

    /// The vCPUs of a pool that are to run somewhere.
    fn vcpus_in_pool(&self, id: u32) -> Result<Vec<VcpuRef>> {
        let mut found = Vec::new();
        for d in self.all_domains(0, usize::MAX)? {
            if d.pool.load(Ordering::Relaxed) != id {
                continue;
            }
            found.try_reserve(d.vcpus.len()).map_err(|_| Errno::ENOMEM)?;
            let alive = d.vcpus.iter().filter(|v| v.unit.load(Ordering::Acquire) != u32::MAX);
            found.extend(alive.map(|v| VcpuRef { d: d.clone(), v: v.clone() }));
        }
        Ok(found)
    }

    /// Lets a pool's vCPUs run where they may now, after its CPUs, its vCPUs or their affinities changed.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline(never)]
    pub(crate) fn settle_pool(&self, id: u32) -> Result {
        let vcpus = self.vcpus_in_pool(id)?;
        if self.pools.lock().policy(id) == Some(Policy::Credit2) {
            return vcpus.iter().try_for_each(|c| self.steer_within(&c.v, id));
        }
        let mut wants = Vec::new();
        wants.try_reserve(vcpus.len()).map_err(|_| Errno::ENOMEM)?;
        for c in &vcpus {
            let (hard, soft) = c.v.affinity_now();
            wants.push(((c.d.id.0, c.v.id), hard, soft));
        }
        let seats = self.pools.lock().seat(id, &wants);
        for c in &vcpus {
            let seat = seats.get(&(c.d.id.0, c.v.id)).map_or(CpuSet::EMPTY, |cpu| CpuSet::one(*cpu));
            self.steer(&c.v, &seat, &CpuSet::ALL)?;
        }
        Ok(())
    }

    /// The same after vCPUs came to it or left it, of which those of a credit2 pool take no notice.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn reseat_pool(&self, id: u32) -> Result {
        if self.pools.lock().policy(id) == Some(Policy::Null) { self.settle_pool(id) } else { Ok(()) }
    }

    /// Lets a vCPU of a credit2 pool run where its affinity says.
    fn steer_within(&self, v: &Vcpu, pool: u32) -> Result {
        let (hard, soft) = v.affinity_now();
        let cpus = self.pools.lock().cpus(pool).unwrap_or(CpuSet::EMPTY);
        self.steer(v, &hard.and(&cpus), &soft)
    }

    /// Tells the scheduler where a vCPU may run.
    fn steer(&self, v: &Vcpu, hard: &CpuSet, soft: &CpuSet) -> Result {
        let unit = v.unit.load(Ordering::Acquire);
        if unit != u32::MAX
            && let Some(cpu) = self.sched.set_affinity(unit, hard, soft)?
        {
            self.ask(cpu, RESCHED);
        }
        Ok(())
    }

    /// Sets on which CPUs a vCPU may run, and on which it should, within its domain's pool.
    ///
    /// # Errors
    /// `EINVAL` when none of `hard` is in the pool, `ENOMEM`.
    #[inline(never)]
    pub fn set_affinity(&self, d: &Domain, v: &Vcpu, hard: &CpuSet, soft: &CpuSet) -> Result {
        let pool = d.pool.load(Ordering::Relaxed);
        let policy = self.pools.lock().policy(pool).ok_or(Errno::EINVAL)?;
        let effective = hard.and(&self.pool_cpus(pool).ok_or(Errno::EINVAL)?);
        if effective.is_empty() {
            return Err(Errno::EINVAL);
        }
        if policy == Policy::Credit2 {
            self.steer(v, &effective, soft)?;
        }
        {
            let mut now = v.affinity.lock();
            now.hard = hard.clone();
            now.soft = soft.clone();
        }
        self.reseat_pool(pool)
    }

    /// Moves a domain to another pool: it starts there like a new one, without affinities, weight and cap.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline(never)]
    pub(crate) fn move_to_pool(&self, d: &Domain, pool: u32) -> Result {
        let old = d.pool.swap(pool, Ordering::Relaxed);
        for v in &d.vcpus {
            let mut now = v.affinity.lock();
            (now.hard, now.soft) = (CpuSet::ALL, CpuSet::ALL);
        }
        self.sched.set_group_params(d.id.0, fx_sched::DEFAULT_WEIGHT, 0)?;
        if self.pools.lock().policy(pool) == Some(Policy::Credit2) {
            d.vcpus.iter().try_for_each(|v| self.steer_within(v, pool))?;
        }
        self.reseat_pool(pool)?;
        self.reseat_pool(old)
    }

    /// Takes a CPU away from a pool, which may be its last only if no domain is in the pool. A vCPU that may run on none of the
    /// others may run on all of them from now on.
    ///
    /// # Errors
    /// `EBUSY`, `ENOMEM`.
    #[inline(never)]
    pub(crate) fn take_from_pool(&self, pool: u32, cpu: usize) -> Result {
        let left = self.pool_cpus(pool).ok_or(Errno::ENOENT)?.without(&CpuSet::one(cpu));
        if left.is_empty() && self.domains_in_pool(pool) != 0 {
            return Err(Errno::EBUSY);
        }
        self.pools.lock().take(pool, cpu);
        for c in self.vcpus_in_pool(pool)? {
            let mut now = c.v.affinity.lock();
            if now.hard.and(&left).is_empty() {
                now.hard = CpuSet::ALL;
            }
        }
        self.settle_pool(pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cpus: &[usize]) -> CpuSet {
        let mut s = CpuSet::EMPTY;
        cpus.iter().for_each(|cpu| s.insert(*cpu));
        s
    }

    #[test]
    fn every_cpu_is_in_one_place() {
        let mut p = Pools::default();
        assert_eq!(p.cpus(POOL), Some(CpuSet::ALL));
        let a = p.create(None, Policy::Null).unwrap();
        assert_eq!(
            (a, p.policy(a), p.at_or_after(1), p.at_or_after(2)),
            (1, Some(Policy::Null), Some(1), None)
        );
        assert_eq!(p.create(Some(1), Policy::Credit2), Err(Errno::EEXIST));
        assert_eq!(p.create(Some(POOL), Policy::Credit2), Err(Errno::EEXIST));
        assert_eq!(p.give(a, 3), Err(Errno::EBUSY), "pool 0 has it");
        p.take(POOL, 3);
        assert!(p.free().contains(&3) && !p.cpus(POOL).unwrap().contains(3));
        assert_eq!(p.give(7, 3), Err(Errno::ENOENT));
        assert_eq!(p.give(a, 3), Ok(()));
        assert_eq!((p.cpus(a), p.free()), (Some(set(&[3])), &BTreeSet::new()));
        assert_eq!(
            (p.destroy(a), p.destroy(POOL), p.destroy(9)),
            (Err(Errno::EBUSY), Err(Errno::EBUSY), Err(Errno::ENOENT))
        );
        p.take(a, 3);
        assert_eq!((p.destroy(a), p.give(POOL, 3)), (Ok(()), Ok(())));
        assert_eq!(p.cpus(POOL), Some(CpuSet::ALL));
    }

    #[test]
    fn seats_are_kept_and_given() {
        let all = CpuSet::ALL;
        let wants = [((1, 0), all.clone(), all.clone()), ((1, 1), all.clone(), set(&[5]))];
        let first = seats(&set(&[4, 5]), &Seats::new(), &wants);
        assert_eq!(first, Seats::from([((1, 0), 4), ((1, 1), 5)]));
        // A third one waits; when CPU 4 goes its vCPU has none, and when CPU 6 comes the one that is named first gets it.
        let wants = [wants[0].clone(), wants[1].clone(), ((2, 0), all.clone(), all.clone())];
        assert_eq!(seats(&set(&[4, 5]), &first, &wants), first);
        let less = seats(&set(&[5]), &first, &wants);
        assert_eq!(less, Seats::from([((1, 1), 5)]));
        assert_eq!(seats(&set(&[5, 6]), &less, &wants), Seats::from([((1, 0), 6), ((1, 1), 5)]));
        // Who may not stay gives its seat to another.
        let wants = [((1, 1), set(&[6]), all.clone()), ((2, 0), set(&[5]), all)];
        assert_eq!(seats(&set(&[5, 6]), &less, &wants), Seats::from([((1, 1), 6), ((2, 0), 5)]));
    }
}
