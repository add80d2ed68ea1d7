//! The core of the interface against the C headers: errors, numbers, and the layout of structures.

#[macro_use]
mod common;

use common::Table;

const HEADERS: [&str; 13] = [
    "xen.h",
    "errno.h",
    "vcpu.h",
    "sched.h",
    "version.h",
    "features.h",
    "elfnote.h",
    "callback.h",
    "nmi.h",
    "arch-x86/xen.h",
    "arch-x86/xen-x86_64.h",
    "arch-x86/cpuid.h",
    "arch-x86/xen-mca.h",
];

/// All definitions of the headers that start so are in this crate.
const PREFIXES: [&str; 33] = [
    "HYPERVISOR_",
    "VIRQ_",
    "NR_VIRQS",
    "MMU_",
    "MMUEXT_",
    "UVMF_",
    "CONSOLEIO_",
    "VMASST_",
    "DOMID_",
    "XEN_PVCLOCK_",
    "SIF_",
    "XEN_VGATYPE_",
    "FLAT_",
    "VGCF_",
    "SEGBASE_",
    "MACH2PHYS_",
    "FIRST_RESERVED_",
    "XEN_X86_",
    "XEN_CPUID_",
    "XEN_HVM_",
    "XEN_HOST_",
    "VCPUOP_",
    "VCPU_",
    "RUNSTATE_",
    "XEN_RUNSTATE_",
    "SCHEDOP_",
    "SHUTDOWN_",
    "XENVER_",
    "XENFEAT_",
    "XEN_ELFNOTE_",
    "CALLBACK",
    "XEN_NMIREASON_",
    "XENNMI_",
];

/// Definitions for interface versions that nobody asks for any more, and one that the header has in a comment.
const OBSOLETE: [&str; 3] =
    ["XEN_NMIREASON_PARITY_ERROR", "HYPERVISOR_DOM0_OP", "XENFEAT_GRANT_MAP_IDENTITY"];

