//! Random operations, and many threads, against the promises: a unit is on one CPU at most, where it may be, and runs only
//! while it is runnable.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use fx_sched::Sched;
use fx_types::CpuSet;
use proptest::prelude::*;

const CPUS: usize = 5;

#[derive(Clone, Debug)]
enum Op {
    Insert(u8),
    Remove(usize),
    Wake(usize),
    Sleep(usize),
    Yield(usize),
    Affinity(usize, u8, u8),
    Params(u8, u16, u16),
    Schedule(usize),
    Saved(usize),
    Online(usize),
    Offline(usize),
    Pass(u32),
}

fn op() -> impl Strategy<Value = Op> {
    let cpu = 0..CPUS;
    prop_oneof![
        2 => (1u8..32).prop_map(Op::Insert),
        1 => (0usize..8).prop_map(Op::Remove),
        8 => (0usize..8).prop_map(Op::Wake),
        4 => (0usize..8).prop_map(Op::Sleep),
        1 => (0usize..8).prop_map(Op::Yield),
        2 => (0usize..8, 1u8..32, 0u8..32).prop_map(|(u, h, s)| Op::Affinity(u, h, s)),
        1 => (0u8..3, 1u16.., 0u16..200).prop_map(|(g, w, c)| Op::Params(g, w, c)),
        16 => cpu.clone().prop_map(Op::Schedule),
        8 => cpu.clone().prop_map(Op::Saved),
        1 => cpu.clone().prop_map(Op::Online),
        1 => cpu.prop_map(Op::Offline),
        8 => (0u32..20_000_000).prop_map(Op::Pass),
    ]
}

fn set(mask: u8) -> CpuSet {
    CpuSet::from_bytes(&[mask])
}

struct Model {
    runnable: bool,
    hard: u8,
}

/// What is checked after every choice.
struct World {
    s: Sched<u32>,
    units: BTreeMap<u32, Model>,
    running: [Option<u32>; CPUS],
    /// Units whose state is in a CPU that runs another one.
    unsaved: [Option<u32>; CPUS],
    online: [bool; CPUS],
    now: u64,
    inserted: u32,
}

impl World {
    fn new(per_queue: usize) -> Self {
        Self {
            s: Sched::with_queues_of(CPUS, per_queue).unwrap(),
            units: BTreeMap::new(),
            running: [None; CPUS],
            unsaved: [None; CPUS],
            online: [false; CPUS],
            now: 1,
            inserted: 0,
        }
    }

    fn nth(&self, n: usize) -> Option<u32> {
        self.units.keys().nth(n % self.units.len().max(1)).copied()
    }

