//! Switches of tasks.

mod common;

use common::{ABSENT, CODE, Machine, done, raised};
use fx_insn::{Done, Exception, Outcome, TaskCause, TaskSwitch, switch_task};
use fx_virt::Segment;

const GDT: u64 = 0x2000;
/// Selectors: flat code and data, the task that runs, one of 32 bits, one of 16 bits.
const FLAT_CODE: u16 = 0x08;
const FLAT_DATA: u16 = 0x10;
const HERE: u16 = 0x18;
const WIDE: u16 = 0x20;
const SHORT: u16 = 0x28;
const SHORT_CODE: u16 = 0x30;
/// Where the tasks' segments are, by selector.
const fn segment_of(selector: u16) -> u64 {
    0x3000 + selector as u64 * 0x20
}
const NEW_CODE: u64 = 0x1800;
const NEW_STACK: u64 = 0x6000;
const NT: u64 = 1 << 14;
const BUSY: u64 = 2 << 40;

fn put_dword(m: &mut Machine, at: u64, value: u32) {
    m.put(at, &value.to_le_bytes());
}

fn descriptor(m: &mut Machine, selector: u16, kind: u64, base: u64, limit: u64) {
    let value = limit | base << 16 | kind << 40;
    m.put(GDT + u64::from(selector), &value.to_le_bytes());
}

/// A task runs, and there are two others.
fn machine() -> Machine {
    let mut m = Machine::protected();
    m.put(GDT + u64::from(FLAT_CODE), &0x00cf_9b00_0000_ffffu64.to_le_bytes());
    m.put(GDT + u64::from(FLAT_DATA), &0x00cf_9300_0000_ffffu64.to_le_bytes());
    m.put(GDT + u64::from(SHORT_CODE), &0x0000_9b00_0000_ffffu64.to_le_bytes());
    descriptor(&mut m, HERE, 0x8b, segment_of(HERE), 0x67);
    descriptor(&mut m, WIDE, 0x89, segment_of(WIDE), 0x67);
    descriptor(&mut m, SHORT, 0x81, segment_of(SHORT), 0x2b);
    (m.segment_mut(Segment::Gdtr).base, m.segment_mut(Segment::Gdtr).limit) = (GDT, 0x3f);
    let task = m.segment_mut(Segment::Tr);
    (task.selector, task.attributes, task.base, task.limit) = (HERE, 0x8b, segment_of(HERE), 0x67);
    for segment in [Segment::Ss, Segment::Ds, Segment::Es, Segment::Fs, Segment::Gs] {
        m.segment_mut(segment).selector = FLAT_DATA;
    }
    let base = segment_of(WIDE);
    for (offset, value) in [(0x20, NEW_CODE as u32), (0x24, 2), (0x28, 0xaaaa_0000), (0x38, NEW_STACK as u32)]
    {
        put_dword(&mut m, base + offset, value);
    }
    for (offset, selector) in [(0x48, FLAT_DATA), (0x4c, FLAT_CODE), (0x50, FLAT_DATA), (0x54, FLAT_DATA)] {
        put_dword(&mut m, base + offset, selector.into());
    }
    let base = segment_of(SHORT);
    let words = [(0x0e, NEW_CODE as u16), (0x10, 2), (0x12, 0xbbbb), (0x1a, NEW_STACK as u16)];
    for (offset, value) in words {
        m.put(base + offset, &value.to_le_bytes());
    }
    for (offset, selector) in [(0x22, FLAT_DATA), (0x24, SHORT_CODE), (0x26, FLAT_DATA), (0x28, FLAT_DATA)] {
        m.put(base + offset, &selector.to_le_bytes());
    }
    m.regs.rax = 0x1234_5678;
    m
}

fn switch(m: &mut Machine, selector: u16, cause: TaskCause, error: Option<u32>) -> Outcome {
    switch_task(m, &TaskSwitch { selector, cause, error })
}

fn busy(m: &Machine, selector: u16) -> bool {
    m.number(GDT + u64::from(selector), 8) & BUSY != 0
}

#[test]
fn a_call_and_its_return() {
    let mut m = machine();
    m.code(&[0x9a, 0, 0, 0, 0, WIDE as u8, 0]);
    assert_eq!(switch(&mut m, WIDE, TaskCause::Call, None), done());
    assert_eq!((m.regs.rip, m.regs.rax, m.regs.rsp), (NEW_CODE, 0xaaaa_0000, NEW_STACK));
    assert_eq!((m.regs.rflags, m.cr0 & 8), (2 | NT, 8));
    assert_eq!((m.segment_mut(Segment::Tr).selector, m.segment_mut(Segment::Tr).attributes), (WIDE, 0x8b));
    let task = segment_of(HERE);
    assert_eq!((m.number(task + 0x20, 4), m.number(task + 0x28, 4)), (CODE + 7, 0x1234_5678));
    assert_eq!((m.number(task + 0x4c, 2), m.number(task + 0x5c, 2)), (8, FLAT_DATA.into()));
    assert_eq!(m.number(segment_of(WIDE), 2), HERE.into(), "the link back");
    assert!(busy(&m, HERE) && busy(&m, WIDE));

    m.regs.rax = 5;
    m.code(&[0xcf]);
    let back = Done { iret: true, ..Done::default() };
    assert_eq!(switch(&mut m, HERE, TaskCause::Return, None), Outcome::Done(back));
    assert_eq!((m.regs.rip, m.regs.rax, m.regs.rflags), (CODE + 7, 0x1234_5678, 2));
    let task = segment_of(WIDE);
    assert_eq!((m.number(task + 0x20, 4), m.number(task + 0x28, 4)), (NEW_CODE + 1, 5));
    assert_eq!(m.number(task + 0x24, 4), 2, "it is not nested any more");
    assert!(busy(&m, HERE) && !busy(&m, WIDE));
}

