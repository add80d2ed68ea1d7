//! Hardware virtualisation: AMD's, as the core's port.

use core::ptr::NonNull;

use fx_svm::{Context, Memory, Svm};
use fx_sync::Once;
use fx_types::{Errno, GuestRegs, Result};
use fx_virt::{Event, Exit, Features, Register, Segment, SegmentRegister, Setup, Virt};

use super::Machine;
use crate::cpu::this_cpu;
use crate::layout::DIRECT_MAP;
use crate::wiring::{free_pages, take_pages};

/// What there is, once it has been switched on on the first CPU.
static SVM: Once<Svm> = Once::new();

/// The physical address of memory of the direct map.
fn phys(at: NonNull<u8>) -> u64 {
    (at.as_ptr() as u64).wrapping_sub(DIRECT_MAP)
}

/// Whether the processor has it.
pub fn is_present() -> bool {
    Svm::is_present()
}

/// Switches it on on the first CPU, if there is any; memory can be had by now.
///
/// # Errors
/// `ENOMEM`.
pub fn init() -> Result {
    if !is_present() {
        return Ok(());
    }
    let memory = Memory { take: take_pages, give: free_pages, phys };
    let svm = Svm::new(memory)?;
    svm.enable(0)?;
    SVM.set(svm).map_err(|_| Errno::EEXIST)
}

/// Switches it on on another CPU.
///
/// # Errors
/// `ENOMEM`.
pub fn init_cpu(cpu: u32) -> Result {
    SVM.get().map_or(Ok(()), |svm| svm.enable(cpu as usize))
}

/// No translation of a guest in a hardware container is used any more on this CPU.
#[inline]
pub fn drop_translations() {
    Svm::retire_tags(this_cpu().cpu as usize);
}

impl Virt for Machine {
    type Context = Context;

    fn virt(&self) -> Option<Features> {
        SVM.get().map(Svm::features)
    }

    fn new_context(&self, setup: &Setup) -> Result<Context> {
        SVM.get().ok_or(Errno::EOPNOTSUPP)?.new_context(setup)
    }

    /// All of a guest's state is loaded around each run.
    fn load_context(&self, _context: &Context) {}

    fn unload_context(&self, _context: &Context) {}

    #[inline]
    fn enter(&self, context: &Context, regs: &mut GuestRegs) -> Exit {
        let Some(svm) = SVM.get() else { panic!("a guest without hardware virtualisation") };
        // SAFETY: it is on on every CPU before guests run there, interrupts are off, and the core's nested tables hold only
        // frames that are the guest's.
        unsafe { svm.enter(context, this_cpu().cpu as usize, regs) }
    }

    #[inline]
    fn register(&self, context: &Context, register: Register) -> u64 {
        context.register(register)
    }

    #[inline]
    fn set_register(&self, context: &Context, register: Register, value: u64) {
        context.set_register(register, value);
    }

    #[inline]
    fn segment(&self, context: &Context, segment: Segment) -> SegmentRegister {
        context.segment(segment)
    }

    fn set_segment(&self, context: &Context, segment: Segment, value: &SegmentRegister) {
        context.set_segment(segment, value);
    }

    #[inline]
    fn privilege(&self, context: &Context) -> u8 {
        context.privilege()
    }

    #[inline]
    fn inject(&self, context: &Context, event: Option<&Event>) {
        context.inject(event);
    }

    #[inline]
    fn injecting(&self, context: &Context) -> Option<Event> {
        context.injecting()
    }

    #[inline]
    fn want_window(&self, context: &Context, on: bool) {
        context.want_window(on);
    }

    fn want_nmi_window(&self, context: &Context, on: bool) {
        context.want_nmi_window(on);
    }

    #[inline]
    fn task_priority(&self, context: &Context) -> u8 {
        context.task_priority()
    }

    fn set_task_priority(&self, context: &Context, priority: u8) {
        context.set_task_priority(priority);
    }

    fn intercept_exceptions(&self, context: &Context, vectors: u32) {
        context.intercept_exceptions(vectors);
    }

    fn intercept_tsc(&self, context: &Context, on: bool) {
        context.intercept_tsc(on);
    }

    fn pass_msr(&self, context: &Context, msr: u32, read: bool, write: bool) {
        context.pass_msr(msr, read, write);
    }

    fn intercept_debug(&self, context: &Context, on: bool) {
        context.intercept_debug(on);
    }

    fn flush_guest(&self, context: &Context) {
        context.flush_guest();
    }
}
