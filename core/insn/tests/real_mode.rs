//! Real mode and its way out: 16-bit operands and addresses, far transfers, interrupts' return, the switch to protected mode.

mod common;

use common::{Asked, CODE, Machine, done, raised};
use fx_insn::{Done, Exception, Outcome, Shadow};
use fx_virt::{EventKind, Segment};

/// A machine whose segments do not begin at 0.
fn machine() -> Machine {
    let mut machine = Machine::real();
    for (segment, selector) in [(Segment::Ds, 0x200u16), (Segment::Es, 0x300), (Segment::Ss, 0x400)] {
        let register = machine.segment_mut(segment);
        (register.selector, register.base) = (selector, u64::from(selector) << 4);
    }
    machine.regs.rsp = 0xffff_0100;
    machine
}

#[test]
fn addresses_have_16_bits_and_segments() {
    let mut machine = machine();
    machine.put(0x2000 + 0x34, &[0x78, 0x56]);
    (machine.regs.rbx, machine.regs.rsi) = (0xffff_fff0, 0x40);
    machine.regs.rax = 0x1111_2222;
    assert_eq!(machine.run(&[0x8b, 0x40, 0x04]), done()); // mov ax, [bx+si+4]
    assert_eq!(machine.regs.rax, 0x1111_5678);
    assert_eq!(machine.regs.rip, CODE + 3);
}

#[test]
fn large_operands_and_addresses() {
    let mut machine = machine();
    machine.put(0x2000 + 0x1000, &0x1234_5678u32.to_le_bytes());
    machine.regs.rbx = 0x800;
    // mov eax, [ebx*2]
    assert_eq!(machine.run(&[0x66, 0x67, 0x8b, 0x04, 0x5d, 0, 0, 0, 0]), done());
    assert_eq!(machine.regs.rax, 0x1234_5678);
}

#[test]
fn the_limit_of_64_kib_counts() {
    let mut machine = machine();
    machine.regs.rbx = 0xffff;
    assert_eq!(machine.run(&[0x8b, 0x07]), raised(Exception::GP0)); // mov ax, [bx]
    machine.regs.rbp = 0xffff;
    assert_eq!(machine.run(&[0x8b, 0x46, 0x00]), raised(Exception::SS0)); // mov ax, [bp]
    // With a larger limit ("unreal" mode) the same works.
    machine.segment_mut(Segment::Ds).limit = u32::MAX;
    machine.put(0x2000 + 0xffff, &[0xcd, 0xab]);
    assert_eq!(machine.run(&[0x8b, 0x07]), done());
    assert_eq!(machine.regs.rax, 0xabcd);
}

#[test]
fn code_ends_at_its_limit() {
    let mut machine = machine();
    machine.segment_mut(Segment::Cs).limit = CODE as u32 + 1;
    assert_eq!(machine.run(&[0xb8, 0x34, 0x12]), raised(Exception::GP0)); // mov ax, 0x1234
    assert_eq!(machine.run(&[0xb0, 0x34]), done()); // mov al, 0x34
    assert_eq!(machine.run(&[0x90]), raised(Exception::GP0));
}

#[test]
fn the_stack_wraps_at_16_bits() {
    let mut machine = machine();
    machine.regs.rax = 0xabcd;
    assert_eq!(machine.run(&[0x50]), done()); // push ax
    assert_eq!(machine.regs.rsp, 0xffff_00fe);
    assert_eq!(machine.number(0x4000 + 0xfe, 2), 0xabcd);
    machine.regs.rsp = 0;
    assert_eq!(machine.run(&[0x66, 0x50]), done()); // push eax
    assert_eq!((machine.regs.rsp, machine.number(0x4000 + 0xfffc, 4)), (0xfffc, 0xabcd));
    assert_eq!(machine.run(&[0x66, 0x5b]), done()); // pop ebx
    assert_eq!((machine.regs.rsp, machine.regs.rbx), (0, 0xabcd));
}

#[test]
fn all_registers_at_once() {
    let mut machine = machine();
    (machine.regs.rax, machine.regs.rdi, machine.regs.rbp) = (1, 8, 6);
    assert_eq!(machine.run(&[0x60]), done()); // pusha
    assert_eq!(machine.regs.rsp, 0xffff_00f0);
    let words: Vec<u64> = (0..8).map(|n| machine.number(0x40f0 + n * 2, 2)).collect();
    assert_eq!(words, [8, 0, 6, 0x100, 0, 0, 0, 1]);
    (machine.regs.rax, machine.regs.rdi, machine.regs.rbp) = (0, 0, 0);
    assert_eq!(machine.run(&[0x61]), done()); // popa
    assert_eq!((machine.regs.rax, machine.regs.rdi, machine.regs.rbp), (1, 8, 6));
    assert_eq!(machine.regs.rsp, 0xffff_0100);
}

#[test]
fn segments_are_addresses() {
    let mut machine = machine();
    machine.regs.rax = 0x1234;
    assert_eq!(machine.run(&[0x8e, 0xc0]), done()); // mov es, ax
    let es = machine.segments[Segment::Es as usize];
    assert_eq!((es.selector, es.base, es.limit), (0x1234, 0x1_2340, 0xffff));
    let shadow = Outcome::Done(Done { shadow: Shadow::MovSs, ..Done::default() });
    assert_eq!(machine.run(&[0x8e, 0xd0]), shadow); // mov ss, ax
    assert_eq!(machine.segments[Segment::Ss as usize].base, 0x1_2340);
    machine.regs.rip = CODE;
    assert_eq!(machine.run(&[0x8e, 0xc8]), raised(Exception::UD)); // mov cs, ax
}

