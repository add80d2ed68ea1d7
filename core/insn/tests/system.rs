//! The processor's own instructions: privileges, control registers, flags, ports, events.

mod common;

use common::{Asked, CODE, Machine, done, raised};
use fx_insn::{Done, Exception, Outcome, Shadow};
use fx_virt::{Segment, SegmentRegister};

#[test]
fn privileged_instructions_in_user_mode() {
    let mut machine = Machine::long();
    machine.cpl = 3;
    for code in [
        &[0xf4][..],
        &[0x0f, 0x20, 0xc0],
        &[0x0f, 0x23, 0xc0],
        &[0x0f, 0x06],
        &[0x0f, 0x01, 0xf0],
        &[0x0f, 0x01, 0x13],
        &[0x0f, 0x01, 0x1b],
        &[0x0f, 0x00, 0xd0],
        &[0x0f, 0x00, 0xd8],
        &[0x0f, 0x30],
        &[0x0f, 0x32],
        &[0x0f, 0x33],
        &[0x0f, 0x08],
        &[0x0f, 0x09],
        &[0x0f, 0x01, 0x3b],
        &[0x0f, 0x01, 0xf8],
        &[0xfa],
        &[0xec],
    ] {
        assert_eq!(machine.run(code), raised(Exception::GP0), "{code:02x?}");
    }
    // The time stamp counter may be for the kernel only.
    assert_eq!(machine.run(&[0x0f, 0x31]), done());
    assert_eq!((machine.regs.rdx, machine.regs.rax), (0x1_2345, 0x6789_abcd));
    machine.cr4 = 4;
    assert_eq!(machine.run(&[0x0f, 0x31]), raised(Exception::GP0));
}

#[test]
fn umip() {
    let mut machine = Machine::long();
    machine.cpl = 3;
    machine.regs.rbx = 0x3000;
    let codes =
        [[0x0f, 0x01, 0x03], [0x0f, 0x01, 0x0b], [0x0f, 0x00, 0xc0], [0x0f, 0x00, 0xc8], [0x0f, 0x01, 0xe0]];
    for code in codes {
        assert_eq!(machine.run(&code), done(), "{code:02x?}"); // sgdt, sidt, sldt, str, smsw
    }
    machine.cr4 = 1 << 11;
    for code in codes {
        assert_eq!(machine.run(&code), raised(Exception::GP0), "{code:02x?}");
    }
}

#[test]
fn table_registers() {
    let mut machine = Machine::long();
    machine.put(0x3000, &[0xff, 0x0f, 0x78, 0x56, 0x34, 0x12, 0, 0x88, 0xff, 0xff]);
    machine.regs.rbx = 0x3000;
    assert_eq!(machine.run(&[0x0f, 0x01, 0x1b]), done()); // lidt [rbx]
    let idt = machine.segments[Segment::Idtr as usize];
    assert_eq!((idt.limit, idt.base), (0xfff, 0xffff_8800_1234_5678));
    machine.regs.rbx = 0x3100;
    assert_eq!(machine.run(&[0x0f, 0x01, 0x0b]), done()); // sidt [rbx]
    assert_eq!(machine.memory[0x3100..0x310a], machine.memory[0x3000..0x300a]);
    machine.put(0x3108, &[0, 0]);
    assert_eq!(machine.run(&[0x0f, 0x01, 0x1b]), raised(Exception::GP0));
}

#[test]
fn control_registers() {
    let mut machine = Machine::long();
    machine.regs.r9 = 0x1_2345_6000;
    assert_eq!(machine.run(&[0x41, 0x0f, 0x22, 0xd9]), done()); // mov cr3, r9
    assert_eq!(machine.cr3, 0x1_2345_6000);
    assert_eq!(machine.run(&[0x44, 0x0f, 0x20, 0xc0]), done()); // mov rax, cr8
    assert_eq!(machine.regs.rax, 7);
    machine.regs.rax = 1 << 40;
    assert_eq!(machine.run(&[0x0f, 0x22, 0xc0]), raised(Exception::GP0)); // mov cr0, rax
    assert_eq!(machine.run(&[0x0f, 0x20, 0xc8]), raised(Exception::UD)); // mov rax, cr1
    machine.cr0 = 0x8000_001b;
    assert_eq!(machine.run(&[0x0f, 0x06]), done()); // clts
    assert_eq!(machine.cr0, 0x8000_0013);
    machine.regs.rax = 0xfff4;
    assert_eq!(machine.run(&[0x0f, 0x01, 0xf0]), done()); // lmsw ax: PE stays
    assert_eq!(machine.cr0, 0x8000_0015);
    assert_eq!(machine.run(&[0x0f, 0x01, 0xe0]), done()); // smsw eax
    assert_eq!(machine.regs.rax, 0x8000_0015);
}

