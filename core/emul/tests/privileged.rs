//! Privileged instructions on a fake vCPU.

mod common;

use common::Cpu;
use fx_emul::{Exception, Outcome, emulate_general_protection, emulate_invalid_opcode};
use fx_types::GuestRegs;

const DONE: Outcome = Outcome::Done { single_step: false };

fn regs() -> GuestRegs {
    GuestRegs { rip: common::BASE, rflags: 0x1_0202, ..GuestRegs::default() }
}

/// Runs one instruction and checks that it completes behind its last byte.
fn run(cpu: &mut Cpu, insn: &[u8], r: &mut GuestRegs) {
    cpu.code(insn);
    assert_eq!(emulate_general_protection(cpu, r), DONE, "{insn:x?}");
    assert_eq!(r.rip, common::BASE + insn.len() as u64, "{insn:x?}");
    assert_eq!(r.rflags & 0x1_0000, 0, "RF");
}

#[test]
fn cpuid_directly_and_forced() {
    let mut cpu = Cpu::kernel();
    let mut r = GuestRegs { rax: 0xffff_ffff_0000_0007, rcx: 2, ..regs() };
    run(&mut cpu, &[0x0f, 0xa2], &mut r);
    assert_eq!((r.rax, r.rbx, r.rcx, r.rdx), (7, 2, 0xc0, 0xd0));
    cpu.code(b"\x0f\x0bxen\x0f\xa2");
    let mut r = GuestRegs { rax: 1, ..regs() };
    assert_eq!(emulate_invalid_opcode(&mut cpu, &mut r), DONE);
    assert_eq!(r.rip, common::BASE + 7);
    for not in [
        &b"\x0f\x0bxem\x0f\xa2"[..],
        b"\x0f\x0b\x90\x90\x90\x90\x90",
        b"\x0f\x0bxen\x0f\xa3",
        b"\x0f\x0bxen\x90\xa2",
    ] {
        cpu.code(not);
        assert_eq!(emulate_invalid_opcode(&mut cpu, &mut regs()), Outcome::NotHandled);
    }
}

#[test]
fn cpuid_faulting_in_user_mode() {
    let mut cpu = Cpu::kernel();
    cpu.cpuid_faulting = true;
    run(&mut cpu, &[0x0f, 0xa2], &mut regs());
    cpu.kernel = false;
    cpu.code(b"\x0f\x0bxen\x0f\xa2");
    let mut r = regs();
    assert_eq!(emulate_invalid_opcode(&mut cpu, &mut r), Outcome::Inject(Exception::GP0));
    assert_eq!(r.rip, common::BASE + 5);
}

#[test]
fn model_specific_registers() {
    let mut cpu = Cpu::kernel();
    let mut r = GuestRegs { rcx: 0xffff_ffff_c000_0102, rax: 0xaaaa_0000_1111, rdx: 0x2222, ..regs() };
    run(&mut cpu, &[0x0f, 0x30], &mut r);
    assert_eq!(cpu.log, ["wrmsr c0000102 222200001111"]);
    let mut r = GuestRegs { rcx: 0xc000_0102, ..regs() };
    run(&mut cpu, &[0x48, 0x0f, 0x32], &mut r);
    assert_eq!((r.rax, r.rdx), (0x1111, 0x2222));
    let mut r = GuestRegs { rcx: 0xbad, ..regs() };
    cpu.code(&[0x0f, 0x32]);
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), Outcome::Inject(Exception::GP0));
    assert_eq!(r, GuestRegs { rcx: 0xbad, ..regs() });
}

