//! A world, and what happens in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fx_domain::domain::Domain;
use fx_domain::host::VcpuRef;
use fx_sim_host::{World, invariants};
use fx_types::{Clock, DomId, Errno, Maddr, Mfn, PhysMem};

use crate::dice::Dice;
use crate::guest::{Call, GRANTS, Guest, others};

const CPUS: usize = 2;
const FRAMES: u64 = 1100;
const GUESTS: u16 = 3;
/// More accesses to memory than any one entry into the hypervisor may take.
const MOST_ACCESSES: u64 = 400_000;

/// Instructions that a guest's kernel may try: their bytes.
const PRIVILEGED: [&[u8]; 18] = [
    &[0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2],
    &[0x0f, 0xa2],
    &[0xec],
    &[0xee],
    &[0xe5, 0x71],
    &[0xe6, 0x70],
    &[0x6e],
    &[0xf3, 0x6c],
    &[0x0f, 0x20, 0xc0],
    &[0x0f, 0x22, 0xd8],
    &[0x0f, 0x22, 0xe0],
    &[0x0f, 0x32],
    &[0x0f, 0x30],
    &[0x0f, 0x06],
    &[0x0f, 0x01, 0xd1],
    &[0x0f, 0x21, 0xf8],
    &[0x0f, 0x23, 0xf8],
    &[0x0f, 0x09],
];
/// Stores that are emulated when they hit a page table.
const STORES: [&[u8]; 5] = [
    &[0x48, 0x89, 0x07],
    &[0x48, 0x87, 0x07],
    &[0xf0, 0x48, 0x0f, 0xb1, 0x0f],
    &[0x89, 0x07],
    &[0x48, 0xc7, 0x07, 0, 0, 0, 0],
];
/// Where guests keep the instruction that they execute.
const CODE: u64 = 0x1_1000;
const CODE_PAGE: usize = 0x11;

/// How often each operation was asked for, and how often it was granted: by hypercall and command.
pub type Tally = BTreeMap<(u32, u64), [u64; 2]>;

/// Plays `steps` steps of the world with this seed; panics when something is wrong.
pub fn play(seed: u64, steps: u32, tally: &mut Tally) {
    let mut scene = Scene {
        w: World::new(CPUS, FRAMES, GUESTS),
        dice: Dice::new(seed),
        seed,
        paused: None,
        guests: (1..=GUESTS).collect(),
        mapped: BTreeMap::new(),
        parked: Vec::new(),
        offers: Vec::new(),
        tally: std::mem::take(tally),
    };
    scene.set_model();
    if !seed.is_multiple_of(4) {
        scene.w.host.hw.start_pcids();
    }
    for step in 0..steps {
        let before = scene.w.host.hw.touched();
        scene.step();
        let cost = scene.w.host.hw.touched() - before;
        assert!(cost < MOST_ACCESSES, "seed {seed} step {step}: {cost} accesses to memory in one go");
        invariants::check(&scene.w);
        if step % 16 == 0 {
            invariants::check_all(&scene.w);
        }
    }
    *tally = scene.end();
}

/// A world in the course of a play.
pub struct Scene {
    pub w: World,
    pub dice: Dice,
    seed: u64,
    /// The domain that the control domain paused.
    paused: Option<Arc<Domain>>,
    /// Numbers of the guests.
    guests: Vec<u16>,
    /// What each domain has mapped of others' grants: where, and the handle.
    mapped: BTreeMap<u16, Vec<(u64, u32)>>,
    /// Calls that were cut and not taken up again yet: whose.
    pub parked: Vec<(DomId, u32, Call)>,
    /// Ports that wait for somebody: whose, for whom, which.
    offers: Vec<(u16, u16, u64)>,
    tally: Tally,
}

impl Scene {
    /// In two worlds of three the last guest is the device model of the first one.
    fn set_model(&mut self) {
        let [target, .., model] = self.guests[..] else { return };
        let (Ok(target), Ok(model)) = (self.w.host.domain(DomId(target)), self.w.host.domain(DomId(model)))
        else {
            return;
        };
        if !self.seed.is_multiple_of(3) {
            // Refused when it has one already.
            let _ = self.w.host.set_target(&model, &target);
        }
    }

