//! A simulated machine: CPUs that follow the scheduler's choices, and loads that run and sleep, in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fx_sched::{RATE_LIMIT_NS, Sched};
use fx_types::CpuSet;

const MS: u64 = 1_000_000;
const US: u64 = 1_000;

/// What a unit does: runs for `run`, then sleeps for `sleep`; a hog never sleeps.
#[derive(Clone, Copy)]
struct Load {
    run: u64,
    sleep: u64,
}

const HOG: Load = Load { run: u64::MAX, sleep: 0 };

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Event {
    Wake(usize),
    /// A kick arrives, or a timer fires, or the unit that runs blocks: with the CPU's generation for the last two.
    Kick(usize),
    Timer(usize, u64),
    Block(usize, u64),
    Saved(usize),
}

#[derive(Default, Clone)]
struct Cpu {
    running: Option<usize>,
    since: u64,
    generation: u64,
}

struct Unit {
    id: u32,
    load: Load,
    left: u64,
    ran: u64,
    hard: CpuSet,
    ready_since: Option<u64>,
    longest_wait: u64,
}

struct Machine {
    sched: Sched<usize>,
    cpus: Vec<Cpu>,
    units: Vec<Unit>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    now: u64,
    switches: u64,
}

impl Machine {
    fn new(cpus: usize, per_queue: usize) -> Self {
        let mut m = Self {
            sched: Sched::with_queues_of(cpus, per_queue).unwrap(),
            cpus: vec![Cpu::default(); cpus],
            units: vec![],
            events: BinaryHeap::new(),
            sequence: 0,
            now: 1000,
            switches: 0,
        };
        for c in 0..cpus {
            m.sched.cpu_online(c);
            m.kick(Some(c));
        }
        m
    }

    fn at(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((time, self.sequence, event)));
    }

    fn add(&mut self, group: u16, load: Load, hard: CpuSet) -> usize {
        let n = self.units.len();
        let id = self.sched.insert(n, group, &hard).unwrap();
        self.units.push(Unit { id, load, left: load.run, ran: 0, hard, ready_since: None, longest_wait: 0 });
        let at = self.now + n as u64 * 10 * US;
        self.at(at, Event::Wake(n));
        n
    }

    fn kick(&mut self, cpu: Option<usize>) {
        if let Some(c) = cpu {
            self.at(self.now + 2 * US, Event::Kick(c));
        }
    }

    /// Books the time of the unit that runs on a CPU.
    fn book(&mut self, c: usize) {
        let cpu = &mut self.cpus[c];
        if let Some(u) = cpu.running {
            let ran = self.now - cpu.since;
            self.units[u].ran += ran;
            self.units[u].left = self.units[u].left.saturating_sub(ran);
        }
        cpu.since = self.now;
    }

    fn schedule(&mut self, c: usize) {
        self.book(c);
        let before = self.cpus[c].running.take();
        if let Some(u) = before {
            self.units[u].ready_since = Some(self.now);
        }
        let choice = self.sched.schedule(c, self.now);
        let next = choice.next.map(|n| n.1);
        if let Some(n) = next {
            assert!(self.units[n].hard.contains(c), "affinity of unit {n} broken on CPU {c}");
            assert!(self.cpus.iter().all(|o| o.running != Some(n)), "unit {n} on two CPUs");
            assert_eq!(self.sched.running_on(self.units[n].id), Some(c));
            let u = &mut self.units[n];
            if let Some(since) = u.ready_since.take() {
                u.longest_wait = u.longest_wait.max(self.now - since);
            }
        }
        assert_eq!(choice.prev.is_some(), before.is_some() && before != next);
        self.switches += u64::from(before != next);
        let cpu = &mut self.cpus[c];
        cpu.running = next;
        cpu.generation += 1;
        let generation = cpu.generation;
        if choice.prev.is_some() {
            self.at(self.now + US, Event::Saved(c));
        }
        if let Some(end) = choice.slice_end {
            assert!(end > self.now, "timer in the past");
            self.at(end, Event::Timer(c, generation));
        }
        if let Some(n) = next
            && self.units[n].left != u64::MAX
        {
            let left = self.units[n].left.max(1);
            self.at(self.now.saturating_add(left), Event::Block(c, generation));
        }
        self.kick(choice.kick);
        choice.also.into_iter().for_each(|k| self.kick(k));
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Wake(u) => {
                self.units[u].left = self.units[u].load.run;
                self.units[u].ready_since = Some(self.now);
                let kick = self.sched.wake(self.units[u].id, self.now);
                self.kick(kick);
            }
            Event::Kick(c) => self.schedule(c),
            Event::Timer(c, g) if self.cpus[c].generation == g => self.schedule(c),
            Event::Block(c, g) if self.cpus[c].generation == g => {
                let u = self.cpus[c].running.unwrap();
                self.sched.sleep(self.units[u].id);
                self.at(self.now + self.units[u].load.sleep.max(US), Event::Wake(u));
                self.schedule(c);
                self.units[u].ready_since = None;
            }
            Event::Saved(c) => {
                let kick = self.sched.context_saved(c);
                self.kick(kick);
            }
            _ => {}
        }
    }

    fn run(&mut self, duration: u64) {
        let end = self.now + duration;
        while let Some(Reverse((time, _, _))) = self.events.peek()
            && *time <= end
        {
            let Reverse((time, _, event)) = self.events.pop().unwrap();
            self.now = time;
            self.step(event);
        }
        self.now = end;
        for c in 0..self.cpus.len() {
            self.book(c);
        }
        // Times in the scheduler agree with those that were lived through.
        for u in &self.units {
            assert_eq!(self.sched.runtime_ns(u.id, self.now), u.ran);
        }
    }

    fn ran(&self, u: usize) -> u64 {
        self.units[u].ran
    }

    fn busy(&self) -> u64 {
        self.units.iter().map(|u| u.ran).sum()
    }
}

