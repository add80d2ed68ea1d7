//! Records of a vCPU: registers, extended state, MTRRs, machine checks, MSRs.

use crate::layout::zeroed_default;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Bit of [`HvmHwCpu::flags`]: `fpu_regs` holds state.
pub const XEN_X86_FPU_INITIALISED: u32 = 1;

/// Record [`HVM_SAVE_CODE_CPU`](super::HVM_SAVE_CODE_CPU). Of `pending_event`, bits 0 to 7 are the vector, 8 to 10 the type, 11 says that there is an error code and 31 that there is an event.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwCpu {
    /// FXSAVE area.
    pub fpu_regs: [u8; 512],
    /// RAX.
    pub rax: u64,
    /// RBX.
    pub rbx: u64,
    /// RCX.
    pub rcx: u64,
    /// RDX.
    pub rdx: u64,
    /// RBP.
    pub rbp: u64,
    /// RSI.
    pub rsi: u64,
    /// RDI.
    pub rdi: u64,
    /// RSP.
    pub rsp: u64,
    /// R8.
    pub r8: u64,
    /// R9.
    pub r9: u64,
    /// R10.
    pub r10: u64,
    /// R11.
    pub r11: u64,
    /// R12.
    pub r12: u64,
    /// R13.
    pub r13: u64,
    /// R14.
    pub r14: u64,
    /// R15.
    pub r15: u64,
    /// RIP.
    pub rip: u64,
    /// RFLAGS.
    pub rflags: u64,
    /// CR0.
    pub cr0: u64,
    /// CR2.
    pub cr2: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// DR0.
    pub dr0: u64,
    /// DR1.
    pub dr1: u64,
    /// DR2.
    pub dr2: u64,
    /// DR3.
    pub dr3: u64,
    /// DR6.
    pub dr6: u64,
    /// DR7.
    pub dr7: u64,
    /// CS: selector.
    pub cs_sel: u32,
    /// DS: selector.
    pub ds_sel: u32,
    /// ES: selector.
    pub es_sel: u32,
    /// FS: selector.
    pub fs_sel: u32,
    /// GS: selector.
    pub gs_sel: u32,
    /// SS: selector.
    pub ss_sel: u32,
    /// TR: selector.
    pub tr_sel: u32,
    /// LDTR: selector.
    pub ldtr_sel: u32,
    /// CS: limit, in bytes.
    pub cs_limit: u32,
    /// DS: limit, in bytes.
    pub ds_limit: u32,
    /// ES: limit, in bytes.
    pub es_limit: u32,
    /// FS: limit, in bytes.
    pub fs_limit: u32,
    /// GS: limit, in bytes.
    pub gs_limit: u32,
    /// SS: limit, in bytes.
    pub ss_limit: u32,
    /// TR: limit, in bytes.
    pub tr_limit: u32,
    /// LDTR: limit, in bytes.
    pub ldtr_limit: u32,
    /// IDTR: limit, in bytes.
    pub idtr_limit: u32,
    /// GDTR: limit, in bytes.
    pub gdtr_limit: u32,
    /// CS: base.
    pub cs_base: u64,
    /// DS: base.
    pub ds_base: u64,
    /// ES: base.
    pub es_base: u64,
    /// FS: base.
    pub fs_base: u64,
    /// GS: base.
    pub gs_base: u64,
    /// SS: base.
    pub ss_base: u64,
    /// TR: base.
    pub tr_base: u64,
    /// LDTR: base.
    pub ldtr_base: u64,
    /// IDTR: base.
    pub idtr_base: u64,
    /// GDTR: base.
    pub gdtr_base: u64,
    /// CS: access rights, as in the VMCS.
    pub cs_arbytes: u32,
    /// DS: access rights, as in the VMCS.
    pub ds_arbytes: u32,
    /// ES: access rights, as in the VMCS.
    pub es_arbytes: u32,
    /// FS: access rights, as in the VMCS.
    pub fs_arbytes: u32,
    /// GS: access rights, as in the VMCS.
    pub gs_arbytes: u32,
    /// SS: access rights, as in the VMCS.
    pub ss_arbytes: u32,
    /// TR: access rights, as in the VMCS.
    pub tr_arbytes: u32,
    /// LDTR: access rights, as in the VMCS.
    pub ldtr_arbytes: u32,
    /// `IA32_SYSENTER_CS`.
    pub sysenter_cs: u64,
    /// `IA32_SYSENTER_ESP`.
    pub sysenter_esp: u64,
    /// `IA32_SYSENTER_EIP`.
    pub sysenter_eip: u64,
    /// `IA32_KERNEL_GS_BASE`.
    pub shadow_gs: u64,
    /// Ignored.
    pub msr_flags: u64,
    /// `IA32_LSTAR`.
    pub msr_lstar: u64,
    /// `IA32_STAR`.
    pub msr_star: u64,
    /// `IA32_CSTAR`.
    pub msr_cstar: u64,
    /// `IA32_FMASK`.
    pub msr_syscall_mask: u64,
    /// `IA32_EFER`.
    pub msr_efer: u64,
    /// `IA32_TSC_AUX`.
    pub msr_tsc_aux: u64,
    /// Time stamp counter.
    pub tsc: u64,
    /// Event to inject: see above.
    pub pending_event: u32,
    /// Error code.
    pub error_code: u32,
    /// `XEN_X86_FPU_INITIALISED`.
    pub flags: u32,
    /// Reserved: zero.
    pub pad0: u32,
}

