//! Registers and context of a vCPU, and the x86 parts of the shared information page.

use super::TrapInfo;

consts! { u64;
    /// The FPU area is valid.
    VGCF_I387_VALID = 1 << 0;
    /// The vCPU is in kernel mode.
    VGCF_IN_KERNEL = 1 << 2;
    /// The failsafe callback masks events.
    VGCF_FAILSAFE_DISABLES_EVENTS = 1 << 3;
    /// The system call callback masks events.
    VGCF_SYSCALL_DISABLES_EVENTS = 1 << 4;
    /// The vCPU is online.
    VGCF_ONLINE = 1 << 5;
    /// `IretContext::flags`: return with SYSRET.
    VGCF_IN_SYSCALL = 1 << 8;
}

abi_struct! {
    /// General registers (`cpu_user_regs`).
    pub struct CpuUserRegs {
        /// R15.
        pub r15: u64,
        /// R14.
        pub r14: u64,
        /// R13.
        pub r13: u64,
        /// R12.
        pub r12: u64,
        /// RBP.
        pub rbp: u64,
        /// RBX.
        pub rbx: u64,
        /// R11.
        pub r11: u64,
        /// R10.
        pub r10: u64,
        /// R9.
        pub r9: u64,
        /// R8.
        pub r8: u64,
        /// RAX.
        pub rax: u64,
        /// RCX.
        pub rcx: u64,
        /// RDX.
        pub rdx: u64,
        /// RSI.
        pub rsi: u64,
        /// RDI.
        pub rdi: u64,
        /// Private to Xen.
        pub error_code: u32,
        /// Private to Xen.
        pub entry_vector: u32,
        /// RIP.
        pub rip: u64,
        /// CS.
        pub cs: u16,
        /// Padding.
        pub _pad0: u16,
        /// The mask of events before the trap.
        pub saved_upcall_mask: u8,
        /// Padding.
        pub _pad1: [u8; 3],
        /// RFLAGS; IF is the inverse of `saved_upcall_mask`.
        pub rflags: u64,
        /// RSP.
        pub rsp: u64,
        /// SS.
        pub ss: u16,
        /// Padding.
        pub _pad2: [u16; 3],
        /// ES.
        pub es: u16,
        /// Padding.
        pub _pad3: [u16; 3],
        /// DS.
        pub ds: u16,
        /// Padding.
        pub _pad4: [u16; 3],
        /// FS.
        pub fs: u16,
        /// Padding.
        pub _pad5: [u16; 3],
        /// GS.
        pub gs: u16,
        /// Padding.
        pub _pad6: [u16; 3],
    }

    /// All state of a PV vCPU (`vcpu_guest_context`).
    pub struct VcpuGuestContext {
        /// FXSAVE area.
        pub fpu_ctxt: [u8; 512],
        /// `VGCF_*`.
        pub flags: u64,
        /// Registers.
        pub user_regs: CpuUserRegs,
        /// Trap table, by vector.
        pub trap_ctxt: [TrapInfo; 256],
        /// Linear address of the LDT.
        pub ldt_base: u64,
        /// Entries of the LDT.
        pub ldt_ents: u64,
        /// Machine frames of the GDT.
        pub gdt_frames: [u64; 16],
        /// Entries of the GDT.
        pub gdt_ents: u64,
        /// Stack selector of the kernel.
        pub kernel_ss: u64,
        /// Stack pointer of the kernel.
        pub kernel_sp: u64,
        /// CR0 to CR7; CR1 holds the root for user mode.
        pub ctrlreg: [u64; 8],
        /// DR0 to DR7.
        pub debugreg: [u64; 8],
        /// Entry for events.
        pub event_callback_eip: u64,
        /// Entry for failed returns.
        pub failsafe_callback_eip: u64,
        /// Entry for system calls.
        pub syscall_callback_eip: u64,
        /// Bitmap of `VMASST_TYPE_*`.
        pub vm_assist: u64,
        /// Base of FS.
        pub fs_base: u64,
        /// Base of GS in kernel mode.
        pub gs_base_kernel: u64,
        /// Base of GS in user mode.
        pub gs_base_user: u64,
    }

    /// x86 part of the shared information page.
    pub struct ArchSharedInfo {
        /// Valid entries of the p2m.
        pub max_pfn: u64,
        /// Root of the three-level p2m; zero: not set up, all ones: none.
        pub pfn_to_mfn_frame_list_list: u64,
        /// `XEN_NMIREASON_*`.
        pub nmi_reason: u64,
        /// CR3 of the address space of `p2m_vaddr`; zero: no linear p2m.
        pub p2m_cr3: u64,
        /// Virtual address of the linear p2m.
        pub p2m_vaddr: u64,
        /// Incremented by the guest before and after changes; odd: a change is under way.
        pub p2m_generation: u64,
    }

    /// x86 part of `VcpuInfo`.
    pub struct ArchVcpuInfo {
        /// Address of the last page fault.
        pub cr2: u64,
        /// Padding.
        pub pad: u64,
    }

    /// What the `iret` hypercall finds at RSP.
    pub struct IretContext {
        /// RAX.
        pub rax: u64,
        /// R11.
        pub r11: u64,
        /// RCX.
        pub rcx: u64,
        /// `VGCF_IN_SYSCALL` or zero.
        pub flags: u64,
        /// RIP.
        pub rip: u64,
        /// CS.
        pub cs: u64,
        /// RFLAGS.
        pub rflags: u64,
        /// RSP.
        pub rsp: u64,
        /// SS.
        pub ss: u64,
    }
}
