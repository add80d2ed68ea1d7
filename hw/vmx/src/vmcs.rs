//! The instructions, and the fields of the control structure (VMCS; appendix B of the manual).

use core::arch::asm;

/// Fields, by their encodings.
pub(crate) mod field {
    pub const VPID: u32 = 0x0000;

    pub const GUEST_ES: u32 = 0x0800;
    pub const GUEST_CS: u32 = 0x0802;
    pub const GUEST_SS: u32 = 0x0804;
    pub const GUEST_DS: u32 = 0x0806;
    pub const GUEST_FS: u32 = 0x0808;
    pub const GUEST_GS: u32 = 0x080a;
    pub const GUEST_LDTR: u32 = 0x080c;
    pub const GUEST_TR: u32 = 0x080e;

    pub const HOST_ES: u32 = 0x0c00;
    pub const HOST_CS: u32 = 0x0c02;
    pub const HOST_SS: u32 = 0x0c04;
    pub const HOST_DS: u32 = 0x0c06;
    pub const HOST_FS: u32 = 0x0c08;
    pub const HOST_GS: u32 = 0x0c0a;
    pub const HOST_TR: u32 = 0x0c0c;

    pub const MSR_BITMAP: u32 = 0x2004;
    pub const TSC_OFFSET: u32 = 0x2010;
    pub const VIRTUAL_APIC: u32 = 0x2012;
    pub const EPT_POINTER: u32 = 0x201a;
    pub const GUEST_PHYSICAL: u32 = 0x2400;
    pub const LINK_POINTER: u32 = 0x2800;
    pub const GUEST_DEBUGCTL: u32 = 0x2802;
    pub const GUEST_PAT: u32 = 0x2804;
    pub const GUEST_EFER: u32 = 0x2806;
    pub const GUEST_PDPTE0: u32 = 0x280a;
    pub const HOST_PAT: u32 = 0x2c00;
    pub const HOST_EFER: u32 = 0x2c02;

    pub const PIN_CONTROLS: u32 = 0x4000;
    pub const PROC_CONTROLS: u32 = 0x4002;
    pub const EXCEPTION_BITMAP: u32 = 0x4004;
    pub const PF_MASK: u32 = 0x4006;
    pub const PF_MATCH: u32 = 0x4008;
    pub const CR3_TARGETS: u32 = 0x400a;
    pub const EXIT_CONTROLS: u32 = 0x400c;
    pub const EXIT_MSR_STORES: u32 = 0x400e;
    pub const EXIT_MSR_LOADS: u32 = 0x4010;
    pub const ENTRY_CONTROLS: u32 = 0x4012;
    pub const ENTRY_MSR_LOADS: u32 = 0x4014;
    pub const ENTRY_EVENT: u32 = 0x4016;
    pub const ENTRY_ERROR: u32 = 0x4018;
    pub const ENTRY_LENGTH: u32 = 0x401a;
    pub const TPR_THRESHOLD: u32 = 0x401c;
    pub const PROC_CONTROLS_2: u32 = 0x401e;
    pub const PLE_GAP: u32 = 0x4020;
    pub const PLE_WINDOW: u32 = 0x4022;
    pub const INSTRUCTION_ERROR: u32 = 0x4400;
    pub const EXIT_REASON: u32 = 0x4402;
    pub const EXIT_EVENT: u32 = 0x4404;
    pub const EXIT_ERROR: u32 = 0x4406;
    pub const VECTORING_EVENT: u32 = 0x4408;
    pub const VECTORING_ERROR: u32 = 0x440a;
    pub const EXIT_LENGTH: u32 = 0x440c;

    pub const GUEST_GDTR_LIMIT: u32 = 0x4810;
    pub const GUEST_IDTR_LIMIT: u32 = 0x4812;
    pub const GUEST_INTERRUPTIBILITY: u32 = 0x4824;
    pub const GUEST_ACTIVITY: u32 = 0x4826;
    pub const GUEST_SYSENTER_CS: u32 = 0x482a;
    pub const HOST_SYSENTER_CS: u32 = 0x4c00;