#[test]
fn numbers_agree() {
    let Some(mut table) = Table::new(&HEADERS) else { return };
    numbers!(table, hypercall:
        HYPERVISOR_SET_TRAP_TABLE HYPERVISOR_MMU_UPDATE HYPERVISOR_SET_GDT HYPERVISOR_STACK_SWITCH
        HYPERVISOR_SET_CALLBACKS HYPERVISOR_FPU_TASKSWITCH HYPERVISOR_SCHED_OP_COMPAT HYPERVISOR_PLATFORM_OP
        HYPERVISOR_SET_DEBUGREG HYPERVISOR_GET_DEBUGREG HYPERVISOR_UPDATE_DESCRIPTOR HYPERVISOR_MEMORY_OP
        HYPERVISOR_MULTICALL HYPERVISOR_UPDATE_VA_MAPPING HYPERVISOR_SET_TIMER_OP
        HYPERVISOR_EVENT_CHANNEL_OP_COMPAT HYPERVISOR_XEN_VERSION HYPERVISOR_CONSOLE_IO
        HYPERVISOR_PHYSDEV_OP_COMPAT HYPERVISOR_GRANT_TABLE_OP HYPERVISOR_VM_ASSIST
        HYPERVISOR_UPDATE_VA_MAPPING_OTHERDOMAIN HYPERVISOR_IRET HYPERVISOR_VCPU_OP HYPERVISOR_SET_SEGMENT_BASE
        HYPERVISOR_MMUEXT_OP HYPERVISOR_XSM_OP HYPERVISOR_NMI_OP HYPERVISOR_SCHED_OP HYPERVISOR_CALLBACK_OP
        HYPERVISOR_XENOPROF_OP HYPERVISOR_EVENT_CHANNEL_OP HYPERVISOR_PHYSDEV_OP HYPERVISOR_HVM_OP
        HYPERVISOR_SYSCTL HYPERVISOR_DOMCTL HYPERVISOR_KEXEC_OP HYPERVISOR_TMEM_OP HYPERVISOR_ARGO_OP
        HYPERVISOR_XENPMU_OP HYPERVISOR_DM_OP HYPERVISOR_HYPFS_OP HYPERVISOR_ARCH_0 HYPERVISOR_ARCH_1
        HYPERVISOR_ARCH_2 HYPERVISOR_ARCH_3 HYPERVISOR_ARCH_4 HYPERVISOR_ARCH_5 HYPERVISOR_ARCH_6
        HYPERVISOR_ARCH_7 HYPERVISOR_MCA);
    numbers!(table, xen:
        DOMID_FIRST_RESERVED DOMID_SELF DOMID_IO DOMID_XEN DOMID_COW DOMID_INVALID DOMID_IDLE DOMID_MASK
        VIRQ_TIMER VIRQ_DEBUG VIRQ_CONSOLE VIRQ_DOM_EXC VIRQ_TBUF VIRQ_DEBUGGER VIRQ_XENOPROF VIRQ_CON_RING
        VIRQ_PCPU_STATE VIRQ_MEM_EVENT VIRQ_ARGO VIRQ_ENOMEM VIRQ_XENPMU VIRQ_ARCH_0 VIRQ_ARCH_1 VIRQ_ARCH_2
        VIRQ_ARCH_3 VIRQ_ARCH_4 VIRQ_ARCH_5 VIRQ_ARCH_6 VIRQ_ARCH_7 NR_VIRQS VIRQ_MCA MMU_NORMAL_PT_UPDATE
        MMU_MACHPHYS_UPDATE MMU_PT_UPDATE_PRESERVE_AD MMU_PT_UPDATE_NO_TRANSLATE MMUEXT_PIN_L1_TABLE
        MMUEXT_PIN_L2_TABLE MMUEXT_PIN_L3_TABLE MMUEXT_PIN_L4_TABLE MMUEXT_UNPIN_TABLE MMUEXT_NEW_BASEPTR
        MMUEXT_TLB_FLUSH_LOCAL MMUEXT_INVLPG_LOCAL MMUEXT_TLB_FLUSH_MULTI MMUEXT_INVLPG_MULTI MMUEXT_TLB_FLUSH_ALL
        MMUEXT_INVLPG_ALL MMUEXT_FLUSH_CACHE MMUEXT_SET_LDT MMUEXT_NEW_USER_BASEPTR MMUEXT_CLEAR_PAGE
        MMUEXT_COPY_PAGE MMUEXT_FLUSH_CACHE_GLOBAL MMUEXT_MARK_SUPER MMUEXT_UNMARK_SUPER UVMF_NONE UVMF_TLB_FLUSH
        UVMF_INVLPG UVMF_FLUSHTYPE_MASK UVMF_MULTI UVMF_LOCAL UVMF_ALL CONSOLEIO_WRITE CONSOLEIO_READ
        VMASST_CMD_ENABLE VMASST_CMD_DISABLE VMASST_TYPE_4GB_SEGMENTS VMASST_TYPE_4GB_SEGMENTS_NOTIFY
        VMASST_TYPE_WRITABLE_PAGETABLES VMASST_TYPE_PAE_EXTENDED_CR3 VMASST_TYPE_ARCHITECTURAL_IOPL
        VMASST_TYPE_RUNSTATE_UPDATE_FLAG VMASST_TYPE_M2P_STRICT XEN_PVCLOCK_TSC_STABLE_BIT
        XEN_PVCLOCK_GUEST_STOPPED MAX_GUEST_CMDLINE SIF_PRIVILEGED SIF_INITDOMAIN SIF_MULTIBOOT_MOD
        SIF_MOD_START_PFN SIF_VIRT_P2M_4TOOLS SIF_PM_MASK XEN_VGATYPE_TEXT_MODE_3 XEN_VGATYPE_VESA_LFB
        XEN_VGATYPE_EFI_LFB);
    numbers!(table, arch_x86:
        FLAT_RING3_CS32 FLAT_RING3_CS64 FLAT_RING3_DS32 FLAT_RING3_DS64 FLAT_RING3_SS32 FLAT_RING3_SS64
        FLAT_KERNEL_DS64 FLAT_KERNEL_DS32 FLAT_KERNEL_DS FLAT_KERNEL_CS64 FLAT_KERNEL_CS32 FLAT_KERNEL_CS
        FLAT_KERNEL_SS64 FLAT_KERNEL_SS32 FLAT_KERNEL_SS FLAT_USER_DS64 FLAT_USER_DS32 FLAT_USER_DS FLAT_USER_CS64
        FLAT_USER_CS32 FLAT_USER_CS FLAT_USER_SS64 FLAT_USER_SS32 FLAT_USER_SS FIRST_RESERVED_GDT_PAGE
        FIRST_RESERVED_GDT_BYTE FIRST_RESERVED_GDT_ENTRY XEN_LEGACY_MAX_VCPUS SEGBASE_FS SEGBASE_GS_USER
        SEGBASE_GS_KERNEL SEGBASE_GS_USER_SEL HYPERVISOR_VIRT_START HYPERVISOR_VIRT_END MACH2PHYS_VIRT_START
        MACH2PHYS_VIRT_END MACH2PHYS_NR_ENTRIES XEN_HVM_DEBUGCONS_IOPORT XEN_X86_EMU_LAPIC XEN_X86_EMU_HPET
        XEN_X86_EMU_PM XEN_X86_EMU_RTC XEN_X86_EMU_IOAPIC XEN_X86_EMU_PIC XEN_X86_EMU_VGA XEN_X86_EMU_IOMMU
        XEN_X86_EMU_PIT XEN_X86_EMU_USE_PIRQ XEN_X86_EMU_VPCI XEN_X86_EMU_ALL XEN_X86_MSR_RELAXED
        XEN_X86_MISC_FLAGS_MAX XEN_CPUID_NO_SUBLEAF VGCF_I387_VALID VGCF_IN_KERNEL VGCF_FAILSAFE_DISABLES_EVENTS
        VGCF_SYSCALL_DISABLES_EVENTS VGCF_ONLINE VGCF_IN_SYSCALL XEN_CPUID_FIRST_LEAF XEN_CPUID_SIGNATURE_EBX
        XEN_CPUID_SIGNATURE_ECX XEN_CPUID_SIGNATURE_EDX XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD
        XEN_CPUID_TSC_EMULATED XEN_CPUID_HOST_TSC_RELIABLE XEN_CPUID_RDTSCP_INSTR_AVAIL XEN_CPUID_TSC_MODE_DEFAULT
        XEN_CPUID_TSC_MODE_ALWAYS_EMULATE XEN_CPUID_TSC_MODE_NEVER_EMULATE XEN_CPUID_TSC_MODE_PVRDTSCP
        XEN_HVM_CPUID_APIC_ACCESS_VIRT XEN_HVM_CPUID_X2APIC_VIRT XEN_HVM_CPUID_IOMMU_MAPPINGS
        XEN_HVM_CPUID_VCPU_ID_PRESENT XEN_HVM_CPUID_DOMID_PRESENT XEN_HVM_CPUID_EXT_DEST_ID
        XEN_HVM_CPUID_UPCALL_VECTOR XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK XEN_CPUID_MAX_NUM_LEAVES);
    numbers!(table, vcpu:
        VCPUOP_INITIALISE VCPUOP_UP VCPUOP_DOWN VCPUOP_IS_UP VCPUOP_GET_RUNSTATE_INFO
        VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA VCPUOP_SET_PERIODIC_TIMER VCPUOP_STOP_PERIODIC_TIMER
        VCPUOP_SET_SINGLESHOT_TIMER VCPUOP_STOP_SINGLESHOT_TIMER VCPUOP_REGISTER_VCPU_INFO VCPUOP_SEND_NMI
        VCPUOP_GET_PHYSID VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA VCPUOP_REGISTER_RUNSTATE_PHYS_AREA
        VCPUOP_REGISTER_VCPU_TIME_PHYS_AREA VCPU_SSHOTTMR_FUTURE RUNSTATE_RUNNING RUNSTATE_RUNNABLE
        RUNSTATE_BLOCKED RUNSTATE_OFFLINE XEN_RUNSTATE_UPDATE);
    numbers!(table, sched:
        SCHEDOP_YIELD SCHEDOP_BLOCK SCHEDOP_SHUTDOWN SCHEDOP_POLL SCHEDOP_REMOTE_SHUTDOWN SCHEDOP_SHUTDOWN_CODE
        SCHEDOP_WATCHDOG SCHEDOP_PIN_OVERRIDE SHUTDOWN_POWEROFF SHUTDOWN_REBOOT SHUTDOWN_SUSPEND SHUTDOWN_CRASH
        SHUTDOWN_WATCHDOG SHUTDOWN_SOFT_RESET SHUTDOWN_MAX);
    numbers!(table, version:
        XENVER_VERSION XENVER_EXTRAVERSION XENVER_COMPILE_INFO XENVER_CAPABILITIES XENVER_CHANGESET
        XENVER_PLATFORM_PARAMETERS XENVER_GET_FEATURES XENVER_PAGESIZE XENVER_GUEST_HANDLE XENVER_COMMANDLINE
        XENVER_BUILD_ID XENVER_EXTRAVERSION2 XENVER_CAPABILITIES2 XENVER_CHANGESET2 XENVER_COMMANDLINE2
        XEN_EXTRAVERSION_LEN XEN_CAPABILITIES_INFO_LEN XEN_CHANGESET_INFO_LEN);
    numbers!(table, features:
        XENFEAT_WRITABLE_PAGE_TABLES XENFEAT_WRITABLE_DESCRIPTOR_TABLES XENFEAT_AUTO_TRANSLATED_PHYSMAP
        XENFEAT_SUPERVISOR_MODE_KERNEL XENFEAT_PAE_PGDIR_ABOVE_4GB XENFEAT_MMU_PT_UPDATE_PRESERVE_AD
        XENFEAT_HIGHMEM_ASSIST XENFEAT_GNTTAB_MAP_AVAIL_BITS XENFEAT_HVM_CALLBACK_VECTOR XENFEAT_HVM_SAFE_PVCLOCK
        XENFEAT_HVM_PIRQS XENFEAT_DOM0 XENFEAT_MEMORY_OP_VNODE_SUPPORTED
        XENFEAT_ARM_SMCCC_SUPPORTED XENFEAT_LINUX_RSDP_UNRESTRICTED XENFEAT_NOT_DIRECT_MAPPED
        XENFEAT_DIRECT_MAPPED XENFEAT_RUNSTATE_PHYS_AREA XENFEAT_VCPU_TIME_PHYS_AREA XENFEAT_DM_MSIX_ALL_WRITES
        XENFEAT_NR_SUBMAPS);
    numbers!(table, elfnote:
        XEN_ELFNOTE_INFO XEN_ELFNOTE_ENTRY XEN_ELFNOTE_HYPERCALL_PAGE XEN_ELFNOTE_VIRT_BASE
        XEN_ELFNOTE_PADDR_OFFSET XEN_ELFNOTE_XEN_VERSION XEN_ELFNOTE_GUEST_OS XEN_ELFNOTE_GUEST_VERSION
        XEN_ELFNOTE_LOADER XEN_ELFNOTE_PAE_MODE XEN_ELFNOTE_FEATURES XEN_ELFNOTE_BSD_SYMTAB
        XEN_ELFNOTE_HV_START_LOW XEN_ELFNOTE_L1_MFN_VALID XEN_ELFNOTE_SUSPEND_CANCEL XEN_ELFNOTE_INIT_P2M
        XEN_ELFNOTE_MOD_START_PFN XEN_ELFNOTE_SUPPORTED_FEATURES XEN_ELFNOTE_PHYS32_ENTRY XEN_ELFNOTE_PHYS32_RELOC
        XEN_ELFNOTE_MAX XEN_ELFNOTE_CRASH_INFO XEN_ELFNOTE_CRASH_REGS XEN_ELFNOTE_DUMPCORE_NONE
        XEN_ELFNOTE_DUMPCORE_HEADER XEN_ELFNOTE_DUMPCORE_XEN_VERSION XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION);
    numbers!(table, callback:
        CALLBACKTYPE_EVENT CALLBACKTYPE_FAILSAFE CALLBACKTYPE_SYSCALL CALLBACKTYPE_SYSENTER_DEPRECATED
        CALLBACKTYPE_NMI CALLBACKTYPE_SYSENTER CALLBACKTYPE_SYSCALL32 CALLBACKF_MASK_EVENTS CALLBACKOP_REGISTER
        CALLBACKOP_UNREGISTER);
    numbers!(table, nmi:
        XEN_NMIREASON_IO_ERROR XEN_NMIREASON_PCI_SERR XEN_NMIREASON_UNKNOWN XENNMI_REGISTER_CALLBACK
        XENNMI_UNREGISTER_CALLBACK);
    table.expr("XEN_CPUID_LEAF(4)", xen_abi::arch_x86::xen_cpuid_leaf(4));
    table.expr("xen_pfn_to_cr3(5)", xen_abi::arch_x86::xen_pfn_to_cr3(5));
    table.expr("sizeof(xen_commandline_t)", xen_abi::version::XEN_COMMANDLINE_LEN);
    table.complete(&PREFIXES, &OBSOLETE);
    table.run("core-numbers");
}