#[test]
fn ports() {
    let mut cpu = Cpu::kernel();
    let mut r = GuestRegs { rax: !0, rdx: 0xffff_0064, ..regs() };
    run(&mut cpu, &[0xec], &mut r);
    assert_eq!(r.rax, 0xffff_ffff_ffff_ff64);
    r.rip = common::BASE;
    run(&mut cpu, &[0x66, 0xed], &mut r);
    assert_eq!(r.rax, 0xffff_ffff_ffff_0064);
    r.rip = common::BASE;
    run(&mut cpu, &[0xe5, 0x71], &mut r);
    assert_eq!(r.rax, 0xab00_0071);
    r.rip = common::BASE;
    run(&mut cpu, &[0xe4, 0x71], &mut r);
    r.rip = common::BASE;
    run(&mut cpu, &[0xe6, 0x80], &mut r);
    r.rip = common::BASE;
    r.rax = 0x1234_5678;
    run(&mut cpu, &[0x66, 0xef], &mut r);
    assert_eq!(cpu.log, ["out 80 1 71", "out 64 2 5678"]);
    r.rip = common::BASE;
    r.rdx = u64::from(common::DENIED_PORT);
    cpu.code(&[0xee]);
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), Outcome::Inject(Exception::GP0));
}

#[test]
fn string_io_moves_in_batches() {
    let mut cpu = Cpu::kernel();
    cpu.code(&[0xf3, 0x66, 0x6d]);
    let mut r = GuestRegs { rdi: common::DATA, rcx: 100, rdx: 0x1f0, ..regs() };
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), Outcome::Again);
    assert_eq!((r.rcx, r.rdi, r.rip), (36, common::DATA + 128, common::BASE));
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), DONE);
    assert_eq!((r.rcx, r.rdi, r.rip), (0, common::DATA + 200, common::BASE + 3));
    assert_eq!(cpu.mem.borrow()[0x1000..0x1004], [0xf0, 1, 0xf0, 1]);

    let mut r = GuestRegs { rsi: common::DATA + 2, rcx: 2, rdx: 0x80, rflags: 0x602, ..regs() };
    run(&mut cpu, &[0xf3, 0x6e], &mut r);
    assert_eq!(r.rsi, common::DATA);
    assert_eq!(cpu.log, ["out 80 1 f0", "out 80 1 1"]);

    let mut r = GuestRegs { rsi: common::DATA, rcx: 0, ..regs() };
    run(&mut cpu, &[0xf3, 0x6f], &mut r);
    assert_eq!(r.rsi, common::DATA);
}

#[test]
fn string_io_faults() {
    let mut cpu = Cpu::kernel();
    cpu.code(&[0xf3, 0x6d]);
    let end = common::BASE + 0x2000;
    let mut r = GuestRegs { rdi: end - 10, rcx: 9, ..regs() };
    let want = Outcome::Inject(Exception { vector: 14, error_code: 6, cr2: Some(end) });
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), want);
    assert_eq!((r.rcx, r.rdi, r.rip), (7, end - 2, common::BASE));
}

#[test]
fn control_and_debug_registers() {
    let mut cpu = Cpu::kernel();
    let mut r = GuestRegs { rax: 5, r9: 9, rdx: 3, ..regs() };
    for (insn, log) in [
        (&[0x0f, 0x22, 0xd8][..], "cr3 = 5"),
        (&[0x41, 0x0f, 0x22, 0xe1], "cr4 = 9"),
        (&[0x44, 0x0f, 0x22, 0xc2], "cr8 = 3"),
        (&[0x0f, 0x23, 0xfa], "dr7 = 3"),
        (&[0x0f, 0x06], "clts"),
        (&[0x0f, 0x09], "wbinvd"),
        (&[0x0f, 0x01, 0xd1], "xcr 0 = 300000005"),
    ] {
        r.rip = common::BASE;
        run(&mut cpu, insn, &mut r);
        assert_eq!(cpu.log.pop().as_deref(), Some(log));
    }
    r.rip = common::BASE;
    run(&mut cpu, &[0x0f, 0x20, 0xc6], &mut r);
    assert_eq!(r.rsi, 0x1_0000_0000);
    r.rip = common::BASE;
    run(&mut cpu, &[0x41, 0x0f, 0x21, 0xf7], &mut r);
    assert_eq!(r.r15, 0x2_0000_0006);
    r.rip = common::BASE;
    cpu.code(&[0x0f, 0x20, 0xc8]);
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), Outcome::Inject(Exception::UD));
    cpu.code(&[0x0f, 0x22, 0xd9]);
    r.rcx = common::PREEMPT;
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), Outcome::Again);
}

