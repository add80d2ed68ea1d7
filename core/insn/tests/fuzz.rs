//! Random bytes in random states: nothing panics, nothing goes on for ever, and what did not complete left no trace.
//! `FX_INSN_FUZZ` is the number of instructions, `FX_INSN_SEED` chooses others.

mod common;
#[path = "native/random.rs"]
mod random;

use common::{DEVICE, Machine};
use fx_insn::{Outcome, emulate, quick};
use fx_types::GuestRegs;
use fx_virt::{Segment, SegmentRegister};
use random::Random;

fn number_of(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// An address that is likely to hit something.
fn address(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => random.number(),
        1 => DEVICE + random.below(0x1000),
        2 => common::ABSENT - random.below(16),
        _ => random.below(0x8000),
    }
}

fn registers(random: &mut Random, machine: &mut Machine) {
    let mut next = || address(random);
    machine.regs = GuestRegs {
        rax: next(),
        rcx: next() & 0xffff,
        rdx: next(),
        rbx: next(),
        rsp: next(),
        rbp: next(),
        rsi: next(),
        rdi: next(),
        r8: next(),
        r9: next(),
        r10: next(),
        r11: next(),
        r12: next(),
        r13: next(),
        r14: next(),
        r15: next(),
        rip: common::CODE,
        rflags: 2,
        ..GuestRegs::default()
    };
    machine.regs.rflags = random.next() & 0x3f_7fd5 | 2;
}

/// A machine in a random mode and state.
fn machine(random: &mut Random) -> Machine {
    let mut machine = match random.below(4) {
        0 => Machine::real(),
        1 => Machine::protected(),
        _ => Machine::long(),
    };
    registers(random, &mut machine);
    if random.once_in(3) {
        machine.cpl = random.below(4) as u8;
    }
    for _ in 0..random.below(3) {
        let segments = [Segment::Ds, Segment::Es, Segment::Ss, Segment::Gdtr, Segment::Ldtr, Segment::Tr];
        let base = random.below(0x2000);
        let (selector, attributes) = (random.next() as u16, random.next() as u16 & 0xfff);
        let limit = random.number() as u32;
        *machine.segment_mut(*random.pick(&segments)) = SegmentRegister { selector, attributes, limit, base };
    }
    machine.cr4 = random.next() & 0x4_0a0c;
    machine.dr7 = random.next() & 0x2000;
    machine.amd = random.once_in(2);
    machine.answer = random.number();
    // A string instruction that overwrites itself may or may not see that.
    machine.read_only = common::CODE..common::CODE + 16;
    for chunk in machine.memory[..0x9000].chunks_exact_mut(8) {
        chunk.copy_from_slice(&random.number().to_le_bytes());
    }
    machine
}

/// Bytes that are an instruction more often than not.
fn bytes(random: &mut Random) -> [u8; 15] {
    let mut bytes = [0; 15];
    bytes.fill_with(|| random.next() as u8);
    for byte in bytes.iter_mut().take(random.below(3) as usize) {
        *byte = *random.pick(&[0x0f, 0x66, 0x67, 0x48, 0xf3, 0xf2, 0xf0, 0x2e, 0xc5, 0xc4, 0x41]);
    }
    bytes
}

/// Emulates until something else than waiting comes out, and checks what each step left.
fn to_the_end(machine: &mut Machine) -> Outcome {
    for _ in 0..200_000 {
        let (regs, segments) = (machine.regs, machine.segments);
        let outcome = emulate(machine);
        let finished = matches!(outcome, Outcome::Done(_));
        // All but completed iterations of a string instruction.
        let counted = machine.regs.rcx != regs.rcx;
        if !finished && !counted {
            assert_eq!((machine.regs, machine.segments), (regs, segments), "{outcome:?}");
        }
        if !matches!(outcome, Outcome::Retry | Outcome::Again) {
            return outcome;
        }
    }
    panic!("it never ends");
}

#[test]
fn nothing_panics_and_nothing_is_half_done() {
    let mut random = Random(number_of("FX_INSN_SEED", 3));
    let mut done = 0;
    for _ in 0..number_of("FX_INSN_FUZZ", 1_500) {
        let mut first = machine(&mut random);
        let segments = first.segments;
        for _ in 0..8 {
            // A far jump may have gone beyond the memory.
            first.segments = segments;
            registers(&mut random, &mut first);
            let code = bytes(&mut random);
            first.code(&code);
            let mut second = first.clone();
            (first.quick, second.quick) = (true, false);
            (first.asked, second.asked) = (Vec::new(), Vec::new());
            // Whether a device answers at once or later makes no difference.
            let outcome = to_the_end(&mut first);
            assert_eq!(to_the_end(&mut second), outcome, "{code:02x?}");
            assert_eq!(second.regs, first.regs, "{code:02x?}");
            assert_eq!(second.segments, first.segments, "{code:02x?}");
            assert_eq!(second.asked, first.asked, "{code:02x?}");
            assert!(second.memory == first.memory, "{code:02x?}");
            done += u32::from(matches!(outcome, Outcome::Done(_)));
            let _ = quick::fixed_length(&code, done & 1 != 0, quick::Fixed::Cpuid);
        }
    }
    assert!(done > 1_000, "only {done} instructions completed");
}
