//! A guest in a container that does what none should, and a device model and a toolstack that pass on garbage: exits of every kind
//! with any registers, code that is random, calls whose arguments are almost right, saved states with bits flipped.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use fx_domain::domain::{Domain, RUNNING};
use fx_domain::hw::Hw;
use fx_p2m::Kind;
use fx_sim_host::{Step, invariants};
use fx_types::{DomId, GuestRegs, PhysMem};
use fx_virt::{Access, Event, EventKind, Exit, Reason};
use xen_abi::domctl as d;
use xen_abi::hypercall as nr;

use crate::dice::Dice;
use crate::guest::{DEVICES, MS, Scene};

const G: u16 = 5;
/// The guest's pages: of code, of arguments, and how many there are.
const CODE: u64 = 1;
const ARGUMENTS: u64 = 2;
const PAGES: u64 = 10;
/// Accesses to memory that one round may take: a few exits, a call, a saved state.
const MOST_ACCESSES: u64 = 400_000;
/// Rounds of a long life.
const ROUNDS: u32 = 400;

/// Beginnings of instructions that the core decodes: what it emulates, and what its exits are about.
const STARTS: [&[u8]; 30] = [
    &[0x0f, 0x20],
    &[0x0f, 0x22],
    &[0x0f, 0x21],
    &[0x0f, 0x23],
    &[0x0f, 0x01],
    &[0x0f, 0x06],
    &[0x0f, 0x32],
    &[0x0f, 0x30],
    &[0x0f, 0xa2],
    &[0x0f, 0x00],
    &[0x0f, 0x38],
    &[0x0f, 0xc7],
    &[0x0f, 0x6f],
    &[0xf3, 0xa4],
    &[0xf3, 0xa5],
    &[0xf3, 0xab],
    &[0xf2, 0x6d],
    &[0xf3, 0x6e],
    &[0x66],
    &[0x67],
    &[0xf0],
    &[0x9a],
    &[0xea],
    &[0xcf],
    &[0xcd],
    &[0x8e],
    &[0xff],
    &[0xf4],
    &[0x9d],
    &[0xc8],
];
const REGISTERS: [u64; 24] = [
    0x10,
    0x1b,
    0x3a,
    0x3b,
    0x8b,
    0xc1,
    0xfe,
    0x174,
    0x175,
    0x176,
    0x179,
    0x1a0,
    0x1d9,
    0x200,
    0x20f,
    0x250,
    0x277,
    0x2ff,
    0x400,
    0x6e0,
    0x800,
    0x4000_0000,
    0xc000_0080,
    0xc001_0015,
];
const COMMANDS: [u32; 14] = [
    d::XEN_DOMCTL_GETDOMAININFO,
    d::XEN_DOMCTL_SETVCPUCONTEXT,
    d::XEN_DOMCTL_GETVCPUCONTEXT,
    d::XEN_DOMCTL_SHADOW_OP,
    d::XEN_DOMCTL_SENDTRIGGER,
    d::XEN_DOMCTL_SETTSCINFO,
    d::XEN_DOMCTL_GETHVMCONTEXT_PARTIAL,
    d::XEN_DOMCTL_SETVCPUEXTSTATE,
    d::XEN_DOMCTL_GETVCPUEXTSTATE,
    d::XEN_DOMCTL_SET_VCPU_MSRS,
    d::XEN_DOMCTL_GET_VCPU_MSRS,
    d::XEN_DOMCTL_SET_PAGING_MEMPOOL_SIZE,
    d::XEN_DOMCTL_IOPORT_PERMISSION,
    d::XEN_DOMCTL_GETPAGEFRAMEINFO3,
];

