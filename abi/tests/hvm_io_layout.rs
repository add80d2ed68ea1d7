//! HVM parameters, start information and the shared rings against the C headers.

#[macro_use]
mod common;

use common::Table;

#[test]
fn hvm_params_agrees() {
    let Some(mut table) = Table::new(&["hvm/params.h"]) else { return };
    numbers!(table, hvm_params:
        HVM_PARAM_CALLBACK_IRQ HVM_PARAM_STORE_PFN HVM_PARAM_STORE_EVTCHN HVM_PARAM_PAE_ENABLED
        HVM_PARAM_IOREQ_PFN HVM_PARAM_BUFIOREQ_PFN HVM_PARAM_VIRIDIAN HVM_PARAM_TIMER_MODE
        HVM_PARAM_HPET_ENABLED HVM_PARAM_IDENT_PT HVM_PARAM_DM_DOMAIN HVM_PARAM_ACPI_S_STATE
        HVM_PARAM_VM86_TSS HVM_PARAM_VPT_ALIGN HVM_PARAM_CONSOLE_PFN HVM_PARAM_CONSOLE_EVTCHN
        HVM_PARAM_ACPI_IOPORTS_LOCATION HVM_PARAM_MEMORY_EVENT_CR0 HVM_PARAM_MEMORY_EVENT_CR3
        HVM_PARAM_MEMORY_EVENT_CR4 HVM_PARAM_MEMORY_EVENT_INT3 HVM_PARAM_NESTEDHVM
        HVM_PARAM_MEMORY_EVENT_SINGLE_STEP HVM_PARAM_BUFIOREQ_EVTCHN HVM_PARAM_PAGING_RING_PFN
        HVM_PARAM_MONITOR_RING_PFN HVM_PARAM_SHARING_RING_PFN HVM_PARAM_MEMORY_EVENT_MSR
        HVM_PARAM_TRIPLE_FAULT_REASON HVM_PARAM_IOREQ_SERVER_PFN HVM_PARAM_NR_IOREQ_SERVER_PAGES
        HVM_PARAM_VM_GENERATION_ID_ADDR HVM_PARAM_ALTP2M HVM_PARAM_X87_FIP_WIDTH HVM_PARAM_VM86_TSS_SIZED
        HVM_PARAM_MCA_CAP HVM_NR_PARAMS HVM_PARAM_CALLBACK_TYPE_GSI HVM_PARAM_CALLBACK_TYPE_PCI_INTX
        HVM_PARAM_CALLBACK_TYPE_VECTOR HVMPTM_DELAY_FOR_MISSED_TICKS HVMPTM_NO_DELAY_FOR_MISSED_TICKS
        HVMPTM_NO_MISSED_TICKS_PENDING HVMPTM_ONE_MISSED_TICK_PENDING XEN_ALTP2M_DISABLED XEN_ALTP2M_MIXED
        XEN_ALTP2M_EXTERNAL XEN_ALTP2M_LIMITED XEN_HVM_MCA_CAP_LMCE XEN_HVM_MCA_CAP_MASK HVMPV_BASE_FREQ
        HVMPV_NO_FREQ HVMPV_TIME_REF_COUNT HVMPV_REFERENCE_TSC HVMPV_HCALL_REMOTE_TLB_FLUSH
        HVMPV_APIC_ASSIST HVMPV_CRASH_CTL HVMPV_SYNIC HVMPV_STIMER HVMPV_HCALL_IPI HVMPV_EX_PROCESSOR_MASKS
        HVMPV_NO_VP_LIMIT HVMPV_CPU_HOTPLUG HVMPV_FEATURE_MASK HVM_PARAM_CALLBACK_IRQ_TYPE_MASK
    );
    table.complete(
        &["HVM", "XEN_"],
        &[
            "HVM_PARAM_CALLBACK_TYPE_PPI",
            "HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_MASK",
            "HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_LOW_LEVEL",
        ],
    );
    table.run("hvm_params");
}

