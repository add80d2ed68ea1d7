//! Domain control against the C headers.

use xen_abi::domctl::*;

use crate::harness::Table;

/// Structs.
pub fn structs(table: &mut Table) {
    crate::structs! { table;
        Domctl = "struct xen_domctl" { cmd interface_version domain _pad u }
        DomctlCreatedomain = "struct xen_domctl_createdomain" {
            ssidref handle flags iommu_opts max_vcpus max_evtchn_port max_grant_frames max_maptrack_frames grant_opts
            altp2m_opts vmtrace_size cpupool_id arch
        }
        DomctlGetdomaininfo = "struct xen_domctl_getdomaininfo" {
            domain pad1 flags tot_pages max_pages outstanding_pages shr_pages paged_pages shared_info_frame cpu_time
            nr_online_vcpus max_vcpu_id ssidref handle cpupool gpaddr_bits pad2 arch_config
        }
        DomctlMaxMem = "struct xen_domctl_max_mem" { max_memkb }
        DomctlMaxVcpus = "struct xen_domctl_max_vcpus" { max }
        DomctlSetdomainhandle = "struct xen_domctl_setdomainhandle" { handle }
        DomctlSetdebugging = "struct xen_domctl_setdebugging" { enable }
        DomctlHypercallInit = "struct xen_domctl_hypercall_init" { gmfn }
        DomctlSettimeoffset = "struct xen_domctl_settimeoffset" { time_offset_seconds }
        DomctlTscInfo = "struct xen_domctl_tsc_info" { tsc_mode gtsc_khz incarnation pad elapsed_nsec }
        DomctlAddressSize = "struct xen_domctl_address_size" { size }
        DomctlSendtrigger = "struct xen_domctl_sendtrigger" { trigger vcpu }
        DomctlSetTarget = "struct xen_domctl_set_target" { target }
        DomctlSubscribe = "struct xen_domctl_subscribe" { port }
        DomctlSetVirqHandler = "struct xen_domctl_set_virq_handler" { virq }
        DomctlVcpucontext = "struct xen_domctl_vcpucontext" { vcpu ctxt }
        DomctlGetvcpuinfo = "struct xen_domctl_getvcpuinfo" {
            vcpu online blocked running cpu_time cpu
        }
        DomctlNodeaffinity = "struct xen_domctl_nodeaffinity" { nodemap }
        DomctlVcpuaffinity = "struct xen_domctl_vcpuaffinity" { vcpu flags cpumap_hard cpumap_soft }
        DomctlExtVcpucontext = "struct xen_domctl_ext_vcpucontext" {
            vcpu size syscall32_callback_eip sysenter_callback_eip syscall32_callback_cs sysenter_callback_cs
            syscall32_disables_events sysenter_disables_events vmce
        }
        DomctlVcpuextstate = "struct xen_domctl_vcpuextstate" { vcpu xfeature_mask size buffer }
        DomctlVcpuMsr = "struct xen_domctl_vcpu_msr" { index reserved value }
        DomctlVcpuMsrs = "struct xen_domctl_vcpu_msrs" { vcpu msr_count msrs }
        DomctlCpuPolicy = "struct xen_domctl_cpu_policy" {
            nr_leaves nr_msrs leaves msrs err_leaf err_subleaf err_msr
        }
        DomctlVnuma = "struct xen_domctl_vnuma" {
            nr_vnodes nr_vmemranges nr_vcpus pad vdistance vcpu_to_vnode vnode_to_pnode vmemrange
        }
        DomctlSchedCredit = "struct xen_domctl_sched_credit" { weight cap }
        DomctlSchedCredit2 = "struct xen_domctl_sched_credit2" { weight cap }
        DomctlSchedRtds = "struct xen_domctl_sched_rtds" { period budget flags }
        DomctlSchedparamVcpu = "struct xen_domctl_schedparam_vcpu" { u vcpuid }
        DomctlSchedulerOp = "struct xen_domctl_scheduler_op" { sched_id cmd u }
        DomctlSchedulerOpV = "__typeof__(((struct xen_domctl_scheduler_op *)0)->u.v)" { vcpus nr_vcpus padding }
        DomctlGetpageframeinfo3 = "struct xen_domctl_getpageframeinfo3" { num array }
        DomctlShadowOpStats = "struct xen_domctl_shadow_op_stats" { fault_count dirty_count }
        DomctlShadowOp = "struct xen_domctl_shadow_op" {
            op mode mb dirty_bitmap pages stats
        }
        DomctlPagingMempool = "struct xen_domctl_paging_mempool" { size }
        DomctlCacheflush = "struct xen_domctl_cacheflush" { start_pfn nr_pfns }
        DomctlAuditP2m = "struct xen_domctl_audit_p2m" { orphans m2p_bad p2m_bad }
        DomctlSetBrokenPageP2m = "struct xen_domctl_set_broken_page_p2m" { pfn }
        DomctlSetAccessRequired = "struct xen_domctl_set_access_required" { access_required }
        DomctlMemSharingOp = "struct xen_domctl_mem_sharing_op" { op u }
        DomctlSetLlcColors = "struct xen_domctl_set_llc_colors" { num_llc_colors pad llc_colors }
        DomctlIrqPermission = "struct xen_domctl_irq_permission" { pirq allow_access pad }
        DomctlGsiPermission = "struct xen_domctl_gsi_permission" { gsi flags }
        DomctlIomemPermission = "struct xen_domctl_iomem_permission" { first_mfn nr_mfns allow_access }
        DomctlIoportPermission = "struct xen_domctl_ioport_permission" { first_port nr_ports allow_access }
        DomctlAssignDevice = "struct xen_domctl_assign_device" { dev flags u }
        DomctlAssignDevicePci = "__typeof__(((struct xen_domctl_assign_device *)0)->u.pci)" { machine_sbdf }
        DomctlAssignDeviceDt = "__typeof__(((struct xen_domctl_assign_device *)0)->u.dt)" { size path }
        DomctlGetDeviceGroup = "struct xen_domctl_get_device_group" {
            machine_sbdf max_sdevs num_sdevs sdev_array
        }
        DomctlBindPtIrq = "struct xen_domctl_bind_pt_irq" { machine_irq irq_type u }
        DomctlBindPtIrqIsa = "__typeof__(((struct xen_domctl_bind_pt_irq *)0)->u.isa)" { isa_irq }
        DomctlBindPtIrqPci = "__typeof__(((struct xen_domctl_bind_pt_irq *)0)->u.pci)" { bus device intx }
        DomctlBindPtIrqMsi = "__typeof__(((struct xen_domctl_bind_pt_irq *)0)->u.msi)" { gvec gflags gtable }
        DomctlBindPtIrqSpi = "__typeof__(((struct xen_domctl_bind_pt_irq *)0)->u.spi)" { spi }
        DomctlMemoryMapping = "struct xen_domctl_memory_mapping" {
            first_gfn first_mfn nr_mfns add_mapping padding
        }
        DomctlIoportMapping = "struct xen_domctl_ioport_mapping" {
            first_gport first_mport nr_ports add_mapping
        }
        DomctlHvmcontext = "struct xen_domctl_hvmcontext" { size buffer }
        DomctlHvmcontextPartial = "struct xen_domctl_hvmcontext_partial" { r#type instance bufsz buffer }
        DomctlDebugOp = "struct xen_domctl_debug_op" { op vcpu }
        DomctlGdbsxMemio = "struct xen_domctl_gdbsx_memio" {
            pgd3val gva uva len gwr remain
        }
        DomctlGdbsxPauseunpVcpu = "struct xen_domctl_gdbsx_pauseunp_vcpu" { vcpu }
        DomctlGdbsxDomstatus = "struct xen_domctl_gdbsx_domstatus" { paused vcpu_id vcpu_ev }
        DomctlVmEventOp = "struct xen_domctl_vm_event_op" { op mode u }
        DomctlMonitorOp = "struct xen_domctl_monitor_op" { op event u }
        DomctlMonitorOpMovToCr = "__typeof__(((struct xen_domctl_monitor_op *)0)->u.mov_to_cr)" {
            index sync onchangeonly pad1 pad2 bitmask
        }
        DomctlMonitorOpMovToMsr = "__typeof__(((struct xen_domctl_monitor_op *)0)->u.mov_to_msr)" {
            msr onchangeonly
        }
        DomctlMonitorOpGuestRequest = "__typeof__(((struct xen_domctl_monitor_op *)0)->u.guest_request)" {
            sync allow_userspace
        }
        DomctlMonitorOpDebugException = "__typeof__(((struct xen_domctl_monitor_op *)0)->u.debug_exception)" {
            sync
        }
        DomctlMonitorOpVmexit = "__typeof__(((struct xen_domctl_monitor_op *)0)->u.vmexit)" { sync }
        DomctlPsrCmtOp = "struct xen_domctl_psr_cmt_op" { cmd data }
        DomctlPsrAlloc = "struct xen_domctl_psr_alloc" { cmd target data }
        DomctlVuartOp = "struct xen_domctl_vuart_op" {
            cmd r#type gfn console_domid pad evtchn
        }
        DomctlVmtraceOp = "struct xen_domctl_vmtrace_op" { cmd vcpu key value }
    }
}

/// Constants.
pub fn numbers(table: &mut Table) {
    crate::numbers! { table;
        "XEN_DOMCTL_INTERFACE_VERSION" = XEN_DOMCTL_INTERFACE_VERSION
        "XEN_DOMCTL_createdomain" = XEN_DOMCTL_CREATEDOMAIN
        "XEN_DOMCTL_destroydomain" = XEN_DOMCTL_DESTROYDOMAIN
        "XEN_DOMCTL_pausedomain" = XEN_DOMCTL_PAUSEDOMAIN
        "XEN_DOMCTL_unpausedomain" = XEN_DOMCTL_UNPAUSEDOMAIN
        "XEN_DOMCTL_getdomaininfo" = XEN_DOMCTL_GETDOMAININFO
        "XEN_DOMCTL_setvcpuaffinity" = XEN_DOMCTL_SETVCPUAFFINITY
        "XEN_DOMCTL_shadow_op" = XEN_DOMCTL_SHADOW_OP
        "XEN_DOMCTL_max_mem" = XEN_DOMCTL_MAX_MEM
        "XEN_DOMCTL_setvcpucontext" = XEN_DOMCTL_SETVCPUCONTEXT
        "XEN_DOMCTL_getvcpucontext" = XEN_DOMCTL_GETVCPUCONTEXT
        "XEN_DOMCTL_getvcpuinfo" = XEN_DOMCTL_GETVCPUINFO
        "XEN_DOMCTL_max_vcpus" = XEN_DOMCTL_MAX_VCPUS
        "XEN_DOMCTL_scheduler_op" = XEN_DOMCTL_SCHEDULER_OP
        "XEN_DOMCTL_setdomainhandle" = XEN_DOMCTL_SETDOMAINHANDLE
        "XEN_DOMCTL_setdebugging" = XEN_DOMCTL_SETDEBUGGING
        "XEN_DOMCTL_irq_permission" = XEN_DOMCTL_IRQ_PERMISSION
        "XEN_DOMCTL_iomem_permission" = XEN_DOMCTL_IOMEM_PERMISSION
        "XEN_DOMCTL_ioport_permission" = XEN_DOMCTL_IOPORT_PERMISSION
        "XEN_DOMCTL_hypercall_init" = XEN_DOMCTL_HYPERCALL_INIT
        "XEN_DOMCTL_settimeoffset" = XEN_DOMCTL_SETTIMEOFFSET
        "XEN_DOMCTL_getvcpuaffinity" = XEN_DOMCTL_GETVCPUAFFINITY
        "XEN_DOMCTL_real_mode_area" = XEN_DOMCTL_REAL_MODE_AREA
        "XEN_DOMCTL_resumedomain" = XEN_DOMCTL_RESUMEDOMAIN
        "XEN_DOMCTL_sendtrigger" = XEN_DOMCTL_SENDTRIGGER
        "XEN_DOMCTL_subscribe" = XEN_DOMCTL_SUBSCRIBE
        "XEN_DOMCTL_gethvmcontext" = XEN_DOMCTL_GETHVMCONTEXT
        "XEN_DOMCTL_sethvmcontext" = XEN_DOMCTL_SETHVMCONTEXT
        "XEN_DOMCTL_set_address_size" = XEN_DOMCTL_SET_ADDRESS_SIZE
        "XEN_DOMCTL_get_address_size" = XEN_DOMCTL_GET_ADDRESS_SIZE
        "XEN_DOMCTL_assign_device" = XEN_DOMCTL_ASSIGN_DEVICE
        "XEN_DOMCTL_bind_pt_irq" = XEN_DOMCTL_BIND_PT_IRQ
        "XEN_DOMCTL_memory_mapping" = XEN_DOMCTL_MEMORY_MAPPING
        "XEN_DOMCTL_ioport_mapping" = XEN_DOMCTL_IOPORT_MAPPING
        "XEN_DOMCTL_set_ext_vcpucontext" = XEN_DOMCTL_SET_EXT_VCPUCONTEXT
        "XEN_DOMCTL_get_ext_vcpucontext" = XEN_DOMCTL_GET_EXT_VCPUCONTEXT
        "XEN_DOMCTL_set_opt_feature" = XEN_DOMCTL_SET_OPT_FEATURE
        "XEN_DOMCTL_test_assign_device" = XEN_DOMCTL_TEST_ASSIGN_DEVICE
        "XEN_DOMCTL_set_target" = XEN_DOMCTL_SET_TARGET
        "XEN_DOMCTL_deassign_device" = XEN_DOMCTL_DEASSIGN_DEVICE
        "XEN_DOMCTL_unbind_pt_irq" = XEN_DOMCTL_UNBIND_PT_IRQ
        "XEN_DOMCTL_get_device_group" = XEN_DOMCTL_GET_DEVICE_GROUP
        "XEN_DOMCTL_debug_op" = XEN_DOMCTL_DEBUG_OP
        "XEN_DOMCTL_gethvmcontext_partial" = XEN_DOMCTL_GETHVMCONTEXT_PARTIAL
        "XEN_DOMCTL_vm_event_op" = XEN_DOMCTL_VM_EVENT_OP
        "XEN_DOMCTL_mem_sharing_op" = XEN_DOMCTL_MEM_SHARING_OP
        "XEN_DOMCTL_gettscinfo" = XEN_DOMCTL_GETTSCINFO
        "XEN_DOMCTL_settscinfo" = XEN_DOMCTL_SETTSCINFO
        "XEN_DOMCTL_getpageframeinfo3" = XEN_DOMCTL_GETPAGEFRAMEINFO3
        "XEN_DOMCTL_setvcpuextstate" = XEN_DOMCTL_SETVCPUEXTSTATE
        "XEN_DOMCTL_getvcpuextstate" = XEN_DOMCTL_GETVCPUEXTSTATE
        "XEN_DOMCTL_set_access_required" = XEN_DOMCTL_SET_ACCESS_REQUIRED
        "XEN_DOMCTL_audit_p2m" = XEN_DOMCTL_AUDIT_P2M
        "XEN_DOMCTL_set_virq_handler" = XEN_DOMCTL_SET_VIRQ_HANDLER
        "XEN_DOMCTL_set_broken_page_p2m" = XEN_DOMCTL_SET_BROKEN_PAGE_P2M
        "XEN_DOMCTL_setnodeaffinity" = XEN_DOMCTL_SETNODEAFFINITY
        "XEN_DOMCTL_getnodeaffinity" = XEN_DOMCTL_GETNODEAFFINITY
        "XEN_DOMCTL_cacheflush" = XEN_DOMCTL_CACHEFLUSH
        "XEN_DOMCTL_get_vcpu_msrs" = XEN_DOMCTL_GET_VCPU_MSRS
        "XEN_DOMCTL_set_vcpu_msrs" = XEN_DOMCTL_SET_VCPU_MSRS
        "XEN_DOMCTL_setvnumainfo" = XEN_DOMCTL_SETVNUMAINFO
        "XEN_DOMCTL_psr_cmt_op" = XEN_DOMCTL_PSR_CMT_OP
        "XEN_DOMCTL_monitor_op" = XEN_DOMCTL_MONITOR_OP
        "XEN_DOMCTL_psr_alloc" = XEN_DOMCTL_PSR_ALLOC
        "XEN_DOMCTL_soft_reset" = XEN_DOMCTL_SOFT_RESET
        "XEN_DOMCTL_vuart_op" = XEN_DOMCTL_VUART_OP
        "XEN_DOMCTL_get_cpu_policy" = XEN_DOMCTL_GET_CPU_POLICY
        "XEN_DOMCTL_set_cpu_policy" = XEN_DOMCTL_SET_CPU_POLICY
        "XEN_DOMCTL_vmtrace_op" = XEN_DOMCTL_VMTRACE_OP
        "XEN_DOMCTL_get_paging_mempool_size" = XEN_DOMCTL_GET_PAGING_MEMPOOL_SIZE
        "XEN_DOMCTL_set_paging_mempool_size" = XEN_DOMCTL_SET_PAGING_MEMPOOL_SIZE
        "XEN_DOMCTL_dt_overlay" = XEN_DOMCTL_DT_OVERLAY
        "XEN_DOMCTL_gsi_permission" = XEN_DOMCTL_GSI_PERMISSION
        "XEN_DOMCTL_set_llc_colors" = XEN_DOMCTL_SET_LLC_COLORS
        "XEN_DOMCTL_gdbsx_guestmemio" = XEN_DOMCTL_GDBSX_GUESTMEMIO
        "XEN_DOMCTL_gdbsx_pausevcpu" = XEN_DOMCTL_GDBSX_PAUSEVCPU
        "XEN_DOMCTL_gdbsx_unpausevcpu" = XEN_DOMCTL_GDBSX_UNPAUSEVCPU
        "XEN_DOMCTL_gdbsx_domstatus" = XEN_DOMCTL_GDBSX_DOMSTATUS
        "XEN_DOMCTL_CDF_hvm" = XEN_DOMCTL_CDF_HVM
        "XEN_DOMCTL_CDF_hap" = XEN_DOMCTL_CDF_HAP
        "XEN_DOMCTL_CDF_s3_integrity" = XEN_DOMCTL_CDF_S3_INTEGRITY
        "XEN_DOMCTL_CDF_oos_off" = XEN_DOMCTL_CDF_OOS_OFF
        "XEN_DOMCTL_CDF_xs_domain" = XEN_DOMCTL_CDF_XS_DOMAIN
        "XEN_DOMCTL_CDF_iommu" = XEN_DOMCTL_CDF_IOMMU
        "XEN_DOMCTL_CDF_nested_virt" = XEN_DOMCTL_CDF_NESTED_VIRT
        "XEN_DOMCTL_CDF_vpmu" = XEN_DOMCTL_CDF_VPMU
        "XEN_DOMCTL_CDF_MAX" = XEN_DOMCTL_CDF_MAX
        "XEN_DOMCTL_IOMMU_no_sharept" = XEN_DOMCTL_IOMMU_NO_SHAREPT
        "XEN_DOMCTL_IOMMU_MAX" = XEN_DOMCTL_IOMMU_MAX
        "XEN_DOMCTL_GRANT_version_mask" = XEN_DOMCTL_GRANT_VERSION_MASK
        "XEN_DOMCTL_ALTP2M_mixed" = XEN_DOMCTL_ALTP2M_MIXED
        "XEN_DOMCTL_ALTP2M_external" = XEN_DOMCTL_ALTP2M_EXTERNAL
        "XEN_DOMCTL_ALTP2M_limited" = XEN_DOMCTL_ALTP2M_LIMITED
        "XEN_DOMCTL_ALTP2M_mode_mask" = XEN_DOMCTL_ALTP2M_MODE_MASK
        "XEN_DOMINF_dying" = XEN_DOMINF_DYING
        "XEN_DOMINF_hvm_guest" = XEN_DOMINF_HVM_GUEST
        "XEN_DOMINF_shutdown" = XEN_DOMINF_SHUTDOWN
        "XEN_DOMINF_paused" = XEN_DOMINF_PAUSED
        "XEN_DOMINF_blocked" = XEN_DOMINF_BLOCKED
        "XEN_DOMINF_running" = XEN_DOMINF_RUNNING
        "XEN_DOMINF_debugged" = XEN_DOMINF_DEBUGGED
        "XEN_DOMINF_xs_domain" = XEN_DOMINF_XS_DOMAIN
        "XEN_DOMINF_hap" = XEN_DOMINF_HAP
        "XEN_DOMINF_shutdownmask" = XEN_DOMINF_SHUTDOWNMASK
        "XEN_DOMINF_shutdownshift" = XEN_DOMINF_SHUTDOWNSHIFT
        "XEN_INVALID_MAX_VCPU_ID" = XEN_INVALID_MAX_VCPU_ID
        "XEN_DOMCTL_SENDTRIGGER_NMI" = XEN_DOMCTL_SENDTRIGGER_NMI
        "XEN_DOMCTL_SENDTRIGGER_RESET" = XEN_DOMCTL_SENDTRIGGER_RESET
        "XEN_DOMCTL_SENDTRIGGER_INIT" = XEN_DOMCTL_SENDTRIGGER_INIT
        "XEN_DOMCTL_SENDTRIGGER_POWER" = XEN_DOMCTL_SENDTRIGGER_POWER
        "XEN_DOMCTL_SENDTRIGGER_SLEEP" = XEN_DOMCTL_SENDTRIGGER_SLEEP
        "XEN_VCPUAFFINITY_HARD" = XEN_VCPUAFFINITY_HARD
        "XEN_VCPUAFFINITY_SOFT" = XEN_VCPUAFFINITY_SOFT
        "XEN_VCPUAFFINITY_FORCE" = XEN_VCPUAFFINITY_FORCE
        "XEN_CPUID_INPUT_UNUSED" = XEN_CPUID_INPUT_UNUSED
        "XEN_SCHEDULER_CREDIT" = XEN_SCHEDULER_CREDIT
        "XEN_SCHEDULER_CREDIT2" = XEN_SCHEDULER_CREDIT2
        "XEN_SCHEDULER_ARINC653" = XEN_SCHEDULER_ARINC653
        "XEN_SCHEDULER_RTDS" = XEN_SCHEDULER_RTDS
        "XEN_SCHEDULER_NULL" = XEN_SCHEDULER_NULL
        "XEN_DOMCTL_SCHEDRT_extra" = XEN_DOMCTL_SCHEDRT_EXTRA
        "XEN_DOMCTL_SCHEDOP_putinfo" = XEN_DOMCTL_SCHEDOP_PUTINFO
        "XEN_DOMCTL_SCHEDOP_getinfo" = XEN_DOMCTL_SCHEDOP_GETINFO
        "XEN_DOMCTL_SCHEDOP_putvcpuinfo" = XEN_DOMCTL_SCHEDOP_PUTVCPUINFO
        "XEN_DOMCTL_SCHEDOP_getvcpuinfo" = XEN_DOMCTL_SCHEDOP_GETVCPUINFO
        "XEN_DOMCTL_PFINFO_LTAB_SHIFT" = XEN_DOMCTL_PFINFO_LTAB_SHIFT
        "XEN_DOMCTL_PFINFO_NOTAB" = XEN_DOMCTL_PFINFO_NOTAB
        "XEN_DOMCTL_PFINFO_L1TAB" = XEN_DOMCTL_PFINFO_L1TAB
        "XEN_DOMCTL_PFINFO_L2TAB" = XEN_DOMCTL_PFINFO_L2TAB
        "XEN_DOMCTL_PFINFO_L3TAB" = XEN_DOMCTL_PFINFO_L3TAB
        "XEN_DOMCTL_PFINFO_L4TAB" = XEN_DOMCTL_PFINFO_L4TAB
        "XEN_DOMCTL_PFINFO_LTABTYPE_MASK" = XEN_DOMCTL_PFINFO_LTABTYPE_MASK
        "XEN_DOMCTL_PFINFO_LPINTAB" = XEN_DOMCTL_PFINFO_LPINTAB
        "XEN_DOMCTL_PFINFO_XTAB" = XEN_DOMCTL_PFINFO_XTAB
        "XEN_DOMCTL_PFINFO_XALLOC" = XEN_DOMCTL_PFINFO_XALLOC
        "XEN_DOMCTL_PFINFO_BROKEN" = XEN_DOMCTL_PFINFO_BROKEN
        "XEN_DOMCTL_PFINFO_LTAB_MASK" = XEN_DOMCTL_PFINFO_LTAB_MASK
        "XEN_DOMCTL_SHADOW_OP_OFF" = XEN_DOMCTL_SHADOW_OP_OFF
        "XEN_DOMCTL_SHADOW_OP_ENABLE" = XEN_DOMCTL_SHADOW_OP_ENABLE
        "XEN_DOMCTL_SHADOW_OP_CLEAN" = XEN_DOMCTL_SHADOW_OP_CLEAN
        "XEN_DOMCTL_SHADOW_OP_PEEK" = XEN_DOMCTL_SHADOW_OP_PEEK
        "XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION" = XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION
        "XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION" = XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION
        "XEN_DOMCTL_SHADOW_OP_ENABLE_TEST" = XEN_DOMCTL_SHADOW_OP_ENABLE_TEST
        "XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY" = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY
        "XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT" = XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT
        "XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY" = XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY
        "XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE" = XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE
        "XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL" = XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL
        "XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL" = XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL
        "XEN_DOMCTL_MEM_SHARING_CONTROL" = XEN_DOMCTL_MEM_SHARING_CONTROL
        "XEN_DOMCTL_GSI_REVOKE" = XEN_DOMCTL_GSI_REVOKE
        "XEN_DOMCTL_GSI_GRANT" = XEN_DOMCTL_GSI_GRANT
        "XEN_DOMCTL_GSI_ACTION_MASK" = XEN_DOMCTL_GSI_ACTION_MASK
        "XEN_DOMCTL_DEV_PCI" = XEN_DOMCTL_DEV_PCI
        "XEN_DOMCTL_DEV_DT" = XEN_DOMCTL_DEV_DT
        "XEN_DOMCTL_DEV_RDM_RELAXED" = XEN_DOMCTL_DEV_RDM_RELAXED
        "PT_IRQ_TYPE_PCI" = PT_IRQ_TYPE_PCI
        "PT_IRQ_TYPE_ISA" = PT_IRQ_TYPE_ISA
        "PT_IRQ_TYPE_MSI" = PT_IRQ_TYPE_MSI
        "PT_IRQ_TYPE_MSI_TRANSLATE" = PT_IRQ_TYPE_MSI_TRANSLATE
        "PT_IRQ_TYPE_SPI" = PT_IRQ_TYPE_SPI
        "XEN_DOMCTL_VMSI_X86_DEST_ID_MASK" = XEN_DOMCTL_VMSI_X86_DEST_ID_MASK
        "XEN_DOMCTL_VMSI_X86_RH_MASK" = XEN_DOMCTL_VMSI_X86_RH_MASK
        "XEN_DOMCTL_VMSI_X86_DM_MASK" = XEN_DOMCTL_VMSI_X86_DM_MASK
        "XEN_DOMCTL_VMSI_X86_DELIV_MASK" = XEN_DOMCTL_VMSI_X86_DELIV_MASK
        "XEN_DOMCTL_VMSI_X86_TRIG_MASK" = XEN_DOMCTL_VMSI_X86_TRIG_MASK
        "XEN_DOMCTL_VMSI_X86_UNMASKED" = XEN_DOMCTL_VMSI_X86_UNMASKED
        "DPCI_ADD_MAPPING" = DPCI_ADD_MAPPING
        "DPCI_REMOVE_MAPPING" = DPCI_REMOVE_MAPPING
        "XEN_DOMCTL_MEM_CACHEATTR_UC" = XEN_DOMCTL_MEM_CACHEATTR_UC
        "XEN_DOMCTL_MEM_CACHEATTR_WC" = XEN_DOMCTL_MEM_CACHEATTR_WC
        "XEN_DOMCTL_MEM_CACHEATTR_WT" = XEN_DOMCTL_MEM_CACHEATTR_WT
        "XEN_DOMCTL_MEM_CACHEATTR_WP" = XEN_DOMCTL_MEM_CACHEATTR_WP
        "XEN_DOMCTL_MEM_CACHEATTR_WB" = XEN_DOMCTL_MEM_CACHEATTR_WB
        "XEN_DOMCTL_MEM_CACHEATTR_UCM" = XEN_DOMCTL_MEM_CACHEATTR_UCM
        "XEN_DOMCTL_DELETE_MEM_CACHEATTR" = XEN_DOMCTL_DELETE_MEM_CACHEATTR
        "XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_OFF" = XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_OFF
        "XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_ON" = XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_ON
        "XEN_VM_EVENT_ENABLE" = XEN_VM_EVENT_ENABLE
        "XEN_VM_EVENT_DISABLE" = XEN_VM_EVENT_DISABLE
        "XEN_VM_EVENT_RESUME" = XEN_VM_EVENT_RESUME
        "XEN_VM_EVENT_GET_VERSION" = XEN_VM_EVENT_GET_VERSION
        "XEN_DOMCTL_VM_EVENT_OP_PAGING" = XEN_DOMCTL_VM_EVENT_OP_PAGING
        "XEN_DOMCTL_VM_EVENT_OP_MONITOR" = XEN_DOMCTL_VM_EVENT_OP_MONITOR
        "XEN_DOMCTL_VM_EVENT_OP_SHARING" = XEN_DOMCTL_VM_EVENT_OP_SHARING
        "XEN_DOMCTL_MONITOR_OP_ENABLE" = XEN_DOMCTL_MONITOR_OP_ENABLE
        "XEN_DOMCTL_MONITOR_OP_DISABLE" = XEN_DOMCTL_MONITOR_OP_DISABLE
        "XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES" = XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES
        "XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP" = XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP
        "XEN_DOMCTL_MONITOR_OP_CONTROL_REGISTERS" = XEN_DOMCTL_MONITOR_OP_CONTROL_REGISTERS
        "XEN_DOMCTL_MONITOR_EVENT_WRITE_CTRLREG" = XEN_DOMCTL_MONITOR_EVENT_WRITE_CTRLREG
        "XEN_DOMCTL_MONITOR_EVENT_MOV_TO_MSR" = XEN_DOMCTL_MONITOR_EVENT_MOV_TO_MSR
        "XEN_DOMCTL_MONITOR_EVENT_SINGLESTEP" = XEN_DOMCTL_MONITOR_EVENT_SINGLESTEP
        "XEN_DOMCTL_MONITOR_EVENT_SOFTWARE_BREAKPOINT" = XEN_DOMCTL_MONITOR_EVENT_SOFTWARE_BREAKPOINT
        "XEN_DOMCTL_MONITOR_EVENT_GUEST_REQUEST" = XEN_DOMCTL_MONITOR_EVENT_GUEST_REQUEST
        "XEN_DOMCTL_MONITOR_EVENT_DEBUG_EXCEPTION" = XEN_DOMCTL_MONITOR_EVENT_DEBUG_EXCEPTION
        "XEN_DOMCTL_MONITOR_EVENT_CPUID" = XEN_DOMCTL_MONITOR_EVENT_CPUID
        "XEN_DOMCTL_MONITOR_EVENT_PRIVILEGED_CALL" = XEN_DOMCTL_MONITOR_EVENT_PRIVILEGED_CALL
        "XEN_DOMCTL_MONITOR_EVENT_INTERRUPT" = XEN_DOMCTL_MONITOR_EVENT_INTERRUPT
        "XEN_DOMCTL_MONITOR_EVENT_DESC_ACCESS" = XEN_DOMCTL_MONITOR_EVENT_DESC_ACCESS
        "XEN_DOMCTL_MONITOR_EVENT_EMUL_UNIMPLEMENTED" = XEN_DOMCTL_MONITOR_EVENT_EMUL_UNIMPLEMENTED
        "XEN_DOMCTL_MONITOR_EVENT_INGUEST_PAGEFAULT" = XEN_DOMCTL_MONITOR_EVENT_INGUEST_PAGEFAULT
        "XEN_DOMCTL_MONITOR_EVENT_VMEXIT" = XEN_DOMCTL_MONITOR_EVENT_VMEXIT
        "XEN_DOMCTL_MONITOR_EVENT_IO" = XEN_DOMCTL_MONITOR_EVENT_IO
        "XEN_DOMCTL_PSR_CMT_OP_DETACH" = XEN_DOMCTL_PSR_CMT_OP_DETACH
        "XEN_DOMCTL_PSR_CMT_OP_ATTACH" = XEN_DOMCTL_PSR_CMT_OP_ATTACH
        "XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID" = XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID
        "XEN_DOMCTL_PSR_SET_L3_CBM" = XEN_DOMCTL_PSR_SET_L3_CBM
        "XEN_DOMCTL_PSR_GET_L3_CBM" = XEN_DOMCTL_PSR_GET_L3_CBM
        "XEN_DOMCTL_PSR_SET_L3_CODE" = XEN_DOMCTL_PSR_SET_L3_CODE
        "XEN_DOMCTL_PSR_SET_L3_DATA" = XEN_DOMCTL_PSR_SET_L3_DATA
        "XEN_DOMCTL_PSR_GET_L3_CODE" = XEN_DOMCTL_PSR_GET_L3_CODE
        "XEN_DOMCTL_PSR_GET_L3_DATA" = XEN_DOMCTL_PSR_GET_L3_DATA
        "XEN_DOMCTL_PSR_SET_L2_CBM" = XEN_DOMCTL_PSR_SET_L2_CBM
        "XEN_DOMCTL_PSR_GET_L2_CBM" = XEN_DOMCTL_PSR_GET_L2_CBM
        "XEN_DOMCTL_PSR_SET_MBA_THRTL" = XEN_DOMCTL_PSR_SET_MBA_THRTL
        "XEN_DOMCTL_PSR_GET_MBA_THRTL" = XEN_DOMCTL_PSR_GET_MBA_THRTL
        "XEN_DOMCTL_VUART_OP_INIT" = XEN_DOMCTL_VUART_OP_INIT
        "XEN_DOMCTL_VUART_TYPE_VPL011" = XEN_DOMCTL_VUART_TYPE_VPL011
        "XEN_DOMCTL_vmtrace_enable" = XEN_DOMCTL_VMTRACE_ENABLE
        "XEN_DOMCTL_vmtrace_disable" = XEN_DOMCTL_VMTRACE_DISABLE
        "XEN_DOMCTL_vmtrace_reset_and_enable" = XEN_DOMCTL_VMTRACE_RESET_AND_ENABLE
        "XEN_DOMCTL_vmtrace_output_position" = XEN_DOMCTL_VMTRACE_OUTPUT_POSITION
        "XEN_DOMCTL_vmtrace_get_option" = XEN_DOMCTL_VMTRACE_GET_OPTION
        "XEN_DOMCTL_vmtrace_set_option" = XEN_DOMCTL_VMTRACE_SET_OPTION
    }
}