    fn step(&mut self) {
        let cpu = self.dice.below(CPUS as u64) as usize;
        if self.dice.one_in(12) {
            let ns = self.dice.of(&[1_000, 100_000, 3_000_000, 40_000_000]);
            self.w.host.hw.advance(ns);
        }
        if self.dice.one_in(50) {
            // Now and then so slow that long work is always done in parts.
            let pace = self.dice.of(&[50, 50, 2_000_000]);
            self.w.host.hw.set_pace(pace);
        }
        self.w.turn(cpu);
        let Some(c) = self.w.current(cpu) else { return };
        if c.d.id.0 == 0 {
            self.control(cpu);
        } else {
            self.guest(cpu, &c);
        }
    }

    /// The control domain lets guests run, maps what is theirs, and now and then replaces one.
    fn control(&mut self, cpu: usize) {
        let id = self.dice.of(&self.guests);
        if self.is_gone(id) || self.dice.one_in(60) {
            return self.replace(id);
        }
        match self.dice.below(24) {
            0..=2 => self.map_foreign(cpu, id),
            3 => {
                let Ok(d) = self.w.host.domain(DomId(id)) else { return };
                match self.paused.take() {
                    Some(paused) => self.w.host.unpause_domain(&paused),
                    None => {
                        self.w.host.pause_domain(&d, false);
                        self.paused = Some(d);
                    }
                }
            }
            _ => {
                let until = Clock::now(&self.w.host.hw) + self.dice.of(&[100_000, 1_000_000, 20_000_000]);
                let (scratch, frame) = {
                    let own = &self.w.spaces[&0];
                    (own.scratch().0, own.scratch_frames()[0])
                };
                // `sched_poll`: no ports, and a time.
                for (i, word) in [0, 0, until].into_iter().enumerate() {
                    self.w.host.hw.store64(frame.at(i as u64 * 8), word);
                }
                let args = [u64::from(xen_abi::sched::SCHEDOP_POLL), scratch, 0, 0, 0];
                let _ = self.w.hypercall(cpu, xen_abi::hypercall::HYPERVISOR_SCHED_OP, args, 1);
            }
        }
    }

    /// Whether nothing of a guest will run any more: it crashed, or it took its own memory away.
    fn is_gone(&mut self, id: u16) -> bool {
        let Ok(d) = self.w.host.domain(DomId(id)) else { return true };
        let stopped = d.shutdown_code.load(Ordering::Relaxed) != fx_domain::domain::RUNNING;
        let asleep = d.vcpus.iter().all(|v| !v.is_runnable(false));
        stopped || asleep && self.dice.one_in(8)
    }

    /// Maps a frame of a guest's in the control domain, or takes a mapping back.
    fn map_foreign(&mut self, cpu: usize, id: u16) {
        let own = &self.w.spaces[&0];
        let (scratch, frame, l1) = (own.scratch().0, own.scratch_frames()[0], own.frames[3]);
        let foreign = self.dice.of(&self.w.spaces[&id].frames);
        let slot = 40 + self.dice.below(8);
        let entry = match self.dice.below(3) {
            0 => 0,
            1 => foreign.0 << 12 | 5,
            _ => foreign.0 << 12 | 7,
        };
        self.w.host.hw.store64(frame.at(0), (l1.0 << 12) | (slot * 8));
        self.w.host.hw.store64(frame.at(8), entry);
        let args = [scratch, 1, 0, u64::from(id), 0];
        let _ = self.w.hypercall(cpu, xen_abi::hypercall::HYPERVISOR_MMU_UPDATE, args, 100);
    }

    fn replace(&mut self, id: u16) {
        self.w.destroy(DomId(id));
        self.mapped.remove(&id);
        self.parked.retain(|(whose, ..)| whose.0 != id);
        invariants::check_all(&self.w);
        // While others hold something of it its number is taken, and its memory with it.
        let last = self.guests.iter().max().copied().unwrap_or(0);
        let new = if self.w.host.domain(DomId(id)).is_ok() { last + 1 } else { id };
        match self.w.create(DomId(new), 2) {
            Ok(_) => self.guests.iter_mut().filter(|g| **g == id).for_each(|g| *g = new),
            Err(Errno::ENOMEM) => self.w.destroy(DomId(new)),
            Err(e) => panic!("seed {}: no new domain: {e:?}", self.seed),
        }
        self.set_model();
    }

