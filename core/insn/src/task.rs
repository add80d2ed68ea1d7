//! Switches of tasks (SDM volume 3, chapter 8): processors in a hardware container leave them to the hypervisor, whatever causes
//! them. Everything that can fail in the old task is done before its state is saved; what fails after that is the new task's.

use fx_types::operand::mask;
use fx_virt::{Register as SystemRegister, Segment, SegmentRegister};

use crate::cpu::{Cpu, Exception, Purpose, Step, Stop};
use crate::descriptor::{Descriptor, not_present, null, rpl};
use crate::flags::{NT, VM};
use crate::outcome::Outcome;
use crate::registers::Gpr;
use crate::run::{Mode, Run};

/// What makes a processor switch to another task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskCause {
    /// A far call.
    Call,
    /// A far jump.
    Jump,
    /// `iret` of a task that another one called.
    Return,
    /// `int n` and the like, through a task gate.
    Software,
    /// An interrupt or an exception, through a task gate.
    Event,
}

/// A switch of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSwitch {
    /// The new task's selector.
    pub selector: u16,
    /// What causes it.
    pub cause: TaskCause,
    /// The error code of an exception, which the new task finds on its stack.
    pub error: Option<u32>,
}

/// Where a task state segment has what.
struct Layout {
    /// Bytes of a field.
    size: u8,
    /// The least limit that one has.
    limit: u32,
    ip: u64,
    flags: u64,
    /// The first of the general registers, in their order.
    general: u64,
    /// The first of the segment selectors, in the order of [`SEGMENTS`].
    segments: u64,
    ldt: u64,
}

const WIDE: Layout =
    Layout { size: 4, limit: 0x67, ip: 0x20, flags: 0x24, general: 0x28, segments: 0x48, ldt: 0x60 };
const NARROW: Layout =
    Layout { size: 2, limit: 0x2b, ip: 0x0e, flags: 0x10, general: 0x12, segments: 0x22, ldt: 0x2a };
/// CR3 and the trap bit of a 32-bit one.
const CR3: u64 = 0x1c;
const TRAP: u64 = 0x64;
/// Segments as they stand in it; a 16-bit one has the first four.
const SEGMENTS: [Segment; 6] = [Segment::Es, Segment::Cs, Segment::Ss, Segment::Ds, Segment::Fs, Segment::Gs];
/// Types of descriptors: a 16-bit task, a 32-bit one, a local descriptor table. A task in use has `BUSY` besides.
const TASK_16: u16 = 1;
const TASK_32: u16 = 9;
const LDT: u16 = 2;
const BUSY: u8 = 2;
const CR0_PG: u64 = 1 << 31;
const CR0_TS: u64 = 1 << 3;
/// `DR6.BT`: a task whose segment says so begins.
const TASK_TRAP: u64 = 1 << 15;
/// Flags that a task's image can set, and the one that always is.
const FLAGS: u64 = 0x003f_7fd5;
const FLAGS_ONE: u64 = 2;

fn task_fault(selector: u16) -> Exception {
    Exception::with(10, u32::from(selector & 0xfffc))
}

/// In the new task what is wrong with a selector is wrong with the task.
fn as_task_fault(stop: Stop) -> Stop {
    match stop {
        Stop::Exception(e) if e.vector == 13 => Exception { vector: 10, ..e }.into(),
        other => other,
    }
}

fn layout(kind: u16) -> Option<Layout> {
    match kind & !u16::from(BUSY) {
        TASK_16 => Some(NARROW),
        TASK_32 => Some(WIDE),
        _ => None,
    }
}

/// What a task state segment says.
#[derive(Default)]
struct Image {
    cr3: u64,
    ip: u64,
    flags: u64,
    general: [u64; 8],
    segments: [u16; 6],
    ldt: u16,
    trap: bool,
}

/// Switches the vCPU to another task.
pub fn switch_task<C: Cpu>(cpu: &mut C, switch: &TaskSwitch) -> Outcome {
    let mut run = Run::new(cpu);
    match run.switch_task(switch) {
        Ok(()) => Outcome::Done(run.done),
        Err(stop) => stop.into(),
    }
}

