//! Memory reservations, physmaps and memory information: `HYPERVISOR_memory_op`.
//!
//! Source: public header `memory.h`. Frame numbers are `u64`, counts are in pages or extents.

use crate::physdev::PhysdevPciDevice;
use crate::xen::GuestHandle;

consts! { u32;
    /// Allocate extents.
    XENMEM_INCREASE_RESERVATION = 0;
    /// Free extents.
    XENMEM_DECREASE_RESERVATION = 1;
    /// Highest mfn of RAM of the machine, plus one.
    XENMEM_MAXIMUM_RAM_PAGE = 2;
    /// Current number of pages of a domain.
    XENMEM_CURRENT_RESERVATION = 3;
    /// Maximum number of pages of a domain.
    XENMEM_MAXIMUM_RESERVATION = 4;
    /// List the 2 MiB extents of the m2p table.
    XENMEM_MACHPHYS_MFN_LIST = 5;
    /// Allocate extents at given gfns.
    XENMEM_POPULATE_PHYSMAP = 6;
    /// Place a page at a gfn.
    XENMEM_ADD_TO_PHYSMAP = 7;
    /// The domain's pseudo-physical memory map.
    XENMEM_MEMORY_MAP = 9;
    /// The machine's memory map.
    XENMEM_MACHINE_MEMORY_MAP = 10;
    /// Exchange extents for others.
    XENMEM_EXCHANGE = 11;
    /// Location of the m2p table.
    XENMEM_MACHPHYS_MAPPING = 12;
    /// Set a domain's pseudo-physical memory map.
    XENMEM_SET_MEMORY_MAP = 13;
    /// Highest gfn in use by a domain.
    XENMEM_MAXIMUM_GPFN = 14;
    /// Remove the page at a gfn.
    XENMEM_REMOVE_FROM_PHYSMAP = 15;
    /// Set the populate-on-demand target.
    XENMEM_SET_POD_TARGET = 16;
    /// Query the populate-on-demand target.
    XENMEM_GET_POD_TARGET = 17;
    /// Number of pages that sharing saved.
    XENMEM_GET_SHARING_FREED_PAGES = 18;
    /// Number of shared pages.
    XENMEM_GET_SHARING_SHARED_PAGES = 19;
    /// Memory paging.
    XENMEM_PAGING_OP = 20;
    /// Memory access permissions.
    XENMEM_ACCESS_OP = 21;
    /// Memory sharing.
    XENMEM_SHARING_OP = 22;
    /// Place pages at gfns.
    XENMEM_ADD_TO_PHYSMAP_BATCH = 23;
    /// Stake a claim on free memory.
    XENMEM_CLAIM_PAGES = 24;
    /// List the extents of the compatibility m2p table.
    XENMEM_MACHPHYS_COMPAT_MFN_LIST = 25;
    /// The domain's virtual NUMA topology.
    XENMEM_GET_VNUMAINFO = 26;
    /// Regions that devices have reserved.
    XENMEM_RESERVED_DEVICE_MEMORY_MAP = 27;
    /// Frames of a resource of a domain.
    XENMEM_ACQUIRE_RESOURCE = 28;
}

consts! { u32;
    /// Populate on demand.
    XENMEMF_POPULATE_ON_DEMAND = 1 << 16;
    /// Allocate only from the given node.
    XENMEMF_EXACT_NODE_REQUEST = 1 << 17;
    /// The node is a virtual one.
    XENMEMF_VNODE = 1 << 18;
    /// `ReservedDeviceMemoryMap::flags`: all regions, whatever the device.
    XENMEM_RDM_ALL = 1;
}

consts! { u32;
    /// The shared info page.
    XENMAPSPACE_SHARED_INFO = 0;
    /// A page of the grant table.
    XENMAPSPACE_GRANT_TABLE = 1;
    /// A gfn of the domain.
    XENMAPSPACE_GMFN = 2;
    /// A range of gfns (not in a batch).
    XENMAPSPACE_GMFN_RANGE = 3;
    /// A gfn of another domain (only in a batch).
    XENMAPSPACE_GMFN_FOREIGN = 4;
    /// Device memory (Arm only).
    XENMAPSPACE_DEV_MMIO = 5;
}

/// Index bit of `XENMAPSPACE_GRANT_TABLE` that selects the status frames.
pub const XENMAPIDX_GRANT_TABLE_STATUS: u64 = 0x8000_0000;

consts! { u16;
    /// `MemAcquireResource::type`: pages of an ioreq server.
    XENMEM_RESOURCE_IOREQ_SERVER = 0;
    /// `MemAcquireResource::type`: frames of the grant table.
    XENMEM_RESOURCE_GRANT_TABLE = 1;
    /// `MemAcquireResource::type`: a trace buffer.
    XENMEM_RESOURCE_VMTRACE_BUF = 2;
}

