//! Hardware virtualisation of the fake machine: guests stop for whatever the test wrote down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use fx_types::{GuestRegs, Result};
use fx_virt::{Event, Exit, Features, Reason, Register, Segment, SegmentRegister, Setup, Vendor, Virt};

use crate::machine::Machine;

/// What guests in hardware containers stop for, in order; then for an interrupt.
#[derive(Default)]
pub struct Script {
    exits: Mutex<VecDeque<(Exit, GuestRegs)>>,
    absent: AtomicBool,
}

impl Script {
    /// The next guest that is entered stops for `exit`, with these registers.
    ///
    /// # Panics
    /// When another test thread died with the script in its hands.
    pub fn push(&self, exit: Exit, regs: GuestRegs) {
        self.exits.lock().unwrap().push_back((exit, regs));
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
        context.with(|s| s.event = None);
        match self.script.exits.lock().unwrap().pop_front() {
            Some((exit, state)) => {
                *regs = state;
                exit
            }
            None => Exit { reason: Reason::Interrupt, length: 0, interrupted: None },
        }
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

    fn want_window(&self, _context: &Context, _on: bool) {}

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

    fn flush_guest(&self, _context: &Context) {}
}