#[test]
fn far_jump_call_and_return() {
    let mut machine = machine();
    assert_eq!(machine.run(&[0x9a, 0x10, 0x00, 0x00, 0x05]), done()); // call 0x500:0x10
    let cs = machine.segments[Segment::Cs as usize];
    assert_eq!((machine.regs.rip, cs.selector, cs.base), (0x10, 0x500, 0x5000));
    assert_eq!(machine.number(0x40fc, 4), 0x0008_1005);
    machine.put(0x40fc, &[0x05, 0x10, 0x00, 0x00]);
    assert_eq!(machine.run(&[0xca, 0x02, 0x00]), done()); // retf 2
    assert_eq!((machine.regs.rip, machine.regs.rsp), (CODE + 5, 0xffff_0102));
    assert_eq!(machine.segments[Segment::Cs as usize].base, 0);
    assert_eq!(machine.run(&[0xea, 0x34, 0x12, 0x00, 0xf0]), done()); // jmp 0xf000:0x1234
    assert_eq!((machine.regs.rip, machine.segments[Segment::Cs as usize].base), (0x1234, 0xf_0000));
}

#[test]
fn returns_from_interrupts() {
    let mut machine = machine();
    machine.regs.rflags |= 0x4_0000;
    machine.put(0x4100, &[0x34, 0x12, 0x00, 0x06, 0xd7, 0x7f]);
    let outcome = machine.run(&[0xcf]); // iret
    assert_eq!(outcome, Outcome::Done(Done { iret: true, ..Done::default() }));
    assert_eq!(machine.regs.rip, 0x1234);
    assert_eq!(machine.segments[Segment::Cs as usize].base, 0x6000);
    assert_eq!(machine.regs.rflags, 0x4_7fd7);
    assert_eq!(machine.regs.rsp, 0xffff_0106);
}

#[test]
fn software_interrupts_are_events() {
    let mut machine = machine();
    for (code, kind, vector) in [
        (&[0xcd, 0x10][..], EventKind::SoftwareInterrupt, 0x10),
        (&[0xcc], EventKind::SoftwareException, 3),
        (&[0xf1], EventKind::PrivilegedSoftwareException, 1),
    ] {
        let Outcome::Raise { event, address: None } = machine.run(code) else { panic!("{code:x?}") };
        assert_eq!((event.kind, event.vector, event.length), (kind, vector, code.len() as u8));
        assert_eq!((event.error, machine.regs.rip), (None, CODE));
    }
    assert_eq!(machine.run(&[0xce]), done()); // into, without overflow
    machine.regs.rflags |= 0x800;
    assert!(matches!(machine.run(&[0xce]), Outcome::Raise { event, .. } if event.vector == 4));
}

#[test]
fn string_io_with_16_bit_counters() {
    let mut machine = machine();
    machine.answer = 0x5aa5;
    (machine.regs.rcx, machine.regs.rdi, machine.regs.rdx) = (0x7_0003, 0xffff_fffc, 0x1f0);
    assert_eq!(machine.run(&[0xf3, 0x6d]), done()); // rep insw
    assert_eq!((machine.regs.rcx, machine.regs.rdi), (0x7_0000, 0xffff_0002));
    assert_eq!(machine.asked, [Asked::In(0x1f0, 2); 3]);
    assert_eq!(machine.number(0x3000 + 0xfffe, 2), 0x5aa5);
    assert_eq!(machine.number(0x3000, 2), 0x5aa5);
}

#[test]
fn into_protected_mode() {
    let mut machine = machine();
    machine.put(0x2100, &[0x17, 0x00, 0x00, 0x60, 0x00, 0xff]);
    assert_eq!(machine.run(&[0x0f, 0x01, 0x16, 0x00, 0x01]), done()); // lgdt [0x100], a base of 24 bits
    let gdt = machine.segments[Segment::Gdtr as usize];
    assert_eq!((gdt.base, gdt.limit), (0x6000, 0x17));
    machine.regs.rax = 0x11;
    assert_eq!(machine.run(&[0x0f, 0x22, 0xc0]), done()); // mov cr0, eax
    assert_eq!(machine.cr0, 0x11);
    // A flat 32-bit code segment at 8.
    machine.put(0x6008, &0x00cf_9a00_0000_ffffu64.to_le_bytes());
    assert_eq!(machine.run(&[0x66, 0xea, 0x00, 0x20, 0x00, 0x00, 0x08, 0x00]), done()); // jmp 8:0x2000
    let cs = machine.segments[Segment::Cs as usize];
    assert_eq!((cs.selector, cs.base, cs.limit, cs.attributes), (8, 0, u32::MAX, 0xc9b));
    assert_eq!(machine.number(0x6008, 8), 0x00cf_9b00_0000_ffff);
    assert_eq!(machine.run(&[0xb8, 0x78, 0x56, 0x34, 0x12]), done()); // mov eax, 0x12345678
    assert_eq!((machine.regs.rax, machine.regs.rip), (0x1234_5678, 0x2005));
}

#[test]
fn what_real_mode_does_not_have() {
    let mut machine = machine();
    for code in [[0x0f, 0x00, 0xc0], [0x0f, 0x00, 0xd8], [0x0f, 0x00, 0xe0], [0x0f, 0x02, 0xc0]] {
        assert_eq!(machine.run(&code), raised(Exception::UD)); // sldt, ltr, verr, lar
    }
}
