//! A guest's general registers, as the entry code saves them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The registers of a guest that has entered the hypervisor, in the order in which the entry code pushes them; the layout
/// is `struct cpu_user_regs` of `xen/arch-x86/xen-x86_64.h` up to and with `ss`.
///
/// `fs_base`, the `gs` bases and the data-segment selectors stay in the processor while the guest is current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[allow(missing_docs)]
pub struct GuestRegs {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    /// The hardware's error code, or 0.
    pub error_code: u32,
    /// The vector (or the kind of entry) that led here.
    pub entry_vector: u32,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

impl GuestRegs {
    /// `edx:eax`, in which some instructions have 64 bits.
    #[inline]
    #[must_use]
    pub const fn pair(&self) -> u64 {
        self.rdx << 32 | self.rax & 0xffff_ffff
    }

    /// Sets it.
    #[inline]
    pub fn set_pair(&mut self, value: u64) {
        self.rax = value & 0xffff_ffff;
        self.rdx = value >> 32;
    }

    /// General register `number` (0 to 15), as instructions number them.
    #[inline]
    #[must_use]
    pub fn general(&self, number: u8) -> u64 {
        match number & 15 {
            0 => self.rax,
            1 => self.rcx,
            2 => self.rdx,
            3 => self.rbx,
            4 => self.rsp,
            5 => self.rbp,
            6 => self.rsi,
            7 => self.rdi,
            8 => self.r8,
            9 => self.r9,
            10 => self.r10,
            11 => self.r11,
            12 => self.r12,
            13 => self.r13,
            14 => self.r14,
            _ => self.r15,
        }
    }

    /// The same, to be written.
    #[inline]
    pub fn general_mut(&mut self, number: u8) -> &mut u64 {
        match number & 15 {
            0 => &mut self.rax,
            1 => &mut self.rcx,
            2 => &mut self.rdx,
            3 => &mut self.rbx,
            4 => &mut self.rsp,
            5 => &mut self.rbp,
            6 => &mut self.rsi,
            7 => &mut self.rdi,
            8 => &mut self.r8,
            9 => &mut self.r9,
            10 => &mut self.r10,
            11 => &mut self.r11,
            12 => &mut self.r12,
            13 => &mut self.r13,
            14 => &mut self.r14,
            _ => &mut self.r15,
        }
    }
}
