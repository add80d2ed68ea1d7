//! Hardware virtualisation of the fake machine: guests stop for whatever the test wrote down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use fx_types::{GuestRegs, Result};
use fx_virt::{
    Event, Exit, Features, Reason, Register, Segment, SegmentRegister, Setup, Vendor, Virt, Window,
};

use crate::machine::Machine;

/// One thing that a guest does: what it stops for, and its registers then.
pub type Step = (Exit, GuestRegs);

/// What a guest does when it is interrupted, before it goes on with what it was to do.
pub type Handler = Box<dyn FnMut(&Event) -> Vec<Step> + Send>;

/// What guests in hardware containers do: step after step; then they halt, with interrupts on.
#[derive(Default)]
pub struct Script {
    play: Mutex<Play>,
    absent: AtomicBool,
    flushes: AtomicU32,
    tsc_aux: AtomicU32,
}

/// `IF`.
const INTERRUPTS: u64 = 1 << 9;

#[derive(Default)]
struct Play {
    steps: VecDeque<Step>,
    handler: Option<Handler>,
    events: Vec<Event>,
    results: Vec<u64>,
    /// What the guest writes into CR8 next, which is no exit by itself; whether a window opened by it.
    priorities: VecDeque<u8>,
    opened: Vec<bool>,
    /// What was done last is a step.
    stepped: bool,
}

impl Play {
    fn next(&mut self, event: Option<Event>, regs: &mut GuestRegs) -> Exit {
        if self.stepped {
            self.results.push(regs.rax);
        }
        if let Some(e) = event {
            self.events.push(e);
            let first = self.handler.as_mut().map_or_else(Vec::new, |handler| handler(&e));
            first.into_iter().rev().for_each(|step| self.steps.push_front(step));
        }
        let step = self.steps.pop_front();
        self.stepped = step.is_some();
        if let Some((exit, state)) = step {
            *regs = state;
            return exit;
        }
        regs.rflags |= INTERRUPTS;
        Exit { reason: Reason::Halt, length: 1, interrupted: None }
    }

    /// The guest sets its task priority until that stops it; whether it does.
    fn next_priority(&mut self, s: &mut State) -> bool {
        while let Some(priority) = self.priorities.pop_front() {
            s.priority = priority;
            let opens = s.is_open();
            self.opened.push(opens);
            if opens {
                return true;
            }
        }
        false
    }
}

impl Script {
    fn with<R>(&self, f: impl FnOnce(&mut Play) -> R) -> R {
        f(&mut self.play.lock().unwrap())
    }

    /// The guest's next steps, behind those that it was to do already.
    ///
    /// # Panics
    /// When another test thread died with the script in its hands, as everything here.
    pub fn push(&self, steps: impl IntoIterator<Item = Step>) {
        self.with(|p| p.steps.extend(steps));
    }

    /// The guest sets its task priority, before its next step, once for each of these.
    pub fn set_cr8(&self, priorities: impl IntoIterator<Item = u8>) {
        self.with(|p| p.priorities.extend(priorities));
    }

    /// Whether the guest stopped at once each time it set its task priority.
    pub fn take_opened(&self) -> Vec<bool> {
        self.with(|p| std::mem::take(&mut p.opened))
    }

    /// Sets what the guest does when it is interrupted.
    pub fn on_event(&self, handler: Handler) {
        self.with(|p| p.handler = Some(handler));
    }

    /// The events that were delivered since this was asked last.
    pub fn take_events(&self) -> Vec<Event> {
        self.with(|p| std::mem::take(&mut p.events))
    }

    /// What RAX was after each step since this was asked last.
    pub fn take_results(&self) -> Vec<u64> {
        self.with(|p| std::mem::take(&mut p.results))
    }

    /// What RDTSCP gives besides the counter.
    pub fn tsc_aux(&self) -> u32 {
        self.tsc_aux.load(SeqCst)
    }

    pub(crate) fn set_tsc_aux(&self, value: u32) {
        self.tsc_aux.store(value, SeqCst);
    }