fn near(got: u64, wanted: u64, per_cent: u64) {
    let off = got.abs_diff(wanted);
    assert!(off * 100 <= wanted * per_cent, "{got} instead of {wanted}");
}

fn cpus(list: &[usize]) -> CpuSet {
    let mut s = CpuSet::EMPTY;
    list.iter().for_each(|c| s.insert(*c));
    s
}

#[test]
fn equal_hogs_share_equally() {
    for (n, units) in [(1, 2), (1, 5), (2, 3), (4, 7), (4, 4)] {
        let mut m = Machine::new(n, 16);
        let us: Vec<usize> = (0..units).map(|i| m.add(i as u16, HOG, CpuSet::ALL)).collect();
        m.run(2000 * MS);
        let share = (2000 * MS * n as u64 / units as u64).min(2000 * MS);
        us.iter().for_each(|u| near(m.ran(*u), share, 5));
    }
}

#[test]
fn weights_decide_shares() {
    for n in [1u64, 2] {
        let mut m = Machine::new(n as usize, 16);
        let weights = [128u16, 256, 512, 300, 4000];
        // Twice as many of each, so that nobody is entitled to more than a CPU.
        let us: Vec<(usize, u16)> = (0..weights.len() * 4)
            .map(|i| {
                let w = weights[i % weights.len()];
                m.sched.set_group_params(i as u16, w, 0).unwrap();
                (m.add(i as u16, HOG, CpuSet::ALL), w)
            })
            .collect();
        m.run(20_000 * MS);
        let sum: u64 = us.iter().map(|u| u64::from(u.1)).sum();
        for (u, w) in us {
            near(m.ran(u), 20_000 * MS * n * u64::from(w) / sum, 5);
        }
    }
}

#[test]
fn extreme_weights_starve_nobody() {
    let mut m = Machine::new(1, 16);
    m.sched.set_group_params(1, 1, 0).unwrap();
    m.sched.set_group_params(2, 65535, 0).unwrap();
    let light = m.add(1, HOG, CpuSet::ALL);
    let heavy = m.add(2, HOG, CpuSet::ALL);
    m.run(400_000 * MS);
    assert!(m.ran(light) > 0 && m.ran(light) < 100 * MS, "{}", m.ran(light));
    assert!(m.ran(heavy) > 399_000 * MS);
}

