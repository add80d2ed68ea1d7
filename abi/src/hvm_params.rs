//! Parameters of HVM and PVH domains (`HVMOP_set_param`, `HVMOP_get_param`).
//!
//! Source: public header `hvm/params.h`.

consts! { u32;
    /// How events are delivered to vCPU 0; 0 for not at all.
    HVM_PARAM_CALLBACK_IRQ = 0;
    /// gfn of the xenstore ring.
    HVM_PARAM_STORE_PFN = 1;
    /// Port of the xenstore ring.
    HVM_PARAM_STORE_EVTCHN = 2;
    /// Deprecated.
    HVM_PARAM_PAE_ENABLED = 4;
    /// gfn of the ioreq page.
    HVM_PARAM_IOREQ_PFN = 5;
    /// gfn of the buffered ioreq page.
    HVM_PARAM_BUFIOREQ_PFN = 6;
    /// Viridian features (`HVMPV_*`).
    HVM_PARAM_VIRIDIAN = 9;
    /// Virtual timer mode (`HVMPTM_*`).
    HVM_PARAM_TIMER_MODE = 10;
    /// Whether there is a virtual HPET.
    HVM_PARAM_HPET_ENABLED = 11;
    /// gpa of the identity page directory for unpaged mode.
    HVM_PARAM_IDENT_PT = 12;
    /// Deprecated.
    HVM_PARAM_DM_DOMAIN = 13;
    /// ACPI S state (0 or 3).
    HVM_PARAM_ACPI_S_STATE = 14;
    /// gpa of the TSS for real mode.
    HVM_PARAM_VM86_TSS = 15;
    /// Whether periodic timers are aligned.
    HVM_PARAM_VPT_ALIGN = 16;
    /// gfn of the console ring.
    HVM_PARAM_CONSOLE_PFN = 17;
    /// Port of the console ring.
    HVM_PARAM_CONSOLE_EVTCHN = 18;
    /// Which I/O ports the ACPI blocks use (0 or 1).
    HVM_PARAM_ACPI_IOPORTS_LOCATION = 19;
    /// Deprecated.
    HVM_PARAM_MEMORY_EVENT_CR0 = 20;
    /// Deprecated.
    HVM_PARAM_MEMORY_EVENT_CR3 = 21;
    /// Deprecated.
    HVM_PARAM_MEMORY_EVENT_CR4 = 22;
    /// Deprecated.
    HVM_PARAM_MEMORY_EVENT_INT3 = 23;
    /// Deprecated.
    HVM_PARAM_NESTEDHVM = 24;
    /// Deprecated.
    HVM_PARAM_MEMORY_EVENT_SINGLE_STEP = 25;
    /// Deprecated.
    HVM_PARAM_BUFIOREQ_EVTCHN = 26;
    /// gfn of the paging ring.
    HVM_PARAM_PAGING_RING_PFN = 27;
    /// gfn of the monitor ring.
    HVM_PARAM_MONITOR_RING_PFN = 28;
    /// gfn of the sharing ring.
    HVM_PARAM_SHARING_RING_PFN = 29;
    /// Deprecated.
    HVM_PARAM_MEMORY_EVENT_MSR = 30;
    /// `SHUTDOWN_*` reason for a triple fault.
    HVM_PARAM_TRIPLE_FAULT_REASON = 31;
    /// First gfn of the ioreq server pages.
    HVM_PARAM_IOREQ_SERVER_PFN = 32;
    /// Number of ioreq server pages.
    HVM_PARAM_NR_IOREQ_SERVER_PAGES = 33;
    /// gpa of the VM generation identifier.
    HVM_PARAM_VM_GENERATION_ID_ADDR = 34;
    /// altp2m mode (`XEN_ALTP2M_*`).
    HVM_PARAM_ALTP2M = 35;
    /// Width in bytes of the saved x87 FIP and FDP (0, 4 or 8).
    HVM_PARAM_X87_FIP_WIDTH = 36;
    /// TSS for real mode: gpa in the low half, size in the high half.
    HVM_PARAM_VM86_TSS_SIZED = 37;
    /// Machine-check capabilities.
    HVM_PARAM_MCA_CAP = 38;
    /// Number of parameters.
    HVM_NR_PARAMS = 39;
}

/// `HVM_PARAM_CALLBACK_IRQ`: mask of the delivery type (`HVM_PARAM_CALLBACK_TYPE_*`, at bit 56).
pub const HVM_PARAM_CALLBACK_IRQ_TYPE_MASK: u64 = 0xff00_0000_0000_0000;

consts! { u64;
    /// Bits 55:0 are a GSI.
    HVM_PARAM_CALLBACK_TYPE_GSI = 0;
    /// Domain 47:32, bus 31:16, devfn 15:8, line 1:0.
    HVM_PARAM_CALLBACK_TYPE_PCI_INTX = 1;
    /// Bits 7:0 are a vector.
    HVM_PARAM_CALLBACK_TYPE_VECTOR = 2;
    /// Guest time waits for missed ticks.
    HVMPTM_DELAY_FOR_MISSED_TICKS = 0;
    /// Missed ticks are delivered; guest time is wallclock.
    HVMPTM_NO_DELAY_FOR_MISSED_TICKS = 1;
    /// Missed ticks are dropped.
    HVMPTM_NO_MISSED_TICKS_PENDING = 2;
    /// Missed ticks collapse into one.
    HVMPTM_ONE_MISSED_TICK_PENDING = 3;
    /// altp2m is not active.
    XEN_ALTP2M_DISABLED = 0;
    /// altp2m for the guest and external tools.
    XEN_ALTP2M_MIXED = 1;
    /// altp2m for external tools only.
    XEN_ALTP2M_EXTERNAL = 2;
    /// altp2m with limited guest access.
    XEN_ALTP2M_LIMITED = 3;
    /// `HVM_PARAM_MCA_CAP`: local machine checks.
    XEN_HVM_MCA_CAP_LMCE = 1;
    /// `HVM_PARAM_MCA_CAP`: mask of the known bits.
    XEN_HVM_MCA_CAP_MASK = XEN_HVM_MCA_CAP_LMCE;
}

consts! { u64;
    /// Hypercall, APIC, VP index and frequency MSRs.
    HVMPV_BASE_FREQ = 1 << 0;
    /// No frequency MSRs.
    HVMPV_NO_FREQ = 1 << 1;
    /// Reference time counter.
    HVMPV_TIME_REF_COUNT = 1 << 2;
    /// Reference TSC page.
    HVMPV_REFERENCE_TSC = 1 << 3;
    /// Remote TLB flush hypercall.
    HVMPV_HCALL_REMOTE_TLB_FLUSH = 1 << 4;
    /// APIC assist page.
    HVMPV_APIC_ASSIST = 1 << 5;
    /// Crash MSRs.
    HVMPV_CRASH_CTL = 1 << 6;
    /// Synthetic interrupt controller.
    HVMPV_SYNIC = 1 << 7;
    /// Synthetic timers.
    HVMPV_STIMER = 1 << 8;
    /// Cluster IPI hypercall.
    HVMPV_HCALL_IPI = 1 << 9;
    /// Extended processor masks.
    HVMPV_EX_PROCESSOR_MASKS = 1 << 10;
    /// More than 64 virtual processors.
    HVMPV_NO_VP_LIMIT = 1 << 11;
    /// vCPU hotplug.
    HVMPV_CPU_HOTPLUG = 1 << 12;
    /// All Viridian features.
    HVMPV_FEATURE_MASK = (1 << 13) - 1;
}