/// Something that might be anything.
fn word(dice: &mut Dice) -> u64 {
    match dice.below(12) {
        0..=3 => dice.below(16),
        4 => dice.below(PAGES) << 12 | dice.below(4096),
        5 => 0xfee0_0000 + dice.below(0x400),
        6 => dice.of(&[0xfec0_0000, 0xfed0_0000, 0xfee0_0000, 0xf_ffff, 0x10_0000]),
        7 => dice.below(16) | dice.below(16) << 32,
        8 => u64::from(G) | dice.below(16) << 16 | dice.below(16) << 32,
        9 => dice.of(&[u64::MAX, 1 << 63, 0x7fff_ffff_ffff, 0x8000_0000_0000, 0xffff_ffff, 1 << 40]),
        10 => 1 << dice.below(64),
        _ => dice.next(),
    }
}

fn words(dice: &mut Dice, n: usize) -> Vec<u64> {
    (0..n).map(|_| word(dice)).collect()
}

fn event(dice: &mut Dice) -> Event {
    const KINDS: [EventKind; 4] =
        [EventKind::Interrupt, EventKind::Nmi, EventKind::Exception, EventKind::SoftwareInterrupt];
    let kind = dice.of(&KINDS);
    let vector = match kind {
        EventKind::Nmi => 2,
        EventKind::Exception => dice.of(&[0, 1, 3, 6, 8, 11, 12, 13, 14, 17]),
        _ => 32 + dice.below(224) as u8,
    };
    let error = matches!((kind, vector), (EventKind::Exception, 8 | 11..=14 | 17)).then_some(0);
    Event { kind, vector, error, length: if kind == EventKind::SoftwareInterrupt { 2 } else { 0 } }
}

fn reason(dice: &mut Dice) -> Reason {
    const PLAIN: [Reason; 17] = [
        Reason::Cpuid,
        Reason::Pause,
        Reason::Rdtsc,
        Reason::Rdtscp,
        Reason::Rdpmc,
        Reason::Invd,
        Reason::Wbinvd,
        Reason::Invlpg,
        Reason::Monitor,
        Reason::Mwait,
        Reason::Xsetbv,
        Reason::VirtInstruction,
        Reason::Interrupt,
        Reason::Window,
        Reason::NmiWindow,
        Reason::DebugRegister,
        Reason::Halt,
    ];
    match dice.below(16) {
        0 | 1 => dice.of(&PLAIN),
        2 | 3 => dice.of(&[Reason::ReadMsr, Reason::WriteMsr]),
        4 | 5 => Reason::Hypercall,
        6 => Reason::ControlRegister { register: dice.of(&[0, 2, 3, 4, 8]), write: dice.one_in(2) },
        7 => {
            let vector = dice.of(&[1, 3, 6, 7, 13, 14, 17]);
            Reason::Exception { vector, error: dice.below(64) as u32, address: word(dice) }
        }
        8 => Reason::Io {
            port: word(dice) as u16,
            size: dice.of(&[1, 2, 4]),
            input: dice.one_in(2),
            string: dice.one_in(2),
        },
        9 if dice.one_in(200) => Reason::TaskSwitch {
            selector: word(dice) as u16,
            iret: dice.one_in(2),
            jump: dice.one_in(2),
            error: dice.one_in(2).then_some(0),
        },
        10 if dice.one_in(200) => dice.of(&[Reason::Shutdown, Reason::Invalid, Reason::Other(99)]),
        _ => {
            let (write, fetch) = (dice.one_in(2), dice.one_in(12));
            let access = Access { write, fetch, present: dice.one_in(3), ..Access::default() };
            Reason::NestedFault { address: word(dice) & ((1 << 48) - 1), access }
        }
    }
}