#[test]
fn debug_registers() {
    let mut machine = Machine::long();
    assert_eq!(machine.run(&[0x0f, 0x21, 0xd0]), done()); // mov rax, dr2
    assert_eq!(machine.regs.rax, 0xd2);
    machine.regs.rax = 0x400;
    assert_eq!(machine.run(&[0x0f, 0x23, 0xe8]), done()); // mov dr5, rax: dr7
    assert_eq!(machine.dr7, 0x400);
    machine.cr4 = 8;
    assert_eq!(machine.run(&[0x0f, 0x23, 0xe8]), raised(Exception::UD));
    machine.regs.rax = 1 << 32;
    assert_eq!(machine.run(&[0x0f, 0x23, 0xf0]), raised(Exception::GP0)); // mov dr6, rax
    machine.dr7 = 0x2400;
    assert_eq!(machine.run(&[0x0f, 0x21, 0xd0]), raised(Exception::DB));
    assert_eq!((machine.dr6, machine.dr7), (0x2000, 0x400), "the handler may have them");
}

#[test]
fn registers_by_number() {
    let mut machine = Machine::long();
    (machine.regs.rcx, machine.regs.rax, machine.regs.rdx) = (0x10, 0x1_2222_3333, 0x1_4444_5555);
    assert_eq!(machine.run(&[0x0f, 0x30]), done()); // wrmsr
    assert_eq!(machine.msr, 0x4444_5555_2222_3333);
    assert_eq!(machine.run(&[0x0f, 0x32]), done()); // rdmsr
    assert_eq!((machine.regs.rax, machine.regs.rdx), (0x2222_3333, 0x4444_5555));
    machine.regs.rcx = 0x11;
    assert_eq!(machine.run(&[0x0f, 0x32]), raised(Exception::GP0));
    (machine.regs.rax, machine.regs.rcx) = (u64::MAX, 5);
    assert_eq!(machine.run(&[0x0f, 0xa2]), done()); // cpuid
    let regs = machine.regs;
    assert_eq!((regs.rax, regs.rbx, regs.rcx, regs.rdx), (0xffff_ffff, 5, 0xc0, 0xd0));
}

#[test]
fn interrupts_and_their_shadow() {
    let mut machine = Machine::long();
    let shadow = Outcome::Done(Done { shadow: Shadow::Sti, ..Done::default() });
    assert_eq!(machine.run(&[0xfb]), shadow); // sti
    assert_eq!(machine.regs.rflags, 0x202);
    assert_eq!(machine.run(&[0xfb]), done());
    assert_eq!(machine.run(&[0xfa]), done()); // cli
    assert_eq!(machine.regs.rflags, 2);
    let halt = Outcome::Done(Done { halt: true, ..Done::default() });
    assert_eq!(machine.run(&[0xf4]), halt);
    assert_eq!(machine.regs.rip, CODE + 4);
}

#[test]
fn single_steps() {
    let step = Outcome::Done(Done { single_step: true, ..Done::default() });
    let mut machine = Machine::long();
    machine.regs.rflags = 0x1_0102;
    assert_eq!(machine.run(&[0x90]), step);
    assert_eq!(machine.regs.rflags, 0x102, "RF ends with the instruction");
    // A flag that is set by the instruction itself traps after the next one.
    machine.regs.rflags = 2;
    machine.put(0x7000, &[0x02, 0x01, 0, 0, 0, 0, 0, 0]);
    assert_eq!(machine.run(&[0x9d]), done()); // popfq
    assert_eq!(machine.regs.rflags, 0x102);
    // One iteration at a time.
    (machine.regs.rcx, machine.regs.rdi, machine.regs.rip) = (2, 0x3000, CODE);
    assert_eq!(machine.run(&[0xf3, 0xaa]), step); // rep stosb
    assert_eq!((machine.regs.rcx, machine.regs.rip), (1, CODE));
    assert_eq!(machine.run(&[0xf3, 0xaa]), step);
    assert_eq!((machine.regs.rcx, machine.regs.rip), (0, CODE + 2));
}

#[test]
fn flags_from_the_stack() {
    let mut machine = Machine::long();
    machine.put(0x7000, &u64::MAX.to_le_bytes());
    assert_eq!(machine.run(&[0x9d]), done()); // popfq
    assert_eq!(machine.regs.rflags, 0x24_7fd7);
    machine.cpl = 3;
    (machine.regs.rflags, machine.regs.rsp) = (2, 0x7000);
    assert_eq!(machine.run(&[0x9d]), done());
    assert_eq!(machine.regs.rflags, 0x24_4dd7, "neither IF nor IOPL");
}

