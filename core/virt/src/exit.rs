//! Why a guest stopped.

use crate::Event;

/// What a guest stopped for, and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Why.
    pub reason: Reason,
    /// Length of the instruction that caused it, when the processor says so; 0: the core has to look itself.
    pub length: u8,
    /// The event whose delivery was interrupted by the exit: it is delivered again unless the exit's own handling replaces it.
    pub interrupted: Option<Event>,
}

/// The access of a fault of nested paging.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// It wrote.
    pub write: bool,
    /// It fetched an instruction.
    pub fetch: bool,
    /// The entry was present but did not allow it.
    pub present: bool,
    /// It was the processor's walk of the guest's own page tables, not an access of the instruction itself.
    pub walk: bool,
    /// The guest's linear address, when the processor says so.
    pub linear: Option<u64>,
}

/// Why a guest stopped. Instructions are those that are intercepted; `rip` still points at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An interrupt for the hypervisor: it is taken as soon as the core opens a window or leaves.
    Interrupt,
    /// A non-maskable interrupt for the hypervisor; it was handled.
    Nmi,
    /// The guest can take interrupts now ([`Virt::want_window`](crate::Virt::want_window)).
    Window,
    /// The guest can take an NMI now.
    NmiWindow,
    /// An exception that is intercepted; for page faults `address` is the linear address.
    Exception {
        /// Its vector.
        vector: u8,
        /// Its error code, 0 when it has none.
        error: u32,
        /// The faulting linear address of a page fault.
        address: u64,
    },
    /// `cpuid`.
    Cpuid,
    /// `hlt`.
    Halt,
    /// `pause`, after many in a row.
    Pause,
    /// `rdtsc`.
    Rdtsc,
    /// `rdtscp`.
    Rdtscp,
    /// `rdpmc`.
    Rdpmc,
    /// `invd`.
    Invd,
    /// `wbinvd` (or `wbnoinvd`).
    Wbinvd,
    /// `invlpg`.
    Invlpg,
    /// `monitor`.
    Monitor,
    /// `mwait`.
    Mwait,
    /// `xsetbv`.
    Xsetbv,
    /// `vmcall` or `vmmcall`.
    Hypercall,
    /// Another instruction of hardware virtualisation: the guest has none, it gets `#UD`.
    VirtInstruction,
    /// `rdmsr` of a register that is not passed through.
    ReadMsr,
    /// `wrmsr` of a register that is not passed through.
    WriteMsr,
    /// `in`, `out`, `ins`, `outs`.
    Io {
        /// The port.
        port: u16,
        /// 1, 2 or 4 bytes.
        size: u8,
        /// It reads.
        input: bool,
        /// It is a string instruction: the core emulates it.
        string: bool,
    },
    /// A move to or from a control register, `lmsw`, `clts`: the core decodes it.
    ControlRegister {
        /// Which one.
        register: u8,
        /// It writes.
        write: bool,
    },
    /// A move to or from a debug register.
    DebugRegister,
    /// An access that nested paging does not allow.
    NestedFault {
        /// Guest-physical address.
        address: u64,
        /// What it was.
        access: Access,
    },
    /// A switch of tasks.
    TaskSwitch {
        /// Selector of the new task.
        selector: u16,
        /// Caused by `iret`.
        iret: bool,
        /// Caused by a far jump.
        jump: bool,
        /// Error code to push onto the new stack.
        error: Option<u32>,
    },
    /// A triple fault.
    Shutdown,
    /// The processor refused the state: a fault of the hypervisor or of what was loaded into it.
    Invalid,
    /// Something that is not expected: the vendor's number of it.
    Other(u64),
}