zeroed_default!(HvmHwCpu);

/// [`HvmHwCpu`] as saved by old versions of Xen: without `msr_tsc_aux`, `flags` and what follows.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwCpuCompat {
    /// FXSAVE area.
    pub fpu_regs: [u8; 512],
    /// RAX.
    pub rax: u64,
    /// RBX.
    pub rbx: u64,
    /// RCX.
    pub rcx: u64,
    /// RDX.
    pub rdx: u64,
    /// RBP.
    pub rbp: u64,
    /// RSI.
    pub rsi: u64,
    /// RDI.
    pub rdi: u64,
    /// RSP.
    pub rsp: u64,
    /// R8.
    pub r8: u64,
    /// R9.
    pub r9: u64,
    /// R10.
    pub r10: u64,
    /// R11.
    pub r11: u64,
    /// R12.
    pub r12: u64,
    /// R13.
    pub r13: u64,
    /// R14.
    pub r14: u64,
    /// R15.
    pub r15: u64,
    /// RIP.
    pub rip: u64,
    /// RFLAGS.
    pub rflags: u64,
    /// CR0.
    pub cr0: u64,
    /// CR2.
    pub cr2: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// DR0.
    pub dr0: u64,
    /// DR1.
    pub dr1: u64,
    /// DR2.
    pub dr2: u64,
    /// DR3.
    pub dr3: u64,
    /// DR6.
    pub dr6: u64,
    /// DR7.
    pub dr7: u64,
    /// CS: selector.
    pub cs_sel: u32,
    /// DS: selector.
    pub ds_sel: u32,
    /// ES: selector.
    pub es_sel: u32,
    /// FS: selector.
    pub fs_sel: u32,
    /// GS: selector.
    pub gs_sel: u32,
    /// SS: selector.
    pub ss_sel: u32,
    /// TR: selector.
    pub tr_sel: u32,
    /// LDTR: selector.
    pub ldtr_sel: u32,
    /// CS: limit, in bytes.
    pub cs_limit: u32,
    /// DS: limit, in bytes.
    pub ds_limit: u32,
    /// ES: limit, in bytes.
    pub es_limit: u32,
    /// FS: limit, in bytes.
    pub fs_limit: u32,
    /// GS: limit, in bytes.
    pub gs_limit: u32,
    /// SS: limit, in bytes.
    pub ss_limit: u32,
    /// TR: limit, in bytes.
    pub tr_limit: u32,
    /// LDTR: limit, in bytes.
    pub ldtr_limit: u32,
    /// IDTR: limit, in bytes.
    pub idtr_limit: u32,
    /// GDTR: limit, in bytes.
    pub gdtr_limit: u32,
    /// CS: base.
    pub cs_base: u64,
    /// DS: base.
    pub ds_base: u64,
    /// ES: base.
    pub es_base: u64,
    /// FS: base.
    pub fs_base: u64,
    /// GS: base.
    pub gs_base: u64,
    /// SS: base.
    pub ss_base: u64,
    /// TR: base.
    pub tr_base: u64,
    /// LDTR: base.
    pub ldtr_base: u64,
    /// IDTR: base.
    pub idtr_base: u64,
    /// GDTR: base.
    pub gdtr_base: u64,
    /// CS: access rights, as in the VMCS.
    pub cs_arbytes: u32,
    /// DS: access rights, as in the VMCS.
    pub ds_arbytes: u32,
    /// ES: access rights, as in the VMCS.
    pub es_arbytes: u32,
    /// FS: access rights, as in the VMCS.
    pub fs_arbytes: u32,
    /// GS: access rights, as in the VMCS.
    pub gs_arbytes: u32,
    /// SS: access rights, as in the VMCS.
    pub ss_arbytes: u32,
    /// TR: access rights, as in the VMCS.
    pub tr_arbytes: u32,
    /// LDTR: access rights, as in the VMCS.
    pub ldtr_arbytes: u32,
    /// `IA32_SYSENTER_CS`.
    pub sysenter_cs: u64,
    /// `IA32_SYSENTER_ESP`.
    pub sysenter_esp: u64,
    /// `IA32_SYSENTER_EIP`.
    pub sysenter_eip: u64,
    /// `IA32_KERNEL_GS_BASE`.
    pub shadow_gs: u64,
    /// Ignored.
    pub msr_flags: u64,
    /// `IA32_LSTAR`.
    pub msr_lstar: u64,
    /// `IA32_STAR`.
    pub msr_star: u64,
    /// `IA32_CSTAR`.
    pub msr_cstar: u64,
    /// `IA32_FMASK`.
    pub msr_syscall_mask: u64,
    /// `IA32_EFER`.
    pub msr_efer: u64,
    /// Time stamp counter.
    pub tsc: u64,
    /// Event to inject: see above.
    pub pending_event: u32,
    /// Error code.
    pub error_code: u32,
}