    fn guest(&mut self, cpu: usize, c: &VcpuRef) {
        if self.dice.one_in(3) && self.resume(cpu, c) {
            return;
        }
        match self.dice.below(20) {
            0 | 1 => self.write(cpu, c),
            2 => self.instruction(cpu, c),
            3 => self.trap(cpu),
            4 => {
                let write = self.dice.one_in(2);
                self.access(cpu, c, write);
            }
            5 => self.visit_user_mode(cpu, c),
            6 | 7 => self.build_table(cpu, c),
            8 => self.repin(cpu, c),
            9..=11 => self.grant(c),
            _ => {
                let call = self.guest_dice(c, |g| g.call());
                self.make(cpu, &call);
            }
        }
    }

    fn access(&mut self, cpu: usize, c: &VcpuRef, write: bool) {
        let va = self.guest_dice(c, |g| g.va());
        let _ = self.w.host.hw.mmu(cpu).access(self.w.host.hw.ram(), FRAMES, va, write);
    }

    /// The other mode, and mostly back again: what was translated there may stay cached while the guest goes on in this one.
    fn visit_user_mode(&mut self, cpu: usize, c: &VcpuRef) {
        for _ in 0..if self.dice.one_in(8) { 1 } else { 2 } {
            if !fx_sim_host::on_cpu(cpu, || self.w.host.toggle_mode(c)) {
                return;
            }
            for _ in 0..4 {
                let write = self.dice.one_in(2);
                self.access(cpu, c, write);
            }
        }
    }

    pub fn guest_dice<R>(&mut self, c: &VcpuRef, f: impl FnOnce(&mut Guest<'_>) -> R) -> R {
        let id = c.d.id.0;
        let target = c.d.target.load(Ordering::Relaxed);
        let (others, reach) = match self.w.spaces.get(&(target as u16)) {
            Some(space) if target < 0x7ff0 => (space.frames.clone(), 2),
            _ => (others(&self.w, id), 16),
        };
        let space = &self.w.spaces[&id];
        let scratch = space.scratch().0;
        let mapped = self.mapped.get(&id).map_or(&[][..], Vec::as_slice);
        let (frames, others, granted) = (&space.frames[..], &others[..], &self.granted(id)[..]);
        let offered: Vec<_> = self.offers.iter().filter(|o| o.1 == id).map(|o| (o.0.into(), o.2)).collect();
        let offered = &offered[..];
        let peers = &self.w.host.domains.read().keys().copied().collect::<Vec<_>>()[..];
        let dice = &mut self.dice;
        f(&mut Guest { dice, frames, others, scratch, reach, peers, mapped, granted, offered })
    }

    /// What the other domains' tables grant to this one: whose, and the entries' numbers.
    fn granted(&self, id: u16) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        for d in self.w.host.domains.read().values() {
            let size = if d.grants.version() == 1 { 8 } else { 16 };
            let Some(frame) = d.grants.shared_frame(0) else { continue };
            for n in 0..u64::from(GRANTS) {
                let header = self.w.host.hw.ram().load64(frame.at(n * size));
                if header & 3 != 0 && (header >> 16) as u16 == id {
                    all.push((d.id.0.into(), n));
                }
            }
        }
        all
    }