    pub const CR0_MASK: u32 = 0x6000;
    pub const CR4_MASK: u32 = 0x6002;
    pub const CR0_SHADOW: u32 = 0x6004;
    pub const CR4_SHADOW: u32 = 0x6006;
    pub const QUALIFICATION: u32 = 0x6400;
    pub const GUEST_LINEAR: u32 = 0x640a;
    pub const GUEST_CR0: u32 = 0x6800;
    pub const GUEST_CR3: u32 = 0x6802;
    pub const GUEST_CR4: u32 = 0x6804;
    pub const GUEST_GDTR_BASE: u32 = 0x6816;
    pub const GUEST_IDTR_BASE: u32 = 0x6818;
    pub const GUEST_DR7: u32 = 0x681a;
    pub const GUEST_RSP: u32 = 0x681c;
    pub const GUEST_RIP: u32 = 0x681e;
    pub const GUEST_RFLAGS: u32 = 0x6820;
    pub const GUEST_PENDING_DEBUG: u32 = 0x6822;
    pub const GUEST_SYSENTER_ESP: u32 = 0x6824;
    pub const GUEST_SYSENTER_EIP: u32 = 0x6826;
    pub const HOST_CR0: u32 = 0x6c00;
    pub const HOST_CR3: u32 = 0x6c02;
    pub const HOST_CR4: u32 = 0x6c04;
    pub const HOST_FS_BASE: u32 = 0x6c06;
    pub const HOST_GS_BASE: u32 = 0x6c08;
    pub const HOST_TR_BASE: u32 = 0x6c0a;
    pub const HOST_GDTR_BASE: u32 = 0x6c0c;
    pub const HOST_IDTR_BASE: u32 = 0x6c0e;
    pub const HOST_SYSENTER_ESP: u32 = 0x6c10;
    pub const HOST_SYSENTER_EIP: u32 = 0x6c12;
    pub const HOST_RSP: u32 = 0x6c14;
    pub const HOST_RIP: u32 = 0x6c16;

    /// From a segment's selector to its other parts.
    pub const fn limit(selector: u32) -> u32 {
        selector + 0x4000
    }
    pub const fn rights(selector: u32) -> u32 {
        selector + 0x4014
    }
    pub const fn base(selector: u32) -> u32 {
        selector + 0x6006
    }
}

/// No control structure is the current one.
pub(crate) const NONE: u64 = u64::MAX;

/// Reads a field of the current structure.
///
/// # Safety
/// VMX is on on this CPU and a structure is the current one.
#[inline]
pub(crate) unsafe fn read(field: u32) -> u64 {
    let value;
    // SAFETY: the caller vouches for VMX; a field that there is not leaves the register undefined, not the machine.
    unsafe {
        asm!("vmread {}, {}", out(reg) value, in(reg) u64::from(field), options(nostack, nomem));
    }
    value
}

/// Writes a field of the current structure.
///
/// # Safety
/// As for [`read`], and the guest's and the host's state stay ones that may be entered and left.
#[inline]
pub(crate) unsafe fn write(field: u32, value: u64) {
    // SAFETY: the caller vouches for VMX and for the value.
    unsafe {
        asm!("vmwrite {}, {}", in(reg) u64::from(field), in(reg) value, options(nostack));
    }
}

macro_rules! with_pointer {
    ($(#[$doc:meta])* $name:ident, $insn:literal) => {
        $(#[$doc])*
        #[inline]
        pub(crate) unsafe fn $name(phys: u64) -> bool {
            let failed: u8;
            // SAFETY: the caller vouches for the region.
            unsafe {
                asm!(concat!($insn, " [{}]"), "setbe {}", in(reg) &raw const phys, out(reg_byte) failed, options(nostack));
            }
            failed == 0
        }
    };
}

with_pointer!(
    /// Enters VMX operation; false when the processor refuses.
    ///
    /// # Safety
    /// The region is this CPU's for good, and the control registers have the bits that VMX wants.
    on, "vmxon"
);
with_pointer!(
    /// Makes a structure the current one.
    ///
    /// # Safety
    /// VMX is on, and the structure is not in use on another CPU.
    load, "vmptrld"
);
with_pointer!(
    /// Puts a structure into memory; it is no CPU's any more, and not launched.
    ///
    /// # Safety
    /// As for [`load`].
    clear, "vmclear"
);

/// The current structure, or [`NONE`].
///
/// # Safety
/// VMX is on.
pub(crate) unsafe fn current() -> u64 {
    let mut phys = NONE;
    // SAFETY: the caller vouches for VMX; the word is this function's.
    unsafe { asm!("vmptrst [{}]", in(reg) &raw mut phys, options(nostack)) };
    phys
}

/// Drops everything that any CPU-local translation says about any guest's memory.
///
/// # Safety
/// VMX is on, and the processor has the instruction's kind 2.
pub(crate) unsafe fn drop_nested() {
    let nothing = [0u64; 2];
    // SAFETY: translations only get fewer.
    unsafe { asm!("invept {}, [{}]", in(reg) 2u64, in(reg) &raw const nothing, options(nostack)) };
}

/// Drops all translations of all tags.
///
/// # Safety
/// VMX is on, and the processor has the instruction's kind 2.
pub(crate) unsafe fn drop_tagged() {
    let nothing = [0u64; 2];
    // SAFETY: translations only get fewer.
    unsafe { asm!("invvpid {}, [{}]", in(reg) 2u64, in(reg) &raw const nothing, options(nostack)) };
}

#[cfg(test)]
mod tests {
    use super::field::*;

    #[test]
    fn parts_of_segments() {
        assert_eq!((limit(GUEST_ES), rights(GUEST_ES), base(GUEST_ES)), (0x4800, 0x4814, 0x6806));
        assert_eq!((limit(GUEST_TR), rights(GUEST_TR), base(GUEST_TR)), (0x480e, 0x4822, 0x6814));
    }
}