consts! { u32;
    /// `MemAcquireResource::id`: shared frames.
    XENMEM_RESOURCE_GRANT_TABLE_ID_SHARED = 0;
    /// `MemAcquireResource::id`: status frames.
    XENMEM_RESOURCE_GRANT_TABLE_ID_STATUS = 1;
}

/// `MemAcquireResource::frame` of the buffered page of an ioreq server.
pub const XENMEM_RESOURCE_IOREQ_SERVER_FRAME_BUFIOREQ: u64 = 0;

consts! { u8;
    /// `MemPagingOp::op`: nominate a page for eviction.
    XENMEM_PAGING_OP_NOMINATE = 0;
    /// `MemPagingOp::op`: evict a page.
    XENMEM_PAGING_OP_EVICT = 1;
    /// `MemPagingOp::op`: prepare to page in.
    XENMEM_PAGING_OP_PREP = 2;
    /// `MemAccessOp::op`: set for a range.
    XENMEM_ACCESS_OP_SET_ACCESS = 0;
    /// `MemAccessOp::op`: get for a page.
    XENMEM_ACCESS_OP_GET_ACCESS = 1;
    /// `MemAccessOp::op`: set for a list.
    XENMEM_ACCESS_OP_SET_ACCESS_MULTI = 4;
    /// No access.
    XENMEM_ACCESS_N = 0;
    /// Read.
    XENMEM_ACCESS_R = 1;
    /// Write.
    XENMEM_ACCESS_W = 2;
    /// Read and write.
    XENMEM_ACCESS_RW = 3;
    /// Execute.
    XENMEM_ACCESS_X = 4;
    /// Read and execute.
    XENMEM_ACCESS_RX = 5;
    /// Write and execute.
    XENMEM_ACCESS_WX = 6;
    /// Read, write and execute.
    XENMEM_ACCESS_RWX = 7;
    /// Read and execute; read and write after a write.
    XENMEM_ACCESS_RX2RW = 8;
    /// No access; all after an event that does not pause.
    XENMEM_ACCESS_N2RWX = 9;
    /// Read; page-table walks may write.
    XENMEM_ACCESS_R_PW = 10;
    /// The domain's default.
    XENMEM_ACCESS_DEFAULT = 11;
    /// `MemSharingOp::op`: nominate a gfn.
    XENMEM_SHARING_OP_NOMINATE_GFN = 0;
    /// `MemSharingOp::op`: nominate a grant.
    XENMEM_SHARING_OP_NOMINATE_GREF = 1;
    /// `MemSharingOp::op`: share two pages.
    XENMEM_SHARING_OP_SHARE = 2;
    /// `MemSharingOp::op`: dump a gfn.
    XENMEM_SHARING_OP_DEBUG_GFN = 3;
    /// `MemSharingOp::op`: dump an mfn.
    XENMEM_SHARING_OP_DEBUG_MFN = 4;
    /// `MemSharingOp::op`: dump a grant.
    XENMEM_SHARING_OP_DEBUG_GREF = 5;
    /// `MemSharingOp::op`: add a shared page to a physmap.
    XENMEM_SHARING_OP_ADD_PHYSMAP = 6;
    /// `MemSharingOp::op`: audit.
    XENMEM_SHARING_OP_AUDIT = 7;
    /// `MemSharingOp::op`: share a range.
    XENMEM_SHARING_OP_RANGE_SHARE = 8;
    /// `MemSharingOp::op`: fork a domain.
    XENMEM_SHARING_OP_FORK = 9;
    /// `MemSharingOp::op`: reset a fork.
    XENMEM_SHARING_OP_FORK_RESET = 10;
}

consts! { u16;
    /// Fork: allow a parent with an IOMMU.
    XENMEM_FORK_WITH_IOMMU_ALLOWED = 1 << 0;
    /// Fork: block interrupts.
    XENMEM_FORK_BLOCK_INTERRUPTS = 1 << 1;
    /// Fork reset: the vCPUs' state.
    XENMEM_FORK_RESET_STATE = 1 << 2;
    /// Fork reset: the memory.
    XENMEM_FORK_RESET_MEMORY = 1 << 3;
}

consts! { i32;
    /// Result of sharing: the source's handle is stale.
    XENMEM_SHARING_OP_S_HANDLE_INVALID = -10;
    /// Result of sharing: the client's handle is stale.
    XENMEM_SHARING_OP_C_HANDLE_INVALID = -9;
}

/// Bit of a gfn of a sharing operation that makes it a grant reference.
pub const XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG: u64 = 1 << 62;

/// Width in bits of the addresses that an allocation may have; 0 for no limit (`XENMEMF_get_address_bits`).
pub const fn xenmemf_get_address_bits(mem_flags: u32) -> u32 {
    mem_flags & 0xff
}