zeroed_default!(HvmHwCpuCompat);

/// The XSAVE header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwCpuXsaveHdr {
    /// Components that are not in their initial state.
    pub xstate_bv: u64,
    /// Components of the compacted form.
    pub xcomp_bv: u64,
    /// Reserved: zero.
    pub reserved: [u64; 6],
}

/// The start of an XSAVE area: legacy region and header.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwCpuXsaveSaveArea {
    /// FXSAVE area.
    pub fpu_sse: [u8; 512],
    /// Header.
    pub xsave_hdr: HvmHwCpuXsaveHdr,
}

zeroed_default!(HvmHwCpuXsaveSaveArea);

/// Start of record [`HVM_SAVE_CODE_CPU_XSAVE`](super::HVM_SAVE_CODE_CPU_XSAVE); the components beyond the header follow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwCpuXsave {
    /// Ignored.
    pub xfeature_mask: u64,
    /// XCR0.
    pub xcr0: u64,
    /// All components that XCR0 ever had.
    pub xcr0_accum: u64,
    /// Start of the XSAVE area.
    pub save_area: HvmHwCpuXsaveSaveArea,
}

/// Variable-range MTRRs.
pub const MTRR_VCNT: u32 = 8;
/// Fixed-range MTRRs.
pub const NUM_FIXED_MSR: u32 = 11;

/// Record [`HVM_SAVE_CODE_MTRR`](super::HVM_SAVE_CODE_MTRR).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwMtrr {
    /// `IA32_PAT`.
    pub msr_pat_cr: u64,
    /// Variable-range MTRRs: base and mask by turns.
    pub msr_mtrr_var: [u64; 16],
    /// Fixed-range MTRRs.
    pub msr_mtrr_fixed: [u64; 11],
    /// `IA32_MTRRCAP`.
    pub msr_mtrr_cap: u64,
    /// `IA32_MTRR_DEF_TYPE`.
    pub msr_mtrr_def_type: u64,
}

/// Record [`HVM_SAVE_CODE_VMCE_VCPU`](super::HVM_SAVE_CODE_VMCE_VCPU): machine check MSRs.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmVmceVcpu {
    /// `IA32_MCG_CAP`.
    pub caps: u64,
    /// `IA32_MC0_CTL2`.
    pub mci_ctl2_bank0: u64,
    /// `IA32_MC1_CTL2`.
    pub mci_ctl2_bank1: u64,
    /// `IA32_MCG_EXT_CTL`.
    pub mcg_ext_ctl: u64,
}

/// Record [`HVM_SAVE_CODE_TSC_ADJUST`](super::HVM_SAVE_CODE_TSC_ADJUST).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmTscAdjust {
    /// `IA32_TSC_ADJUST`.
    pub tsc_adjust: u64,
}

/// An entry of record [`HVM_SAVE_CODE_CPU_MSR`](super::HVM_SAVE_CODE_CPU_MSR).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmOneMsr {
    /// The MSR.
    pub index: u32,
    /// Reserved: zero.
    pub _rsvd: u32,
    /// Value.
    pub val: u64,
}

/// Start of record [`HVM_SAVE_CODE_CPU_MSR`](super::HVM_SAVE_CODE_CPU_MSR); `count` entries of [`HvmOneMsr`] follow.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmMsr {
    /// Number of entries that follow.
    pub count: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}
