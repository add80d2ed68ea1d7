//! Event channels and grant tables against the C headers.

#[macro_use]
mod common;

use core::mem::offset_of;

use common::Table;

#[test]
fn event_channel_agrees() {
    let Some(mut table) = Table::new(&["event_channel.h"]) else { return };
    numbers!(table, event_channel:
        EVTCHNOP_BIND_INTERDOMAIN EVTCHNOP_BIND_VIRQ EVTCHNOP_BIND_PIRQ EVTCHNOP_CLOSE EVTCHNOP_SEND
        EVTCHNOP_STATUS EVTCHNOP_ALLOC_UNBOUND EVTCHNOP_BIND_IPI EVTCHNOP_BIND_VCPU EVTCHNOP_UNMASK
        EVTCHNOP_RESET EVTCHNOP_INIT_CONTROL EVTCHNOP_EXPAND_ARRAY EVTCHNOP_SET_PRIORITY EVTCHNSTAT_CLOSED
        EVTCHNSTAT_UNBOUND EVTCHNSTAT_INTERDOMAIN EVTCHNSTAT_PIRQ EVTCHNSTAT_VIRQ EVTCHNSTAT_IPI
        EVTCHN_2L_NR_CHANNELS EVTCHN_FIFO_PRIORITY_MAX EVTCHN_FIFO_PRIORITY_DEFAULT EVTCHN_FIFO_PRIORITY_MIN
        EVTCHN_FIFO_MAX_QUEUES EVTCHN_FIFO_PENDING EVTCHN_FIFO_MASKED EVTCHN_FIFO_LINKED EVTCHN_FIFO_BUSY
        EVTCHN_FIFO_LINK_BITS EVTCHN_FIFO_LINK_MASK EVTCHN_FIFO_NR_CHANNELS
    );
    table.expr("BIND_PIRQ__WILL_SHARE", xen_abi::event_channel::BIND_PIRQ_WILL_SHARE);
    table.complete(&["EVTCHN", "BIND_PIRQ_"], &["EVTCHNOP_RESET_CONT", "BIND_PIRQ__WILL_SHARE"]);
    layout!(table, event_channel::EvtchnAllocUnbound = "struct evtchn_alloc_unbound"; dom remote_dom port);
    layout!(table, event_channel::EvtchnBindInterdomain = "struct evtchn_bind_interdomain";
        remote_dom remote_port local_port
    );
    layout!(table, event_channel::EvtchnBindVirq = "struct evtchn_bind_virq"; virq vcpu port);
    layout!(table, event_channel::EvtchnBindPirq = "struct evtchn_bind_pirq"; pirq flags port);
    layout!(table, event_channel::EvtchnBindIpi = "struct evtchn_bind_ipi"; vcpu port);
    layout!(table, event_channel::EvtchnClose = "struct evtchn_close"; port);
    layout!(table, event_channel::EvtchnSend = "struct evtchn_send"; port);
    layout!(table, event_channel::EvtchnStatus = "struct evtchn_status"; dom port status vcpu u);
    layout!(table, event_channel::EvtchnBindVcpu = "struct evtchn_bind_vcpu"; port vcpu);
    layout!(table, event_channel::EvtchnUnmask = "struct evtchn_unmask"; port);
    layout!(table, event_channel::EvtchnReset = "struct evtchn_reset"; dom);
    layout!(table, event_channel::EvtchnInitControl = "struct evtchn_init_control";
        control_gfn offset vcpu link_bits _pad
    );
    layout!(table, event_channel::EvtchnExpandArray = "struct evtchn_expand_array"; array_gfn);
    layout!(table, event_channel::EvtchnSetPriority = "struct evtchn_set_priority"; port priority);
    layout!(table, event_channel::EvtchnOp = "struct evtchn_op"; cmd u);
    layout!(table, event_channel::EvtchnFifoControlBlock = "struct evtchn_fifo_control_block";
        ready _rsvd head
    );
    table.expr(
        "offsetof(struct evtchn_status, u.interdomain.port)",
        offset_of!(xen_abi::event_channel::EvtchnStatus, u) + 4,
    );
    table.run("event_channel");
}

