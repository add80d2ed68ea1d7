//! Device model operations: `xen/hvm/dm_op.h` of Xen 4.20.
//!
//! `__HYPERVISOR_dm_op` takes a domain and an array of [`DmOpBuf`], of which the first holds [`DmOp`].

use crate::layout::union_access;
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// `XEN_DMOP_create_ioreq_server`: value of [`DmOp::op`].
pub const XEN_DMOP_CREATE_IOREQ_SERVER: u32 = 1;
/// `XEN_DMOP_get_ioreq_server_info`: value of [`DmOp::op`].
pub const XEN_DMOP_GET_IOREQ_SERVER_INFO: u32 = 2;
/// `XEN_DMOP_map_io_range_to_ioreq_server`: value of [`DmOp::op`].
pub const XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER: u32 = 3;
/// `XEN_DMOP_unmap_io_range_from_ioreq_server`: value of [`DmOp::op`].
pub const XEN_DMOP_UNMAP_IO_RANGE_FROM_IOREQ_SERVER: u32 = 4;
/// `XEN_DMOP_set_ioreq_server_state`: value of [`DmOp::op`].
pub const XEN_DMOP_SET_IOREQ_SERVER_STATE: u32 = 5;
/// `XEN_DMOP_destroy_ioreq_server`: value of [`DmOp::op`].
pub const XEN_DMOP_DESTROY_IOREQ_SERVER: u32 = 6;
/// `XEN_DMOP_track_dirty_vram`: value of [`DmOp::op`].
pub const XEN_DMOP_TRACK_DIRTY_VRAM: u32 = 7;
/// `XEN_DMOP_set_pci_intx_level`: value of [`DmOp::op`].
pub const XEN_DMOP_SET_PCI_INTX_LEVEL: u32 = 8;
/// `XEN_DMOP_set_isa_irq_level`: value of [`DmOp::op`].
pub const XEN_DMOP_SET_ISA_IRQ_LEVEL: u32 = 9;
/// `XEN_DMOP_set_pci_link_route`: value of [`DmOp::op`].
pub const XEN_DMOP_SET_PCI_LINK_ROUTE: u32 = 10;
/// `XEN_DMOP_modified_memory`: value of [`DmOp::op`].
pub const XEN_DMOP_MODIFIED_MEMORY: u32 = 11;
/// `XEN_DMOP_set_mem_type`: value of [`DmOp::op`].
pub const XEN_DMOP_SET_MEM_TYPE: u32 = 12;
/// `XEN_DMOP_inject_event`: value of [`DmOp::op`].
pub const XEN_DMOP_INJECT_EVENT: u32 = 13;
/// `XEN_DMOP_inject_msi`: value of [`DmOp::op`].
pub const XEN_DMOP_INJECT_MSI: u32 = 14;
/// `XEN_DMOP_map_mem_type_to_ioreq_server`: value of [`DmOp::op`].
pub const XEN_DMOP_MAP_MEM_TYPE_TO_IOREQ_SERVER: u32 = 15;
/// `XEN_DMOP_remote_shutdown`: value of [`DmOp::op`].
pub const XEN_DMOP_REMOTE_SHUTDOWN: u32 = 16;
/// `XEN_DMOP_relocate_memory`: value of [`DmOp::op`].
pub const XEN_DMOP_RELOCATE_MEMORY: u32 = 17;
/// `XEN_DMOP_pin_memory_cacheattr`: value of [`DmOp::op`].
pub const XEN_DMOP_PIN_MEMORY_CACHEATTR: u32 = 18;
/// `XEN_DMOP_set_irq_level`: value of [`DmOp::op`].
pub const XEN_DMOP_SET_IRQ_LEVEL: u32 = 19;
/// `XEN_DMOP_nr_vcpus`: value of [`DmOp::op`].
pub const XEN_DMOP_NR_VCPUS: u32 = 20;

/// A device model operation: `u` is the struct of the same name as `op`.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOp {
    /// `XEN_DMOP_*`.
    pub op: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 24],
}

union_access!(DmOp, u, 24);

/// One of the buffers of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpBuf {
    /// Address of the buffer.
    pub h: GuestHandle,
    /// Bytes.
    pub size: u64,
}

/// [`XEN_DMOP_CREATE_IOREQ_SERVER`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpCreateIoreqServer {
    /// `HVM_IOREQSRV_BUFIOREQ_*`.
    pub handle_bufioreq: u8,
    /// Reserved: zero.
    pub pad: [u8; 3],
    /// Ioreq server.
    pub id: u16,
}