#[test]
fn user_mode_gets_its_fault() {
    let mut cpu = Cpu::kernel();
    cpu.kernel = false;
    for insn in [
        &[0x0f, 0x30][..],
        &[0x0f, 0x22, 0xd8],
        &[0x0f, 0x06],
        &[0x0f, 0x09],
        &[0xfa],
        &[0xf4],
        &[0x0f, 1, 0xd1],
    ] {
        cpu.code(insn);
        let mut r = regs();
        assert_eq!(emulate_general_protection(&mut cpu, &mut r), Outcome::NotHandled);
        assert_eq!(r, regs());
    }
    cpu.iopl = true;
    run(&mut cpu, &[0xfb], &mut regs());
    run(&mut cpu, &[0xec], &mut regs());
}

#[test]
fn time() {
    let mut cpu = Cpu::kernel();
    let mut r = regs();
    run(&mut cpu, &[0x0f, 0x31], &mut r);
    assert_eq!((r.rdx, r.rax), (1, 0x77));
    r.rip = common::BASE;
    run(&mut cpu, &[0x0f, 0x01, 0xf9], &mut r);
    assert_eq!((r.rdx, r.rax, r.rcx), (1, 0x77, 0x99));
}

#[test]
fn single_step_is_owed() {
    let mut cpu = Cpu::kernel();
    cpu.code(&[0x0f, 0x31]);
    let mut r = GuestRegs { rflags: 0x302, ..regs() };
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), Outcome::Done { single_step: true });
}

#[test]
fn instruction_bytes_that_cannot_be_read() {
    let mut cpu = Cpu::kernel();
    let end = common::BASE + 0x2000;
    cpu.mem.borrow_mut()[0x1fff] = 0x0f;
    let mut r = GuestRegs { rip: end - 1, ..regs() };
    let want = Outcome::Inject(Exception { vector: 14, error_code: 0x14, cr2: Some(end) });
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), want);
    cpu.mem.borrow_mut()[0x1ffe..].copy_from_slice(&[0x0f, 0x31]);
    r.rip = end - 2;
    assert_eq!(emulate_general_protection(&mut cpu, &mut r), DONE);
    cpu.mem.borrow_mut()[0x1ffb..].copy_from_slice(b"\x0f\x0bxen");
    r.rip = end - 5;
    assert_eq!(emulate_invalid_opcode(&mut cpu, &mut r), want);
}

#[test]
fn length_limit() {
    let mut cpu = Cpu::kernel();
    let mut insn = vec![0x66; 13];
    insn.extend([0x0f, 0x31]);
    run(&mut cpu, &insn, &mut regs());
    insn.insert(0, 0x66);
    cpu.code(&insn);
    assert_eq!(emulate_general_protection(&mut cpu, &mut regs()), Outcome::Inject(Exception::GP0));
}

#[test]
fn compatibility_mode() {
    let mut cpu = Cpu::kernel();
    cpu.kernel = false;
    cpu.long = false;
    // 0x40 is `inc eax` there, not a prefix.
    cpu.code(&[0x40, 0xec]);
    assert_eq!(emulate_general_protection(&mut cpu, &mut regs()), Outcome::NotHandled);
    run(&mut cpu, &[0xec], &mut regs());
    let mut r = GuestRegs { rdi: 0xf_0000_0000 | common::DATA, ..regs() };
    run(&mut cpu, &[0x6c], &mut r);
    assert_eq!(r.rdi, common::DATA + 1);
}
