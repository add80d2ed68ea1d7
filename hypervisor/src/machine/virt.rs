//! Hardware virtualisation as the core's port: AMD's or Intel's, whichever the processor has.

use core::ptr::NonNull;

use fx_cpuid::Featureset;
use fx_svm::Svm;
use fx_sync::Once;
use fx_types::{Errno, GuestRegs, Maddr, PhysMem, Result};
use fx_virt::{Event, Exit, Features, Reason, Register, Segment, SegmentRegister, Setup, Virt, Window};
use fx_vmx::Vmx;
use xen_abi::cpufeatureset::{X86_FEATURE_INVPCID, X86_FEATURE_RDPID, X86_FEATURE_RDTSCP};

use super::Machine;
use crate::cpu::this_cpu;
use crate::layout::DIRECT_MAP;
use crate::wiring::{self, free_pages, take_pages};

/// What the processor has.
enum Vendor {
    Svm(Svm),
    Vmx(Vmx),
}

/// The processor's record of one vCPU.
#[expect(clippy::large_enum_variant, reason = "the core boxes it, and a machine has one kind only")]
pub enum Context {
    /// AMD's.
    Svm(fx_svm::Context),
    /// Intel's.
    Vmx(fx_vmx::Context),
}

/// What there is, once it has been switched on on the first CPU.
static VENDOR: Once<Vendor> = Once::new();

/// The same of either vendor's context.
macro_rules! either {
    ($context:expr, $c:ident => $act:expr) => {
        match $context {
            Context::Svm($c) => $act,
            Context::Vmx($c) => $act,
        }
    };
}

/// The physical address of memory of the direct map.
fn phys(at: NonNull<u8>) -> u64 {
    (at.as_ptr() as u64).wrapping_sub(DIRECT_MAP)
}

fn word(at: u64) -> u64 {
    Machine.load64(Maddr(at))
}

/// Why there are no guests in hardware containers on this machine; `None` when there can be.
pub fn lack() -> Option<&'static str> {
    if Svm::is_present() { None } else { Vmx::lack() }
}

/// Features of the processor whose instructions its virtualisation does not let guests execute.
pub fn hidden() -> Featureset {
    let [rdtscp, invpcid] = if Svm::is_present() { [true; 2] } else { Vmx::guest_instructions() };
    let mut hidden = Featureset::NONE;
    for (has, feature) in
        [(rdtscp, X86_FEATURE_RDTSCP), (rdtscp, X86_FEATURE_RDPID), (invpcid, X86_FEATURE_INVPCID)]
    {
        hidden.set(feature, !has);
    }
    hidden
}

/// Switches it on on the first CPU, if there is any; memory can be had by now.
///
/// # Errors
/// `ENOMEM`; `EIO` when the processor refuses.
pub fn init() -> Result {
    if lack().is_some() {
        return Ok(());
    }
    let vendor = if Svm::is_present() {
        Vendor::Svm(Svm::new(fx_svm::Memory { take: take_pages, give: free_pages, phys })?)
    } else {
        Vendor::Vmx(Vmx::new(fx_vmx::Memory { take: take_pages, give: free_pages, phys, word })?)
    };
    vendor.enable(0)?;
    VENDOR.set(vendor).map_err(|_| Errno::EEXIST)
}

/// Switches it on on another CPU.
///
/// # Errors
/// As [`init`].
pub fn init_cpu(cpu: u32) -> Result {
    VENDOR.get().map_or(Ok(()), |v| v.enable(cpu as usize))
}

/// No translation of a guest in a hardware container is used any more on this CPU.
#[inline]
pub fn drop_translations() {
    match VENDOR.get() {
        Some(Vendor::Svm(_)) => Svm::retire_tags(cpu()),
        Some(Vendor::Vmx(_)) => Vmx::retire_tags(cpu()),
        None => {}
    }
}

#[inline]
fn cpu() -> usize {
    this_cpu().cpu as usize
}

impl Vendor {
    fn enable(&self, cpu: usize) -> Result {
        match self {
            Self::Svm(s) => s.enable(cpu),
            Self::Vmx(v) => v.enable(cpu),
        }
    }
}

/// A context of the other vendor than the processor's, or one without any.
#[cold]
fn no_context() -> ! {
    panic!("a guest without hardware virtualisation")
}