/// `XEN_DMOP_no_gfns`: bit of [`DmOpGetIoreqServerInfo::flags`]: the caller maps the pages as a resource.
pub const XEN_DMOP_NO_GFNS: u32 = 1;

/// [`XEN_DMOP_GET_IOREQ_SERVER_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpGetIoreqServerInfo {
    /// Ioreq server.
    pub id: u16,
    /// Flags.
    pub flags: u16,
    /// Out: event channel of the buffered ring.
    pub bufioreq_port: u32,
    /// Out: frame of synchronous requests.
    pub ioreq_gfn: u64,
    /// Out: frame of the buffered ring.
    pub bufioreq_gfn: u64,
}

/// Value of `type` of [`DmOpIoreqServerRange`].
pub const XEN_DMOP_IO_RANGE_PORT: u32 = 0;
/// Value of `type` of [`DmOpIoreqServerRange`].
pub const XEN_DMOP_IO_RANGE_MEMORY: u32 = 1;
/// Value of `type` of [`DmOpIoreqServerRange`].
pub const XEN_DMOP_IO_RANGE_PCI: u32 = 2;

/// [`XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER`] and its undoing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpIoreqServerRange {
    /// Ioreq server.
    pub id: u16,
    /// Reserved: zero.
    pub pad: u16,
    /// Type.
    pub r#type: u32,
    /// First.
    pub start: u64,
    /// Last, inclusive.
    pub end: u64,
}

/// [`XEN_DMOP_SET_IOREQ_SERVER_STATE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpSetIoreqServerState {
    /// Ioreq server.
    pub id: u16,
    /// Whether it gets requests.
    pub enabled: u8,
    /// Reserved: zero.
    pub pad: u8,
}

/// [`XEN_DMOP_DESTROY_IOREQ_SERVER`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpDestroyIoreqServer {
    /// Ioreq server.
    pub id: u16,
    /// Reserved: zero.
    pub pad: u16,
}

/// [`XEN_DMOP_TRACK_DIRTY_VRAM`]: the bit map is in the second buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpTrackDirtyVram {
    /// Number of frames; 0 ends tracking.
    pub nr: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// First guest frame.
    pub first_pfn: u64,
}

/// [`XEN_DMOP_SET_PCI_INTX_LEVEL`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpSetPciIntxLevel {
    /// PCI segment.
    pub domain: u16,
    /// PCI bus.
    pub bus: u8,
    /// PCI device.
    pub device: u8,
    /// PCI interrupt pin, 0 for INTA.
    pub intx: u8,
    /// 1 asserted, 0 not.
    pub level: u8,
}

/// [`XEN_DMOP_SET_ISA_IRQ_LEVEL`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpSetIsaIrqLevel {
    /// ISA interrupt.
    pub isa_irq: u8,
    /// 1 asserted, 0 not.
    pub level: u8,
}

/// [`XEN_DMOP_SET_PCI_LINK_ROUTE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpSetPciLinkRoute {
    /// PCI link, 0 to 3.
    pub link: u8,
    /// ISA interrupt.
    pub isa_irq: u8,
}

/// [`XEN_DMOP_MODIFIED_MEMORY`]: extents are in the second buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpModifiedMemory {
    /// Number of extents; out, on an error: one more than the index of the extent.
    pub nr_extents: u32,
    /// Zero; Xen's for continuation.
    pub opaque: u32,
}

/// An extent of [`DmOpModifiedMemory`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpModifiedMemoryExtent {
    /// Number of frames.
    pub nr: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// First guest frame.
    pub first_pfn: u64,
}

/// [`XEN_DMOP_SET_MEM_TYPE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpSetMemType {
    /// Number of frames.
    pub nr: u32,
    /// `HVMMEM_*`.
    pub mem_type: u16,
    /// Reserved: zero.
    pub pad: u16,
    /// First guest frame.
    pub first_pfn: u64,
}

/// `XEN_DMOP_EVENT_ext_int`: value of `type` of [`DmOpInjectEvent`].
pub const XEN_DMOP_EVENT_EXT_INT: u32 = 0;
/// `XEN_DMOP_EVENT_nmi`: value of `type` of [`DmOpInjectEvent`].
pub const XEN_DMOP_EVENT_NMI: u32 = 2;
/// `XEN_DMOP_EVENT_hw_exc`: value of `type` of [`DmOpInjectEvent`].
pub const XEN_DMOP_EVENT_HW_EXC: u32 = 3;
/// `XEN_DMOP_EVENT_sw_int`: value of `type` of [`DmOpInjectEvent`].
pub const XEN_DMOP_EVENT_SW_INT: u32 = 4;
/// `XEN_DMOP_EVENT_pri_sw_exc`: value of `type` of [`DmOpInjectEvent`].
pub const XEN_DMOP_EVENT_PRI_SW_EXC: u32 = 5;
/// `XEN_DMOP_EVENT_sw_exc`: value of `type` of [`DmOpInjectEvent`].
pub const XEN_DMOP_EVENT_SW_EXC: u32 = 6;