    /// Makes a call; what it needs in memory is written first.
    pub fn make(&mut self, cpu: usize, call: &Call) {
        let Some(c) = self.w.current(cpu) else { return };
        let trace = std::env::var_os("FX_FUZZ_TRACE").is_some();
        if trace {
            println!("CPU {cpu} {} vCPU {}: {call:x?}", c.d.id, c.v.id);
        }
        let scratch = self.w.spaces[&c.d.id.0].scratch().0;
        for (i, word) in (0u64..).zip(&call.block) {
            self.store(cpu, scratch + i * 8, *word);
        }
        if call.number == xen_abi::hypercall::HYPERVISOR_IRET {
            self.w.regs(cpu).rsp = scratch;
        }
        let patience = if self.dice.one_in(8) { 1 } else { 500 };
        let answer = self.w.hypercall(cpu, call.number, call.args, patience);
        if trace {
            let words = [0, 1, 2].map(|i| self.word(cpu, scratch + i * 8));
            let answer = answer.map(|a| a as i64);
            println!("  {} {} answers {answer:x?}, {words:x?}", call.number, call.args[0] & 63);
        }
        match answer {
            Ok(answer) => self.note(cpu, &c, call, answer as i64),
            Err(Errno::ERESTART) if self.parked.len() < 8 => {
                let r = self.w.regs(cpu);
                let (number, args) = (r.rax as u32, [r.rdi, r.rsi, r.rdx, r.r10, r.r8]);
                self.parked.push((c.d.id, c.v.id, Call { number, args, block: Vec::new() }));
            }
            Err(_) => {}
        }
    }

    /// A word of the memory of what runs on a CPU; 0 where there is none.
    fn word(&self, cpu: usize, va: u64) -> u64 {
        let hw = &self.w.host.hw;
        let at = hw.mmu(cpu).access(hw.ram(), FRAMES, va, false);
        at.filter(|a| a.mfn().0 < FRAMES && a.0 % 8 == 0).map_or(0, |a| hw.ram().load64(a))
    }

    /// What a guest was given holds nothing of whoever had it before.
    fn look_at_new(&self, cpu: usize, c: &VcpuRef, call: &Call, count: u64) {
        let &[list, _, 0, ..] = &call.block[..] else { return };
        let hw = &self.w.host.hw;
        for mfn in (0..count).map(|i| Mfn(self.word(cpu, list.wrapping_add(i * 8)))) {
            let given = mfn.0 < FRAMES && self.w.host.frames.get(mfn).is_some_and(|f| f.owner() == c.d.id);
            let fresh = given && !self.w.spaces[&c.d.id.0].frames.contains(&mfn);
            let clear = || (0..512).all(|i| hw.ram().load64(mfn.at(i * 8)) == 0);
            assert!(!fresh || clear(), "seed {}: {mfn:?} was not cleared", self.seed);
        }
    }

    /// Notes how a call was answered, and what it mapped.
    fn note(&mut self, cpu: usize, c: &VcpuRef, call: &Call, answer: i64) {
        use xen_abi::hypercall as nr;
        let word = |scene: &Self, i: u64| scene.word(cpu, call.args[1].wrapping_add(i * 8));
        let mut granted = answer >= 0;
        if call.number == nr::HYPERVISOR_MEMORY_OP && matches!(call.args[0], 0 | 6) && granted {
            self.look_at_new(cpu, c, call, answer as u64);
        }
        let command = match call.number {
            nr::HYPERVISOR_MMUEXT_OP => call.block.get(16).or(call.block.first()).copied().unwrap_or(99),
            nr::HYPERVISOR_GRANT_TABLE_OP if granted => {
                let status = match call.args[0] {
                    0 => (word(self, 2) >> 16) as i16,
                    1 | 7 => (word(self, 2) >> 32) as i16,
                    5 => (word(self, 4) >> 32) as i16,
                    _ => 0,
                };
                granted = status == 0;
                let (place, handle) = (word(self, 0), (word(self, 2) >> 32) as u32);
                let mapped = self.mapped.entry(c.d.id.0).or_default();
                match call.args[0] {
                    0 if granted => mapped.push((place, handle)),
                    1 | 7 if granted => mapped.retain(|m| call.block.get(2) != Some(&m.1.into())),
                    _ => {}
                }
                call.args[0]
            }
            nr::HYPERVISOR_GRANT_TABLE_OP
            | nr::HYPERVISOR_EVENT_CHANNEL_OP
            | nr::HYPERVISOR_VCPU_OP
            | nr::HYPERVISOR_SCHED_OP
            | nr::HYPERVISOR_MEMORY_OP => call.args[0] & 63,
            _ => 0,
        };
        if (call.number, call.args[0]) == (nr::HYPERVISOR_EVENT_CHANNEL_OP, 6) && granted {
            let answer = word(self, 0);
            let remote = if answer >> 16 & 0xffff == 0x7ff0 { c.d.id.0 } else { (answer >> 16) as u16 };
            self.offers.push((c.d.id.0, remote, answer >> 32));
            let surplus = self.offers.len().saturating_sub(16);
            self.offers.drain(..surplus);
        }
        let seen = self.tally.entry((call.number, command)).or_default();
        seen[0] += 1;
        seen[1] += u64::from(granted);
    }