/// Flags that ask for memory of NUMA node `node` (`XENMEMF_node`).
pub const fn xenmemf_node(node: u32) -> u32 {
    node.wrapping_add(1) << 8
}

/// NUMA node that the flags ask for; 0xff for any (`XENMEMF_get_node`).
pub const fn xenmemf_get_node(mem_flags: u32) -> u32 {
    (mem_flags >> 8).wrapping_sub(1) & 0xff
}

abi_struct! {
    /// Argument of `XENMEM_INCREASE_RESERVATION`, `XENMEM_DECREASE_RESERVATION`,
    /// `XENMEM_POPULATE_PHYSMAP` and `XENMEM_CLAIM_PAGES`.
    pub struct MemoryReservation {
        /// In or out: array of frame numbers (`u64`), the bases of the extents.
        pub extent_start: GuestHandle,
        /// In: number of extents.
        pub nr_extents: u64,
        /// In: size and alignment of each extent: `1 << extent_order` pages.
        pub extent_order: u32,
        /// In: `XENMEMF_*`.
        pub mem_flags: u32,
        /// In: domain (may be `DOMID_SELF`).
        pub domid: u16,
        /// Padding.
        pub _pad: [u16; 3],
    }

    /// Argument of `XENMEM_EXCHANGE`.
    pub struct MemoryExchange {
        /// In: extents to give (C: `in`).
        pub r#in: MemoryReservation,
        /// In and out: extents to get.
        pub out: MemoryReservation,
        /// In: 0; out: number of input extents that were exchanged.
        pub nr_exchanged: u64,
    }

    /// Argument of `XENMEM_CURRENT_RESERVATION`, `XENMEM_MAXIMUM_RESERVATION` and `XENMEM_MAXIMUM_GPFN`.
    pub struct MemoryDomain {
        /// In: domain (may be `DOMID_SELF`).
        pub domid: u16,
    }

    /// Argument of `XENMEM_MACHPHYS_MFN_LIST`.
    pub struct MachphysMfnList {
        /// In: size of `extent_start` in entries.
        pub max_extents: u32,
        /// Padding.
        pub _pad: u32,
        /// Out: array of mfns (`u64`), the bases of 2 MiB extents.
        pub extent_start: GuestHandle,
        /// Out: number of entries written.
        pub nr_extents: u32,
        /// Padding.
        pub _pad2: u32,
    }

    /// Argument of `XENMEM_MACHPHYS_MAPPING`.
    pub struct MachphysMapping {
        /// Out: first virtual address.
        pub v_start: u64,
        /// Out: end of the virtual addresses.
        pub v_end: u64,
        /// Out: highest mfn that can be looked up.
        pub max_mfn: u64,
    }

    /// Argument of `XENMEM_ADD_TO_PHYSMAP`.
    pub struct AddToPhysmap {
        /// In: domain (may be `DOMID_SELF`).
        pub domid: u16,
        /// In: number of pages, for `XENMAPSPACE_GMFN_RANGE`.
        pub size: u16,
        /// In: `XENMAPSPACE_*`.
        pub space: u32,
        /// In: index in the space.
        pub idx: u64,
        /// In: gfn to place the page at.
        pub gpfn: u64,
    }

    /// Argument of `XENMEM_ADD_TO_PHYSMAP_BATCH`.
    pub struct AddToPhysmapBatch {
        /// In: domain (may be `DOMID_SELF`).
        pub domid: u16,
        /// In: `XENMAPSPACE_*`.
        pub space: u16,
        /// In: number of pages.
        pub size: u16,
        /// In: domain of the pages for `XENMAPSPACE_GMFN_FOREIGN`, else 0 (C: `u`).
        pub foreign_domid: u16,
        /// In: array of indexes (`u64`).
        pub idxs: GuestHandle,
        /// In: array of gfns (`u64`).
        pub gpfns: GuestHandle,
        /// Out: array of error codes (`i32`).
        pub errs: GuestHandle,
    }

    /// Argument of `XENMEM_REMOVE_FROM_PHYSMAP`.
    pub struct RemoveFromPhysmap {
        /// In: domain (may be `DOMID_SELF`).
        pub domid: u16,
        /// Padding.
        pub _pad: [u16; 3],
        /// In: gfn of the page.
        pub gpfn: u64,
    }

    /// Argument of `XENMEM_MEMORY_MAP` and `XENMEM_MACHINE_MEMORY_MAP`.
    pub struct MemoryMap {
        /// In: size of `buffer` in entries; out: entries written.
        pub nr_entries: u32,
        /// Padding.
        pub _pad: u32,
        /// Out: array of E820 entries (20 bytes each).
        pub buffer: GuestHandle,
    }

    /// Argument of `XENMEM_SET_MEMORY_MAP`.
    pub struct ForeignMemoryMap {
        /// In: domain.
        pub domid: u16,
        /// Padding.
        pub _pad: [u16; 3],
        /// In: the map.
        pub map: MemoryMap,
    }

    /// Argument of `XENMEM_SET_POD_TARGET` and `XENMEM_GET_POD_TARGET`.
    pub struct PodTarget {
        /// In: target in pages.
        pub target_pages: u64,
        /// Out: pages of the domain.
        pub tot_pages: u64,
        /// Out: pages in the cache.
        pub pod_cache_pages: u64,
        /// Out: entries that are not populated.
        pub pod_entries: u64,
        /// In: domain.
        pub domid: u16,
        /// Padding.
        pub _pad: [u16; 3],
    }

    /// Argument of `XENMEM_PAGING_OP`.
    pub struct MemPagingOp {
        /// In: `XENMEM_PAGING_OP_*`.
        pub op: u8,
        /// Padding.
        pub _pad: u8,
        /// In: domain.
        pub domain: u16,
        /// Padding.
        pub _pad2: u32,
        /// In: contents of the page, for `XENMEM_PAGING_OP_PREP`.
        pub buffer: GuestHandle,
        /// In: gfn.
        pub gfn: u64,
    }

    /// Argument of `XENMEM_ACCESS_OP`.
    pub struct MemAccessOp {
        /// In: `XENMEM_ACCESS_OP_*`.
        pub op: u8,
        /// In or out: `XENMEM_ACCESS_*`.
        pub access: u8,
        /// In: domain.
        pub domid: u16,
        /// In: number of pages.
        pub nr: u32,
        /// In: first gfn; all ones for the default.
        pub pfn: u64,
        /// In: array of gfns (`u64`).
        pub pfn_list: GuestHandle,
        /// In: array of `XENMEM_ACCESS_*` (`u8`).
        pub access_list: GuestHandle,
    }

    /// Argument of `XENMEM_SHARING_OP`.
    pub struct MemSharingOp {
        /// In: `XENMEM_SHARING_OP_*`.
        pub op: u8,
        /// Padding.
        pub _pad: u8,
        /// In: domain.
        pub domain: u16,
        /// Padding.
        pub _pad2: u32,
        /// Union of the arguments by `op`, from its first word on.
        pub u: [u64; 5],
    }

    /// A region that a device has reserved.
    pub struct ReservedDeviceMemory {
        /// First frame.
        pub start_pfn: u64,
        /// Number of pages.
        pub nr_pages: u64,
    }

    /// Argument of `XENMEM_RESERVED_DEVICE_MEMORY_MAP`.
    pub struct ReservedDeviceMemoryMap {
        /// In: `XENMEM_RDM_ALL`.
        pub flags: u32,
        /// In: size of `buffer` in entries; out: entries that are needed.
        pub nr_entries: u32,
        /// Out: array of [`ReservedDeviceMemory`].
        pub buffer: GuestHandle,
        /// In: device (C: `dev.pci`).
        pub dev: PhysdevPciDevice,
        /// Padding.
        pub _pad: u32,
    }

    /// Argument of `XENMEM_ACQUIRE_RESOURCE`.
    pub struct MemAcquireResource {
        /// In: domain of the resource.
        pub domid: u16,
        /// In: `XENMEM_RESOURCE_*`.
        pub r#type: u16,
        /// In: identifier that depends on the type.
        pub id: u32,
        /// In: number of frames; out: size of the resource when 0 with no list.
        pub nr_frames: u32,
        /// Must be 0.
        pub pad: u32,
        /// In: index of the first frame.
        pub frame: u64,
        /// Out (PV): array of mfns (`u64`); in (HVM): array of gfns.
        pub frame_list: GuestHandle,
    }

    /// Memory range of a virtual NUMA node.
    pub struct Vmemrange {
        /// First address.
        pub start: u64,
        /// End address.
        pub end: u64,
        /// Flags (0).
        pub flags: u32,
        /// Virtual node.
        pub nid: u32,
    }

    /// Argument of `XENMEM_GET_VNUMAINFO`.
    pub struct VnumaTopologyInfo {
        /// In: domain.
        pub domid: u16,
        /// Zero.
        pub pad: u16,
        /// In and out: number of virtual nodes.
        pub nr_vnodes: u32,
        /// In and out: number of vCPUs.
        pub nr_vcpus: u32,
        /// In and out: number of memory ranges.
        pub nr_vmemranges: u32,
        /// Out: distance table (`u32`).
        pub vdistance: GuestHandle,
        /// Out: node of each vCPU (`u32`).
        pub vcpu_to_vnode: GuestHandle,
        /// Out: array of [`Vmemrange`].
        pub vmemrange: GuestHandle,
    }
}
