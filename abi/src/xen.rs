//! The core of the interface (`xen.h`): domain numbers, virtual interrupts, page-table operations, multicalls,
//! the shared information page and the start information page.

mod shared;
mod start;

pub use shared::*;
pub use start::*;

/// A guest virtual address that a hypercall argument carries (`XEN_GUEST_HANDLE`): a number, not a reference.
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    zerocopy::FromBytes,
    zerocopy::IntoBytes,
    zerocopy::Immutable,
    zerocopy::KnownLayout,
)]
pub struct GuestHandle(pub u64);

impl GuestHandle {
    /// The null handle.
    pub const NULL: Self = Self(0);

    /// Whether the handle is null.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}

/// A domain's UUID in the order of its bytes (`xen_domain_handle_t`).
pub type DomainHandle = [u8; 16];

consts! { u16;
    /// The lowest number that no ordinary domain has.
    DOMID_FIRST_RESERVED = 0x7FF0;
    /// The caller itself.
    DOMID_SELF = 0x7FF0;
    /// Owner of device memory and of pages outside of RAM.
    DOMID_IO = 0x7FF1;
    /// Owner of the pages that Xen shares with privileged domains.
    DOMID_XEN = 0x7FF2;
    /// Owner of pages that are shared copy-on-write.
    DOMID_COW = 0x7FF3;
    /// Nobody.
    DOMID_INVALID = 0x7FF4;
    /// The idle domain.
    DOMID_IDLE = 0x7FFF;
    /// The bits of a domain number.
    DOMID_MASK = 0x7FFF;
}

consts! { u32;
    /// Timer of a vCPU. Per vCPU.
    VIRQ_TIMER = 0;
    /// The guest is to dump its state. Per vCPU.
    VIRQ_DEBUG = 1;
    /// Bytes arrived on the emergency console. Global.
    VIRQ_CONSOLE = 2;
    /// A domain's state changed. Global.
    VIRQ_DOM_EXC = 3;
    /// The trace buffers hold records. Global.
    VIRQ_TBUF = 4;
    /// A domain stopped for its debugger. Global.
    VIRQ_DEBUGGER = 6;
    /// A profiling sample is there. Per vCPU.
    VIRQ_XENOPROF = 7;
    /// Bytes arrived in the console ring. Global.
    VIRQ_CON_RING = 8;
    /// A physical CPU went on- or offline. Global.
    VIRQ_PCPU_STATE = 9;
    /// A memory event happened. Global.
    VIRQ_MEM_EVENT = 10;
    /// An Argo message arrived. Global.
    VIRQ_ARGO = 11;
    /// The heap runs low. Global.
    VIRQ_ENOMEM = 12;
    /// A performance counter's interrupt. Per vCPU.
    VIRQ_XENPMU = 13;
    /// First architecture-specific interrupt; on x86 the machine check.
    VIRQ_ARCH_0 = 16;
    /// Architecture-specific.
    VIRQ_ARCH_1 = 17;
    /// Architecture-specific.
    VIRQ_ARCH_2 = 18;
    /// Architecture-specific.
    VIRQ_ARCH_3 = 19;
    /// Architecture-specific.
    VIRQ_ARCH_4 = 20;
    /// Architecture-specific.
    VIRQ_ARCH_5 = 21;
    /// Architecture-specific.
    VIRQ_ARCH_6 = 22;
    /// Architecture-specific.
    VIRQ_ARCH_7 = 23;
    /// How many virtual interrupts there are.
    NR_VIRQS = 24;
    /// Machine check for Dom0 (`arch-x86/xen-mca.h`).
    VIRQ_MCA = VIRQ_ARCH_0;
}

consts! { u64;
    /// Checked store of a page-table entry; `ptr` is its machine address.
    MMU_NORMAL_PT_UPDATE = 0;
    /// Store into the machine-to-physical table; `ptr` is the frame's machine address.
    MMU_MACHPHYS_UPDATE = 1;
    /// Like the normal update, but keeps the accessed and dirty bits.
    MMU_PT_UPDATE_PRESERVE_AD = 2;
    /// Like the normal update; the value is never translated.
    MMU_PT_UPDATE_NO_TRANSLATE = 3;
    /// The bits of `MmuUpdate::ptr` that hold the command.
    MMU_CMD_MASK = 3;
}

consts! { u32;
    /// Pins a frame as a level-1 table.
    MMUEXT_PIN_L1_TABLE = 0;
    /// Pins a frame as a level-2 table.
    MMUEXT_PIN_L2_TABLE = 1;
    /// Pins a frame as a level-3 table.
    MMUEXT_PIN_L3_TABLE = 2;
    /// Pins a frame as a level-4 table.
    MMUEXT_PIN_L4_TABLE = 3;
    /// Unpins a table.
    MMUEXT_UNPIN_TABLE = 4;
    /// Loads a new root.
    MMUEXT_NEW_BASEPTR = 5;
    /// Flushes the TLB of this vCPU.
    MMUEXT_TLB_FLUSH_LOCAL = 6;
    /// Invalidates one page on this vCPU.
    MMUEXT_INVLPG_LOCAL = 7;
    /// Flushes the TLB of the vCPUs in a mask.
    MMUEXT_TLB_FLUSH_MULTI = 8;
    /// Invalidates one page on the vCPUs in a mask.
    MMUEXT_INVLPG_MULTI = 9;
    /// Flushes the TLB of all vCPUs.
    MMUEXT_TLB_FLUSH_ALL = 10;
    /// Invalidates one page on all vCPUs.
    MMUEXT_INVLPG_ALL = 11;
    /// Writes back and flushes the caches.
    MMUEXT_FLUSH_CACHE = 12;
    /// Sets base and number of entries of the LDT.
    MMUEXT_SET_LDT = 13;
    /// Loads a new root for user mode (x86-64).
    MMUEXT_NEW_USER_BASEPTR = 15;
    /// Clears a page.
    MMUEXT_CLEAR_PAGE = 16;
    /// Copies a page.
    MMUEXT_COPY_PAGE = 17;
    /// Writes back and flushes the caches of all CPUs.
    MMUEXT_FLUSH_CACHE_GLOBAL = 18;
    /// Marks a superpage.
    MMUEXT_MARK_SUPER = 19;
    /// Takes the mark of a superpage away.
    MMUEXT_UNMARK_SUPER = 20;
}

consts! { u64;
    /// No flush.
    UVMF_NONE = 0;
    /// Flush all of the TLB.
    UVMF_TLB_FLUSH = 1;
    /// Flush one page.
    UVMF_INVLPG = 2;
    /// The bits that say what to flush.
    UVMF_FLUSHTYPE_MASK = 3;
    /// Flush the vCPUs in the bitmap whose address is in the remaining bits.
    UVMF_MULTI = 0;
    /// Flush this vCPU.
    UVMF_LOCAL = 0;
    /// Flush all vCPUs.
    UVMF_ALL = 4;
}

consts! { u32;
    /// Writes to the console.
    CONSOLEIO_WRITE = 0;
    /// Reads from the console.
    CONSOLEIO_READ = 1;
    /// Switches an assist on.
    VMASST_CMD_ENABLE = 0;
    /// Switches an assist off.
    VMASST_CMD_DISABLE = 1;
    /// 4 GiB segments (32-bit guests).
    VMASST_TYPE_4GB_SEGMENTS = 0;
    /// Trap when the above is used (32-bit guests).
    VMASST_TYPE_4GB_SEGMENTS_NOTIFY = 1;
    /// Page tables may be mapped writable; writes are emulated.
    VMASST_TYPE_WRITABLE_PAGETABLES = 2;
    /// Roots above 4 GiB (PAE guests).
    VMASST_TYPE_PAE_EXTENDED_CR3 = 3;
    /// IOPL behaves as on hardware.
    VMASST_TYPE_ARCHITECTURAL_IOPL = 4;
    /// `XEN_RUNSTATE_UPDATE` is set while a run state is written.
    VMASST_TYPE_RUNSTATE_UPDATE_FLAG = 5;
    /// The machine-to-physical table is visible to the kernel only.
    VMASST_TYPE_M2P_STRICT = 32;
}

abi_struct! {
    /// One request of `mmu_update`.
    pub struct MmuUpdate {
        /// Machine address of the entry; `MMU_*` in the low two bits.
        pub ptr: u64,
        /// New value.
        pub val: u64,
    }

    /// One request of `mmuext_op`.
    pub struct MmuextOp {
        /// `MMUEXT_*`.
        pub cmd: u32,
        /// Padding.
        pub _pad: u32,
        /// `mfn` or `linear_addr`.
        pub arg1: u64,
        /// `nr_ents` (32 bits), `vcpumask` (handle) or `src_mfn`.
        pub arg2: u64,
    }

    /// One call of `multicall`.
    pub struct MulticallEntry {
        /// Hypercall number.
        pub op: u64,
        /// Out: what the call returned.
        pub result: u64,
        /// Arguments.
        pub args: [u64; 6],
    }

    /// A bitmap of a tool (`xenctl_bitmap`).
    pub struct XenctlBitmap {
        /// Bytes, lowest bit first.
        pub bitmap: GuestHandle,
        /// Number of valid bits.
        pub nr_bits: u32,
        /// Padding.
        pub _pad: u32,
    }
}

impl MmuextOp {
    /// `arg2.nr_ents`: the union's 32-bit member.
    #[must_use]
    pub const fn nr_ents(&self) -> u32 {
        self.arg2 as u32
    }
}