/// [`XEN_DMOP_INJECT_EVENT`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpInjectEvent {
    /// vCPU.
    pub vcpuid: u32,
    /// Interrupt vector.
    pub vector: u8,
    /// Type.
    pub r#type: u8,
    /// Bytes of the instruction, for software events.
    pub insn_len: u8,
    /// Reserved: zero.
    pub pad0: u8,
    /// Error code, or all ones for none.
    pub error_code: u32,
    /// Reserved: zero.
    pub pad1: u32,
    /// CR2 of a page fault, or pending debug conditions.
    pub cr2: u64,
}

/// [`XEN_DMOP_INJECT_MSI`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpInjectMsi {
    /// MSI data.
    pub data: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// MSI address (0xfeex_xxxx).
    pub addr: u64,
}

/// Bit of [`DmOpMapMemTypeToIoreqServer::flags`].
pub const XEN_DMOP_IOREQ_MEM_ACCESS_READ: u32 = 1;
/// Bit of [`DmOpMapMemTypeToIoreqServer::flags`].
pub const XEN_DMOP_IOREQ_MEM_ACCESS_WRITE: u32 = 1 << 1;

/// [`XEN_DMOP_MAP_MEM_TYPE_TO_IOREQ_SERVER`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpMapMemTypeToIoreqServer {
    /// Ioreq server.
    pub id: u16,
    /// Type.
    pub r#type: u16,
    /// Flags.
    pub flags: u32,
    /// Zero; Xen's for continuation.
    pub opaque: u64,
}

/// [`XEN_DMOP_REMOTE_SHUTDOWN`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpRemoteShutdown {
    /// `SHUTDOWN_*`.
    pub reason: u32,
}

/// [`XEN_DMOP_RELOCATE_MEMORY`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpRelocateMemory {
    /// Number of frames.
    pub size: u32,
    /// Reserved: zero.
    pub pad: u32,
    /// First frame number to move.
    pub src_gfn: u64,
    /// First frame number to move to.
    pub dst_gfn: u64,
}

/// Value of `type` of [`DmOpPinMemoryCacheattr`].
pub const XEN_DMOP_MEM_CACHEATTR_UC: u32 = 0;
/// Value of `type` of [`DmOpPinMemoryCacheattr`].
pub const XEN_DMOP_MEM_CACHEATTR_WC: u32 = 1;
/// Value of `type` of [`DmOpPinMemoryCacheattr`].
pub const XEN_DMOP_MEM_CACHEATTR_WT: u32 = 4;
/// Value of `type` of [`DmOpPinMemoryCacheattr`].
pub const XEN_DMOP_MEM_CACHEATTR_WP: u32 = 5;
/// Value of `type` of [`DmOpPinMemoryCacheattr`].
pub const XEN_DMOP_MEM_CACHEATTR_WB: u32 = 6;
/// Value of `type` of [`DmOpPinMemoryCacheattr`].
pub const XEN_DMOP_MEM_CACHEATTR_UCM: u32 = 7;
/// Value of `type` of [`DmOpPinMemoryCacheattr`].
pub const XEN_DMOP_DELETE_MEM_CACHEATTR: u32 = u32::MAX;

/// [`XEN_DMOP_PIN_MEMORY_CACHEATTR`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpPinMemoryCacheattr {
    /// First.
    pub start: u64,
    /// Last, inclusive.
    pub end: u64,
    /// Type.
    pub r#type: u32,
    /// Reserved: zero.
    pub pad: u32,
}

/// [`XEN_DMOP_SET_IRQ_LEVEL`]: Arm only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpSetIrqLevel {
    /// Interrupt.
    pub irq: u32,
    /// 1 asserted, 0 not.
    pub level: u8,
    /// Reserved: zero.
    pub pad: [u8; 3],
}

/// [`XEN_DMOP_NR_VCPUS`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct DmOpNrVcpus {
    /// Number of vCPUs.
    pub vcpus: u32,
}
