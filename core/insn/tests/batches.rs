//! Iterations of string instructions that the vCPU takes at once.

mod common;

use common::{CODE, Machine, done};
use fx_insn::{Access, Cpu, MoveBatch, Outcome, PortBatch, Purpose, Step, Stop, emulate};
use fx_types::GuestRegs;
use fx_virt::{Register, Segment, SegmentRegister};

/// A machine whose implementation takes up to `most` iterations, after having been asked twice.
struct Batching {
    inner: Machine,
    most: u32,
    waited: bool,
    ports: Vec<PortBatch>,
    moves: Vec<MoveBatch>,
}

fn machine(most: u32) -> Batching {
    let mut inner = Machine::long();
    (inner.regs.rsi, inner.regs.rdi, inner.regs.rcx, inner.regs.rdx) = (0x3000, 0x4000, 10, 0x1f0);
    Batching { inner, most, waited: false, ports: Vec::new(), moves: Vec::new() }
}

impl Batching {
    fn answer(&mut self, count: u32) -> Step<u32> {
        self.waited = !self.waited;
        if self.waited { Err(Stop::Retry) } else { Ok(count.min(self.most)) }
    }

    fn run(&mut self, code: &[u8]) -> Outcome {
        self.inner.code(code);
        loop {
            let outcome = emulate(self);
            if outcome != Outcome::Retry {
                return outcome;
            }
        }
    }
}

impl Cpu for Batching {
    fn port_batch(&mut self, batch: PortBatch) -> Step<u32> {
        self.ports.push(batch);
        self.answer(batch.count)
    }
    fn move_batch(&mut self, batch: MoveBatch) -> Step<u32> {
        self.moves.push(batch);
        self.answer(batch.count)
    }
    fn regs(&mut self) -> &mut GuestRegs {
        self.inner.regs()
    }
    fn amd(&self) -> bool {
        self.inner.amd()
    }
    fn cpl(&mut self) -> u8 {
        self.inner.cpl()
    }
    fn segment(&mut self, segment: Segment) -> SegmentRegister {
        self.inner.segment(segment)
    }
    fn set_segment(&mut self, segment: Segment, value: &SegmentRegister) {
        self.inner.set_segment(segment, value);
    }
    fn register(&mut self, register: Register) -> u64 {
        self.inner.register(register)
    }
    fn fetch(&mut self, linear: u64, out: &mut [u8]) -> Step {
        self.inner.fetch(linear, out)
    }
    fn read(&mut self, access: Access, out: &mut [u8]) -> Step {
        self.inner.read(access, out)
    }
    fn write(&mut self, access: Access, data: &[u8]) -> Step {
        self.inner.write(access, data)
    }
    fn probe(&mut self, access: Access, length: usize) -> Step {
        self.inner.probe(access, length)
    }
    fn completed(&mut self) {
        self.inner.completed();
    }
    fn port_read(&mut self, port: u16, size: u8, number: u8) -> Step<u32> {
        self.inner.port_read(port, size, number)
    }
    fn port_write(&mut self, port: u16, size: u8, value: u32, number: u8) -> Step {
        self.inner.port_write(port, size, value, number)
    }
    // The rest is not reached by string instructions.
    fn set_register(&mut self, _: Register, _: u64) -> Step {
        Err(Stop::Unhandled)
    }
    fn cr8(&mut self) -> u64 {
        0
    }
    fn set_cr8(&mut self, _: u64) -> Step {
        Err(Stop::Unhandled)
    }
    fn debug_address(&mut self, _: u8) -> u64 {
        0
    }
    fn set_debug_address(&mut self, _: u8, _: u64) -> Step {
        Err(Stop::Unhandled)
    }
    fn replace(&mut self, _: Access, _: &[u8], _: &[u8]) -> Step<bool> {
        Err(Stop::Unhandled)
    }
    fn cpuid(&mut self, _: u32, _: u32) -> Step<[u32; 4]> {
        Err(Stop::Unhandled)
    }
    fn rdmsr(&mut self, _: u32) -> Step<u64> {
        Err(Stop::Unhandled)
    }
    fn wrmsr(&mut self, _: u32, _: u64) -> Step {
        Err(Stop::Unhandled)
    }
    fn rdtsc(&mut self) -> Step<u64> {
        Err(Stop::Unhandled)
    }
    fn tsc_aux(&mut self) -> Step<u32> {
        Err(Stop::Unhandled)
    }
    fn rdpmc(&mut self, _: u32) -> Step<u64> {
        Err(Stop::Unhandled)
    }
    fn wbinvd(&mut self) -> Step {
        Err(Stop::Unhandled)
    }
    fn invlpg(&mut self, _: u64) -> Step {
        Err(Stop::Unhandled)
    }
    fn xsetbv(&mut self, _: u32, _: u64) -> Step {
        Err(Stop::Unhandled)
    }
}

#[test]
fn a_port_is_read_in_batches() {
    let mut machine = machine(6);
    assert_eq!(machine.run(&[0xf3, 0x66, 0x6d]), done()); // rep insw
    let regs = machine.inner.regs;
    assert_eq!((regs.rcx, regs.rdi, regs.rsi, regs.rip), (0, 0x4000 + 20, 0x3000, CODE + 3));
    // Each batch twice: it waited, and was the same when asked again.
    let batches: Vec<_> = machine.ports.iter().map(|b| (b.memory.linear, b.count, b.memory.number)).collect();
    assert_eq!(batches, [(0x4000, 10, 0), (0x4000, 10, 0), (0x400c, 4, 0), (0x400c, 4, 0)]);
    let first = machine.ports[0];
    assert_eq!((first.port, first.size, first.input, first.down), (0x1f0, 2, true, false));
    assert_eq!(first.memory.purpose, Purpose::Write);
}

#[test]
fn downwards() {
    let mut machine = machine(100);
    machine.inner.regs.rflags |= 0x400;
    assert_eq!(machine.run(&[0xf3, 0xa5]), done()); // rep movsd
    let batch = machine.moves[0];
    assert_eq!((batch.from.linear, batch.to.linear, batch.count), (0x3000, 0x4000, 10));
    assert!(batch.down);
    let regs = machine.inner.regs;
    assert_eq!((regs.rcx, regs.rsi, regs.rdi), (0, 0x3000 - 40, 0x4000 - 40));
}

#[test]
fn not_beyond_the_segment() {
    let mut machine = machine(100);
    machine.inner = Machine::real();
    (machine.inner.quick, machine.inner.answer) = (true, 0x5a);
    (machine.inner.regs.rdi, machine.inner.regs.rcx) = (0xfffe, 3);
    // The third byte wraps to the segment's beginning: one by one until the rest fits.
    assert_eq!(machine.run(&[0xf3, 0x6c]), done()); // rep insb
    assert!(machine.ports.is_empty());
    assert_eq!(machine.inner.number(0xfffe, 2), 0x5a5a);
    assert_eq!((machine.inner.number(0, 1), machine.inner.regs.rdi), (0x5a, 1));
}

#[test]
fn one_by_one_when_none_are_taken() {
    let mut machine = machine(0);
    machine.inner.put(0x3000, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(machine.run(&[0xf3, 0xa4]), done()); // rep movsb
    assert_eq!(machine.inner.number(0x4000, 8), 0x0807_0605_0403_0201);
    assert_eq!(machine.inner.regs.rdi, 0x400a);
}
