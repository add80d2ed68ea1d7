//! A world, and what happens in it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fx_domain::domain::Domain;
use fx_domain::host::VcpuRef;
use fx_sim_host::{World, invariants};
use fx_types::{Clock, DomId, Errno, Maddr, PhysMem};

use crate::dice::Dice;
use crate::guest::{Guest, others};

const CPUS: usize = 2;
const FRAMES: u64 = 1100;
const GUESTS: u16 = 2;
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

/// Plays `steps` steps of the world with this seed; panics when something is wrong.
pub fn play(seed: u64, steps: u32) {
    let mut scene = Scene {
        w: World::new(CPUS, FRAMES, GUESTS),
        dice: Dice::new(seed),
        seed,
        paused: None,
        guests: (1..=GUESTS).collect(),
    };
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
    scene.end();
}

struct Scene {
    w: World,
    dice: Dice,
    seed: u64,
    /// The domain that the control domain paused.
    paused: Option<Arc<Domain>>,
    /// Numbers of the guests.
    guests: Vec<u16>,
}

impl Scene {
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
        invariants::check_all(&self.w);
        // While others hold something of it its number is taken, and its memory with it.
        let last = self.guests.iter().max().copied().unwrap_or(0);
        let new = if self.w.host.domain(DomId(id)).is_ok() { last + 1 } else { id };
        match self.w.create(DomId(new), 2) {
            Ok(_) => self.guests.iter_mut().filter(|g| **g == id).for_each(|g| *g = new),
            Err(Errno::ENOMEM) => self.w.destroy(DomId(new)),
            Err(e) => panic!("seed {}: no new domain: {e:?}", self.seed),
        }
    }

    fn guest(&mut self, cpu: usize, c: &VcpuRef) {
        match self.dice.below(16) {
            0 | 1 => self.write(cpu, c),
            2 => self.instruction(cpu, c),
            3 => self.trap(cpu),
            4 => self.access(cpu, c, false),
            5 => self.visit_user_mode(cpu, c),
            _ => self.call(cpu, c),
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

    fn guest_dice<R>(&mut self, c: &VcpuRef, f: impl FnOnce(&mut Guest<'_>) -> R) -> R {
        let id = c.d.id.0;
        let others = others(&self.w, id);
        let space = &self.w.spaces[&id];
        let scratch = space.scratch().0;
        f(&mut Guest { dice: &mut self.dice, frames: &space.frames, others: &others, scratch })
    }

    fn call(&mut self, cpu: usize, c: &VcpuRef) {
        let call = self.guest_dice(c, |g| g.call());
        if std::env::var_os("FX_FUZZ_TRACE").is_some() {
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
        if std::env::var_os("FX_FUZZ_TRACE").is_some() {
            println!("  {} {} answers {:x?}", call.number, call.args[0] & 63, answer.map(|a| a as i64));
        }
    }

    /// A store by the guest itself, by whatever translation its CPU has; whether it was possible.
    fn store(&mut self, cpu: usize, va: u64, value: u64) -> bool {
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
    fn end(mut self) {
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
    }
}
