//! HVM and device model operations against the C headers.

use xen_abi::dm_op::*;
use xen_abi::hvm_op::*;

use crate::harness::Table;

/// Structs.
pub fn structs(table: &mut Table) {
    crate::structs! { table;
        HvmParam = "struct xen_hvm_param" { domid pad index value }
        HvmPagetableDying = "struct xen_hvm_pagetable_dying" { domid pad gpa }
        HvmGetTime = "struct xen_hvm_get_time" { now }
        HvmXentrace = "struct xen_hvm_xentrace" { event extra_bytes extra }
        HvmGetMemType = "struct xen_hvm_get_mem_type" { domid mem_type pad pfn }
        HvmEvtchnUpcallVector = "struct xen_hvm_evtchn_upcall_vector" { vcpu vector }
        HvmAltp2mOp = "struct xen_hvm_altp2m_op" {
            version cmd domain pad1 pad2 u
        }
        HvmAltp2mDomainState = "struct xen_hvm_altp2m_domain_state" { state }
        HvmAltp2mVcpuEnableNotify = "struct xen_hvm_altp2m_vcpu_enable_notify" { vcpu_id pad gfn }
        HvmAltp2mVcpuDisableNotify = "struct xen_hvm_altp2m_vcpu_disable_notify" { vcpu_id }
        HvmAltp2mView = "struct xen_hvm_altp2m_view" { view hvmmem_default_access }
        HvmAltp2mMemAccess = "struct xen_hvm_altp2m_mem_access" { view access pad gfn }
        HvmAltp2mSetMemAccessMulti = "struct xen_hvm_altp2m_set_mem_access_multi" {
            view pad nr opaque pfn_list access_list
        }
        HvmAltp2mChangeGfn = "struct xen_hvm_altp2m_change_gfn" { view pad1 pad2 old_gfn new_gfn }
        HvmAltp2mSuppressVe = "struct xen_hvm_altp2m_suppress_ve" { view suppress_ve pad1 pad2 gfn }
        HvmAltp2mSuppressVeMulti = "struct xen_hvm_altp2m_suppress_ve_multi" {
            view suppress_ve pad1 first_error first_gfn last_gfn first_error_gfn
        }
        HvmAltp2mGetVcpuP2mIdx = "struct xen_hvm_altp2m_get_vcpu_p2m_idx" { vcpu_id altp2m_idx }
        HvmAltp2mSetVisibility = "struct xen_hvm_altp2m_set_visibility" { altp2m_idx visible pad }
        DmOp = "struct xen_dm_op" { op pad u }
        DmOpBuf = "struct xen_dm_op_buf" { h size }
        DmOpCreateIoreqServer = "struct xen_dm_op_create_ioreq_server" { handle_bufioreq pad id }
        DmOpGetIoreqServerInfo = "struct xen_dm_op_get_ioreq_server_info" {
            id flags bufioreq_port ioreq_gfn bufioreq_gfn
        }
        DmOpIoreqServerRange = "struct xen_dm_op_ioreq_server_range" { id pad r#type start end }
        DmOpSetIoreqServerState = "struct xen_dm_op_set_ioreq_server_state" { id enabled pad }
        DmOpDestroyIoreqServer = "struct xen_dm_op_destroy_ioreq_server" { id pad }
        DmOpTrackDirtyVram = "struct xen_dm_op_track_dirty_vram" { nr pad first_pfn }
        DmOpSetPciIntxLevel = "struct xen_dm_op_set_pci_intx_level" { domain bus device intx level }
        DmOpSetIsaIrqLevel = "struct xen_dm_op_set_isa_irq_level" { isa_irq level }
        DmOpSetPciLinkRoute = "struct xen_dm_op_set_pci_link_route" { link isa_irq }
        DmOpModifiedMemory = "struct xen_dm_op_modified_memory" { nr_extents opaque }
        DmOpModifiedMemoryExtent = "struct xen_dm_op_modified_memory_extent" { nr pad first_pfn }
        DmOpSetMemType = "struct xen_dm_op_set_mem_type" { nr mem_type pad first_pfn }
        DmOpInjectEvent = "struct xen_dm_op_inject_event" {
            vcpuid vector r#type insn_len pad0 error_code pad1 cr2
        }
        DmOpInjectMsi = "struct xen_dm_op_inject_msi" { data pad addr }
        DmOpMapMemTypeToIoreqServer = "struct xen_dm_op_map_mem_type_to_ioreq_server" { id r#type flags opaque }
        DmOpRemoteShutdown = "struct xen_dm_op_remote_shutdown" { reason }
        DmOpRelocateMemory = "struct xen_dm_op_relocate_memory" { size pad src_gfn dst_gfn }
        DmOpPinMemoryCacheattr = "struct xen_dm_op_pin_memory_cacheattr" { start end r#type pad }
        DmOpSetIrqLevel = "struct xen_dm_op_set_irq_level" { irq level pad }
        DmOpNrVcpus = "struct xen_dm_op_nr_vcpus" { vcpus }
    }
}

/// Constants.
pub fn numbers(table: &mut Table) {
    crate::numbers! { table;
        "HVMOP_set_param" = HVMOP_SET_PARAM
        "HVMOP_get_param" = HVMOP_GET_PARAM
        "HVMOP_flush_tlbs" = HVMOP_FLUSH_TLBS
        "HVMOP_pagetable_dying" = HVMOP_PAGETABLE_DYING
        "HVMOP_get_time" = HVMOP_GET_TIME
        "HVMOP_xentrace" = HVMOP_XENTRACE
        "HVMOP_set_mem_access" = HVMOP_SET_MEM_ACCESS
        "HVMOP_get_mem_access" = HVMOP_GET_MEM_ACCESS
        "HVMOP_get_mem_type" = HVMOP_GET_MEM_TYPE
        "HVMOP_set_evtchn_upcall_vector" = HVMOP_SET_EVTCHN_UPCALL_VECTOR
        "HVMOP_guest_request_vm_event" = HVMOP_GUEST_REQUEST_VM_EVENT
        "HVMOP_altp2m" = HVMOP_ALTP2M
        "HVMMEM_ram_rw" = HVMMEM_RAM_RW
        "HVMMEM_ram_ro" = HVMMEM_RAM_RO
        "HVMMEM_mmio_dm" = HVMMEM_MMIO_DM
        "HVMMEM_unused" = HVMMEM_UNUSED
        "HVMMEM_ioreq_server" = HVMMEM_IOREQ_SERVER
        "HVM_IOREQSRV_BUFIOREQ_OFF" = HVM_IOREQSRV_BUFIOREQ_OFF
        "HVM_IOREQSRV_BUFIOREQ_LEGACY" = HVM_IOREQSRV_BUFIOREQ_LEGACY
        "HVM_IOREQSRV_BUFIOREQ_ATOMIC" = HVM_IOREQSRV_BUFIOREQ_ATOMIC
        "HVMOP_ALTP2M_INTERFACE_VERSION" = HVMOP_ALTP2M_INTERFACE_VERSION
        "HVMOP_altp2m_get_domain_state" = HVMOP_ALTP2M_GET_DOMAIN_STATE
        "HVMOP_altp2m_set_domain_state" = HVMOP_ALTP2M_SET_DOMAIN_STATE
        "HVMOP_altp2m_vcpu_enable_notify" = HVMOP_ALTP2M_VCPU_ENABLE_NOTIFY
        "HVMOP_altp2m_create_p2m" = HVMOP_ALTP2M_CREATE_P2M
        "HVMOP_altp2m_destroy_p2m" = HVMOP_ALTP2M_DESTROY_P2M
        "HVMOP_altp2m_switch_p2m" = HVMOP_ALTP2M_SWITCH_P2M
        "HVMOP_altp2m_set_mem_access" = HVMOP_ALTP2M_SET_MEM_ACCESS
        "HVMOP_altp2m_change_gfn" = HVMOP_ALTP2M_CHANGE_GFN
        "HVMOP_altp2m_set_mem_access_multi" = HVMOP_ALTP2M_SET_MEM_ACCESS_MULTI
        "HVMOP_altp2m_set_suppress_ve" = HVMOP_ALTP2M_SET_SUPPRESS_VE
        "HVMOP_altp2m_get_suppress_ve" = HVMOP_ALTP2M_GET_SUPPRESS_VE
        "HVMOP_altp2m_get_mem_access" = HVMOP_ALTP2M_GET_MEM_ACCESS
        "HVMOP_altp2m_vcpu_disable_notify" = HVMOP_ALTP2M_VCPU_DISABLE_NOTIFY
        "HVMOP_altp2m_get_p2m_idx" = HVMOP_ALTP2M_GET_P2M_IDX
        "HVMOP_altp2m_set_suppress_ve_multi" = HVMOP_ALTP2M_SET_SUPPRESS_VE_MULTI
        "HVMOP_altp2m_set_visibility" = HVMOP_ALTP2M_SET_VISIBILITY
        "XEN_DMOP_create_ioreq_server" = XEN_DMOP_CREATE_IOREQ_SERVER
        "XEN_DMOP_get_ioreq_server_info" = XEN_DMOP_GET_IOREQ_SERVER_INFO
        "XEN_DMOP_map_io_range_to_ioreq_server" = XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER
        "XEN_DMOP_unmap_io_range_from_ioreq_server" = XEN_DMOP_UNMAP_IO_RANGE_FROM_IOREQ_SERVER
        "XEN_DMOP_set_ioreq_server_state" = XEN_DMOP_SET_IOREQ_SERVER_STATE
        "XEN_DMOP_destroy_ioreq_server" = XEN_DMOP_DESTROY_IOREQ_SERVER
        "XEN_DMOP_track_dirty_vram" = XEN_DMOP_TRACK_DIRTY_VRAM
        "XEN_DMOP_set_pci_intx_level" = XEN_DMOP_SET_PCI_INTX_LEVEL
        "XEN_DMOP_set_isa_irq_level" = XEN_DMOP_SET_ISA_IRQ_LEVEL
        "XEN_DMOP_set_pci_link_route" = XEN_DMOP_SET_PCI_LINK_ROUTE
        "XEN_DMOP_modified_memory" = XEN_DMOP_MODIFIED_MEMORY
        "XEN_DMOP_set_mem_type" = XEN_DMOP_SET_MEM_TYPE
        "XEN_DMOP_inject_event" = XEN_DMOP_INJECT_EVENT
        "XEN_DMOP_inject_msi" = XEN_DMOP_INJECT_MSI
        "XEN_DMOP_map_mem_type_to_ioreq_server" = XEN_DMOP_MAP_MEM_TYPE_TO_IOREQ_SERVER
        "XEN_DMOP_remote_shutdown" = XEN_DMOP_REMOTE_SHUTDOWN
        "XEN_DMOP_relocate_memory" = XEN_DMOP_RELOCATE_MEMORY
        "XEN_DMOP_pin_memory_cacheattr" = XEN_DMOP_PIN_MEMORY_CACHEATTR
        "XEN_DMOP_set_irq_level" = XEN_DMOP_SET_IRQ_LEVEL
        "XEN_DMOP_nr_vcpus" = XEN_DMOP_NR_VCPUS
        "XEN_DMOP_no_gfns" = XEN_DMOP_NO_GFNS
        "XEN_DMOP_IO_RANGE_PORT" = XEN_DMOP_IO_RANGE_PORT
        "XEN_DMOP_IO_RANGE_MEMORY" = XEN_DMOP_IO_RANGE_MEMORY
        "XEN_DMOP_IO_RANGE_PCI" = XEN_DMOP_IO_RANGE_PCI
        "XEN_DMOP_EVENT_ext_int" = XEN_DMOP_EVENT_EXT_INT
        "XEN_DMOP_EVENT_nmi" = XEN_DMOP_EVENT_NMI
        "XEN_DMOP_EVENT_hw_exc" = XEN_DMOP_EVENT_HW_EXC
        "XEN_DMOP_EVENT_sw_int" = XEN_DMOP_EVENT_SW_INT
        "XEN_DMOP_EVENT_pri_sw_exc" = XEN_DMOP_EVENT_PRI_SW_EXC
        "XEN_DMOP_EVENT_sw_exc" = XEN_DMOP_EVENT_SW_EXC
        "XEN_DMOP_IOREQ_MEM_ACCESS_READ" = XEN_DMOP_IOREQ_MEM_ACCESS_READ
        "XEN_DMOP_IOREQ_MEM_ACCESS_WRITE" = XEN_DMOP_IOREQ_MEM_ACCESS_WRITE
        "XEN_DMOP_MEM_CACHEATTR_UC" = XEN_DMOP_MEM_CACHEATTR_UC
        "XEN_DMOP_MEM_CACHEATTR_WC" = XEN_DMOP_MEM_CACHEATTR_WC
        "XEN_DMOP_MEM_CACHEATTR_WT" = XEN_DMOP_MEM_CACHEATTR_WT
        "XEN_DMOP_MEM_CACHEATTR_WP" = XEN_DMOP_MEM_CACHEATTR_WP
        "XEN_DMOP_MEM_CACHEATTR_WB" = XEN_DMOP_MEM_CACHEATTR_WB
        "XEN_DMOP_MEM_CACHEATTR_UCM" = XEN_DMOP_MEM_CACHEATTR_UCM
        "XEN_DMOP_DELETE_MEM_CACHEATTR" = XEN_DMOP_DELETE_MEM_CACHEATTR
    }
}
