//! 32-bit protected mode and virtual-8086 mode: what is not as in 64-bit mode.

mod common;

use common::{CODE, Machine, done, raised};
use fx_insn::{Exception, Outcome};
use fx_virt::Segment;

#[test]
fn one_byte_opcodes_that_64_bit_mode_took_away() {
    let mut machine = Machine::protected();
    machine.regs.rax = 0xffff_ffff;
    assert_eq!(machine.run(&[0x40]), done()); // inc eax
    assert_eq!((machine.regs.rax, machine.regs.rip), (0, CODE + 1));
    assert_eq!(machine.run(&[0x1e]), done()); // push ds
    assert_eq!((machine.regs.rsp, machine.number(0x6ffc, 4)), (0x6ffc, 8));
    machine.regs.rflags |= 1;
    assert_eq!(machine.run(&[0xd6]), done()); // salc
    assert_eq!(machine.regs.rax, 0xff);
    assert_eq!(machine.run(&[0x27]), Outcome::Unhandled); // daa
}

#[test]
fn calls_and_returns_of_both_sizes() {
    let mut machine = Machine::protected();
    assert_eq!(machine.run(&[0xe8, 0x00, 0x10, 0x00, 0x00]), done()); // call
    assert_eq!((machine.regs.rip, machine.number(0x6ffc, 4)), (CODE + 0x1005, CODE + 5));
    assert_eq!(machine.run(&[0xc2, 0x08, 0x00]), done()); // ret 8
    assert_eq!((machine.regs.rip, machine.regs.rsp), (CODE + 5, 0x7008));
    // A jump with a 16-bit operand drops the upper half.
    machine.regs.rip = 0x2_1000;
    assert_eq!(machine.run(&[0x66, 0xe9, 0x00, 0x01]), done());
    assert_eq!(machine.regs.rip, 0x1104);
    machine.segment_mut(Segment::Cs).limit = 0x1fff;
    assert_eq!(machine.run(&[0xe9, 0x00, 0x10, 0x00, 0x00]), raised(Exception::GP0));
}

#[test]
fn counters_have_the_size_of_addresses() {
    let mut machine = Machine::protected();
    machine.regs.rcx = 0x1_0001;
    assert_eq!(machine.run(&[0x67, 0xe2, 0x10]), done()); // loop with cx
    assert_eq!((machine.regs.rcx, machine.regs.rip), (0x1_0000, CODE + 3));
    assert_eq!(machine.run(&[0x67, 0xe3, 0x10]), done()); // jcxz
    assert_eq!(machine.regs.rip, CODE + 0x16);
    assert_eq!(machine.run(&[0xe3, 0x10]), done()); // jecxz
    assert_eq!(machine.regs.rip, CODE + 0x18);
}

#[test]
fn addresses_wrap_at_4_gib() {
    let mut machine = Machine::protected();
    machine.put(0x3000, &[0x99]);
    machine.segment_mut(Segment::Ds).base = 0x1_0000;
    machine.regs.rbx = 0xffff_3000;
    assert_eq!(machine.run(&[0x8a, 0x03]), done()); // mov al, [ebx]
    assert_eq!(machine.regs.rax, 0x99);
}

#[test]
fn a_narrow_stack_in_wide_code() {
    let mut machine = Machine::protected();
    machine.segment_mut(Segment::Ss).attributes = 0x93;
    machine.regs.rsp = 0x5_0002;
    assert_eq!(machine.run(&[0x6a, 0x7f]), done()); // push 0x7f: only sp wraps
    assert_eq!(machine.regs.rsp, 0x5_fffe);
}

#[test]
fn virtual_8086_mode_is_never_privileged() {
    let mut machine = Machine::real();
    machine.cr0 = 0x11;
    machine.regs.rflags = 0x2_0002;
    for code in
        [&[0xfa][..], &[0x9c], &[0x9d], &[0xcf], &[0xf4], &[0x0f, 0x20, 0xc0], &[0x0f, 0x01, 0x16, 0, 1]]
    {
        assert_eq!(machine.run(code), raised(Exception::GP0), "{code:02x?}");
    }
    // Ports need the bitmap whatever IOPL says.
    machine.regs.rflags |= 0x3000;
    machine.segment_mut(Segment::Tr).limit = 0x66;
    assert_eq!(machine.run(&[0xec]), raised(Exception::GP0));
    machine.regs.rax = 0x123;
    assert_eq!(machine.run(&[0x8e, 0xd8]), done()); // mov ds, ax
    let ds = machine.segments[Segment::Ds as usize];
    assert_eq!((ds.base, ds.limit, ds.attributes), (0x1230, 0xffff, 0xf3));
}
