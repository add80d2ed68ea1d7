//! What emulation needs of a vCPU, and what it answers.

use fx_types::{GuestRegs, GuestVirt};

/// `EFLAGS.TF`: trap after every instruction.
const TF: u64 = 1 << 8;
/// `EFLAGS.RF`: cleared by every instruction that completes.
const RF: u64 = 1 << 16;

/// An exception for the guest to take instead of the one that led here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The vector.
    pub vector: u8,
    /// The error code, for vectors that have one.
    pub error_code: u32,
    /// The faulting address: only for page faults.
    pub cr2: Option<u64>,
}

impl Exception {
    /// Invalid opcode.
    pub const UD: Self = Self { vector: 6, error_code: 0, cr2: None };
    /// General protection with error code 0.
    pub const GP0: Self = Self { vector: 13, error_code: 0, cr2: None };

    /// A page fault of a guest that runs at CPL 3, at `va`; `access` holds the write and fetch bits of the error code.
    #[must_use]
    pub const fn page_fault(va: u64, access: u32) -> Self {
        const USER: u32 = 1 << 2;
        Self { vector: 14, error_code: access | USER, cr2: Some(va) }
    }
}

/// How an emulation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The instruction has completed: `rip` is behind it and `RF` is clear. With `single_step` the guest had `TF` set and
    /// a #DB with `DR6.BS` is due.
    Done {
        /// Whether a single-step trap is due.
        single_step: bool,
    },
    /// The guest must take this exception; its registers are as before the instruction (after the completed iterations
    /// of a string instruction).
    Inject(Exception),
    /// Not an instruction that is emulated: the caller reflects the fault that led here.
    NotHandled,
    /// Not complete yet; registers are consistent. Resume the guest at `rip` (it faults again) or call again.
    Again,
}

/// Why a [`PvCpu`] did not do what the instruction asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not permitted, or an invalid value: the guest takes #GP(0).
    Protection,
    /// No such register: the guest takes #UD.
    Undefined,
    /// Preempted: the instruction is to be started anew.
    Again,
}

impl From<Refused> for Outcome {
    fn from(r: Refused) -> Self {
        match r {
            Refused::Protection => Self::Inject(Exception::GP0),
            Refused::Undefined => Self::Inject(Exception::UD),
            Refused::Again => Self::Again,
        }
    }
}

/// The vCPU as privileged instructions see it. Whether the guest *kernel* executes the instruction is checked here, before
/// the privileged methods are called; everything else (values, ports) is the implementation's to check.
///
/// Every error is a [`Refused`].
#[allow(clippy::missing_errors_doc)]
pub trait PvCpu: GuestVirt {
    /// Whether the guest's kernel (not its user mode) is executing.
    fn kernel_mode(&self) -> bool;
    /// Whether `cs` selects a 64-bit code segment; false for a flat 32-bit one.
    fn code_64bit(&self, cs: u64) -> bool;
    /// Whether the virtual IOPL lets the present mode execute `cli` and `sti`.
    fn iopl_ok(&self) -> bool;
    /// What `cpuid` gives in eax, ebx, ecx, edx.
    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> [u32; 4];
    /// Whether `cpuid` faults in the guest's user mode (`MSR_INTEL_MISC_FEATURES_ENABLES`).
    fn cpuid_faulting(&self) -> bool {
        false
    }
    /// Reads a model-specific register.
    fn rdmsr(&mut self, index: u32) -> Result<u64, Refused>;
    /// Writes a model-specific register.
    fn wrmsr(&mut self, index: u32, value: u64) -> Result<(), Refused>;
    /// Reads 1, 2 or 4 bytes of a port, if the present mode may.
    fn port_read(&mut self, port: u16, size: u8) -> Result<u32, Refused>;
    /// Writes 1, 2 or 4 bytes of a port, if the present mode may.
    fn port_write(&mut self, port: u16, size: u8, value: u32) -> Result<(), Refused>;
    /// Reads control register `n` (0 to 15).
    fn read_cr(&mut self, n: u8) -> Result<u64, Refused>;
    /// Writes control register `n` (0 to 15).
    fn write_cr(&mut self, n: u8, value: u64) -> Result<(), Refused>;
    /// Reads debug register `n` (0 to 15).
    fn read_dr(&mut self, n: u8) -> Result<u64, Refused>;
    /// Writes debug register `n` (0 to 15).
    fn write_dr(&mut self, n: u8, value: u64) -> Result<(), Refused>;
    /// Clears `CR0.TS`.
    fn clts(&mut self) -> Result<(), Refused>;
    /// Writes back the caches, for domains that may.
    fn wbinvd(&mut self) -> Result<(), Refused>;
    /// Writes extended control register `index`.
    fn xsetbv(&mut self, index: u32, value: u64) -> Result<(), Refused>;
    /// The guest's time-stamp counter, if the present mode may read it (`CR4.TSD`).
    fn rdtsc(&mut self) -> Result<u64, Refused>;
    /// `MSR_TSC_AUX`, for `rdtscp`; `Undefined` when the guest has no `rdtscp`.
    fn tsc_aux(&mut self) -> Result<u32, Refused>;
}

/// Moves `rip` behind an instruction of `len` bytes that has completed.
#[inline]
pub(crate) fn retire(regs: &mut GuestRegs, len: u8) -> Outcome {
    regs.rip = regs.rip.wrapping_add(u64::from(len));
    let single_step = regs.rflags & TF != 0;
    regs.rflags &= !RF;
    Outcome::Done { single_step }
}
