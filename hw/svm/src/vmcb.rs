//! The control block: its fields (appendix B of the manual).

use core::ptr::NonNull;

use fx_virt::{Segment, SegmentRegister};

/// Offsets of fields, in bytes.
pub(crate) mod field {
    pub const CR_INTERCEPTS: usize = 0x000;
    pub const DR_INTERCEPTS: usize = 0x004;
    pub const EXCEPTION_INTERCEPTS: usize = 0x008;
    pub const INTERCEPTS_1: usize = 0x00c;
    pub const INTERCEPTS_2: usize = 0x010;
    pub const PAUSE_COUNT: usize = 0x03e;
    pub const IOPM_BASE: usize = 0x040;
    pub const MSRPM_BASE: usize = 0x048;
    pub const TSC_OFFSET: usize = 0x050;
    pub const ASID: usize = 0x058;
    pub const TLB_CONTROL: usize = 0x05c;
    pub const INTERRUPT_CONTROL: usize = 0x060;
    pub const INTERRUPT_SHADOW: usize = 0x068;
    pub const EXIT_CODE: usize = 0x070;
    pub const EXIT_INFO_1: usize = 0x078;
    pub const EXIT_INFO_2: usize = 0x080;
    pub const EXIT_INT_INFO: usize = 0x088;
    pub const NESTED_CONTROL: usize = 0x090;
    pub const EVENT_INJECTION: usize = 0x0a8;
    pub const NESTED_CR3: usize = 0x0b0;
    pub const NEXT_RIP: usize = 0x0c8;
    pub const CPL: usize = 0x4cb;
    pub const EFER: usize = 0x4d0;
    pub const CR4: usize = 0x548;
    pub const CR3: usize = 0x550;
    pub const CR0: usize = 0x558;
    pub const DR7: usize = 0x560;
    pub const DR6: usize = 0x568;
    pub const RFLAGS: usize = 0x570;
    pub const RIP: usize = 0x578;
    pub const RSP: usize = 0x5d8;
    pub const RAX: usize = 0x5f8;
    pub const STAR: usize = 0x600;
    pub const LSTAR: usize = 0x608;
    pub const CSTAR: usize = 0x610;
    pub const SFMASK: usize = 0x618;
    pub const KERNEL_GS_BASE: usize = 0x620;
    pub const SYSENTER_CS: usize = 0x628;
    pub const SYSENTER_ESP: usize = 0x630;
    pub const SYSENTER_EIP: usize = 0x638;
    pub const CR2: usize = 0x640;
    pub const G_PAT: usize = 0x668;
    pub const DEBUGCTL: usize = 0x670;
}

/// Bits of `INTERCEPTS_1`.
pub(crate) mod first {
    pub const INTR: u32 = 1;
    pub const NMI: u32 = 1 << 1;
    pub const SMI: u32 = 1 << 2;
    pub const INIT: u32 = 1 << 3;
    pub const VINTR: u32 = 1 << 4;
    pub const RDTSC: u32 = 1 << 14;
    pub const RDPMC: u32 = 1 << 15;
    pub const CPUID: u32 = 1 << 18;
    pub const IRET: u32 = 1 << 20;
    pub const INVD: u32 = 1 << 22;
    pub const PAUSE: u32 = 1 << 23;
    pub const HLT: u32 = 1 << 24;
    pub const INVLPGA: u32 = 1 << 26;
    pub const IO: u32 = 1 << 27;
    pub const MSR: u32 = 1 << 28;
    pub const TASK_SWITCH: u32 = 1 << 29;
    pub const SHUTDOWN: u32 = 1 << 31;
}

/// Bits of `INTERCEPTS_2`.
pub(crate) mod second {
    /// VMRUN, VMMCALL, VMLOAD, VMSAVE, STGI, CLGI, SKINIT.
    pub const SVM: u32 = 0x7f;
    pub const RDTSCP: u32 = 1 << 7;
    pub const WBINVD: u32 = 1 << 9;
    pub const MONITOR: u32 = 1 << 10;
    pub const MWAIT: u32 = 3 << 11;
    pub const XSETBV: u32 = 1 << 13;
}

/// Bits of `INTERRUPT_CONTROL`.
pub(crate) mod control {
    pub const TPR: u64 = 0xff;
    pub const V_IRQ: u64 = 1 << 8;
    pub const IGNORE_TPR: u64 = 1 << 20;
    /// The interrupt that opens a window.
    pub const WINDOW: u64 = V_IRQ | IGNORE_TPR;
    pub const MASKING: u64 = 1 << 24;
}

/// A control block. The processor changes it only while its guest runs, and then no other code looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Vmcb(NonNull<u8>);

/// What a field can be.
pub(crate) trait Word: Copy {}
impl Word for u8 {}
impl Word for u16 {}
impl Word for u32 {}
impl Word for u64 {}

impl Vmcb {
    /// The block in a frame.
    ///
    /// # Safety
    /// The frame is zeroed and belongs to the block.
    pub unsafe fn new(at: NonNull<u8>) -> Self {
        Self(at)
    }

    /// Where it is.
    pub fn at(self) -> NonNull<u8> {
        self.0
    }

    /// Reads the field at an offset, which is a multiple of its size.
    #[inline(always)]
    pub fn get<T: Word>(self, offset: usize) -> T {
        debug_assert!(offset.is_multiple_of(size_of::<T>()) && offset + size_of::<T>() <= super::cpu::PAGE);
        // SAFETY: the offsets are those of `field`, in the block's frame and aligned; whoever has the context is alone.
        unsafe { self.0.as_ptr().add(offset).cast::<T>().read_volatile() }
    }

    /// Writes the field at an offset, which is a multiple of its size.
    #[inline(always)]
    pub fn set<T: Word>(self, offset: usize, value: T) {
        debug_assert!(offset.is_multiple_of(size_of::<T>()) && offset + size_of::<T>() <= super::cpu::PAGE);
        // SAFETY: as for `get`.
        unsafe { self.0.as_ptr().add(offset).cast::<T>().write_volatile(value) };
    }

    /// Sets or clears bits of a field of 32 bits.
    pub fn flag(self, offset: usize, bits: u32, on: bool) {
        let old: u32 = self.get(offset);
        self.set(offset, if on { old | bits } else { old & !bits });
    }

    /// Reads a segment register.
    pub fn segment(self, s: Segment) -> SegmentRegister {
        let at = place(s);
        SegmentRegister {
            selector: self.get(at),
            attributes: self.get(at + 2),
            limit: self.get(at + 4),
            base: self.get(at + 8),
        }
    }

    /// Writes a segment register.
    pub fn set_segment(self, s: Segment, r: &SegmentRegister) {
        let at = place(s);
        self.set(at, r.selector);
        self.set(at + 2, r.attributes);
        self.set(at + 4, r.limit);
        self.set(at + 8, r.base);
    }
}

const fn place(s: Segment) -> usize {
    match s {
        Segment::Es => 0x400,
        Segment::Cs => 0x410,
        Segment::Ss => 0x420,
        Segment::Ds => 0x430,
        Segment::Fs => 0x440,
        Segment::Gs => 0x450,
        Segment::Gdtr => 0x460,
        Segment::Ldtr => 0x470,
        Segment::Idtr => 0x480,
        Segment::Tr => 0x490,
    }
}
