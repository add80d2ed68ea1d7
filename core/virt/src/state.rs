//! The state of a guest's processor that the hardware keeps.

/// Registers besides the general ones. Values are what the guest believes them to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Control register 0.
    Cr0,
    /// Control register 2.
    Cr2,
    /// Control register 3.
    Cr3,
    /// Control register 4.
    Cr4,
    /// Extended features (without the hypervisor's own bits, such as SVME).
    Efer,
    /// Debug register 6.
    Dr6,
    /// Debug register 7.
    Dr7,
    /// `IA32_SYSENTER_CS`.
    SysenterCs,
    /// `IA32_SYSENTER_ESP`.
    SysenterEsp,
    /// `IA32_SYSENTER_EIP`.
    SysenterEip,
    /// `STAR`.
    Star,
    /// `LSTAR`.
    Lstar,
    /// `CSTAR`.
    Cstar,
    /// `SFMASK`.
    Sfmask,
    /// `KERNEL_GS_BASE`.
    KernelGsBase,
    /// Page attribute table.
    Pat,
    /// `DEBUGCTL`.
    DebugCtl,
    /// What is added to the time stamp counter.
    TscOffset,
    /// Bit 0: interrupts are blocked for one instruction by `sti`; bit 1: by `mov ss`; bit 3: NMIs are blocked.
    Interruptibility,
}

/// Segment and table registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// ES.
    Es,
    /// CS.
    Cs,
    /// SS.
    Ss,
    /// DS.
    Ds,
    /// FS.
    Fs,
    /// GS.
    Gs,
    /// Local descriptor table.
    Ldtr,
    /// Task register.
    Tr,
    /// Global descriptor table (base and limit only).
    Gdtr,
    /// Interrupt descriptor table (base and limit only).
    Idtr,
}

/// A segment register with its hidden part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentRegister {
    /// Selector.
    pub selector: u16,
    /// Access rights as in bits 8–15 and 20–23 of a descriptor's second word, put together: type 0–3, S 4, DPL 5–6, P 7, AVL 8,
    /// L 9, D/B 10, G 11.
    pub attributes: u16,
    /// Limit in bytes.
    pub limit: u32,
    /// Base.
    pub base: u64,
}

impl SegmentRegister {
    /// The privilege level that the attributes hold.
    #[must_use]
    pub fn dpl(&self) -> u8 {
        (self.attributes >> 5 & 3) as u8
    }

    /// Whether it is present.
    #[must_use]
    pub fn present(&self) -> bool {
        self.attributes & 0x80 != 0
    }

    /// Whether it is a 64-bit code segment.
    #[must_use]
    pub fn long(&self) -> bool {
        self.attributes & 0x200 != 0
    }

    /// Whether operands, addresses and the stack are 32 bits wide by default.
    #[must_use]
    pub fn wide(&self) -> bool {
        self.attributes & 0x400 != 0
    }
}
