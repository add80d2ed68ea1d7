//! System control against the C headers.

use xen_abi::sysctl::*;

use crate::harness::Table;

/// Structs.
pub fn structs(table: &mut Table) {
    crate::structs! { table;
        Sysctl = "struct xen_sysctl" { cmd interface_version u }
        SysctlReadconsole = "struct xen_sysctl_readconsole" {
            clear incremental pad0 pad1 index buffer count
        }
        SysctlPhysinfo = "struct xen_sysctl_physinfo" {
            threads_per_core cores_per_socket nr_cpus max_cpu_id nr_nodes max_node_id cpu_khz capabilities
            arch_capabilities pad total_pages free_pages scrub_pages outstanding_pages max_mfn hw_cap
        }
        SysctlSchedId = "struct xen_sysctl_sched_id" { sched_id }
        SysctlGetdomaininfolist = "struct xen_sysctl_getdomaininfolist" {
            first_domain max_domains buffer num_domains
        }
        SysctlDebugKeys = "struct xen_sysctl_debug_keys" { keys nr_keys }
        SysctlCpuinfo = "struct xen_sysctl_cpuinfo" { idletime }
        SysctlGetcpuinfo = "struct xen_sysctl_getcpuinfo" { max_cpus info nr_cpus }
        SysctlAvailheap = "struct xen_sysctl_availheap" { min_bitwidth max_bitwidth node avail_bytes }
        SysctlCpuHotplug = "struct xen_sysctl_cpu_hotplug" { cpu op }
        SysctlPageOfflineOp = "struct xen_sysctl_page_offline_op" { cmd start end status }
        SysctlTbufOp = "struct xen_sysctl_tbuf_op" { cmd cpu_mask evt_mask buffer_mfn size }
        SysctlPerfcDesc = "struct xen_sysctl_perfc_desc" { name nr_vals }
        SysctlPerfcOp = "struct xen_sysctl_perfc_op" { cmd nr_counters nr_vals desc val }
        SysctlLockprofData = "struct xen_sysctl_lockprof_data" {
            name r#type idx lock_cnt block_cnt lock_time block_time
        }
        SysctlLockprofOp = "struct xen_sysctl_lockprof_op" { cmd max_elem nr_elem time data }
        SysctlCoverageOp = "struct xen_sysctl_coverage_op" { cmd size buffer }
        SysctlCputopo = "struct xen_sysctl_cputopo" { core socket node }
        SysctlCputopoinfo = "struct xen_sysctl_cputopoinfo" { num_cpus cputopo }
        SysctlMeminfo = "struct xen_sysctl_meminfo" { memsize memfree }
        SysctlNumainfo = "struct xen_sysctl_numainfo" { num_nodes meminfo distance }
        SysctlPcitopoinfo = "struct xen_sysctl_pcitopoinfo" { num_devs devs nodes }
        SysctlCpupoolOp = "struct xen_sysctl_cpupool_op" {
            op cpupool_id sched_id domid cpu n_dom cpumap
        }
        SysctlArinc653ScheduleSchedEntries = "__typeof__(((struct xen_sysctl_arinc653_schedule *)0)->sched_entries[0])" {
            dom_handle vcpu_id runtime
        }
        SysctlArinc653Schedule = "struct xen_sysctl_arinc653_schedule" {
            major_frame num_sched_entries sched_entries
        }
        SysctlCreditSchedule = "struct xen_sysctl_credit_schedule" { tslice_ms ratelimit_us vcpu_migr_delay_us }
        SysctlCredit2Schedule = "struct xen_sysctl_credit2_schedule" { ratelimit_us }
        SysctlSchedArinc653 = "struct xen_sysctl_sched_arinc653" { schedule }
        SysctlSchedulerOp = "struct xen_sysctl_scheduler_op" { cpupool_id sched_id cmd u }
        SysctlCpuLevellingCaps = "struct xen_sysctl_cpu_levelling_caps" { caps }
        SysctlCpuFeatureset = "struct xen_sysctl_cpu_featureset" { index nr_features features }
        SysctlCpuPolicy = "struct xen_sysctl_cpu_policy" {
            index nr_leaves nr_msrs _rsvd leaves msrs
        }
        SysctlPsrCmtOp = "struct xen_sysctl_psr_cmt_op" { cmd flags u }
        SysctlPsrCmtOpL3Cache = "__typeof__(((struct xen_sysctl_psr_cmt_op *)0)->u.l3_cache)" { cpu rsvd }
        SysctlPsrAlloc = "struct xen_sysctl_psr_alloc" { cmd target u }
        SysctlPsrAllocCatInfo = "__typeof__(((struct xen_sysctl_psr_alloc *)0)->u.cat_info)" {
            cbm_len cos_max flags
        }
        SysctlPsrAllocMbaInfo = "__typeof__(((struct xen_sysctl_psr_alloc *)0)->u.mba_info)" {
            thrtl_max cos_max flags
        }
        PmPxVal = "struct pm_px_val" { freq residency count }
        PmPxStat = "struct pm_px_stat" {
            total usable last cur trans_pt pt
        }
        PmCxStat = "struct pm_cx_stat" {
            nr last idle_time triggers residencies nr_pc nr_cc pc cc
        }
        SysctlGetPmstat = "struct xen_sysctl_get_pmstat" { r#type cpuid u }
        Userspace = "struct xen_userspace" { scaling_setspeed }
        Ondemand = "struct xen_ondemand" { sampling_rate_max sampling_rate_min sampling_rate up_threshold }
        CppcPara = "struct xen_cppc_para" {
            features lowest lowest_nonlinear nominal highest minimum maximum desired energy_perf activity_window
        }
        SetCppcPara = "struct xen_set_cppc_para" {
            set_params minimum maximum desired energy_perf activity_window
        }
        GetCpufreqPara = "struct xen_get_cpufreq_para" {
            cpu_num freq_num gov_num affected_cpus scaling_available_frequencies scaling_available_governors
            scaling_driver cpuinfo_cur_freq cpuinfo_max_freq cpuinfo_min_freq u turbo_enabled
        }
        GetCpufreqParaS = "__typeof__(((struct xen_get_cpufreq_para *)0)->u.s)" {
            scaling_cur_freq scaling_governor scaling_max_freq scaling_min_freq u
        }
        SetCpufreqGov = "struct xen_set_cpufreq_gov" { scaling_governor }
        SetCpufreqPara = "struct xen_set_cpufreq_para" { ctrl_type ctrl_value }
        SysctlPmOp = "struct xen_sysctl_pm_op" { cmd cpuid u }
        LivepatchName = "struct xen_livepatch_name" { name size pad }
        SysctlLivepatchUpload = "struct xen_sysctl_livepatch_upload" { name size payload }
        LivepatchStatus = "struct xen_livepatch_status" { state rc }
        SysctlLivepatchGet = "struct xen_sysctl_livepatch_get" { name status }
        SysctlLivepatchList = "struct xen_sysctl_livepatch_list" {
            version idx nr pad name_total_size metadata_total_size status name len metadata metadata_len
        }
        SysctlLivepatchAction = "struct xen_sysctl_livepatch_action" { name cmd timeout flags pad }
        SysctlLivepatchOp = "struct xen_sysctl_livepatch_op" { cmd flags u }
    }
}

/// Constants.
pub fn numbers(table: &mut Table) {
    crate::numbers! { table;
        "XEN_SYSCTL_INTERFACE_VERSION" = XEN_SYSCTL_INTERFACE_VERSION
        "XEN_SYSCTL_readconsole" = XEN_SYSCTL_READCONSOLE
        "XEN_SYSCTL_tbuf_op" = XEN_SYSCTL_TBUF_OP
        "XEN_SYSCTL_physinfo" = XEN_SYSCTL_PHYSINFO
        "XEN_SYSCTL_sched_id" = XEN_SYSCTL_SCHED_ID
        "XEN_SYSCTL_perfc_op" = XEN_SYSCTL_PERFC_OP
        "XEN_SYSCTL_getdomaininfolist" = XEN_SYSCTL_GETDOMAININFOLIST
        "XEN_SYSCTL_debug_keys" = XEN_SYSCTL_DEBUG_KEYS
        "XEN_SYSCTL_getcpuinfo" = XEN_SYSCTL_GETCPUINFO
        "XEN_SYSCTL_availheap" = XEN_SYSCTL_AVAILHEAP
        "XEN_SYSCTL_get_pmstat" = XEN_SYSCTL_GET_PMSTAT
        "XEN_SYSCTL_cpu_hotplug" = XEN_SYSCTL_CPU_HOTPLUG
        "XEN_SYSCTL_pm_op" = XEN_SYSCTL_PM_OP
        "XEN_SYSCTL_page_offline_op" = XEN_SYSCTL_PAGE_OFFLINE_OP
        "XEN_SYSCTL_lockprof_op" = XEN_SYSCTL_LOCKPROF_OP
        "XEN_SYSCTL_cputopoinfo" = XEN_SYSCTL_CPUTOPOINFO
        "XEN_SYSCTL_numainfo" = XEN_SYSCTL_NUMAINFO
        "XEN_SYSCTL_cpupool_op" = XEN_SYSCTL_CPUPOOL_OP
        "XEN_SYSCTL_scheduler_op" = XEN_SYSCTL_SCHEDULER_OP
        "XEN_SYSCTL_coverage_op" = XEN_SYSCTL_COVERAGE_OP
        "XEN_SYSCTL_psr_cmt_op" = XEN_SYSCTL_PSR_CMT_OP
        "XEN_SYSCTL_pcitopoinfo" = XEN_SYSCTL_PCITOPOINFO
        "XEN_SYSCTL_psr_alloc" = XEN_SYSCTL_PSR_ALLOC
        "XEN_SYSCTL_get_cpu_levelling_caps" = XEN_SYSCTL_GET_CPU_LEVELLING_CAPS
        "XEN_SYSCTL_get_cpu_featureset" = XEN_SYSCTL_GET_CPU_FEATURESET
        "XEN_SYSCTL_livepatch_op" = XEN_SYSCTL_LIVEPATCH_OP
        "XEN_SYSCTL_get_cpu_policy" = XEN_SYSCTL_GET_CPU_POLICY
        "XEN_SYSCTL_dt_overlay" = XEN_SYSCTL_DT_OVERLAY
        "XEN_SYSCTL_PHYSCAP_hvm" = XEN_SYSCTL_PHYSCAP_HVM
        "XEN_SYSCTL_PHYSCAP_pv" = XEN_SYSCTL_PHYSCAP_PV
        "XEN_SYSCTL_PHYSCAP_directio" = XEN_SYSCTL_PHYSCAP_DIRECTIO
        "XEN_SYSCTL_PHYSCAP_hap" = XEN_SYSCTL_PHYSCAP_HAP
        "XEN_SYSCTL_PHYSCAP_shadow" = XEN_SYSCTL_PHYSCAP_SHADOW
        "XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share" = XEN_SYSCTL_PHYSCAP_IOMMU_HAP_PT_SHARE
        "XEN_SYSCTL_PHYSCAP_vmtrace" = XEN_SYSCTL_PHYSCAP_VMTRACE
        "XEN_SYSCTL_PHYSCAP_vpmu" = XEN_SYSCTL_PHYSCAP_VPMU
        "XEN_SYSCTL_PHYSCAP_gnttab_v1" = XEN_SYSCTL_PHYSCAP_GNTTAB_V1
        "XEN_SYSCTL_PHYSCAP_gnttab_v2" = XEN_SYSCTL_PHYSCAP_GNTTAB_V2
        "XEN_SYSCTL_PHYSCAP_MAX" = XEN_SYSCTL_PHYSCAP_MAX
        "XEN_SYSCTL_CPU_HOTPLUG_ONLINE" = XEN_SYSCTL_CPU_HOTPLUG_ONLINE
        "XEN_SYSCTL_CPU_HOTPLUG_OFFLINE" = XEN_SYSCTL_CPU_HOTPLUG_OFFLINE
        "XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE" = XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE
        "XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE" = XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE
        "sysctl_page_offline" = SYSCTL_PAGE_OFFLINE
        "sysctl_page_online" = SYSCTL_PAGE_ONLINE
        "sysctl_query_page_offline" = SYSCTL_QUERY_PAGE_OFFLINE
        "PG_OFFLINE_STATUS_MASK" = PG_OFFLINE_STATUS_MASK
        "PG_OFFLINE_INVALID" = PG_OFFLINE_INVALID
        "PG_OFFLINE_OFFLINED" = PG_OFFLINE_OFFLINED
        "PG_OFFLINE_PENDING" = PG_OFFLINE_PENDING
        "PG_OFFLINE_FAILED" = PG_OFFLINE_FAILED
        "PG_OFFLINE_AGAIN" = PG_OFFLINE_AGAIN
        "PG_ONLINE_FAILED" = PG_ONLINE_FAILED
        "PG_ONLINE_ONLINED" = PG_ONLINE_ONLINED
        "PG_OFFLINE_STATUS_OFFLINED" = PG_OFFLINE_STATUS_OFFLINED
        "PG_OFFLINE_STATUS_ONLINE" = PG_OFFLINE_STATUS_ONLINE
        "PG_OFFLINE_STATUS_OFFLINE_PENDING" = PG_OFFLINE_STATUS_OFFLINE_PENDING
        "PG_OFFLINE_STATUS_BROKEN" = PG_OFFLINE_STATUS_BROKEN
        "PG_OFFLINE_MISC_MASK" = PG_OFFLINE_MISC_MASK
        "PG_OFFLINE_XENPAGE" = PG_OFFLINE_XENPAGE
        "PG_OFFLINE_DOM0PAGE" = PG_OFFLINE_DOM0PAGE
        "PG_OFFLINE_ANONYMOUS" = PG_OFFLINE_ANONYMOUS
        "PG_OFFLINE_NOT_CONV_RAM" = PG_OFFLINE_NOT_CONV_RAM
        "PG_OFFLINE_OWNED" = PG_OFFLINE_OWNED
        "PG_OFFLINE_BROKEN" = PG_OFFLINE_BROKEN
        "PG_ONLINE_BROKEN" = PG_ONLINE_BROKEN
        "PG_OFFLINE_OWNER_SHIFT" = PG_OFFLINE_OWNER_SHIFT
        "XEN_SYSCTL_TBUFOP_get_info" = XEN_SYSCTL_TBUFOP_GET_INFO
        "XEN_SYSCTL_TBUFOP_set_cpu_mask" = XEN_SYSCTL_TBUFOP_SET_CPU_MASK
        "XEN_SYSCTL_TBUFOP_set_evt_mask" = XEN_SYSCTL_TBUFOP_SET_EVT_MASK
        "XEN_SYSCTL_TBUFOP_set_size" = XEN_SYSCTL_TBUFOP_SET_SIZE
        "XEN_SYSCTL_TBUFOP_enable" = XEN_SYSCTL_TBUFOP_ENABLE
        "XEN_SYSCTL_TBUFOP_disable" = XEN_SYSCTL_TBUFOP_DISABLE
        "XEN_SYSCTL_PERFCOP_reset" = XEN_SYSCTL_PERFCOP_RESET
        "XEN_SYSCTL_PERFCOP_query" = XEN_SYSCTL_PERFCOP_QUERY
        "XEN_SYSCTL_LOCKPROF_reset" = XEN_SYSCTL_LOCKPROF_RESET
        "XEN_SYSCTL_LOCKPROF_query" = XEN_SYSCTL_LOCKPROF_QUERY
        "LOCKPROF_TYPE_GLOBAL" = LOCKPROF_TYPE_GLOBAL
        "LOCKPROF_TYPE_PERDOM" = LOCKPROF_TYPE_PERDOM
        "LOCKPROF_TYPE_N" = LOCKPROF_TYPE_N
        "XEN_GCOV_FORMAT_MAGIC" = XEN_GCOV_FORMAT_MAGIC
        "XEN_SYSCTL_COVERAGE_get_size" = XEN_SYSCTL_COVERAGE_GET_SIZE
        "XEN_SYSCTL_COVERAGE_read" = XEN_SYSCTL_COVERAGE_READ
        "XEN_SYSCTL_COVERAGE_reset" = XEN_SYSCTL_COVERAGE_RESET
        "XEN_INVALID_CORE_ID" = XEN_INVALID_CORE_ID
        "XEN_INVALID_SOCKET_ID" = XEN_INVALID_SOCKET_ID
        "XEN_INVALID_NODE_ID" = XEN_INVALID_NODE_ID
        "XEN_INVALID_MEM_SZ" = XEN_INVALID_MEM_SZ
        "XEN_INVALID_NODE_DIST" = XEN_INVALID_NODE_DIST
        "XEN_INVALID_DEV" = XEN_INVALID_DEV
        "XEN_SYSCTL_CPUPOOL_OP_CREATE" = XEN_SYSCTL_CPUPOOL_OP_CREATE
        "XEN_SYSCTL_CPUPOOL_OP_DESTROY" = XEN_SYSCTL_CPUPOOL_OP_DESTROY
        "XEN_SYSCTL_CPUPOOL_OP_INFO" = XEN_SYSCTL_CPUPOOL_OP_INFO
        "XEN_SYSCTL_CPUPOOL_OP_ADDCPU" = XEN_SYSCTL_CPUPOOL_OP_ADDCPU
        "XEN_SYSCTL_CPUPOOL_OP_RMCPU" = XEN_SYSCTL_CPUPOOL_OP_RMCPU
        "XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN" = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN
        "XEN_SYSCTL_CPUPOOL_OP_FREEINFO" = XEN_SYSCTL_CPUPOOL_OP_FREEINFO
        "XEN_SYSCTL_CPUPOOL_PAR_ANY" = XEN_SYSCTL_CPUPOOL_PAR_ANY
        "ARINC653_MAX_DOMAINS_PER_SCHEDULE" = ARINC653_MAX_DOMAINS_PER_SCHEDULE
        "XEN_SYSCTL_SCHED_RATELIMIT_MAX" = XEN_SYSCTL_SCHED_RATELIMIT_MAX
        "XEN_SYSCTL_SCHED_RATELIMIT_MIN" = XEN_SYSCTL_SCHED_RATELIMIT_MIN
        "XEN_SYSCTL_CSCHED_TSLICE_MAX" = XEN_SYSCTL_CSCHED_TSLICE_MAX
        "XEN_SYSCTL_CSCHED_TSLICE_MIN" = XEN_SYSCTL_CSCHED_TSLICE_MIN
        "XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US" = XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US
        "XEN_SYSCTL_SCHEDOP_putinfo" = XEN_SYSCTL_SCHEDOP_PUTINFO
        "XEN_SYSCTL_SCHEDOP_getinfo" = XEN_SYSCTL_SCHEDOP_GETINFO
        "XEN_SYSCTL_CPU_LEVELCAP_faulting" = XEN_SYSCTL_CPU_LEVELCAP_FAULTING
        "XEN_SYSCTL_CPU_LEVELCAP_ecx" = XEN_SYSCTL_CPU_LEVELCAP_ECX
        "XEN_SYSCTL_CPU_LEVELCAP_edx" = XEN_SYSCTL_CPU_LEVELCAP_EDX
        "XEN_SYSCTL_CPU_LEVELCAP_extd_ecx" = XEN_SYSCTL_CPU_LEVELCAP_EXTD_ECX
        "XEN_SYSCTL_CPU_LEVELCAP_extd_edx" = XEN_SYSCTL_CPU_LEVELCAP_EXTD_EDX
        "XEN_SYSCTL_CPU_LEVELCAP_xsave_eax" = XEN_SYSCTL_CPU_LEVELCAP_XSAVE_EAX
        "XEN_SYSCTL_CPU_LEVELCAP_thermal_ecx" = XEN_SYSCTL_CPU_LEVELCAP_THERMAL_ECX
        "XEN_SYSCTL_CPU_LEVELCAP_l7s0_eax" = XEN_SYSCTL_CPU_LEVELCAP_L7S0_EAX
        "XEN_SYSCTL_CPU_LEVELCAP_l7s0_ebx" = XEN_SYSCTL_CPU_LEVELCAP_L7S0_EBX
        "XEN_SYSCTL_cpu_featureset_raw" = XEN_SYSCTL_CPU_FEATURESET_RAW
        "XEN_SYSCTL_cpu_featureset_host" = XEN_SYSCTL_CPU_FEATURESET_HOST
        "XEN_SYSCTL_cpu_featureset_pv" = XEN_SYSCTL_CPU_FEATURESET_PV
        "XEN_SYSCTL_cpu_featureset_hvm" = XEN_SYSCTL_CPU_FEATURESET_HVM
        "XEN_SYSCTL_cpu_featureset_pv_max" = XEN_SYSCTL_CPU_FEATURESET_PV_MAX
        "XEN_SYSCTL_cpu_featureset_hvm_max" = XEN_SYSCTL_CPU_FEATURESET_HVM_MAX
        "XEN_SYSCTL_cpu_policy_raw" = XEN_SYSCTL_CPU_POLICY_RAW
        "XEN_SYSCTL_cpu_policy_host" = XEN_SYSCTL_CPU_POLICY_HOST
        "XEN_SYSCTL_cpu_policy_pv_max" = XEN_SYSCTL_CPU_POLICY_PV_MAX
        "XEN_SYSCTL_cpu_policy_hvm_max" = XEN_SYSCTL_CPU_POLICY_HVM_MAX
        "XEN_SYSCTL_cpu_policy_pv_default" = XEN_SYSCTL_CPU_POLICY_PV_DEFAULT
        "XEN_SYSCTL_cpu_policy_hvm_default" = XEN_SYSCTL_CPU_POLICY_HVM_DEFAULT
        "XEN_SYSCTL_PSR_CMT_get_total_rmid" = XEN_SYSCTL_PSR_CMT_GET_TOTAL_RMID
        "XEN_SYSCTL_PSR_CMT_get_l3_upscaling_factor" = XEN_SYSCTL_PSR_CMT_GET_L3_UPSCALING_FACTOR
        "XEN_SYSCTL_PSR_CMT_get_l3_cache_size" = XEN_SYSCTL_PSR_CMT_GET_L3_CACHE_SIZE
        "XEN_SYSCTL_PSR_CMT_enabled" = XEN_SYSCTL_PSR_CMT_ENABLED
        "XEN_SYSCTL_PSR_CMT_get_l3_event_mask" = XEN_SYSCTL_PSR_CMT_GET_L3_EVENT_MASK
        "XEN_SYSCTL_PSR_get_l3_info" = XEN_SYSCTL_PSR_GET_L3_INFO
        "XEN_SYSCTL_PSR_get_l2_info" = XEN_SYSCTL_PSR_GET_L2_INFO
        "XEN_SYSCTL_PSR_get_mba_info" = XEN_SYSCTL_PSR_GET_MBA_INFO
        "XEN_SYSCTL_PSR_CAT_L3_CDP" = XEN_SYSCTL_PSR_CAT_L3_CDP
        "XEN_SYSCTL_PSR_MBA_LINEAR" = XEN_SYSCTL_PSR_MBA_LINEAR
        "PMSTAT_CATEGORY_MASK" = PMSTAT_CATEGORY_MASK
        "PMSTAT_PX" = PMSTAT_PX
        "PMSTAT_CX" = PMSTAT_CX
        "PMSTAT_get_max_px" = PMSTAT_GET_MAX_PX
        "PMSTAT_get_pxstat" = PMSTAT_GET_PXSTAT
        "PMSTAT_reset_pxstat" = PMSTAT_RESET_PXSTAT
        "PMSTAT_get_max_cx" = PMSTAT_GET_MAX_CX
        "PMSTAT_get_cxstat" = PMSTAT_GET_CXSTAT
        "PMSTAT_reset_cxstat" = PMSTAT_RESET_CXSTAT
        "XEN_SYSCTL_CPPC_FEAT_ACT_WINDOW" = XEN_SYSCTL_CPPC_FEAT_ACT_WINDOW
        "XEN_CPPC_ACT_WINDOW_MANTISSA_MASK" = XEN_CPPC_ACT_WINDOW_MANTISSA_MASK
        "XEN_CPPC_ACT_WINDOW_EXPONENT_MASK" = XEN_CPPC_ACT_WINDOW_EXPONENT_MASK
        "XEN_SYSCTL_CPPC_SET_MINIMUM" = XEN_SYSCTL_CPPC_SET_MINIMUM
        "XEN_SYSCTL_CPPC_SET_MAXIMUM" = XEN_SYSCTL_CPPC_SET_MAXIMUM
        "XEN_SYSCTL_CPPC_SET_DESIRED" = XEN_SYSCTL_CPPC_SET_DESIRED
        "XEN_SYSCTL_CPPC_SET_ENERGY_PERF" = XEN_SYSCTL_CPPC_SET_ENERGY_PERF
        "XEN_SYSCTL_CPPC_SET_ACT_WINDOW" = XEN_SYSCTL_CPPC_SET_ACT_WINDOW
        "XEN_SYSCTL_CPPC_SET_PRESET_MASK" = XEN_SYSCTL_CPPC_SET_PRESET_MASK
        "XEN_SYSCTL_CPPC_SET_PRESET_NONE" = XEN_SYSCTL_CPPC_SET_PRESET_NONE
        "XEN_SYSCTL_CPPC_SET_PRESET_BALANCE" = XEN_SYSCTL_CPPC_SET_PRESET_BALANCE
        "XEN_SYSCTL_CPPC_SET_PRESET_POWERSAVE" = XEN_SYSCTL_CPPC_SET_PRESET_POWERSAVE
        "XEN_SYSCTL_CPPC_SET_PRESET_PERFORMANCE" = XEN_SYSCTL_CPPC_SET_PRESET_PERFORMANCE
        "XEN_SYSCTL_CPPC_SET_PARAM_MASK" = XEN_SYSCTL_CPPC_SET_PARAM_MASK
        "XEN_SYSCTL_CPPC_ACT_WINDOW_MASK" = XEN_SYSCTL_CPPC_ACT_WINDOW_MASK
        "CPUFREQ_NAME_LEN" = CPUFREQ_NAME_LEN
        "SCALING_MAX_FREQ" = SCALING_MAX_FREQ
        "SCALING_MIN_FREQ" = SCALING_MIN_FREQ
        "SCALING_SETSPEED" = SCALING_SETSPEED
        "SAMPLING_RATE" = SAMPLING_RATE
        "UP_THRESHOLD" = UP_THRESHOLD
        "PM_PARA_CATEGORY_MASK" = PM_PARA_CATEGORY_MASK
        "CPUFREQ_PARA" = CPUFREQ_PARA
        "GET_CPUFREQ_PARA" = GET_CPUFREQ_PARA
        "SET_CPUFREQ_GOV" = SET_CPUFREQ_GOV
        "SET_CPUFREQ_PARA" = SET_CPUFREQ_PARA
        "GET_CPUFREQ_AVGFREQ" = GET_CPUFREQ_AVGFREQ
        "SET_CPUFREQ_CPPC" = SET_CPUFREQ_CPPC
        "XEN_SYSCTL_pm_op_set_sched_opt_smt" = XEN_SYSCTL_PM_OP_SET_SCHED_OPT_SMT
        "XEN_SYSCTL_pm_op_get_max_cstate" = XEN_SYSCTL_PM_OP_GET_MAX_CSTATE
        "XEN_SYSCTL_pm_op_set_max_cstate" = XEN_SYSCTL_PM_OP_SET_MAX_CSTATE
        "XEN_SYSCTL_pm_op_set_vcpu_migration_delay" = XEN_SYSCTL_PM_OP_SET_VCPU_MIGRATION_DELAY
        "XEN_SYSCTL_pm_op_get_vcpu_migration_delay" = XEN_SYSCTL_PM_OP_GET_VCPU_MIGRATION_DELAY
        "XEN_SYSCTL_pm_op_enable_turbo" = XEN_SYSCTL_PM_OP_ENABLE_TURBO
        "XEN_SYSCTL_pm_op_disable_turbo" = XEN_SYSCTL_PM_OP_DISABLE_TURBO
        "XEN_SYSCTL_CX_UNLIMITED" = XEN_SYSCTL_CX_UNLIMITED
        "LIVEPATCH_PAYLOAD_VERSION" = LIVEPATCH_PAYLOAD_VERSION
        "XEN_LIVEPATCH_NAME_SIZE" = XEN_LIVEPATCH_NAME_SIZE
        "XEN_SYSCTL_LIVEPATCH_UPLOAD" = XEN_SYSCTL_LIVEPATCH_UPLOAD
        "XEN_SYSCTL_LIVEPATCH_GET" = XEN_SYSCTL_LIVEPATCH_GET
        "XEN_SYSCTL_LIVEPATCH_LIST" = XEN_SYSCTL_LIVEPATCH_LIST
        "XEN_SYSCTL_LIVEPATCH_ACTION" = XEN_SYSCTL_LIVEPATCH_ACTION
        "LIVEPATCH_STATE_CHECKED" = LIVEPATCH_STATE_CHECKED
        "LIVEPATCH_STATE_APPLIED" = LIVEPATCH_STATE_APPLIED
        "LIVEPATCH_ACTION_APPLY_NODEPS" = LIVEPATCH_ACTION_APPLY_NODEPS
        "LIVEPATCH_ACTION_UNLOAD" = LIVEPATCH_ACTION_UNLOAD
        "LIVEPATCH_ACTION_REVERT" = LIVEPATCH_ACTION_REVERT
        "LIVEPATCH_ACTION_APPLY" = LIVEPATCH_ACTION_APPLY
        "LIVEPATCH_ACTION_REPLACE" = LIVEPATCH_ACTION_REPLACE
        "LIVEPATCH_FLAG_FORCE" = LIVEPATCH_FLAG_FORCE
        "LIVEPATCH_FLAGS_MASK" = LIVEPATCH_FLAGS_MASK
    }
}
