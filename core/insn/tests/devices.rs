//! Accesses to devices: each is made once, whatever waits in between.

mod common;

use common::{ABSENT, Asked, DEVICE, Machine, done, raised};
use fx_insn::{Exception, Outcome, emulate};

#[test]
fn a_read_waits_and_completes() {
    let mut machine = Machine::long();
    machine.answer = 0xffff_ffff_8765_4321;
    machine.regs.rbx = DEVICE;
    machine.regs.rax = u64::MAX;
    machine.code(&[0x8b, 0x43, 0x10]); // mov eax, [rbx+16]
    let before = machine.regs;
    assert_eq!(emulate(&mut machine), Outcome::Retry);
    assert_eq!(machine.regs, before);
    assert_eq!(emulate(&mut machine), done());
    assert_eq!(machine.regs.rax, 0x8765_4321);
    assert_eq!(machine.regs.rip, before.rip + 3);
    assert_eq!(machine.asked, [Asked::Read(DEVICE + 16, 4)]);
}

#[test]
fn a_read_modify_write_is_two_accesses() {
    let mut machine = Machine::long();
    machine.answer = 0x0f;
    machine.regs.rbx = DEVICE;
    assert_eq!(machine.run(&[0x80, 0x0b, 0xf0]), done()); // or byte [rbx], 0xf0
    assert_eq!(machine.asked, [Asked::Read(DEVICE, 1), Asked::Write(DEVICE, 1, 0xff)]);
}

#[test]
fn string_output_goes_on_where_it_was() {
    let mut machine = Machine::long();
    machine.put(0x3000, &[1, 2, 3, 4, 5, 6]);
    machine.regs.rsi = 0x3000;
    machine.regs.rcx = 3;
    machine.regs.rdx = 0x1f0;
    machine.code(&[0xf3, 0x66, 0x6f]); // rep outsw
    assert_eq!(emulate(&mut machine), Outcome::Retry);
    assert_eq!((machine.regs.rcx, machine.regs.rsi), (3, 0x3000));
    assert_eq!(emulate(&mut machine), Outcome::Retry);
    assert_eq!((machine.regs.rcx, machine.regs.rsi), (2, 0x3002));
    assert_eq!(machine.again(), done());
    assert_eq!((machine.regs.rcx, machine.regs.rsi), (0, 0x3006));
    let asked = [0x201, 0x403, 0x605].map(|value| Asked::Out(0x1f0, 2, value));
    assert_eq!(machine.asked, asked);
}

/// What waits gets in between two iterations; the guest goes on with the rest after that.
#[test]
fn an_interrupt_between_iterations() {
    let mut machine = Machine::long();
    machine.regs.rsi = 0x3000;
    machine.regs.rcx = 5;
    machine.regs.rdx = 0x1f0;
    machine.quick = true;
    machine.interrupt_in = Some(2);
    machine.code(&[0xf3, 0x6e]); // rep outsb
    let at = machine.regs.rip;
    assert_eq!(emulate(&mut machine), Outcome::Again);
    assert_eq!((machine.regs.rip, machine.regs.rcx, machine.regs.rsi), (at, 3, 0x3002));
    machine.interrupt_in = None;
    assert_eq!(emulate(&mut machine), done());
    assert_eq!((machine.regs.rip, machine.regs.rcx, machine.asked.len()), (at + 2, 0, 5));
}

#[test]
fn memory_to_device_and_back() {
    let mut machine = Machine::long();
    machine.put(0x3000, &[1, 2, 3, 4, 5, 6, 7, 8]);
    machine.regs.rsi = 0x3000;
    machine.regs.rdi = DEVICE;
    machine.regs.rcx = 2;
    assert_eq!(machine.run(&[0xf3, 0xa5]), done()); // rep movsd
    assert_eq!(
        machine.asked,
        [Asked::Write(DEVICE, 4, 0x0403_0201), Asked::Write(DEVICE + 4, 4, 0x0807_0605)]
    );
    machine.asked.clear();
    machine.answer = 0xaa;
    machine.regs.rip = common::CODE;
    (machine.regs.rsi, machine.regs.rdi, machine.regs.rcx) = (DEVICE, 0x4000, 3);
    assert_eq!(machine.run(&[0xf3, 0xa4]), done()); // rep movsb
    assert_eq!(machine.number(0x4000, 4), 0xaa_aaaa);
    assert_eq!(machine.asked.len(), 3);
}

#[test]
fn pushes_what_a_device_says() {
    let mut machine = Machine::long();
    machine.answer = 77;
    machine.regs.rbx = DEVICE;
    assert_eq!(machine.run(&[0xff, 0x33]), done()); // push qword [rbx]
    assert_eq!(machine.number(0x7000 - 8, 8), 77);
    assert_eq!(machine.asked.len(), 1);
}

#[test]
fn a_change_of_memory_in_between_starts_anew() {
    let mut machine = Machine::long();
    machine.interfere = true;
    machine.regs.rbx = 0x3000;
    machine.code(&[0xf0, 0xff, 0x03]); // lock inc dword [rbx]
    assert_eq!(emulate(&mut machine), Outcome::Again);
    assert_eq!(emulate(&mut machine), done());
    assert_eq!(machine.number(0x3000, 4), 2);
}

#[test]
fn input_without_a_target_is_not_read() {
    let mut machine = Machine::long();
    (machine.regs.rdi, machine.regs.rdx) = (ABSENT, 0x60);
    assert_eq!(machine.run(&[0x6c]), raised(Exception::page_fault(ABSENT, 2))); // insb
    assert_eq!(machine.asked, []);
    machine.answer = 0x5a;
    machine.regs.rdi = DEVICE;
    assert_eq!(machine.again(), done());
    assert_eq!(machine.asked, [Asked::In(0x60, 1), Asked::Write(DEVICE, 1, 0x5a)]);
}