#[test]
fn a_jump_to_a_short_task() {
    let mut m = machine();
    m.regs.rbx = 0xffff_ffff;
    m.code(&[0xea, 0, 0, 0, 0, SHORT as u8, 0]);
    assert_eq!(switch(&mut m, SHORT, TaskCause::Jump, None), done());
    assert_eq!((m.regs.rip, m.regs.rflags, m.regs.rsp), (NEW_CODE, 2, NEW_STACK));
    assert_eq!((m.regs.rax & 0xffff, m.regs.rbx & 0xffff), (0xbbbb, 0));
    assert_eq!(m.segment_mut(Segment::Cs).selector, SHORT_CODE);
    assert!(!busy(&m, HERE) && busy(&m, SHORT));
    // And back, as its own fields are 16 bits wide.
    m.code(&[0xea, 0, 0, HERE as u8, 0]);
    assert_eq!(switch(&mut m, HERE, TaskCause::Jump, None), done());
    assert_eq!(m.number(segment_of(SHORT) + 0x0e, 2), NEW_CODE + 5);
    assert_eq!((m.regs.rip, m.regs.rbx), (CODE + 7, 0xffff_ffff));
}

#[test]
fn an_exception_with_its_code() {
    let mut m = machine();
    assert_eq!(switch(&mut m, WIDE, TaskCause::Event, Some(0x77)), done());
    assert_eq!((m.number(segment_of(HERE) + 0x20, 4), m.regs.rip), (CODE, NEW_CODE), "at the instruction");
    assert_eq!((m.regs.rsp, m.number(NEW_STACK - 4, 4)), (NEW_STACK - 4, 0x77));
}

#[test]
fn software_interrupts_return_behind_themselves() {
    let mut m = machine();
    m.code(&[0xcd, 0x40]);
    assert_eq!(switch(&mut m, WIDE, TaskCause::Software, None), done());
    assert_eq!(m.number(segment_of(HERE) + 0x20, 4), CODE + 2);
}

/// What is wrong is told to the old task, which nothing has happened to.
#[test]
fn refused() {
    let error = |vector, selector: u16| raised(Exception::with(vector, selector.into()));
    let jump = [0xea, 0, 0, 0, 0, WIDE as u8, 0];
    let attempt = |change: &dyn Fn(&mut Machine), selector, cause, want| {
        let mut m = machine();
        m.code(&jump);
        change(&mut m);
        let (regs, memory) = (m.regs, m.memory.clone());
        assert_eq!(switch(&mut m, selector, cause, None), want);
        assert!(m.regs == regs && m.memory == memory);
    };
    attempt(&|_| (), HERE, TaskCause::Jump, error(13, HERE));
    attempt(&|_| (), WIDE, TaskCause::Return, error(10, WIDE));
    attempt(&|_| (), FLAT_DATA, TaskCause::Call, error(13, FLAT_DATA));
    attempt(&|_| (), WIDE | 4, TaskCause::Call, error(13, WIDE | 4));
    attempt(&|_| (), 0x40, TaskCause::Event, error(13, 0x40));
    attempt(&|m| m.cpl = 3, WIDE, TaskCause::Call, error(13, WIDE));
    let short = |m: &mut Machine| descriptor(m, WIDE, 0x89, segment_of(WIDE), 0x66);
    attempt(&short, WIDE, TaskCause::Jump, error(10, WIDE));
    let absent = |m: &mut Machine| descriptor(m, WIDE, 0x09, segment_of(WIDE), 0x67);
    attempt(&absent, WIDE, TaskCause::Jump, error(11, WIDE));
    let nowhere = |m: &mut Machine| m.segment_mut(Segment::Tr).base = ABSENT;
    attempt(&nowhere, WIDE, TaskCause::Jump, raised(Exception::page_fault(ABSENT + 0x20, 2)));
    attempt(&|m| m.cr0 = 0x10, WIDE, TaskCause::Event, error(13, WIDE));
}

/// What is wrong with the new task's segments is told to it.
#[test]
fn faults_of_the_new_task() {
    for (offset, selector, vector) in
        [(0x50, 0, 10), (0x4c, FLAT_DATA, 10), (0x54, 0x38, 10), (0x60, FLAT_DATA, 10)]
    {
        let mut m = machine();
        put_dword(&mut m, segment_of(WIDE) + offset, selector.into());
        let outcome = switch(&mut m, WIDE, TaskCause::Event, None);
        assert_eq!(outcome, raised(Exception::with(vector, selector.into())), "{offset:#x}");
        assert_eq!((m.regs.rip, m.segment_mut(Segment::Tr).selector), (NEW_CODE, WIDE));
    }
}

#[test]
fn a_task_with_the_trap_bit() {
    let mut m = machine();
    put_dword(&mut m, segment_of(WIDE) + 0x64, 1);
    assert_eq!(switch(&mut m, WIDE, TaskCause::Event, None), raised(Exception::DB));
    assert_eq!((m.dr6, m.regs.rip), (1 << 15, NEW_CODE));
}
