//! Platform operations against the C headers.

use xen_abi::platform::*;

use crate::harness::Table;

/// Structs.
pub fn structs(table: &mut Table) {
    crate::structs! { table;
        PlatformOp = "struct xen_platform_op" { cmd interface_version u }
        XenpfSettime32 = "struct xenpf_settime32" { secs nsecs system_time }
        XenpfSettime64 = "struct xenpf_settime64" { secs nsecs mbz system_time }
        XenpfAddMemtype = "struct xenpf_add_memtype" { mfn nr_mfns r#type handle reg }
        XenpfDelMemtype = "struct xenpf_del_memtype" { handle reg }
        XenpfReadMemtype = "struct xenpf_read_memtype" { reg mfn nr_mfns r#type }
        XenpfPlatformQuirk = "struct xenpf_platform_quirk" { quirk_id }
        XenpfSymdata = "struct xenpf_symdata" { namelen symnum name address r#type }
        XenpfMicrocodeUpdate = "struct xenpf_microcode_update" { data length }
        XenpfMicrocodeUpdate2 = "struct xenpf_microcode_update2" { flags length data }
        XenpfUcodeRevision = "struct xenpf_ucode_revision" { cpu signature pf revision }
        XenpfGetidletime = "struct xenpf_getidletime" { cpumap_bitmap cpumap_nr_cpus idletime now }
        XenpfPcpuinfo = "struct xenpf_pcpuinfo" { xen_cpuid max_present flags apic_id acpi_id }
        XenpfPcpuVersion = "struct xenpf_pcpu_version" {
            xen_cpuid max_present vendor_id family model stepping
        }
        XenpfCpuOl = "struct xenpf_cpu_ol" { cpuid }
        XenpfCpuHotadd = "struct xenpf_cpu_hotadd" { apic_id acpi_id pxm }
        XenpfMemHotadd = "struct xenpf_mem_hotadd" { spfn epfn pxm flags }
        XenpfCoreParking = "struct xenpf_core_parking" { r#type idle_nums }
        XenpfResourceEntry = "struct xenpf_resource_entry" { u rsvd idx val }
        XenpfResourceOp = "struct xenpf_resource_op" { nr_entries cpu entries }
        XenpfEfiTime = "struct xenpf_efi_time" {
            year month day hour min sec ns tz daylight
        }
        XenpfEfiGuid = "struct xenpf_efi_guid" { data1 data2 data3 data4 }
        XenpfEfiRuntimeCall = "struct xenpf_efi_runtime_call" { function misc status u }
        XenpfEfiRuntimeCallGetTime = "__typeof__(((struct xenpf_efi_runtime_call *)0)->u.get_time)" {
            time resolution accuracy
        }
        XenpfEfiRuntimeCallGetVariable = "__typeof__(((struct xenpf_efi_runtime_call *)0)->u.get_variable)" {
            name size data vendor_guid
        }
        XenpfEfiRuntimeCallGetNextVariableName = "__typeof__(((struct xenpf_efi_runtime_call *)0)->u.get_next_variable_name)" {
            size name vendor_guid
        }
        XenpfEfiRuntimeCallQueryVariableInfo = "__typeof__(((struct xenpf_efi_runtime_call *)0)->u.query_variable_info)" {
            attr max_store_size remain_store_size max_size
        }
        XenpfEfiRuntimeCallQueryCapsuleCapabilities = "__typeof__(((struct xenpf_efi_runtime_call *)0)->u.query_capsule_capabilities)" {
            capsule_header_array capsule_count max_capsule_size reset_type
        }
        XenpfEfiRuntimeCallUpdateCapsule = "__typeof__(((struct xenpf_efi_runtime_call *)0)->u.update_capsule)" {
            capsule_header_array capsule_count sg_list
        }
        XenpfFirmwareInfo = "struct xenpf_firmware_info" { r#type index u }
        XenpfFirmwareInfoDiskInfo = "__typeof__(((struct xenpf_firmware_info *)0)->u.disk_info)" {
            device version interface_support legacy_max_cylinder legacy_max_head legacy_sectors_per_track edd_params
        }
        XenpfFirmwareInfoDiskMbrSignature = "__typeof__(((struct xenpf_firmware_info *)0)->u.disk_mbr_signature)" {
            device mbr_signature
        }
        XenpfFirmwareInfoVbeddcInfo = "__typeof__(((struct xenpf_firmware_info *)0)->u.vbeddc_info)" {
            capabilities edid_transfer_time edid
        }
        XenpfFirmwareInfoEfiInfoCfg = "__typeof__(((struct xenpf_firmware_info *)0)->u.efi_info.cfg)" {
            addr nent
        }
        XenpfFirmwareInfoEfiInfoVendor = "__typeof__(((struct xenpf_firmware_info *)0)->u.efi_info.vendor)" {
            revision bufsz name
        }
        XenpfFirmwareInfoEfiInfoMem = "__typeof__(((struct xenpf_firmware_info *)0)->u.efi_info.mem)" {
            addr size attr r#type
        }
        XenpfFirmwareInfoEfiInfoPciRom = "__typeof__(((struct xenpf_firmware_info *)0)->u.efi_info.pci_rom)" {
            segment bus devfn vendor devid address size
        }
        XenpfFirmwareInfoEfiInfoAppleProperties = "__typeof__(((struct xenpf_firmware_info *)0)->u.efi_info.apple_properties)" {
            address size
        }
        XenpfEnterAcpiSleep = "struct xenpf_enter_acpi_sleep" { val_a val_b sleep_state flags }
        XenpfChangeFreq = "struct xenpf_change_freq" { flags cpu freq }
        PowerRegister = "struct xen_power_register" { space_id bit_width bit_offset access_size address }
        ProcessorCsd = "struct xen_processor_csd" { domain coord_type num }
        ProcessorCx = "struct xen_processor_cx" {
            reg r#type latency power dpcnt dp
        }
        ProcessorFlags = "struct xen_processor_flags" {  }
        ProcessorPower = "struct xen_processor_power" { count flags states }
        PctRegister = "struct xen_pct_register" {
            descriptor length space_id bit_width bit_offset reserved address
        }
        ProcessorPx = "struct xen_processor_px" {
            core_frequency power transition_latency bus_master_latency control status
        }
        PsdPackage = "struct xen_psd_package" { num_entries revision domain coord_type num_processors }
        ProcessorPerformance = "struct xen_processor_performance" {
            flags platform_limit control_register status_register state_count states domain_info shared_type
        }
        XenpfSetProcessorPminfo = "struct xenpf_set_processor_pminfo" { id r#type u }
    }
}

/// Constants.
pub fn numbers(table: &mut Table) {
    crate::numbers! { table;
        "XENPF_INTERFACE_VERSION" = XENPF_INTERFACE_VERSION
        "XENPF_settime32" = XENPF_SETTIME32
        "XENPF_settime64" = XENPF_SETTIME64
        "XENPF_settime" = XENPF_SETTIME
        "XENPF_add_memtype" = XENPF_ADD_MEMTYPE
        "XENPF_del_memtype" = XENPF_DEL_MEMTYPE
        "XENPF_read_memtype" = XENPF_READ_MEMTYPE
        "XENPF_microcode_update" = XENPF_MICROCODE_UPDATE
        "XENPF_platform_quirk" = XENPF_PLATFORM_QUIRK
        "XENPF_efi_runtime_call" = XENPF_EFI_RUNTIME_CALL
        "XENPF_firmware_info" = XENPF_FIRMWARE_INFO
        "XENPF_enter_acpi_sleep" = XENPF_ENTER_ACPI_SLEEP
        "XENPF_change_freq" = XENPF_CHANGE_FREQ
        "XENPF_getidletime" = XENPF_GETIDLETIME
        "XENPF_set_processor_pminfo" = XENPF_SET_PROCESSOR_PMINFO
        "XENPF_get_cpuinfo" = XENPF_GET_CPUINFO
        "XENPF_get_cpu_version" = XENPF_GET_CPU_VERSION
        "XENPF_cpu_online" = XENPF_CPU_ONLINE
        "XENPF_cpu_offline" = XENPF_CPU_OFFLINE
        "XENPF_cpu_hotadd" = XENPF_CPU_HOTADD
        "XENPF_mem_hotadd" = XENPF_MEM_HOTADD
        "XENPF_core_parking" = XENPF_CORE_PARKING
        "XENPF_resource_op" = XENPF_RESOURCE_OP
        "XENPF_get_symbol" = XENPF_GET_SYMBOL
        "XENPF_get_dom0_console" = XENPF_GET_DOM0_CONSOLE
        "XENPF_get_ucode_revision" = XENPF_GET_UCODE_REVISION
        "XENPF_microcode_update2" = XENPF_MICROCODE_UPDATE2
        "QUIRK_NOIRQBALANCING" = QUIRK_NOIRQBALANCING
        "QUIRK_IOAPIC_BAD_REGSEL" = QUIRK_IOAPIC_BAD_REGSEL
        "QUIRK_IOAPIC_GOOD_REGSEL" = QUIRK_IOAPIC_GOOD_REGSEL
        "XENPF_UCODE_FORCE" = XENPF_UCODE_FORCE
        "XEN_PCPU_FLAGS_ONLINE" = XEN_PCPU_FLAGS_ONLINE
        "XEN_PCPU_FLAGS_INVALID" = XEN_PCPU_FLAGS_INVALID
        "XEN_CORE_PARKING_SET" = XEN_CORE_PARKING_SET
        "XEN_CORE_PARKING_GET" = XEN_CORE_PARKING_GET
        "XEN_RESOURCE_OP_MSR_READ" = XEN_RESOURCE_OP_MSR_READ
        "XEN_RESOURCE_OP_MSR_WRITE" = XEN_RESOURCE_OP_MSR_WRITE
        "XEN_EFI_get_time" = XEN_EFI_GET_TIME
        "XEN_EFI_set_time" = XEN_EFI_SET_TIME
        "XEN_EFI_get_wakeup_time" = XEN_EFI_GET_WAKEUP_TIME
        "XEN_EFI_set_wakeup_time" = XEN_EFI_SET_WAKEUP_TIME
        "XEN_EFI_get_next_high_monotonic_count" = XEN_EFI_GET_NEXT_HIGH_MONOTONIC_COUNT
        "XEN_EFI_get_variable" = XEN_EFI_GET_VARIABLE
        "XEN_EFI_set_variable" = XEN_EFI_SET_VARIABLE
        "XEN_EFI_get_next_variable_name" = XEN_EFI_GET_NEXT_VARIABLE_NAME
        "XEN_EFI_query_variable_info" = XEN_EFI_QUERY_VARIABLE_INFO
        "XEN_EFI_query_capsule_capabilities" = XEN_EFI_QUERY_CAPSULE_CAPABILITIES
        "XEN_EFI_update_capsule" = XEN_EFI_UPDATE_CAPSULE
        "XEN_EFI_GET_TIME_SET_CLEARS_NS" = XEN_EFI_GET_TIME_SET_CLEARS_NS
        "XEN_EFI_GET_WAKEUP_TIME_ENABLED" = XEN_EFI_GET_WAKEUP_TIME_ENABLED
        "XEN_EFI_GET_WAKEUP_TIME_PENDING" = XEN_EFI_GET_WAKEUP_TIME_PENDING
        "XEN_EFI_SET_WAKEUP_TIME_ENABLE" = XEN_EFI_SET_WAKEUP_TIME_ENABLE
        "XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY" = XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY
        "XEN_EFI_VARIABLE_NON_VOLATILE" = XEN_EFI_VARIABLE_NON_VOLATILE
        "XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS" = XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS
        "XEN_EFI_VARIABLE_RUNTIME_ACCESS" = XEN_EFI_VARIABLE_RUNTIME_ACCESS
        "XEN_EFI_VARINFO_BOOT_SNAPSHOT" = XEN_EFI_VARINFO_BOOT_SNAPSHOT
        "XEN_FW_EFI_VERSION" = XEN_FW_EFI_VERSION
        "XEN_FW_EFI_CONFIG_TABLE" = XEN_FW_EFI_CONFIG_TABLE
        "XEN_FW_EFI_VENDOR" = XEN_FW_EFI_VENDOR
        "XEN_FW_EFI_MEM_INFO" = XEN_FW_EFI_MEM_INFO
        "XEN_FW_EFI_RT_VERSION" = XEN_FW_EFI_RT_VERSION
        "XEN_FW_EFI_PCI_ROM" = XEN_FW_EFI_PCI_ROM
        "XEN_FW_EFI_APPLE_PROPERTIES" = XEN_FW_EFI_APPLE_PROPERTIES
        "XEN_FW_DISK_INFO" = XEN_FW_DISK_INFO
        "XEN_FW_DISK_MBR_SIGNATURE" = XEN_FW_DISK_MBR_SIGNATURE
        "XEN_FW_VBEDDC_INFO" = XEN_FW_VBEDDC_INFO
        "XEN_FW_EFI_INFO" = XEN_FW_EFI_INFO
        "XEN_FW_KBD_SHIFT_FLAGS" = XEN_FW_KBD_SHIFT_FLAGS
        "XENPF_ACPI_SLEEP_EXTENDED" = XENPF_ACPI_SLEEP_EXTENDED
        "XEN_PROCESSOR_PM_CX" = XEN_PROCESSOR_PM_CX
        "XEN_PROCESSOR_PM_PX" = XEN_PROCESSOR_PM_PX
        "XEN_PROCESSOR_PM_TX" = XEN_PROCESSOR_PM_TX
        "XEN_PM_CX" = XEN_PM_CX
        "XEN_PM_PX" = XEN_PM_PX
        "XEN_PM_TX" = XEN_PM_TX
        "XEN_PM_PDC" = XEN_PM_PDC
        "XEN_PX_PCT" = XEN_PX_PCT
        "XEN_PX_PSS" = XEN_PX_PSS
        "XEN_PX_PPC" = XEN_PX_PPC
        "XEN_PX_PSD" = XEN_PX_PSD
        "XEN_CPUPERF_SHARED_TYPE_HW" = XEN_CPUPERF_SHARED_TYPE_HW
        "XEN_CPUPERF_SHARED_TYPE_ALL" = XEN_CPUPERF_SHARED_TYPE_ALL
        "XEN_CPUPERF_SHARED_TYPE_ANY" = XEN_CPUPERF_SHARED_TYPE_ANY
    }
}