fn step(dice: &mut Dice) -> Step {
    let reason = reason(dice);
    let mut r = GuestRegs { rip: (CODE << 12) | (dice.below(256) * 16), ..GuestRegs::default() };
    let general =
        [&mut r.rax, &mut r.rbx, &mut r.rcx, &mut r.rdx, &mut r.rsi, &mut r.rdi, &mut r.rbp, &mut r.rsp];
    general.into_iter().for_each(|g| *g = word(dice));
    r.rflags = 0x202 | dice.of(&[0, 0, 0, 0x400, 0x100, 0x2_0000, 0x3000]);
    match reason {
        Reason::ReadMsr | Reason::WriteMsr => r.rcx = dice.of(&REGISTERS) + dice.below(4),
        Reason::Hypercall => {
            r.rax = dice.of(&[12, 12, 13, 14, 15, 17, 18, 20, 21, 24, 24, 29, 32, 33, 34, 34, 35, 41]);
            (r.rbx, r.rcx) = (dice.below(30), (ARGUMENTS << 12) | (dice.below(16) * 8));
            (r.rdi, r.rsi) = (r.rbx, if dice.one_in(2) { r.rcx } else { r.rsi });
        }
        _ => {}
    }
    let interrupted = dice.one_in(12).then(|| event(dice));
    (Exit { reason, length: 0, interrupted }, r)
}

/// The scene, and how many frames there were before the guest.
struct Wild {
    s: Scene,
    dice: Dice,
    domain: Arc<Domain>,
}

impl Wild {
    /// Fills a page of the guest's, as long as that is memory.
    fn fill(&mut self, gfn: u64, contents: &[u8]) {
        let e = self.domain.hvm.as_ref().unwrap().p2m.get(self.s.hw(), gfn);
        if e.kind == Kind::Ram {
            self.s.hw().write(e.mfn.addr(), contents);
        }
    }

    fn code(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < 4096 {
            let mut one = self.dice.next().to_le_bytes().repeat(2);
            if !self.dice.one_in(3) {
                let start = self.dice.of(&STARTS);
                one[..start.len()].copy_from_slice(start);
            }
            all.extend(one);
        }
        all
    }

    fn round(&mut self) {
        let code = self.code();
        self.fill(CODE, &code);
        let mut arguments: Vec<u8> = words(&mut self.dice, 32).iter().flat_map(|w| w.to_le_bytes()).collect();
        if self.dice.one_in(2) {
            arguments[..2].copy_from_slice(&0x7ff0u16.to_le_bytes());
        }
        self.fill(ARGUMENTS, &arguments);
        let steps: Vec<_> = (0..6).map(|_| step(&mut self.dice)).collect();
        let ns = self.dice.of(&[0, 0, MS]);
        self.s.play(steps, ns);
        match self.dice.below(6) {
            0 | 1 => self.device_model(),
            2 => self.toolstack(),
            3 => self.state(),
            4 => self.memory(),
            _ => self.parameter(),
        }
    }

    fn device_model(&mut self) {
        let op = self.dice.below(22) as u32;
        let arg: [u64; 3] = words(&mut self.dice, 3).try_into().unwrap();
        let second: [u64; 16] = words(&mut self.dice, 16).try_into().unwrap();
        let _ = self.s.dm_op_with(G, op, &arg, &second);
        if self.dice.one_in(8) {
            // The guest would wait for one that never answers.
            for id in 0..8u64 {
                let _ = self.s.dm_op(G, xen_abi::dm_op::XEN_DMOP_DESTROY_IOREQ_SERVER, &id);
            }
        }
    }

    fn toolstack(&mut self) {
        let cmd = self.dice.of(&COMMANDS);
        let mut arg: [u64; 12] = words(&mut self.dice, 12).try_into().unwrap();
        if self.dice.one_in(2) {
            arg[self.dice.below(6) as usize] = self.s.buffer().0;
        }
        let _ = self.s.domctl(G, cmd, &mut arg);
    }

    fn state(&mut self) {
        let mut saved = self.s.save(G);
        let n = saved.len() as u64;
        for _ in 0..self.dice.below(12) {
            let at = self.dice.below(n) as usize;
            saved[at] = if self.dice.one_in(2) {
                self.dice.next() as u8
            } else {
                saved[at] ^ 1 << self.dice.below(8)
            };
        }
        if self.dice.one_in(10) {
            saved.truncate(self.dice.below(n) as usize);
        }
        let _ = self.s.load(G, &saved);
    }