#[test]
fn grant_table_agrees() {
    let Some(mut table) = Table::new(&["grant_table.h"]) else { return };
    numbers!(table, grant_table:
        GNTTABOP_MAP_GRANT_REF GNTTABOP_UNMAP_GRANT_REF GNTTABOP_SETUP_TABLE GNTTABOP_DUMP_TABLE
        GNTTABOP_TRANSFER GNTTABOP_COPY GNTTABOP_QUERY_SIZE GNTTABOP_UNMAP_AND_REPLACE GNTTABOP_SET_VERSION
        GNTTABOP_GET_STATUS_FRAMES GNTTABOP_GET_VERSION GNTTABOP_SWAP_GRANT_REF GNTTABOP_CACHE_FLUSH
        GNTTAB_NR_RESERVED_ENTRIES GNTTAB_RESERVED_CONSOLE GNTTAB_RESERVED_XENSTORE GNTTAB_CACHE_CLEAN
        GNTTAB_CACHE_INVAL GNTTAB_CACHE_SOURCE_GREF GTF_INVALID GTF_PERMIT_ACCESS GTF_ACCEPT_TRANSFER
        GTF_TRANSITIVE GTF_TYPE_MASK GTF_READONLY GTF_READING GTF_WRITING GTF_PWT GTF_PCD GTF_PAT
        GTF_SUB_PAGE GTF_TRANSFER_COMMITTED GTF_TRANSFER_COMPLETED GNTCOPY_SOURCE_GREF GNTCOPY_DEST_GREF
        GNTMAP_DEVICE_MAP GNTMAP_HOST_MAP GNTMAP_READONLY GNTMAP_APPLICATION_MAP GNTMAP_CONTAINS_PTE
        GNTMAP_GUEST_AVAIL_MASK GNTST_OKAY GNTST_GENERAL_ERROR GNTST_BAD_DOMAIN GNTST_BAD_GNTREF
        GNTST_BAD_HANDLE GNTST_BAD_VIRT_ADDR GNTST_BAD_DEV_ADDR GNTST_NO_DEVICE_SPACE
        GNTST_PERMISSION_DENIED GNTST_BAD_PAGE GNTST_BAD_COPY_ARG GNTST_ADDRESS_TOO_BIG GNTST_EAGAIN
        GNTST_NO_SPACE
    );
    table.expr("_GNTMAP_guest_avail0", xen_abi::grant_table::GNTMAP_GUEST_AVAIL0);
    table.complete(&["GNT", "GTF_"], &["GNTTABOP_ERROR_MSGS"]);
    layout!(table, grant_table::GrantEntryV1 = "struct grant_entry_v1"; flags domid frame);
    layout!(table, grant_table::GrantEntryHeader = "struct grant_entry_header"; flags domid);
    layout!(table, grant_table::GrantEntryV2 = "union grant_entry_v2";
        hdr (word "full_page.pad0") (frame "full_page.frame")
    );
    layout!(table, grant_table::GnttabMapGrantRef = "struct gnttab_map_grant_ref";
        host_addr flags (r#ref "ref") dom status handle dev_bus_addr
    );
    layout!(table, grant_table::GnttabUnmapGrantRef = "struct gnttab_unmap_grant_ref";
        host_addr dev_bus_addr handle status
    );
    layout!(table, grant_table::GnttabSetupTable = "struct gnttab_setup_table";
        dom nr_frames status frame_list
    );
    layout!(table, grant_table::GnttabDumpTable = "struct gnttab_dump_table"; dom status);
    layout!(table, grant_table::GnttabTransfer = "struct gnttab_transfer"; mfn domid (r#ref "ref") status);
    layout!(table, grant_table::GnttabCopyPtr = "struct gnttab_copy_ptr"; u domid offset);
    layout!(table, grant_table::GnttabCopy = "struct gnttab_copy"; source dest len flags status);
    layout!(table, grant_table::GnttabQuerySize = "struct gnttab_query_size";
        dom nr_frames max_nr_frames status
    );
    layout!(table, grant_table::GnttabUnmapAndReplace = "struct gnttab_unmap_and_replace";
        host_addr new_addr handle status
    );
    layout!(table, grant_table::GnttabSetVersion = "struct gnttab_set_version"; version);
    layout!(table, grant_table::GnttabGetStatusFrames = "struct gnttab_get_status_frames";
        nr_frames dom status frame_list
    );
    layout!(table, grant_table::GnttabGetVersion = "struct gnttab_get_version"; dom pad version);
    layout!(table, grant_table::GnttabSwapGrantRef = "struct gnttab_swap_grant_ref"; ref_a ref_b status);
    layout!(table, grant_table::GnttabCacheFlush = "struct gnttab_cache_flush"; a offset length op);
    let word = offset_of!(xen_abi::grant_table::GrantEntryV2, word);
    let frame = offset_of!(xen_abi::grant_table::GrantEntryV2, frame);
    table.expr("offsetof(union grant_entry_v2, sub_page.page_off)", word);
    table.expr("offsetof(union grant_entry_v2, sub_page.length)", word + 2);
    table.expr("offsetof(union grant_entry_v2, transitive.trans_domid)", word);
    table.expr("offsetof(union grant_entry_v2, transitive.gref)", frame);
    table.run("grant_table");
}