impl<C: Cpu> Run<'_, C> {
    fn switch_task(&mut self, s: &TaskSwitch) -> Step {
        if self.long_mode || self.mode == Mode::Real {
            return Err(Exception::with(13, u32::from(s.selector & 0xfffc)).into());
        }
        if s.cause != TaskCause::Event {
            // The old task goes on behind the instruction.
            self.decode()?;
        }
        let (task, new) = self.new_task(s)?;
        let image = self.read_image(&task, &new)?;
        self.save_task(s)?;
        self.enter_task(s, &task, &new, &image)?;
        self.load_segments_of_task(&new, &image)?;
        if let Some(error) = s.error {
            self.push(error.into(), new.size)?;
            self.commit();
        }
        if image.trap {
            let dr6 = self.cpu.register(SystemRegister::Dr6);
            self.cpu.set_register(SystemRegister::Dr6, dr6 | TASK_TRAP)?;
            return Err(Exception::DB.into());
        }
        Ok(())
    }

    /// The new task's descriptor, checked.
    fn new_task(&mut self, s: &TaskSwitch) -> Step<(Descriptor, Layout)> {
        let back = s.cause == TaskCause::Return;
        let wrong = || {
            if back { task_fault(s.selector) } else { Exception::with(13, u32::from(s.selector & 0xfffc)) }
        };
        if s.selector & 4 != 0 {
            return Err(wrong().into());
        }
        let task = self.find_descriptor(s.selector)?.ok_or_else(wrong)?;
        let busy = task.system_type() & u16::from(BUSY) != 0;
        let layout =
            layout(task.system_type()).filter(|_| task.is_system() && busy == back).ok_or_else(wrong)?;
        let direct = matches!(s.cause, TaskCause::Call | TaskCause::Jump);
        if direct && task.dpl() < self.cpl.max(rpl(s.selector)) {
            return Err(wrong().into());
        }
        if !task.present() {
            return Err(not_present(s.selector).into());
        }
        if task.register().limit < layout.limit {
            return Err(task_fault(s.selector).into());
        }
        Ok((task, layout))
    }

    fn field(&mut self, base: u64, offset: u64, size: u8) -> Step<u64> {
        self.load_system(base.wrapping_add(offset) & mask(4), size)
    }

    fn put_field(&mut self, base: u64, offset: u64, size: u8, value: u64) -> Step {
        let access = self.system_access(base.wrapping_add(offset) & mask(4), Purpose::Write);
        let bytes = value.to_le_bytes();
        self.cpu.write(access, bytes.get(..usize::from(size)).ok_or(Stop::Unhandled)?)
    }

    fn read_image(&mut self, task: &Descriptor, l: &Layout) -> Step<Image> {
        let (base, step) = (task.register().base, u64::from(l.size));
        let mut image = Image { ip: self.field(base, l.ip, l.size)?, ..Image::default() };
        image.flags = self.field(base, l.flags, l.size)?;
        for (n, slot) in (0u64..).zip(&mut image.general) {
            *slot = self.field(base, l.general.wrapping_add(n.wrapping_mul(step)), l.size)?;
        }
        let there = if l.size == 4 { SEGMENTS.len() } else { 4 };
        for (n, slot) in (0u64..).zip(image.segments.iter_mut().take(there)) {
            *slot = self.field(base, l.segments.wrapping_add(n.wrapping_mul(step)), 2)? as u16;
        }
        image.ldt = self.field(base, l.ldt, 2)? as u16;
        if l.size == 4 {
            image.cr3 = self.field(base, CR3, 4)?;
            image.trap = self.field(base, TRAP, 1)? & 1 != 0;
        }
        Ok(image)
    }

    /// Puts the old task's state into its segment, and says that it is not in use any more if it will not be returned to.
    fn save_task(&mut self, s: &TaskSwitch) -> Step {
        let old = self.cpu.segment(Segment::Tr);
        let l = layout(old.attributes & 0xf).ok_or_else(|| task_fault(old.selector))?;
        let step = u64::from(l.size);
        // From the first field that is written to the last: a page that cannot be is found before anything is.
        let first = old.base.wrapping_add(l.ip) & mask(4);
        let length = l.ldt.wrapping_sub(l.ip) as usize;
        let planned = crate::cpu::Access { user: false, ..self.planned(first, Purpose::Write) };
        self.cpu.probe(planned, length)?;
        let back = s.cause == TaskCause::Return;
        let ends = back || s.cause == TaskCause::Jump;
        let flags = if back { self.regs.rflags & !NT } else { self.regs.rflags };
        self.put_field(old.base, l.ip, l.size, self.next)?;
        self.put_field(old.base, l.flags, l.size, flags)?;
        for n in 0..8u8 {
            let value = Gpr::low(n, l.size).get(&self.regs);
            self.put_field(old.base, l.general.wrapping_add(u64::from(n).wrapping_mul(step)), l.size, value)?;
        }
        let there = if l.size == 4 { SEGMENTS.len() } else { 4 };
        for (n, segment) in (0u64..).zip(SEGMENTS).take(there) {
            let selector = self.cpu.segment(segment).selector;
            self.put_field(old.base, l.segments.wrapping_add(n.wrapping_mul(step)), 2, selector.into())?;
        }
        if ends && let Some(task) = self.find_descriptor(old.selector)? {
            self.set_busy(&task, false)?;
        }
        Ok(())
    }

    fn set_busy(&mut self, task: &Descriptor, busy: bool) -> Step {
        let old = task.attributes() as u8;
        let new = if busy { old | BUSY } else { old & !BUSY };
        self.change_type(task, new)
    }

    /// From here on it is the new task: its register, address space, general registers.
    fn enter_task(&mut self, s: &TaskSwitch, task: &Descriptor, l: &Layout, image: &Image) -> Step {
        let nested = matches!(s.cause, TaskCause::Call | TaskCause::Software | TaskCause::Event);
        let old = self.cpu.segment(Segment::Tr).selector;
        let register = task.register();
        if nested {
            self.put_field(register.base, 0, 2, old.into())?;
        }
        if s.cause != TaskCause::Return {
            self.set_busy(task, true)?;
        }
        let attributes = register.attributes | u16::from(BUSY);
        self.cpu.set_segment(Segment::Tr, &SegmentRegister { attributes, ..register });
        let cr0 = self.cpu.register(SystemRegister::Cr0);
        self.cpu.set_register(SystemRegister::Cr0, cr0 | CR0_TS)?;
        for (n, value) in (0u8..).zip(image.general) {
            // Of a 16-bit task the upper halves stay.
            Gpr::low(n, l.size).set(&mut self.regs, value);
        }
        let flags = image.flags & FLAGS | FLAGS_ONE | if nested { NT } else { 0 };
        (self.regs.rip, self.regs.rflags) = (image.ip, flags);
        self.done.iret = s.cause == TaskCause::Return;
        self.commit();
        if l.size == 4 && cr0 & CR0_PG != 0 {
            self.cpu.set_register(SystemRegister::Cr3, image.cr3).map_err(as_task_fault)?;
        }
        Ok(())
    }

    /// The segments, at the privilege level that the new task's code has.
    fn load_segments_of_task(&mut self, l: &Layout, image: &Image) -> Step {
        let virtual_8086 = l.size == 4 && self.regs.rflags & VM != 0;
        self.mode = if virtual_8086 { Mode::Virtual8086 } else { Mode::Protected };
        let [es, code, ss, ds, fs, gs] = image.segments;
        self.cpl = if virtual_8086 { 3 } else { rpl(code) };
        self.load_table_of_task(image.ldt)?;
        if virtual_8086 {
            for (segment, selector) in SEGMENTS.into_iter().zip(image.segments) {
                let register = self.legacy_segment(segment, selector);
                self.cpu.set_segment(segment, &register);
            }
        } else {
            let register = self.code_of_task(code)?;
            self.cpu.set_segment(Segment::Cs, &register);
            // The stack's first: what else is wrong is told on it.
            let order = [
                (Segment::Ss, ss),
                (Segment::Es, es),
                (Segment::Ds, ds),
                (Segment::Fs, fs),
                (Segment::Gs, gs),
            ];
            for (segment, selector) in order.into_iter().take(if l.size == 4 { 5 } else { 3 }) {
                self.load_segment(segment, selector).map_err(as_task_fault)?;
            }
        }
        self.stack = if self.cpu.segment(Segment::Ss).wide() { 4 } else { 2 };
        let limit = u64::from(self.cpu.segment(Segment::Cs).limit);
        if self.regs.rip > limit { Err(Exception::GP0.into()) } else { Ok(()) }
    }

    /// The local descriptor table, which a task need not have.
    fn load_table_of_task(&mut self, selector: u16) -> Step {
        let none = SegmentRegister { selector, attributes: LDT, limit: 0, base: 0 };
        self.cpu.set_segment(Segment::Ldtr, &none);
        if null(selector) {
            return Ok(());
        }
        let found = if selector & 4 != 0 { None } else { self.find_descriptor(selector)? };
        let table = found.filter(|d| d.is_system() && d.system_type() == LDT && d.present());
        let table = table.ok_or_else(|| task_fault(selector))?;
        self.cpu.set_segment(Segment::Ldtr, &table.register());
        Ok(())
    }

    fn code_of_task(&mut self, selector: u16) -> Step<SegmentRegister> {
        let wrong = task_fault(selector);
        if null(selector) {
            return Err(wrong.into());
        }
        let d = self.find_descriptor(selector)?.ok_or(wrong)?;
        let allowed = if d.is_conforming() { d.dpl() <= self.cpl } else { d.dpl() == self.cpl };
        if !d.is_code() || !allowed {
            return Err(wrong.into());
        }
        if !d.present() {
            return Err(not_present(selector).into());
        }
        self.mark_accessed(&d)?;
        let register = d.register();
        Ok(SegmentRegister { attributes: register.attributes | 1, ..register })
    }
}