    fn schedule(&mut self, c: usize) {
        let before = self.running[c].take();
        let choice = self.s.schedule(c, self.now);
        let next = choice.next.map(|n| n.0);
        if let Some(id) = next {
            let m = &self.units[&id];
            assert!(m.runnable && m.hard & (1 << c) != 0 && self.online[c], "unit {id} on CPU {c}");
            assert!(!self.running.contains(&Some(id)), "unit {id} runs twice");
            for (o, held) in self.unsaved.iter().enumerate() {
                assert!(o == c || *held != Some(id), "the state of unit {id} is in CPU {o}");
            }
        }
        assert!(choice.slice_end.is_none_or(|e| e > self.now));
        if choice.prev.is_some() {
            assert_eq!(choice.prev, before);
            self.unsaved[c] = before;
        }
        if self.unsaved[c] == next {
            self.unsaved[c] = None;
        }
        self.running[c] = next;
        assert_ne!(choice.kick, Some(c));
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Insert(hard) if self.units.len() < 8 => {
                self.inserted += 1;
                let id = self.s.insert(self.inserted, (self.inserted % 3) as u16, &set(hard)).unwrap();
                // An id may come back while a CPU still has its former owner's state.
                self.unsaved.iter_mut().filter(|u| **u == Some(id)).for_each(|u| *u = None);
                assert!(self.units.insert(id, Model { runnable: false, hard }).is_none());
            }
            Op::Params(g, w, c) => self.s.set_group_params(u16::from(g), w, c).unwrap(),
            Op::Schedule(c) => self.schedule(c),
            Op::Saved(c) => {
                self.s.context_saved(c);
                self.unsaved[c] = None;
            }
            Op::Online(c) => {
                self.s.cpu_online(c);
                self.online[c] = true;
            }
            Op::Offline(c) => {
                self.s.cpu_offline(c);
                self.online[c] = false;
                self.schedule(c);
                assert_eq!(self.running[c], None);
            }
            Op::Pass(ns) => self.now += u64::from(ns),
            Op::Insert(_) => {}
            Op::Remove(n) | Op::Wake(n) | Op::Sleep(n) | Op::Yield(n) | Op::Affinity(n, ..) => {
                if let Some(id) = self.nth(n) {
                    self.on_unit(id, op);
                }
            }
        }
    }

    fn on_unit(&mut self, id: u32, op: &Op) {
        let on = self.running.iter().position(|r| *r == Some(id));
        let m = self.units.get_mut(&id).unwrap();
        match *op {
            Op::Remove(_) => {
                self.units.remove(&id);
                assert_eq!(self.s.remove(id), on);
                if let Some(c) = on {
                    self.schedule(c);
                }
            }
            Op::Wake(_) => {
                m.runnable = true;
                if let Some(c) = self.s.wake(id, self.now) {
                    assert!(m.hard & (1 << c) != 0 && self.online[c], "kick of CPU {c} for unit {id}");
                }
            }
            Op::Sleep(_) => {
                let was = m.runnable;
                m.runnable = false;
                assert_eq!(self.s.sleep(id), on.filter(|_| was));
            }
            Op::Yield(_) => {
                self.s.yield_now(id);
            }
            Op::Affinity(_, hard, soft) => {
                m.hard = hard;
                self.s.set_affinity(id, &set(hard), &set(soft)).unwrap();
            }
            _ => {}
        }
    }

    /// When every CPU looks often enough, everybody who may run somewhere does.
    fn all_get_their_turn(&mut self) {
        for g in 0..3 {
            self.s.set_group_params(g, 256, 0).unwrap();
        }
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            self.now += 3_000_000;
            for c in (0..CPUS).filter(|c| self.online[*c]).collect::<Vec<_>>() {
                self.s.context_saved(c);
                self.unsaved[c] = None;
                self.schedule(c);
                seen.extend(self.running[c]);
            }
        }
        for (id, m) in &self.units {
            let possible = (0..CPUS).any(|c| self.online[c] && m.hard & (1 << c) != 0);
            assert_eq!(seen.contains(id), m.runnable && possible, "unit {id}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn promises_hold(ops in prop::collection::vec(op(), 0..300), shift in 0u32..4) {
        let mut w = World::new(1 << shift);
        (0..3).for_each(|c| w.apply(&Op::Online(c)));
        ops.iter().for_each(|o| w.apply(o));
        for c in 0..CPUS {
            w.apply(&Op::Saved(c));
            w.schedule(c);
        }
        w.all_get_their_turn();
    }
}

#[test]
fn threads() {
    fx_sync::set_relax_hook(std::thread::yield_now);
    const THREADS: usize = 4;
    const UNITS: u32 = 10;
    for per_queue in [1, 2, 4] {
        let s: Sched<u32> = Sched::with_queues_of(THREADS, per_queue).unwrap();
        let on: Vec<AtomicUsize> = (0..UNITS).map(|_| AtomicUsize::new(usize::MAX)).collect();
        let ids: Vec<u32> = (0..UNITS).map(|n| s.insert(n, n as u16 % 3, &CpuSet::ALL).unwrap()).collect();
        let (turns, stop) = (AtomicU32::new(0), AtomicBool::new(false));
        let work = |c: usize| {
            s.cpu_online(c);
            let mut rng = c as u64 * 77 + 1;
            let mut mine: Option<usize> = None;
            for step in 0..4000u64 {
                rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let (r, now) = ((rng >> 33) as usize, step * 400_000);
                let id = ids[r % ids.len()];
                match r >> 8 & 7 {
                    0 => drop(s.sleep(id)),
                    1..4 => drop(s.wake(id, now)),
                    4 => drop(s.yield_now(id)),
                    5 => drop(s.set_affinity(id, &set(r as u8 | 1 << c), &CpuSet::ALL)),
                    _ => {}
                }
                let choice = s.schedule(c, now);
                let next = choice.next.map(|n| n.1 as usize);
                if next != mine {
                    if let Some(m) = mine {
                        // The state is saved: from here on others may have it.
                        on[m].store(usize::MAX, Ordering::Release);
                    }
                    s.context_saved(c);
                    if let Some(n) = next {
                        assert_eq!(on[n].swap(c, Ordering::AcqRel), usize::MAX, "unit {n} twice");
                    }
                    turns.fetch_add(1, Ordering::Relaxed);
                }
                mine = next;
            }
            while !stop.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        };
        std::thread::scope(|t| {
            let all: Vec<_> = (0..THREADS)
                .map(|c| {
                    t.spawn({
                        let work = &work;
                        move || work(c)
                    })
                })
                .collect();
            stop.store(true, Ordering::Relaxed);
            drop(all);
        });
        assert!(turns.load(Ordering::Relaxed) > 100);
    }
}