impl Virt for Machine {
    type Context = Context;

    fn virt(&self) -> Option<Features> {
        VENDOR.get().map(|v| match v {
            Vendor::Svm(s) => s.features(),
            Vendor::Vmx(v) => v.features(),
        })
    }

    fn new_context(&self, setup: &Setup) -> Result<Context> {
        match VENDOR.get().ok_or(Errno::EOPNOTSUPP)? {
            Vendor::Svm(s) => s.new_context(setup).map(Context::Svm),
            Vendor::Vmx(v) => v.new_context(setup).map(Context::Vmx),
        }
    }

    /// SVM loads all of a guest's state around each run.
    fn load_context(&self, context: &Context) {
        if let (Some(Vendor::Vmx(v)), Context::Vmx(c)) = (VENDOR.get(), context) {
            // SAFETY: the core loads one vCPU at a time, after it has left the guest before.
            unsafe { v.load_context(c, cpu()) };
        }
    }

    fn unload_context(&self, context: &Context) {
        if let (Some(Vendor::Vmx(v)), Context::Vmx(c)) = (VENDOR.get(), context) {
            // SAFETY: the core unloads what it has loaded here.
            unsafe { v.unload_context(c, cpu()) };
        }
    }

    #[inline]
    fn enter(&self, context: &Context, regs: &mut GuestRegs) -> Exit {
        match (VENDOR.get(), context) {
            (Some(Vendor::Svm(s)), Context::Svm(c)) => {
                // SAFETY: it is on on every CPU before guests run there, interrupts are off, and the core's nested tables hold
                // only frames that are the guest's.
                unsafe { s.enter(c, cpu(), regs) }
            }
            (Some(Vendor::Vmx(v)), Context::Vmx(c)) => {
                // SAFETY: as above, and the core has loaded the context here.
                let exit = unsafe { v.enter(c, cpu(), regs) };
                if exit.reason == Reason::Invalid {
                    wiring::log(format_args!("VMX refuses a vCPU at {:#x}: {:x?}", regs.rip, c.failure()));
                }
                exit
            }
            _ => no_context(),
        }
    }

    #[inline]
    fn register(&self, context: &Context, register: Register) -> u64 {
        either!(context, c => c.register(register))
    }

    #[inline]
    fn set_register(&self, context: &Context, register: Register, value: u64) {
        either!(context, c => c.set_register(register, value));
    }

    #[inline]
    fn segment(&self, context: &Context, segment: Segment) -> SegmentRegister {
        either!(context, c => c.segment(segment))
    }

    fn set_segment(&self, context: &Context, segment: Segment, value: &SegmentRegister) {
        either!(context, c => c.set_segment(segment, value));
    }

    #[inline]
    fn privilege(&self, context: &Context) -> u8 {
        either!(context, c => c.privilege())
    }

    #[inline]
    fn inject(&self, context: &Context, event: Option<&Event>) {
        either!(context, c => c.inject(event));
    }

    #[inline]
    fn injecting(&self, context: &Context) -> Option<Event> {
        either!(context, c => c.injecting())
    }

    #[inline]
    fn want_window(&self, context: &Context, window: Window) {
        either!(context, c => c.want_window(window));
    }

    fn want_nmi_window(&self, context: &Context, on: bool) {
        either!(context, c => c.want_nmi_window(on));
    }

    #[inline]
    fn task_priority(&self, context: &Context) -> u8 {
        either!(context, c => c.task_priority())
    }

    fn set_task_priority(&self, context: &Context, priority: u8) {
        either!(context, c => c.set_task_priority(priority));
    }

    fn intercept_exceptions(&self, context: &Context, vectors: u32) {
        either!(context, c => c.intercept_exceptions(vectors));
    }

    fn intercept_tsc(&self, context: &Context, on: bool) {
        either!(context, c => c.intercept_tsc(on));
    }

    fn pass_msr(&self, context: &Context, msr: u32, read: bool, write: bool) {
        either!(context, c => c.pass_msr(msr, read, write));
    }

    fn intercept_debug(&self, context: &Context, on: bool) {
        either!(context, c => c.intercept_debug(on));
    }

    fn flush_guest(&self, context: &Context) {
        either!(context, c => c.flush_guest());
    }
}