#[test]
fn errors_agree() {
    use xen_abi::errno::Errno;
    let Some(mut table) = Table::new(&["errno.h"]) else { return };
    // The two that guests never see are not in the headers of the tools.
    let internal = [Errno::EINTR, Errno::ERESTART];
    let named = (0..4096).map(Errno).filter(|error| error.name().is_some() && !internal.contains(error));
    for error in named {
        table.expr(format!("XEN_{error}"), error.0);
    }
    table.expr("XEN_EWOULDBLOCK", Errno::EWOULDBLOCK.0);
    table.expr("XEN_EDEADLOCK", Errno::EDEADLOCK.0);
    table.run("core-errors");
}

#[test]
fn structures_of_xen_h_agree() {
    let Some(mut table) = Table::new(&HEADERS) else { return };
    layout!(table, xen::GuestHandle = "XEN_GUEST_HANDLE(void)";);
    layout!(table, xen::DomainHandle = "xen_domain_handle_t";);
    layout!(table, xen::MmuUpdate = "struct mmu_update"; ptr val);
    layout!(table, xen::MmuextOp = "struct mmuext_op"; cmd arg1 arg2);
    layout!(table, xen::MulticallEntry = "struct multicall_entry"; op result args);
    layout!(table, xen::XenctlBitmap = "struct xenctl_bitmap"; bitmap nr_bits);
    layout!(table, xen::VcpuTimeInfo = "struct vcpu_time_info";
        version pad0 tsc_timestamp system_time tsc_to_system_mul tsc_shift flags pad1);
    layout!(table, xen::VcpuInfo = "struct vcpu_info";
        evtchn_upcall_pending evtchn_upcall_mask evtchn_pending_sel arch time);
    layout!(table, xen::SharedInfo = "struct shared_info";
        vcpu_info evtchn_pending evtchn_mask wc_version wc_sec wc_nsec wc_sec_hi arch);
    layout!(table, xen::StartInfo = "struct start_info";
        magic nr_pages shared_info flags store_mfn store_evtchn console pt_base nr_pt_frames mfn_list
        mod_start mod_len cmd_line first_p2m_pfn nr_p2m_frames);
    member!(table, xen::StartInfo.console = StartConsoleDomu, "struct start_info", "console.domU."; mfn evtchn);
    member!(table, xen::StartInfo.console = StartConsoleDom0, "struct start_info", "console.dom0.";
        info_off info_size);
    layout!(table, xen::MultibootModList = "struct xen_multiboot_mod_list"; mod_start mod_end cmdline pad);
    layout!(table, xen::Dom0VgaConsoleInfo = "struct dom0_vga_console_info"; video_type u);
    member!(table, xen::Dom0VgaConsoleInfo.u = VgaTextMode3, "struct dom0_vga_console_info", "u.text_mode_3.";
        font_height cursor_x cursor_y rows columns);
    member!(table, xen::Dom0VgaConsoleInfo.u = VgaVesaLfb, "struct dom0_vga_console_info", "u.vesa_lfb.";
        width height bytes_per_line bits_per_pixel lfb_base lfb_size red_pos red_size green_pos green_size
        blue_pos blue_size rsvd_pos rsvd_size gbl_caps mode_attrs pad ext_lfb_base);
    table.run("core-xen");
}