#[test]
fn ports_of_user_mode_by_the_bitmap() {
    let mut machine = Machine::long();
    machine.cpl = 3;
    machine.quick = true;
    machine.answer = 0x77;
    *machine.segment_mut(Segment::Tr) =
        SegmentRegister { selector: 0x40, attributes: 0x8b, limit: 0xff, base: 0x6000 };
    machine.put(0x6066, &[0x68, 0]);
    machine.put(0x6068, &[0xff; 32]);
    machine.put(0x6068 + 0x60 / 8, &[!0x01]);
    machine.regs.rdx = 0x60;
    assert_eq!(machine.run(&[0xec]), done()); // in al, dx
    assert_eq!((machine.regs.rax, &machine.asked[..]), (0x77, &[Asked::In(0x60, 1)][..]));
    assert_eq!(machine.run(&[0x66, 0xed]), raised(Exception::GP0)); // in ax, dx
    machine.regs.rdx = 0x8000;
    assert_eq!(machine.run(&[0xec]), raised(Exception::GP0));
    machine.regs.rflags |= 0x3000;
    assert_eq!(machine.run(&[0xec]), done());
}

#[test]
fn page_faults_at_both_ends_of_an_instruction() {
    let mut machine = Machine::long();
    machine.regs.rbx = common::ABSENT;
    machine.cpl = 3;
    assert_eq!(machine.run(&[0x88, 0x03]), raised(Exception::page_fault(common::ABSENT, 6)));
    machine.regs.rip = common::ABSENT - 2;
    // The second half of the instruction is in the page that is absent.
    assert_eq!(machine.run(&[0x48, 0xb8]), raised(Exception::page_fault(common::ABSENT, 16)));
    // This one ends before it.
    machine.regs.rip = common::ABSENT - 2;
    assert_eq!(machine.run(&[0x31, 0xc0]), done());
}

#[test]
fn addresses_that_are_not_canonical() {
    let mut machine = Machine::long();
    machine.regs.rbx = 0x8000_0000_0000;
    assert_eq!(machine.run(&[0x8b, 0x03]), raised(Exception::GP0));
    machine.regs.rbp = 0x8000_0000_0000;
    assert_eq!(machine.run(&[0x8b, 0x45, 0x00]), raised(Exception::SS0));
    machine.regs.rbx = 0x7fff_ffff_fffe;
    assert_eq!(machine.run(&[0x8b, 0x03]), raised(Exception::GP0));
}

#[test]
fn bases_of_fs_and_gs() {
    let mut machine = Machine::long();
    machine.segment_mut(Segment::Gs).base = 0x3000;
    machine.segment_mut(Segment::Ds).base = 0x5000;
    machine.put(0x3010, &[0xab]);
    machine.regs.rbx = 0x10;
    assert_eq!(machine.run(&[0x65, 0x8a, 0x03]), done()); // mov al, gs:[rbx]
    assert_eq!(machine.regs.rax, 0xab);
    machine.kernel_gs = 0x9999;
    assert_eq!(machine.run(&[0x0f, 0x01, 0xf8]), done()); // swapgs
    assert_eq!((machine.segments[Segment::Gs as usize].base, machine.kernel_gs), (0x9999, 0x3000));
    machine.regs.rbx = 0x1234;
    assert_eq!(machine.run(&[0x3e, 0x0f, 0x01, 0x3b]), done()); // invlpg ds:[rbx]
    assert_eq!(machine.invalidated, [0x1234]);
}

#[test]
fn vectors_of_the_task_switched_flag() {
    let mut machine = Machine::long();
    machine.regs.rbx = 0x3008;
    assert_eq!(machine.run(&[0x0f, 0x10, 0x03]), raised(Exception::UD)); // movups xmm0, [rbx]
    machine.cr4 = 0x4_0200;
    machine.cr0 |= 8;
    assert_eq!(machine.run(&[0x0f, 0x10, 0x03]), raised(Exception::NM));
    machine.cr0 &= !8;
    machine.put(0x3008, &[0x5a; 32]);
    assert_eq!(machine.run(&[0x0f, 0x10, 0x03]), done());
    assert_eq!(machine.vectors[0][..17], [&[0x5a; 16][..], &[0]].concat());
    assert_eq!(machine.run(&[0x0f, 0x28, 0x03]), raised(Exception::GP0)); // movaps
    assert_eq!(machine.run(&[0xc5, 0xfe, 0x6f, 0x0b]), done()); // vmovdqu ymm1, [rbx]
    assert_eq!(machine.vectors[1], [0x5a; 32]);
    assert_eq!(machine.run(&[0xc5, 0xfa, 0x6f, 0x0b]), done()); // vmovdqu xmm1, [rbx]
    assert_eq!(machine.vectors[1][16..], [0; 16]);
}

#[test]
fn invalid_and_overlong_instructions() {
    let mut machine = Machine::long();
    assert_eq!(machine.run(&[0x0f, 0x0b]), raised(Exception::UD));
    assert_eq!(machine.run(&[0x06]), raised(Exception::UD));
    assert_eq!(machine.run(&[0xf0, 0x90]), raised(Exception::UD));
    let mut long = vec![0x66; 15];
    long.push(0x90);
    assert_eq!(machine.run(&long), raised(Exception::GP0));
    assert_eq!(machine.run(&[0xd9, 0xe8]), Outcome::Unhandled); // fld1
}