    /// A store by the guest itself, by whatever translation its CPU has; whether it was possible.
    pub fn store(&mut self, cpu: usize, va: u64, value: u64) -> bool {
        let hw = &self.w.host.hw;
        let at = hw.mmu(cpu).access(hw.ram(), FRAMES, va, true);
        let Some(at) = at.filter(|a| a.mfn().0 < FRAMES && a.0 % 8 == 0) else { return false };
        hw.ram().store64(at, value);
        true
    }

    /// A store that may hit a page table: then it faults, and is emulated.
    fn write(&mut self, cpu: usize, c: &VcpuRef) {
        let (va, value) = self.guest_dice(c, |g| (g.va() & !7, g.entry()));
        if self.store(cpu, va, value) {
            return;
        }
        let bytes = self.dice.of(&STORES);
        self.put_code(c, bytes);
        self.w.host.hw.set_fault(cpu, va);
        let r = self.w.regs(cpu);
        (r.rip, r.rdi, r.rax, r.rcx) = (CODE, va, value, value);
        (r.entry_vector, r.error_code) = (14, 7);
        self.w.entry(cpu);
    }

    fn put_code(&mut self, c: &VcpuRef, bytes: &[u8]) {
        let frame = self.w.spaces[&c.d.id.0].frames[CODE_PAGE];
        // Only while it is nothing but plain memory of the guest's.
        let info = self.w.host.frames.get(frame).unwrap();
        let plain =
            info.word().type_refs() == 0 || info.word().frame_type() == fx_frames::FrameType::Writable;
        if info.owner() == c.d.id && info.word().refs() > 0 && plain {
            self.w.host.hw.ram().write(Maddr(frame.addr().0), bytes);
        }
    }

    fn instruction(&mut self, cpu: usize, c: &VcpuRef) {
        let bytes = self.dice.of(&PRIVILEGED);
        self.put_code(c, bytes);
        let words: Vec<u64> = (0..5).map(|_| self.guest_dice(c, |g| g.word())).collect();
        let forced = bytes.len() == 7;
        let r = self.w.regs(cpu);
        r.rip = CODE;
        [r.rax, r.rcx, r.rdx, r.rsi, r.rdi] = words[..].try_into().unwrap();
        (r.entry_vector, r.error_code) = if forced { (6, 0) } else { (13, 0) };
        self.w.entry(cpu);
    }

    fn trap(&mut self, cpu: usize) {
        let vector = self.dice.of(&[0, 1, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19, 0x100, 0x200 | 13]);
        let error = self.dice.below(0x10000) as u32;
        let va = self.dice.next() >> self.dice.below(40);
        self.w.host.hw.set_fault(cpu, va);
        let r = self.w.regs(cpu);
        (r.entry_vector, r.error_code) = (vector, error);
        self.w.entry(cpu);
    }

    /// Everybody goes, and everything comes back.
    fn end(mut self) -> Tally {
        self.paused = None;
        // The control domain lets go of what it maps of others.
        for slot in 40..48u64 {
            let l1 = self.w.spaces[&0].frames[3];
            let change = fx_pagetables::Change {
                at: l1.at(slot * 8),
                level: 1,
                new: 0,
                owner: DomId(0),
                target: DomId(0),
                keep_ad: false,
            };
            fx_pagetables::exchange(&*self.w.host, &change).unwrap();
        }
        for id in self.guests.clone() {
            self.w.destroy(DomId(id));
        }
        invariants::check_all(&self.w);
        let left: Vec<_> = self.w.host.domains.read().keys().copied().collect();
        assert_eq!(left, [0], "seed {}: domains that nobody can forget", self.seed);
        self.tally
    }
}