#[test]
fn pinned_units_share_their_cpus_by_weight() {
    let mut m = Machine::new(2, 16);
    m.sched.set_group_params(1, 10, 0).unwrap();
    m.sched.set_group_params(2, 30, 0).unwrap();
    m.sched.set_group_params(3, 1000, 0).unwrap();
    m.sched.set_group_params(4, 2000, 0).unwrap();
    let a = m.add(1, HOG, cpus(&[0]));
    let b = m.add(2, HOG, cpus(&[0]));
    let c = m.add(3, HOG, cpus(&[1]));
    let d = m.add(4, HOG, cpus(&[1]));
    m.run(6000 * MS);
    near(m.ran(a), 1500 * MS, 5);
    near(m.ran(b), 4500 * MS, 5);
    near(m.ran(c), 2000 * MS, 5);
    near(m.ran(d), 4000 * MS, 5);
}

#[test]
fn sleepers_run_soon_and_hogs_get_the_rest() {
    let mut m = Machine::new(1, 16);
    let hogs: Vec<usize> = (0..4).map(|_| m.add(0, HOG, CpuSet::ALL)).collect();
    let sleeper = m.add(1, Load { run: 100 * US, sleep: 2 * MS }, CpuSet::ALL);
    // Who is new has no credit yet.
    m.run(100 * MS);
    m.units[sleeper].longest_wait = 0;
    m.run(3900 * MS);
    let u = &m.units[sleeper];
    assert!(u.longest_wait <= RATE_LIMIT_NS + 50 * US, "{}", u.longest_wait);
    assert!(u.ran > 100 * MS);
    let each = (4000 * MS - u.ran) / 4;
    hogs.iter().for_each(|h| near(m.ran(*h), each, 5));
}

/// Who has run alone, for however long, owes nothing for that to one that comes then.
#[test]
fn a_newcomer_shares_with_one_that_ran_alone() {
    for n in [1, 2] {
        let mut m = Machine::new(n, 16);
        let alone: Vec<usize> = (0..n).map(|_| m.add(0, HOG, CpuSet::ALL)).collect();
        m.run(1000 * MS);
        let before = m.ran(alone[0]);
        let new: Vec<usize> = (0..n).map(|_| m.add(1, HOG, CpuSet::ALL)).collect();
        m.run(100 * MS);
        near(m.ran(alone[0]) - before, 50 * MS, 15);
        near(m.ran(new[0]), 50 * MS, 15);
    }
}

#[test]
fn nobody_waits_for_long() {
    let mut m = Machine::new(2, 16);
    for i in 0..20 {
        let load = if i % 3 == 0 { HOG } else { Load { run: (i as u64 + 1) * 300 * US, sleep: 900 * US } };
        m.add(i, load, CpuSet::ALL);
    }
    m.run(5000 * MS);
    for u in &m.units {
        assert!(u.longest_wait < 300 * MS, "{}", u.longest_wait);
    }
}

#[test]
fn no_cpu_idles_while_somebody_waits() {
    // Pinned and free units, more than enough for every CPU: all are busy (but for the time that kicks take).
    for per_queue in [1, 2, 16] {
        let mut m = Machine::new(4, per_queue);
        for c in 0..4 {
            m.add(0, Load { run: 3 * MS, sleep: 3 * MS }, cpus(&[c]));
        }
        for _ in 0..6 {
            m.add(0, HOG, CpuSet::ALL);
        }
        m.run(2000 * MS);
        near(m.busy(), 8000 * MS, 2);
    }
}

#[test]
fn lonely_units_are_left_alone() {
    let mut m = Machine::new(2, 16);
    m.add(0, HOG, CpuSet::ALL);
    m.add(0, HOG, CpuSet::ALL);
    m.run(1000 * MS);
    assert!(m.switches <= 4, "{}", m.switches);
}

