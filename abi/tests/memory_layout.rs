//! Memory operations against the C headers.

#[macro_use]
mod common;

use common::Table;

#[test]
fn memory_agrees() {
    let Some(mut table) = Table::new(&["memory.h"]) else { return };
    numbers!(table, memory:
        XENMEM_INCREASE_RESERVATION XENMEM_DECREASE_RESERVATION XENMEM_MAXIMUM_RAM_PAGE
        XENMEM_CURRENT_RESERVATION XENMEM_MAXIMUM_RESERVATION XENMEM_MACHPHYS_MFN_LIST
        XENMEM_POPULATE_PHYSMAP XENMEM_ADD_TO_PHYSMAP XENMEM_MEMORY_MAP XENMEM_MACHINE_MEMORY_MAP
        XENMEM_EXCHANGE XENMEM_MACHPHYS_MAPPING XENMEM_SET_MEMORY_MAP XENMEM_MAXIMUM_GPFN
        XENMEM_REMOVE_FROM_PHYSMAP XENMEM_SET_POD_TARGET XENMEM_GET_POD_TARGET
        XENMEM_GET_SHARING_FREED_PAGES XENMEM_GET_SHARING_SHARED_PAGES XENMEM_PAGING_OP XENMEM_ACCESS_OP
        XENMEM_SHARING_OP XENMEM_ADD_TO_PHYSMAP_BATCH XENMEM_CLAIM_PAGES XENMEM_MACHPHYS_COMPAT_MFN_LIST
        XENMEM_GET_VNUMAINFO XENMEM_RESERVED_DEVICE_MEMORY_MAP XENMEM_ACQUIRE_RESOURCE
        XENMEMF_POPULATE_ON_DEMAND XENMEMF_EXACT_NODE_REQUEST XENMEMF_VNODE XENMEM_RDM_ALL
        XENMAPSPACE_SHARED_INFO XENMAPSPACE_GRANT_TABLE XENMAPSPACE_GMFN XENMAPSPACE_GMFN_RANGE
        XENMAPSPACE_GMFN_FOREIGN XENMAPSPACE_DEV_MMIO XENMEM_RESOURCE_IOREQ_SERVER
        XENMEM_RESOURCE_GRANT_TABLE XENMEM_RESOURCE_VMTRACE_BUF XENMEM_RESOURCE_GRANT_TABLE_ID_SHARED
        XENMEM_RESOURCE_GRANT_TABLE_ID_STATUS XENMEM_PAGING_OP_NOMINATE XENMEM_PAGING_OP_EVICT
        XENMEM_PAGING_OP_PREP XENMEM_ACCESS_OP_SET_ACCESS XENMEM_ACCESS_OP_GET_ACCESS
        XENMEM_ACCESS_OP_SET_ACCESS_MULTI XENMEM_SHARING_OP_NOMINATE_GFN XENMEM_SHARING_OP_NOMINATE_GREF
        XENMEM_SHARING_OP_SHARE XENMEM_SHARING_OP_DEBUG_GFN XENMEM_SHARING_OP_DEBUG_MFN
        XENMEM_SHARING_OP_DEBUG_GREF XENMEM_SHARING_OP_ADD_PHYSMAP XENMEM_SHARING_OP_AUDIT
        XENMEM_SHARING_OP_RANGE_SHARE XENMEM_SHARING_OP_FORK XENMEM_SHARING_OP_FORK_RESET
        XENMEM_FORK_WITH_IOMMU_ALLOWED XENMEM_FORK_BLOCK_INTERRUPTS XENMEM_FORK_RESET_STATE
        XENMEM_FORK_RESET_MEMORY XENMEM_SHARING_OP_S_HANDLE_INVALID XENMEM_SHARING_OP_C_HANDLE_INVALID
        XENMAPIDX_GRANT_TABLE_STATUS XENMEM_RESOURCE_IOREQ_SERVER_FRAME_BUFIOREQ
        XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG
    );
    table.expr("XENMEM_access_n", xen_abi::memory::XENMEM_ACCESS_N);
    table.expr("XENMEM_access_r", xen_abi::memory::XENMEM_ACCESS_R);
    table.expr("XENMEM_access_w", xen_abi::memory::XENMEM_ACCESS_W);
    table.expr("XENMEM_access_rw", xen_abi::memory::XENMEM_ACCESS_RW);
    table.expr("XENMEM_access_x", xen_abi::memory::XENMEM_ACCESS_X);
    table.expr("XENMEM_access_rx", xen_abi::memory::XENMEM_ACCESS_RX);
    table.expr("XENMEM_access_wx", xen_abi::memory::XENMEM_ACCESS_WX);
    table.expr("XENMEM_access_rwx", xen_abi::memory::XENMEM_ACCESS_RWX);
    table.expr("XENMEM_access_rx2rw", xen_abi::memory::XENMEM_ACCESS_RX2RW);
    table.expr("XENMEM_access_n2rwx", xen_abi::memory::XENMEM_ACCESS_N2RWX);
    table.expr("XENMEM_access_r_pw", xen_abi::memory::XENMEM_ACCESS_R_PW);
    table.expr("XENMEM_access_default", xen_abi::memory::XENMEM_ACCESS_DEFAULT);
    table.complete(&["XENM"], &["XENMEM_ADD_TO_PHYSMAP_RANGE"]);
    layout!(table, memory::MemoryReservation = "struct xen_memory_reservation";
        extent_start nr_extents extent_order mem_flags domid
    );
    layout!(table, memory::MemoryExchange = "struct xen_memory_exchange"; (r#in "in") out nr_exchanged);
    layout!(table, memory::MemoryDomain = "struct xen_memory_domain"; domid);
    layout!(table, memory::MachphysMfnList = "struct xen_machphys_mfn_list";
        max_extents extent_start nr_extents
    );
    layout!(table, memory::MachphysMapping = "struct xen_machphys_mapping"; v_start v_end max_mfn);
    layout!(table, memory::AddToPhysmap = "struct xen_add_to_physmap"; domid size space idx gpfn);
    layout!(table, memory::AddToPhysmapBatch = "struct xen_add_to_physmap_batch";
        domid space size (foreign_domid "u.foreign_domid") idxs gpfns errs
    );
    layout!(table, memory::RemoveFromPhysmap = "struct xen_remove_from_physmap"; domid gpfn);
    layout!(table, memory::MemoryMap = "struct xen_memory_map"; nr_entries buffer);
    layout!(table, memory::ForeignMemoryMap = "struct xen_foreign_memory_map"; domid map);
    layout!(table, memory::PodTarget = "struct xen_pod_target";
        target_pages tot_pages pod_cache_pages pod_entries domid
    );
    layout!(table, memory::MemPagingOp = "struct xen_mem_paging_op"; op domain buffer gfn);
    layout!(table, memory::MemAccessOp = "struct xen_mem_access_op";
        op access domid nr pfn pfn_list access_list
    );
    layout!(table, memory::MemSharingOp = "struct xen_mem_sharing_op"; op domain u);
    layout!(table, memory::ReservedDeviceMemory = "struct xen_reserved_device_memory"; start_pfn nr_pages);
    layout!(table, memory::ReservedDeviceMemoryMap = "struct xen_reserved_device_memory_map";
        flags nr_entries buffer dev
    );
    layout!(table, memory::MemAcquireResource = "struct xen_mem_acquire_resource";
        domid (r#type "type") id nr_frames pad frame frame_list
    );
    layout!(table, memory::Vmemrange = "struct xen_vmemrange"; start end flags nid);
    layout!(table, memory::VnumaTopologyInfo = "struct xen_vnuma_topology_info";
        domid pad nr_vnodes nr_vcpus nr_vmemranges vdistance vcpu_to_vnode vmemrange
    );
    table.expr("XENMEMF_node(3)", xen_abi::memory::xenmemf_node(3));
    table.expr("XENMEMF_get_node(0x400)", xen_abi::memory::xenmemf_get_node(0x400));
    table.expr("XENMEMF_get_node(0)", xen_abi::memory::xenmemf_get_node(0));
    table.expr("XENMEMF_get_address_bits(0x120)", xen_abi::memory::xenmemf_get_address_bits(0x120));
    table.run("memory");
}