    fn memory(&mut self) {
        let command = self.dice.of(&[0, 1, 6, 7, 7, 10, 15, 16, 17, 23, 28]);
        let mut arg: [u64; 8] = words(&mut self.dice, 8).try_into().unwrap();
        if self.dice.one_in(2) {
            let order = self.dice.of(&[0, 0, 0, 1, 9]);
            arg[..4].copy_from_slice(&[self.s.buffer().0, 1, order, u64::from(G)]);
            if command >= 7 {
                let (space, gfn) = (self.dice.below(6), self.dice.below(PAGES + 4));
                arg[..3].copy_from_slice(&[u64::from(G) | space << 32, self.dice.below(4), gfn]);
            }
        }
        let _ = self.s.call(nr::HYPERVISOR_MEMORY_OP, Some(command), &mut arg);
    }

    fn parameter(&mut self) {
        let command = self.dice.of(&[0, 0, 0, 1, 5, 9, 10, 11, 15, 23, 24, 25]);
        let mut arg: [u64; 4] = words(&mut self.dice, 4).try_into().unwrap();
        arg[0] = u64::from(G) | self.dice.below(48) << 32;
        let _ = self.s.call(nr::HYPERVISOR_HVM_OP, Some(command), &mut arg);
    }
}

/// Frames that are free, or the control domain's: garbage makes that take some for itself.
fn not_the_guests(s: &Scene) -> u64 {
    let control = s.0.host.domain(DomId(0)).unwrap();
    let p = control.pages.lock();
    s.0.host.free.lock().free_frames() + p.list.len() + p.shared.len() + p.dropped.len()
}

/// A guest that lives for so many rounds, or until it has killed itself; how many it lived.
pub fn play(seed: u64, rounds: u32) -> u32 {
    let mut s = Scene::new(1);
    let before = not_the_guests(&s);
    let domain = s.create(G, 1, DEVICES);
    (CODE + 1..PAGES).for_each(|gfn| assert_eq!(s.populate(G, gfn), Ok(1)));
    s.start(&domain);
    let mut w = Wild { s, dice: Dice::new(seed), domain };
    let mut lived = 0;
    while lived < rounds && w.domain.shutdown_code.load(SeqCst) == RUNNING {
        let cost = w.s.hw().touched();
        w.round();
        let cost = w.s.hw().touched() - cost;
        assert!(cost < MOST_ACCESSES, "seed {seed} round {lived}: {cost} accesses to memory in one go");
        invariants::check(&w.s.0);
        lived += 1;
    }
    if std::env::var_os("FX_FUZZ_TRACE").is_some() {
        let mut text = vec![0; 1 << 14];
        let count = w.s.hw().log().read(false, false, 0, &mut text).count;
        println!("seed {seed}: {lived} rounds; {}", String::from_utf8_lossy(&text[..count]));
    }
    let Wild { mut s, domain, .. } = w;
    drop(domain);
    s.0.destroy(DomId(G));
    assert_eq!(not_the_guests(&s), before, "seed {seed}: frames are missing");
    invariants::check_all(&s.0);
    lived
}

#[test]
fn wild() {
    let lived: u32 = (1..=6).map(|seed| play(seed, 60)).sum();
    assert!(lived > 60, "they end too soon to show anything: {lived}");
}

#[test]
#[ignore = "as long as FX_FUZZ_SECONDS says"]
fn long() {
    let number = |name| std::env::var(name).ok().and_then(|s| s.parse::<u64>().ok());
    if let Some(seed) = number("FX_FUZZ_SEED") {
        play(seed, ROUNDS);
        crate::anything::play(seed);
        return;
    }
    let end = Instant::now() + Duration::from_secs(number("FX_FUZZ_SECONDS").unwrap_or(60));
    let first = number("FX_FUZZ_FROM").unwrap_or(1000);
    let (mut seed, mut lived) = (first, 0);
    while Instant::now() < end {
        println!("seed {seed}");
        lived += u64::from(play(seed, ROUNDS));
        crate::anything::play(seed);
        seed += 1;
    }
    println!("{} guests, {lived} rounds", seed - first);
}