#[test]
fn two_hogs_switch_rarely() {
    let mut m = Machine::new(1, 16);
    m.add(0, HOG, CpuSet::ALL);
    m.add(0, HOG, CpuSet::ALL);
    m.run(1000 * MS);
    assert!(m.switches <= 520, "{}", m.switches);
}

#[test]
fn caps_hold() {
    for cap in [10u64, 50, 150] {
        let mut m = Machine::new(4, 16);
        m.sched.set_group_params(1, 256, cap as u16).unwrap();
        let capped = [m.add(1, HOG, CpuSet::ALL), m.add(1, HOG, CpuSet::ALL)];
        let free = m.add(2, HOG, CpuSet::ALL);
        m.run(3000 * MS);
        near(capped.iter().map(|u| m.ran(*u)).sum(), 30 * MS * cap, 5);
        near(m.ran(capped[0]), 15 * MS * cap, 25);
        near(m.ran(free), 3000 * MS, 1);
    }
}

#[test]
fn a_cap_holds_on_a_full_cpu_and_for_sleepers() {
    let mut m = Machine::new(1, 16);
    m.sched.set_group_params(1, 256, 20).unwrap();
    let capped = m.add(1, Load { run: 700 * US, sleep: 100 * US }, CpuSet::ALL);
    let hog = m.add(2, HOG, CpuSet::ALL);
    m.run(3000 * MS);
    assert!(m.ran(capped) <= 615 * MS, "{}", m.ran(capped));
    assert!(m.ran(capped) >= 300 * MS, "{}", m.ran(capped));
    near(m.ran(hog), 3000 * MS - m.ran(capped), 2);
}

#[test]
fn soft_affinity_is_a_wish() {
    let mut m = Machine::new(2, 16);
    let a = m.add(0, Load { run: MS, sleep: MS }, CpuSet::ALL);
    m.sched.set_affinity(m.units[a].id, &CpuSet::ALL, &cpus(&[1])).unwrap();
    m.run(100 * MS);
    near(m.sched.idle_ns(0, m.now), 100 * MS, 2);
    // Its CPU is taken: it runs elsewhere.
    m.add(0, HOG, cpus(&[1]));
    let before = m.ran(a);
    m.run(1000 * MS);
    assert!(m.ran(a) - before > 300 * MS);
}

#[test]
fn affinity_changes_take_effect() {
    let mut m = Machine::new(4, 2);
    let us: Vec<usize> = (0..6).map(|_| m.add(0, HOG, CpuSet::ALL)).collect();
    m.run(50 * MS);
    for u in &us {
        m.units[*u].hard = cpus(&[3]);
        let kick = m.sched.set_affinity(m.units[*u].id, &cpus(&[3]), &CpuSet::ALL).unwrap();
        // The simulation must not see a unit where it may not be before the kick has arrived.
        m.kick(kick);
    }
    m.run(MS);
    let before: Vec<u64> = us.iter().map(|u| m.ran(*u)).collect();
    m.run(3000 * MS);
    for (u, b) in us.iter().zip(before) {
        near(m.ran(*u) - b, 500 * MS, 5);
    }
}

#[test]
fn hotplug() {
    for per_queue in [1, 2, 16] {
        let mut m = Machine::new(4, per_queue);
        let us: Vec<usize> = (0..8).map(|_| m.add(0, HOG, CpuSet::ALL)).collect();
        m.run(50 * MS);
        for c in [0, 1, 2] {
            let kicks = m.sched.cpu_offline(c);
            m.kick(Some(c));
            kicks.iter().for_each(|k| m.kick(Some(k)));
        }
        m.run(10 * MS);
        let before: Vec<u64> = us.iter().map(|u| m.ran(*u)).collect();
        m.run(8000 * MS);
        for (u, b) in us.iter().zip(&before) {
            near(m.ran(*u) - b, 1000 * MS, 5);
        }
        for c in [0, 1, 2] {
            let kicks = m.sched.cpu_online(c);
            m.kick(Some(c));
            kicks.iter().for_each(|k| m.kick(Some(k)));
        }
        let busy = m.busy();
        m.run(1000 * MS);
        near(m.busy() - busy, 4000 * MS, 2);
    }
}