#[test]
fn structures_of_x86_agree() {
    let Some(mut table) = Table::new(&HEADERS) else { return };
    layout!(table, arch_x86::TrapInfo = "struct trap_info"; vector flags cs address);
    layout!(table, arch_x86::ArchDomainconfig = "struct xen_arch_domainconfig"; emulation_flags misc_flags);
    layout!(table, arch_x86::CpuidLeaf = "struct xen_cpuid_leaf"; leaf subleaf a b c d);
    layout!(table, arch_x86::MsrEntry = "struct xen_msr_entry"; idx flags val);
    layout!(table, arch_x86::CpuUserRegs = "struct cpu_user_regs";
        r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi error_code entry_vector rip cs _pad0
        saved_upcall_mask _pad1 rflags rsp ss _pad2 es _pad3 ds _pad4 fs _pad5 gs _pad6);
    layout!(table, arch_x86::VcpuGuestContext = "struct vcpu_guest_context";
        fpu_ctxt flags user_regs trap_ctxt ldt_base ldt_ents gdt_frames gdt_ents kernel_ss kernel_sp ctrlreg
        debugreg event_callback_eip failsafe_callback_eip syscall_callback_eip vm_assist fs_base
        gs_base_kernel gs_base_user);
    layout!(table, arch_x86::ArchSharedInfo = "struct arch_shared_info";
        max_pfn pfn_to_mfn_frame_list_list nmi_reason p2m_cr3 p2m_vaddr p2m_generation);
    layout!(table, arch_x86::ArchVcpuInfo = "struct arch_vcpu_info"; cr2 pad);
    layout!(table, arch_x86::IretContext = "struct iret_context"; rax r11 rcx flags rip cs rflags rsp ss);
    table.run("core-x86");
}

