//! Segments of protected mode: descriptors and the rights that they give.

mod common;

use common::{CODE, Machine, done, raised};
use fx_insn::{Exception, Outcome};
use fx_virt::{Segment, SegmentRegister};

const GDT: u64 = 0x6000;
const DATA: u16 = 0x10;
const READ_ONLY: u16 = 0x18;
const USER_DATA: u16 = 0x20;
const CODE_EXECUTE_ONLY: u16 = 0x28;
const ABSENT: u16 = 0x30;
const LDT: u16 = 0x38;
const TASK: u16 = 0x40;
const CONFORMING: u16 = 0x48;
const GATE: u16 = 0x50;
const LONG_CODE: u16 = 0x58;

fn descriptor(attributes: u64, base: u64, limit: u64) -> [u8; 8] {
    let low = limit & 0xffff | (base & 0xff_ffff) << 16;
    let high = (limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
    let attributes = (attributes & 0xff) << 40 | (attributes >> 8 & 0xf) << 52;
    (low | high | attributes).to_le_bytes()
}

fn with_table(mut machine: Machine) -> Machine {
    *machine.segment_mut(Segment::Gdtr) =
        SegmentRegister { base: GDT, limit: 0x7f, ..SegmentRegister::default() };
    for (selector, attributes, base, limit) in [
        (8, 0xc9a, 0, 0xf_ffff),
        (DATA, 0x892, 0x1234_5000, 3),
        (READ_ONLY, 0x490, 0, 0xfff),
        (USER_DATA, 0xcf2, 0, 0xf_ffff),
        (CODE_EXECUTE_ONLY, 0x498, 0, 0xffff),
        (ABSENT, 0x412, 0, 0xffff),
        (LDT, 0x82, 0x7000, 0xf),
        (TASK, 0x89, 0x7800, 0x67),
        (CONFORMING, 0x49e, 0, 0xffff),
        (GATE, 0x8c, 0, 0),
        (LONG_CODE, 0x29a, 0, 0),
    ] {
        machine.put(GDT + u64::from(selector), &descriptor(attributes, base, limit));
    }
    machine
}

fn machine() -> Machine {
    with_table(Machine::protected())
}

/// Loads DS: what came of it.
fn load_ds(machine: &mut Machine, selector: u16) -> Outcome {
    machine.regs.rip = CODE;
    machine.regs.rax = u64::from(selector);
    machine.run(&[0x8e, 0xd8]) // mov ds, ax
}

fn fault(vector: u8, selector: u16) -> Outcome {
    raised(Exception::with(vector, u32::from(selector)))
}

#[test]
fn what_a_descriptor_makes() {
    let mut machine = machine();
    assert_eq!(load_ds(&mut machine, DATA), done());
    let expected = SegmentRegister { selector: DATA, attributes: 0x893, limit: 0x3fff, base: 0x1234_5000 };
    assert_eq!(machine.segments[Segment::Ds as usize], expected);
    // It is marked as used.
    assert_eq!(machine.number(GDT + u64::from(DATA) + 5, 1), 0x93);
}

#[test]
fn what_data_segments_may_be() {
    let mut machine = machine();
    for (selector, outcome) in [
        (0, done()),
        (READ_ONLY, done()),
        (USER_DATA | 3, done()),
        (8, done()),
        (CONFORMING | 3, done()),
        (DATA | 1, fault(13, DATA)),
        (CODE_EXECUTE_ONLY, fault(13, CODE_EXECUTE_ONLY)),
        (LDT, fault(13, LDT)),
        (ABSENT, fault(11, ABSENT)),
        (0x80, fault(13, 0x80)),
        (0x84, fault(13, 0x84)),
    ] {
        assert_eq!(load_ds(&mut machine, selector), outcome, "{selector:#x}");
    }
    machine.cpl = 3;
    assert_eq!(load_ds(&mut machine, DATA), fault(13, DATA));
    assert_eq!(load_ds(&mut machine, USER_DATA), done());
}

#[test]
fn what_stack_segments_may_be() {
    let mut machine = machine();
    for (selector, outcome) in [
        (0, raised(Exception::GP0)),
        (READ_ONLY, fault(13, READ_ONLY)),
        (USER_DATA, fault(13, USER_DATA)),
        (USER_DATA | 3, fault(13, USER_DATA)),
        (ABSENT, fault(12, ABSENT)),
    ] {
        machine.regs.rax = u64::from(selector);
        assert_eq!(machine.run(&[0x8e, 0xd0]), outcome, "{selector:#x}"); // mov ss, ax
    }
    let mut long = with_table(Machine::long());
    long.regs.rax = 0;
    assert!(matches!(long.run(&[0x8e, 0xd0]), Outcome::Done(_)));
}

#[test]
fn rights_of_accesses() {
    let mut machine = machine();
    let read = [0x8b, 0x03]; // mov eax, [ebx]
    let write = [0x89, 0x03]; // mov [ebx], eax
    machine.regs.rbx = 0xff8;
    assert_eq!(load_ds(&mut machine, READ_ONLY), done());
    assert_eq!(machine.run(&write), raised(Exception::GP0));
    assert_eq!(machine.run(&read), done());
    machine.regs.rbx = 0xffd;
    assert_eq!(machine.run(&read), raised(Exception::GP0));
    assert_eq!(load_ds(&mut machine, 0), done());
    assert_eq!(machine.run(&read), raised(Exception::GP0));
    // Code is not written to, and only read if it may be.
    assert_eq!(machine.run(&[0x2e, 0x89, 0x03]), raised(Exception::GP0));
    assert_eq!(machine.run(&[0x2e, 0x8b, 0x03]), done());
    machine.segment_mut(Segment::Cs).attributes = 0xc99;
    assert_eq!(machine.run(&[0x2e, 0x8b, 0x03]), raised(Exception::GP0));
}

#[test]
fn segments_that_expand_downwards() {
    let mut machine = machine();
    *machine.segment_mut(Segment::Ds) =
        SegmentRegister { selector: DATA, attributes: 0x497, limit: 0x2fff, base: 0 };
    for (offset, outcome) in [(0x2fff, raised(Exception::GP0)), (0x3000, done()), (0x7000, done())] {
        (machine.regs.rip, machine.regs.rbx) = (CODE, offset);
        assert_eq!(machine.run(&[0x8b, 0x03]), outcome, "{offset:#x}");
    }
    // A 16-bit one ends at 64 KiB.
    machine.segment_mut(Segment::Ds).attributes = 0x97;
    machine.regs.rbx = 0xfffd;
    assert_eq!(machine.run(&[0x8b, 0x03]), raised(Exception::GP0));
}

#[test]
fn far_jumps_check_the_code_segment() {
    let mut machine = machine();
    for (selector, outcome) in [
        (0, raised(Exception::GP0)),
        (DATA, fault(13, DATA)),
        (0x80, fault(13, 0x80)),
        (GATE, Outcome::Unhandled),
        (TASK, Outcome::Unhandled),
        (CONFORMING, done()),
        (8, done()),
    ] {
        machine.regs.rip = CODE;
        let [low, high] = selector.to_le_bytes();
        assert_eq!(machine.run(&[0xea, 0, 0x20, 0, 0, low, high]), outcome, "{selector:#x}");
    }
    assert_eq!(machine.regs.rip, 0x2000);
    // Beyond the limit.
    let [low, high] = CONFORMING.to_le_bytes();
    assert_eq!(machine.run(&[0xea, 0, 0, 1, 0, low, high]), raised(Exception::GP0));
}

#[test]
fn from_compatibility_mode_to_64_bits() {
    let mut machine = with_table(Machine::long());
    machine.segment_mut(Segment::Cs).attributes = 0xc9b;
    let [low, high] = LONG_CODE.to_le_bytes();
    assert_eq!(machine.run(&[0xea, 0, 0x20, 0, 0, low, high]), done());
    assert!(machine.segments[Segment::Cs as usize].long());
    machine.regs.rax = u64::MAX;
    assert_eq!(machine.run(&[0x48, 0xff, 0xc0]), done()); // inc rax
    assert_eq!((machine.regs.rax, machine.regs.rip), (0, 0x2003));
}

#[test]
fn local_table_and_task() {
    let mut machine = machine();
    let code = |register: u8| [0x0f, 0x00, register];
    machine.regs.rax = u64::from(LDT);
    assert_eq!(machine.run(&code(0xd0)), done()); // lldt ax
    let ldt = machine.segments[Segment::Ldtr as usize];
    assert_eq!((ldt.base, ldt.limit), (0x7000, 0xf));
    // A descriptor in it.
    machine.put(0x7008, &descriptor(0x492, 0x9_0000, 0xfff));
    assert_eq!(load_ds(&mut machine, 0xc), done());
    assert_eq!(machine.segments[Segment::Ds as usize].base, 0x9_0000);
    machine.segment_mut(Segment::Ds).attributes = 0xc93;
    machine.regs.rax = u64::from(TASK);
    assert_eq!(machine.run(&code(0xd8)), done()); // ltr ax
    assert_eq!(machine.segments[Segment::Tr as usize].attributes, 0x8b);
    assert_eq!(machine.number(GDT + u64::from(TASK) + 5, 1), 0x8b);
    // It is busy now.
    assert_eq!(machine.run(&code(0xd8)), fault(13, TASK));
    machine.regs.rax = 0;
    assert_eq!(machine.run(&code(0xd8)), raised(Exception::GP0));
    assert_eq!(machine.run(&code(0xd0)), done());
    assert_eq!(load_ds(&mut machine, 0xc), fault(13, 0xc));
}

#[test]
fn questions_about_descriptors() {
    let mut machine = machine();
    let zero = |machine: &mut Machine, code: &[u8], selector: u16| {
        machine.regs.rip = CODE;
        machine.regs.rax = u64::from(selector);
        assert_eq!(machine.run(code), done());
        machine.regs.rflags & 0x40 != 0
    };
    let (verr, verw) = ([0x0f, 0x00, 0xe0], [0x0f, 0x00, 0xe8]);
    let (lar, lsl) = ([0x0f, 0x02, 0xd8], [0x0f, 0x03, 0xd8]);
    assert!(zero(&mut machine, &verr, READ_ONLY) && !zero(&mut machine, &verw, READ_ONLY));
    assert!(zero(&mut machine, &verw, DATA) && !zero(&mut machine, &verr, CODE_EXECUTE_ONLY));
    assert!(!zero(&mut machine, &verr, 0) && !zero(&mut machine, &verr, DATA | 3));
    assert!(zero(&mut machine, &lar, DATA));
    assert_eq!(machine.regs.rbx, 0x80_9200);
    assert!(zero(&mut machine, &lsl, DATA));
    assert_eq!(machine.regs.rbx, 0x3fff);
    machine.regs.rbx = 7;
    assert!(!zero(&mut machine, &lsl, GATE) && !zero(&mut machine, &lar, 0x80));
    assert_eq!(machine.regs.rbx, 7);
}

#[test]
fn far_pointers() {
    let mut machine = machine();
    machine.put(0x3000, &[0x78, 0x56, 0x34, 0x12, 0x20, 0x00]);
    machine.regs.rbx = 0x3000;
    assert_eq!(machine.run(&[0x0f, 0xb4, 0x03]), done()); // lfs eax, [ebx]
    assert_eq!(machine.regs.rax, 0x1234_5678);
    assert_eq!(machine.segments[Segment::Fs as usize].selector, USER_DATA);
    // The register stays when the segment cannot be loaded.
    machine.put(0x3004, &[0x80, 0x00]);
    machine.regs.rax = 1;
    assert_eq!(machine.run(&[0x0f, 0xb4, 0x03]), fault(13, 0x80));
    assert_eq!(machine.regs.rax, 1);
}