    /// How often guests' translations were dropped since this was asked last.
    pub fn take_flushes(&self) -> u32 {
        self.flushes.swap(0, SeqCst)
    }

    /// Whether there is no hardware virtualisation.
    pub fn set_absent(&self, absent: bool) {
        self.absent.store(absent, SeqCst);
    }
}

/// The registers of one vCPU.
#[derive(Default)]
struct State {
    registers: BTreeMap<u32, u64>,
    segments: BTreeMap<u32, SegmentRegister>,
    event: Option<Event>,
    priority: u8,
    window: Window,
}

impl State {
    /// Whether the guest stops as soon as it lets interrupts in.
    fn is_open(&self) -> bool {
        match self.window {
            Window::Never => false,
            Window::Any => true,
            Window::Above(class) => class > self.priority,
        }
    }
}

/// The record of one vCPU.
#[derive(Default)]
pub struct Context(Mutex<State>);

impl Context {
    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap())
    }
}

impl Virt for Machine {
    type Context = Context;

    fn virt(&self) -> Option<Features> {
        let features = Features {
            vendor: Vendor::Svm,
            nested_1g: true,
            next_rip: false,
            tagged: true,
            tsc_scaling: false,
        };
        (!self.script.absent.load(SeqCst)).then_some(features)
    }

    fn new_context(&self, _setup: &Setup) -> Result<Context> {
        Ok(Context::default())
    }

    fn load_context(&self, _context: &Context) {}

    fn unload_context(&self, _context: &Context) {}

    fn enter(&self, context: &Context, regs: &mut GuestRegs) -> Exit {
        self.here().assert_left();
        self.tick();
        let event = context.with(|s| s.event.take());
        let opens = |s: &mut State| s.is_open() && regs.rflags & INTERRUPTS != 0;
        let rises = || self.script.with(|p| context.with(|s| p.next_priority(s)));
        if event.is_none() && (context.with(opens) || rises()) {
            return Exit { reason: Reason::Window, length: 0, interrupted: None };
        }
        self.script.with(|p| p.next(event, regs))
    }

    fn register(&self, context: &Context, register: Register) -> u64 {
        context.with(|s| s.registers.get(&(register as u32)).copied().unwrap_or(0))
    }

    fn set_register(&self, context: &Context, register: Register, value: u64) {
        context.with(|s| s.registers.insert(register as u32, value));
    }

    fn segment(&self, context: &Context, segment: Segment) -> SegmentRegister {
        context.with(|s| s.segments.get(&(segment as u32)).copied().unwrap_or_default())
    }

    fn set_segment(&self, context: &Context, segment: Segment, value: &SegmentRegister) {
        context.with(|s| s.segments.insert(segment as u32, *value));
    }

    fn privilege(&self, context: &Context) -> u8 {
        self.segment(context, Segment::Ss).dpl()
    }

    fn inject(&self, context: &Context, event: Option<&Event>) {
        context.with(|s| s.event = event.copied());
    }

    fn injecting(&self, context: &Context) -> Option<Event> {
        context.with(|s| s.event)
    }

    fn want_window(&self, context: &Context, window: Window) {
        context.with(|s| s.window = window);
    }

    fn want_nmi_window(&self, _context: &Context, _on: bool) {}

    fn task_priority(&self, context: &Context) -> u8 {
        context.with(|s| s.priority)
    }

    fn set_task_priority(&self, context: &Context, priority: u8) {
        context.with(|s| s.priority = priority);
    }

    fn intercept_exceptions(&self, _context: &Context, _vectors: u32) {}

    fn intercept_tsc(&self, _context: &Context, _on: bool) {}

    fn pass_msr(&self, _context: &Context, _msr: u32, _read: bool, _write: bool) {}

    fn intercept_debug(&self, _context: &Context, _on: bool) {}

    fn flush_guest(&self, _context: &Context) {
        self.script.flushes.fetch_add(1, SeqCst);
    }
}