#[test]
fn many_queues_balance() {
    let mut m = Machine::new(8, 2);
    let us: Vec<usize> = (0..16).map(|_| m.add(0, HOG, CpuSet::ALL)).collect();
    m.run(4000 * MS);
    near(m.busy(), 32_000 * MS, 1);
    us.iter().for_each(|u| near(m.ran(*u), 2000 * MS, 10));
}

#[test]
fn a_yield_lets_the_other_go_first() {
    let s: Sched<u8> = Sched::new(1).unwrap();
    s.cpu_online(0);
    let a = s.insert(1, 0, &CpuSet::ALL).unwrap();
    let b = s.insert(2, 0, &CpuSet::ALL).unwrap();
    assert_eq!(s.wake(a, 0), Some(0));
    assert_eq!(s.schedule(0, 0).next, Some((a, 1)));
    assert!(!s.yield_now(a), "nobody waits");
    assert_eq!(s.wake(b, 10), Some(0));
    assert_eq!(s.schedule(0, 20).next, Some((a, 1)), "rate limit");
    assert!(s.yield_now(a));
    let c = s.schedule(0, 30);
    assert_eq!((c.next, c.prev), (Some((b, 2)), Some(a)));
    assert_eq!(s.running_on(a), Some(0), "its state is still there");
    assert_eq!(s.context_saved(0), None);
    assert_eq!((s.running_on(a), s.running_on(b)), (None, Some(0)));
}

#[test]
fn a_unit_whose_state_is_elsewhere_is_not_taken() {
    let s: Sched<u8> = Sched::new(2).unwrap();
    s.cpu_online(0);
    s.cpu_online(1);
    let a = s.insert(1, 0, &CpuSet::ALL).unwrap();
    let b = s.insert(2, 0, &CpuSet::one(0)).unwrap();
    assert_eq!(s.wake(a, 0), Some(0));
    assert_eq!(s.schedule(0, 0).next, Some((a, 1)));
    assert_eq!(s.schedule(1, 0).next, None);
    assert_eq!(s.wake(b, 10 * MS), Some(0));
    let c = s.schedule(0, 10 * MS);
    assert_eq!((c.next, c.prev, c.kick), (Some((b, 2)), Some(a), None));
    assert_eq!(s.schedule(1, 10 * MS).next, None, "not saved yet");
    assert_eq!(s.context_saved(0), Some(1));
    assert_eq!(s.schedule(1, 10 * MS).next, Some((a, 1)));
    let mut text = String::new();
    s.dump(&mut text).unwrap();
    assert!(text.contains("CPU01: unit 0 (d0)"), "{text}");
}

#[test]
fn removed_units_are_gone() {
    let s: Sched<std::sync::Arc<()>> = Sched::new(1).unwrap();
    s.cpu_online(0);
    let p = std::sync::Arc::new(());
    let a = s.insert(p.clone(), 0, &CpuSet::ALL).unwrap();
    assert_eq!(s.wake(a, 0), Some(0));
    let choice = s.schedule(0, 0);
    assert!(choice.next.is_some());
    drop(choice);
    assert_eq!(s.remove(a), Some(0));
    assert_eq!(s.wake(a, 1), None);
    assert_eq!(s.schedule(0, 1).next, None);
    assert_eq!(s.context_saved(0), None);
    assert_eq!(std::sync::Arc::strong_count(&p), 1);
    assert_eq!((s.wake(a, 2), s.sleep(a), s.remove(a), s.running_on(a)), (None, None, None, None));
    let b = s.insert(p.clone(), 0, &CpuSet::ALL).unwrap();
    assert_eq!((a, s.remove(b)), (b, None));
    assert!(s.insert(p, 0, &CpuSet::EMPTY).is_err());
}