#[test]
fn arguments_agree() {
    let Some(mut table) = Table::new(&[&HEADERS[..], &["io/console.h"]].concat()) else { return };
    layout!(table, vcpu::VcpuRunstateInfo = "struct vcpu_runstate_info"; state state_entry_time time);
    layout!(table, vcpu::VcpuRegisterRunstateMemoryArea = "struct vcpu_register_runstate_memory_area"; addr);
    layout!(table, vcpu::VcpuSetPeriodicTimer = "struct vcpu_set_periodic_timer"; period_ns);
    layout!(table, vcpu::VcpuSetSingleshotTimer = "struct vcpu_set_singleshot_timer"; timeout_abs_ns flags);
    layout!(table, vcpu::VcpuRegisterVcpuInfo = "struct vcpu_register_vcpu_info"; mfn offset rsvd);
    layout!(table, vcpu::VcpuGetPhysid = "struct vcpu_get_physid"; phys_id);
    layout!(table, vcpu::VcpuRegisterTimeMemoryArea = "struct vcpu_register_time_memory_area"; addr);
    layout!(table, sched::SchedShutdown = "struct sched_shutdown"; reason);
    layout!(table, sched::SchedPoll = "struct sched_poll"; ports nr_ports timeout);
    layout!(table, sched::SchedRemoteShutdown = "struct sched_remote_shutdown"; domain_id reason);
    layout!(table, sched::SchedWatchdog = "struct sched_watchdog"; id timeout);
    layout!(table, sched::SchedPinOverride = "struct sched_pin_override"; pcpu);
    layout!(table, version::CompileInfo = "struct xen_compile_info";
        compiler compile_by compile_domain compile_date);
    layout!(table, version::PlatformParameters = "struct xen_platform_parameters"; virt_start);
    layout!(table, version::FeatureInfo = "struct xen_feature_info"; submap_idx submap);
    layout!(table, version::BuildId = "struct xen_build_id"; len);
    layout!(table, version::Varbuf = "struct xen_varbuf"; len);
    layout!(table, callback::CallbackRegister = "struct callback_register"; (type_ "type") flags address);
    layout!(table, callback::CallbackUnregister = "struct callback_unregister"; (type_ "type") _unused);
    layout!(table, nmi::XennmiCallback = "struct xennmi_callback"; handler_address pad);
    layout!(table, console::XenconsInterface = "struct xencons_interface";
        (r#in "in") out in_cons in_prod out_cons out_prod);
    table.run("core-arguments");
}