#[test]
fn hvm_start_info_agrees() {
    let Some(mut table) = Table::new(&["arch-x86/hvm/start_info.h"]) else { return };
    numbers!(table, hvm_start_info:
        XEN_HVM_START_MAGIC_VALUE XEN_HVM_MEMMAP_TYPE_RAM XEN_HVM_MEMMAP_TYPE_RESERVED
        XEN_HVM_MEMMAP_TYPE_ACPI XEN_HVM_MEMMAP_TYPE_NVS XEN_HVM_MEMMAP_TYPE_UNUSABLE
        XEN_HVM_MEMMAP_TYPE_DISABLED XEN_HVM_MEMMAP_TYPE_PMEM
    );
    table.complete(&["XEN_HVM_"], &[]);
    layout!(table, hvm_start_info::HvmStartInfo = "struct hvm_start_info";
        magic version flags nr_modules modlist_paddr cmdline_paddr rsdp_paddr memmap_paddr
        memmap_entries reserved
    );
    layout!(table, hvm_start_info::HvmModlistEntry = "struct hvm_modlist_entry";
        paddr size cmdline_paddr reserved
    );
    layout!(table, hvm_start_info::HvmMemmapTableEntry = "struct hvm_memmap_table_entry";
        addr size (r#type "type") reserved
    );
    table.run("hvm_start_info");
}

#[test]
fn io_agrees() {
    let Some(mut table) = Table::new(&["io/console.h", "io/xs_wire.h"]) else { return };
    numbers!(table, io:
        XENSTORE_RING_SIZE XENSTORE_PAYLOAD_MAX XENSTORE_ABS_PATH_MAX XENSTORE_REL_PATH_MAX
        XENSTORE_SERVER_FEATURE_RECONNECTION XENSTORE_SERVER_FEATURE_ERROR XENSTORE_CONNECTED
        XENSTORE_RECONNECT XENSTORE_ERROR_NONE XENSTORE_ERROR_COMM XENSTORE_ERROR_RINGIDX
        XENSTORE_ERROR_PROTO
    );
    table.expr("XS_CONTROL", xen_abi::io::XS_CONTROL);
    table.expr("XS_DIRECTORY", xen_abi::io::XS_DIRECTORY);
    table.expr("XS_READ", xen_abi::io::XS_READ);
    table.expr("XS_GET_PERMS", xen_abi::io::XS_GET_PERMS);
    table.expr("XS_WATCH", xen_abi::io::XS_WATCH);
    table.expr("XS_UNWATCH", xen_abi::io::XS_UNWATCH);
    table.expr("XS_TRANSACTION_START", xen_abi::io::XS_TRANSACTION_START);
    table.expr("XS_TRANSACTION_END", xen_abi::io::XS_TRANSACTION_END);
    table.expr("XS_INTRODUCE", xen_abi::io::XS_INTRODUCE);
    table.expr("XS_RELEASE", xen_abi::io::XS_RELEASE);
    table.expr("XS_GET_DOMAIN_PATH", xen_abi::io::XS_GET_DOMAIN_PATH);
    table.expr("XS_WRITE", xen_abi::io::XS_WRITE);
    table.expr("XS_MKDIR", xen_abi::io::XS_MKDIR);
    table.expr("XS_RM", xen_abi::io::XS_RM);
    table.expr("XS_SET_PERMS", xen_abi::io::XS_SET_PERMS);
    table.expr("XS_WATCH_EVENT", xen_abi::io::XS_WATCH_EVENT);
    table.expr("XS_ERROR", xen_abi::io::XS_ERROR);
    table.expr("XS_IS_DOMAIN_INTRODUCED", xen_abi::io::XS_IS_DOMAIN_INTRODUCED);
    table.expr("XS_RESUME", xen_abi::io::XS_RESUME);
    table.expr("XS_SET_TARGET", xen_abi::io::XS_SET_TARGET);
    table.expr("XS_RESET_WATCHES", xen_abi::io::XS_RESET_WATCHES);
    table.expr("XS_DIRECTORY_PART", xen_abi::io::XS_DIRECTORY_PART);
    table.expr("XS_INVALID", xen_abi::io::XS_INVALID);
    table.complete(&["XENSTORE_"], &[]);
    layout!(table, io::XenstoreDomainInterface = "struct xenstore_domain_interface";
        req rsp req_cons req_prod rsp_cons rsp_prod server_features connection error
    );
    layout!(table, io::XsdSockmsg = "struct xsd_sockmsg"; (r#type "type") req_id tx_id len);
    layout!(table, io::XenconsInterface = "struct xencons_interface";
        (r#in "in") out in_cons in_prod out_cons out_prod
    );
    table.run("io");
}
