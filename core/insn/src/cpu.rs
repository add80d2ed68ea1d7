//! What emulation needs of a vCPU.

use fx_types::GuestRegs;
use fx_virt::{Register, Segment, SegmentRegister};

/// An exception that the instruction raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its vector.
    pub vector: u8,
    /// The error code, of vectors that have one.
    pub error: Option<u32>,
    /// The faulting linear address: of page faults only.
    pub address: Option<u64>,
}

impl Exception {
    /// Divide error.
    pub const DE: Self = Self::plain(0);
    /// Debug.
    pub const DB: Self = Self::plain(1);
    /// Invalid opcode.
    pub const UD: Self = Self::plain(6);
    /// Device not available.
    pub const NM: Self = Self::plain(7);
    /// General protection with error code 0.
    pub const GP0: Self = Self::with(13, 0);
    /// Stack fault with error code 0.
    pub const SS0: Self = Self::with(12, 0);

    /// One without an error code.
    #[must_use]
    pub const fn plain(vector: u8) -> Self {
        Self { vector, error: None, address: None }
    }

    /// One with an error code.
    #[must_use]
    pub const fn with(vector: u8, error: u32) -> Self {
        Self { vector, error: Some(error), address: None }
    }

    /// A page fault.
    #[must_use]
    pub const fn page_fault(address: u64, error: u32) -> Self {
        Self { vector: 14, error: Some(error), address: Some(address) }
    }
}

/// Why an instruction does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The guest takes an exception instead.
    Exception(Exception),
    /// The answer to the access has to come from elsewhere (a device model). The same instruction is emulated again when it is
    /// there; the accesses before this one are then made again in the same order, and the implementation answers those that must not
    /// be repeated from its record, which it drops at [`Cpu::completed`].
    Retry,
    /// To be started anew: the memory changed meanwhile, or other work is waiting.
    Again,
    /// Not possible.
    Unhandled,
}

impl From<Exception> for Stop {
    fn from(e: Exception) -> Self {
        Self::Exception(e)
    }
}

/// A part of an instruction's work: its result, or why the instruction stops.
pub type Step<T = ()> = Result<T, Stop>;

/// What an access to memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read.
    Read,
    /// To write.
    Write,
    /// The first or second half of a read-modify-write: reading needs the right to write as well.
    Modify,
}

/// An access to memory, to 1 to 64 bytes. They may cross a page; nothing must be written then unless both pages allow it. Outside
/// of 64-bit mode (`!wide`) addresses wrap at 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The linear address.
    pub linear: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// Made with the rights of user mode. Accesses to descriptor tables never are.
    pub user: bool,
    /// The linear address has 64 bits.
    pub wide: bool,
    /// Its number among the accesses (to memory and ports) of this instruction, or of this iteration of a string instruction,
    /// from 0. The second half of a read-modify-write has a number of its own.
    pub number: u8,
}

/// The vCPU as the emulator sees it. Privilege levels, segments, the form of operands and reserved bits that an instruction
/// itself defines are checked here; everything about *values* of registers and about pages is the implementation's to check: it
/// answers [`Exception::GP0`] or a page fault. No method commits anything when it answers `Err`.
#[allow(clippy::missing_errors_doc)]
pub trait Cpu {
    /// General registers, `rip`, `rsp`, `rflags`.
    fn regs(&mut self) -> &mut GuestRegs;
    /// Whether the processor is AMD's: an operand-size prefix makes near branches of 64-bit mode 16 bits wide, which Intel's
    /// processors ignore.
    fn amd(&self) -> bool;
    /// The privilege level.
    fn cpl(&mut self) -> u8;
    /// A segment or table register.
    fn segment(&mut self, segment: Segment) -> SegmentRegister;
    /// Sets a segment or table register. For CS and SS the privilege level follows (the DPL of SS, or CS's RPL).
    fn set_segment(&mut self, segment: Segment, value: &SegmentRegister);
    /// Control registers 0, 2, 3, 4, debug registers 6 and 7, `EFER`, `KernelGsBase`.
    fn register(&mut self, register: Register) -> u64;
    /// Sets one, checked; has the effects that this has (on translations, long mode).
    fn set_register(&mut self, register: Register, value: u64) -> Step;
    /// CR8: the task priority.
    fn cr8(&mut self) -> u64;
    /// Sets CR8.
    fn set_cr8(&mut self, value: u64) -> Step;
    /// Debug register 0 to 3.
    fn debug_address(&mut self, number: u8) -> u64;
    /// Sets debug register 0 to 3.
    fn set_debug_address(&mut self, number: u8, value: u64) -> Step;

    /// Reads bytes of the instruction; they are in one page.
    fn fetch(&mut self, linear: u64, out: &mut [u8]) -> Step;
    /// Reads memory.
    fn read(&mut self, access: Access, out: &mut [u8]) -> Step;
    /// Writes memory.
    fn write(&mut self, access: Access, data: &[u8]) -> Step;
    /// The second half of a read-modify-write: replaces `old`, which was read, by `new`. Memory is to be replaced atomically;
    /// `false` when it does not hold `old` any more. A device is written to.
    fn replace(&mut self, access: Access, old: &[u8], new: &[u8]) -> Step<bool>;
    /// Reads 1, 2 or 4 bytes of a port. `number` as in [`Access`].
    fn port_read(&mut self, port: u16, size: u8, number: u8) -> Step<u32>;
    /// Writes 1, 2 or 4 bytes of a port.
    fn port_write(&mut self, port: u16, size: u8, value: u32, number: u8) -> Step;
    /// Whether `length` bytes could be written: page faults are raised now. Asked before a port is read whose datum would be lost
    /// otherwise; no access, and does not count as one.
    fn probe(&mut self, access: Access, length: usize) -> Step;
    /// What changed so far has become visible to the guest (the instruction or one iteration of it is complete): the record of
    /// accesses is to be dropped, numbers begin anew.
    fn completed(&mut self);
    /// Whether something waits that may interrupt the guest: a string instruction then stops between two of its iterations, as it
    /// does on a processor.
    fn interrupted(&mut self) -> bool {
        false
    }

    /// What `cpuid` gives in eax, ebx, ecx, edx.
    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> Step<[u32; 4]>;
    /// Reads a model-specific register.
    fn rdmsr(&mut self, index: u32) -> Step<u64>;
    /// Writes a model-specific register.
    fn wrmsr(&mut self, index: u32, value: u64) -> Step;
    /// The time stamp counter.
    fn rdtsc(&mut self) -> Step<u64>;
    /// `TSC_AUX`, for `rdtscp` and `rdpid`.
    fn tsc_aux(&mut self) -> Step<u32>;
    /// A performance counter.
    fn rdpmc(&mut self, index: u32) -> Step<u64>;
    /// Writes back and drops the caches (`wbinvd`, `invd`).
    fn wbinvd(&mut self) -> Step;
    /// Drops the translation of one linear address.
    fn invlpg(&mut self, linear: u64) -> Step;
    /// Writes extended control register `index`.
    fn xsetbv(&mut self, index: u32, value: u64) -> Step;

    /// Reads XMM/YMM register `number`.
    fn vector(&mut self, number: u8) -> Step<[u8; 32]> {
        let _ = number;
        Err(Stop::Unhandled)
    }
    /// Writes the lower 16 bytes of XMM register `number`, and with `upper` the next 16 too.
    fn set_vector(&mut self, number: u8, low: &[u8; 16], upper: Option<&[u8; 16]>) -> Step {
        let _ = (number, low, upper);
        Err(Stop::Unhandled)
    }
}
