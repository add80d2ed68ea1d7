//! The port that SVM and VMX implement.

use fx_types::{GuestRegs, Mfn, Result};

use crate::{Event, Exit, Register, Segment, SegmentRegister};

/// Whose virtualisation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// AMD SVM: nested tables in the format of ordinary page tables.
    Svm,
    /// Intel VMX: nested tables in the format of EPT.
    Vmx,
}

/// What the processors of this machine can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Whose.
    pub vendor: Vendor,
    /// Nested tables may have entries of 1 GiB.
    pub nested_1g: bool,
    /// The processor tells the length of intercepted instructions.
    pub next_rip: bool,
    /// Address spaces are tagged, so that entering and leaving drops no translations.
    pub tagged: bool,
    /// The time stamp counter can be scaled.
    pub tsc_scaling: bool,
}

/// When a guest is to stop for an interrupt that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// Not at all.
    #[default]
    Never,
    /// As soon as it lets interrupts in, whatever its task priority.
    Any,
    /// As soon as it lets interrupts in and its task priority is below this class (1–15).
    Above(u8),
}

/// What a new vCPU starts with.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Root of the domain's nested page tables.
    pub nested_root: Mfn,
    /// The vCPU's number in its domain.
    pub vcpu: u32,
}

/// The processor's virtualisation. A context belongs to the CPU that its vCPU is loaded on, or to whoever has paused the vCPU:
/// calls for one context never overlap, but for [`Virt::flush_guest`], which may come from any CPU.
pub trait Virt {
    /// The processor's record of one vCPU. What it has is freed when it is dropped, which is when the vCPU is loaded nowhere.
    type Context: Send + Sync;

    /// What there is; `None` without hardware virtualisation, and then nothing else is called.
    fn virt(&self) -> Option<Features>;
    /// Makes a context in the state of a processor after reset, with interception of everything that this port has a
    /// [`Reason`](crate::Reason) for, and all MSRs and ports intercepted.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn new_context(&self, setup: &Setup) -> Result<Self::Context>;
    /// Its vCPU is about to run on this CPU.
    fn load_context(&self, context: &Self::Context);
    /// Its vCPU has stopped running on this CPU: what the processor still holds is put into the context.
    fn unload_context(&self, context: &Self::Context);
    /// Runs the guest until something happens. General registers, `rip`, `rsp` and `rflags` are taken from `regs` and put back.
    /// Called with interrupts off; interrupts for the hypervisor end it.
    fn enter(&self, context: &Self::Context, regs: &mut GuestRegs) -> Exit;
    /// Reads a register.
    fn register(&self, context: &Self::Context, register: Register) -> u64;
    /// Writes a register; the core has checked the value.
    fn set_register(&self, context: &Self::Context, register: Register, value: u64);
    /// Reads a segment register.
    fn segment(&self, context: &Self::Context, segment: Segment) -> SegmentRegister;
    /// Writes a segment register.
    fn set_segment(&self, context: &Self::Context, segment: Segment, value: &SegmentRegister);
    /// The privilege level that the guest is at.
    fn privilege(&self, context: &Self::Context) -> u8;
    /// Has an event delivered at the next entry; replaces one that was asked for before and not delivered yet.
    fn inject(&self, context: &Self::Context, event: Option<&Event>);
    /// The event that will be delivered at the next entry.
    fn injecting(&self, context: &Self::Context) -> Option<Event>;
    /// When the guest is to stop because it can take an interrupt. It may stop without need, but never too late.
    fn want_window(&self, context: &Self::Context, window: Window);
    /// Whether the guest is to stop as soon as it can take an NMI.
    fn want_nmi_window(&self, context: &Self::Context, on: bool);
    /// The task priority (CR8) that the guest set, 0–15.
    fn task_priority(&self, context: &Self::Context) -> u8;
    /// Sets the task priority that the guest reads.
    fn set_task_priority(&self, context: &Self::Context, priority: u8);
    /// Which exceptions stop the guest, one bit for each vector.
    fn intercept_exceptions(&self, context: &Self::Context, vectors: u32);
    /// Whether `rdtsc` stops the guest.
    fn intercept_tsc(&self, context: &Self::Context, on: bool);
    /// Whether the guest may read and write an MSR without stopping. Only for registers that belong to the guest while it runs.
    fn pass_msr(&self, context: &Self::Context, msr: u32, read: bool, write: bool);
    /// Whether moves to and from debug registers stop the guest. When they do not, the guest's registers 0–3 are in the processor.
    fn intercept_debug(&self, context: &Self::Context, on: bool);
    /// Drops all translations of the guest, those of its nested tables too, before it is entered again on any CPU.
    fn flush_guest(&self, context: &Self::Context);
}
