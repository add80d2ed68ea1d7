//! Grant tables: the shared entries and `HYPERVISOR_grant_table_op`.
//!
//! Source: public header `grant_table.h`. A grant reference and a mapping handle are `u32`,
//! a status (`GNTST_*`) is an `i16`.

use crate::xen::GuestHandle;

consts! { u32;
    /// Map a granted frame.
    GNTTABOP_MAP_GRANT_REF = 0;
    /// Destroy a mapping by its handle.
    GNTTABOP_UNMAP_GRANT_REF = 1;
    /// Size the table and list its frames.
    GNTTABOP_SETUP_TABLE = 2;
    /// Print the table on the hypervisor's console.
    GNTTABOP_DUMP_TABLE = 3;
    /// Transfer the ownership of a frame.
    GNTTABOP_TRANSFER = 4;
    /// Copy between frames or grants.
    GNTTABOP_COPY = 5;
    /// Query the current and maximum size of the table.
    GNTTABOP_QUERY_SIZE = 6;
    /// Destroy a mapping and replace its page-table entry.
    GNTTABOP_UNMAP_AND_REPLACE = 7;
    /// Choose the entry format.
    GNTTABOP_SET_VERSION = 8;
    /// List the status frames (format 2).
    GNTTABOP_GET_STATUS_FRAMES = 9;
    /// Query the entry format.
    GNTTABOP_GET_VERSION = 10;
    /// Swap two entries.
    GNTTABOP_SWAP_GRANT_REF = 11;
    /// Clean or invalidate the cache for a granted range.
    GNTTABOP_CACHE_FLUSH = 12;
}

consts! { u32;
    /// Number of entries reserved for the toolstack.
    GNTTAB_NR_RESERVED_ENTRIES = 8;
    /// Entry of the console ring.
    GNTTAB_RESERVED_CONSOLE = 0;
    /// Entry of the xenstore ring.
    GNTTAB_RESERVED_XENSTORE = 1;
    /// `GnttabCacheFlush::op`: clean.
    GNTTAB_CACHE_CLEAN = 1 << 0;
    /// `GnttabCacheFlush::op`: invalidate.
    GNTTAB_CACHE_INVAL = 1 << 1;
    /// `GnttabCacheFlush::op`: the source is a grant reference.
    GNTTAB_CACHE_SOURCE_GREF = 1 << 31;
}

consts! { u16;
    /// Entry type: no privileges.
    GTF_INVALID = 0;
    /// Entry type: the domain may map or access the frame.
    GTF_PERMIT_ACCESS = 1;
    /// Entry type: the domain may transfer a frame here.
    GTF_ACCEPT_TRANSFER = 2;
    /// Entry type: the domain may use a grant of a third domain.
    GTF_TRANSITIVE = 3;
    /// Mask of the entry type.
    GTF_TYPE_MASK = 3;
    /// Only reading is permitted.
    GTF_READONLY = 1 << 2;
    /// The hypervisor's mark: in use for reading.
    GTF_READING = 1 << 3;
    /// The hypervisor's mark: in use for writing.
    GTF_WRITING = 1 << 4;
    /// Cache attribute PWT of mappings.
    GTF_PWT = 1 << 5;
    /// Cache attribute PCD of mappings.
    GTF_PCD = 1 << 6;
    /// Cache attribute PAT of mappings.
    GTF_PAT = 1 << 7;
    /// Only a byte range may be copied (format 2).
    GTF_SUB_PAGE = 1 << 8;
    /// Transfer entry: the hypervisor is committed.
    GTF_TRANSFER_COMMITTED = 1 << 2;
    /// Transfer entry: the frame was written.
    GTF_TRANSFER_COMPLETED = 1 << 3;
    /// `GnttabCopy::flags`: the source is a grant reference.
    GNTCOPY_SOURCE_GREF = 1 << 0;
    /// `GnttabCopy::flags`: the destination is a grant reference.
    GNTCOPY_DEST_GREF = 1 << 1;
}

consts! { u32;
    /// Map for access by I/O devices.
    GNTMAP_DEVICE_MAP = 1 << 0;
    /// Map for access by the CPUs.
    GNTMAP_HOST_MAP = 1 << 1;
    /// Map read-only.
    GNTMAP_READONLY = 1 << 2;
    /// The host mapping is usable by user space too.
    GNTMAP_APPLICATION_MAP = 1 << 3;
    /// `host_addr` is the machine address of a page-table entry.
    GNTMAP_CONTAINS_PTE = 1 << 4;
    /// First bit of the guest-available PTE bits.
    GNTMAP_GUEST_AVAIL0 = 16;
    /// Mask of the guest-available PTE bits.
    GNTMAP_GUEST_AVAIL_MASK = u32::MAX << GNTMAP_GUEST_AVAIL0;
}

consts! { i16;
    /// Success.
    GNTST_OKAY = 0;
    /// Undefined error.
    GNTST_GENERAL_ERROR = -1;
    /// Unrecognised domain.
    GNTST_BAD_DOMAIN = -2;
    /// Unrecognised or inappropriate grant reference.
    GNTST_BAD_GNTREF = -3;
    /// Unrecognised or inappropriate handle.
    GNTST_BAD_HANDLE = -4;
    /// Inappropriate virtual address to map.
    GNTST_BAD_VIRT_ADDR = -5;
    /// Inappropriate device address to unmap.
    GNTST_BAD_DEV_ADDR = -6;
    /// Out of space in the IOMMU.
    GNTST_NO_DEVICE_SPACE = -7;
    /// Not enough privilege.
    GNTST_PERMISSION_DENIED = -8;
    /// The frame is invalid for the operation.
    GNTST_BAD_PAGE = -9;
    /// Copy arguments cross a page boundary.
    GNTST_BAD_COPY_ARG = -10;
    /// The address of the transferred frame is too large.
    GNTST_ADDRESS_TOO_BIG = -11;
    /// Not done; try again.
    GNTST_EAGAIN = -12;
    /// Out of space (handles and the like).
    GNTST_NO_SPACE = -13;
}

abi_struct! {
    /// Shared entry of format 1.
    pub struct GrantEntryV1 {
        /// `GTF_*`.
        pub flags: u16,
        /// Domain that is granted privileges.
        pub domid: u16,
        /// Frame (gfn; mfn after a completed transfer of a PV guest).
        pub frame: u32,
    }

    /// Prefix that the entries of both formats share.
    pub struct GrantEntryHeader {
        /// `GTF_*`.
        pub flags: u16,
        /// Domain that is granted privileges.
        pub domid: u16,
    }

    /// Shared entry of format 2: union by type; see the methods.
    pub struct GrantEntryV2 {
        /// Prefix.
        pub hdr: GrantEntryHeader,
        /// Sub-page: offset and length; transitive: domain; else unused.
        pub word: u32,
        /// Frame; transitive: the grant reference in the low half.
        pub frame: u64,
    }

    /// Argument of `GNTTABOP_MAP_GRANT_REF`.
    pub struct GnttabMapGrantRef {
        /// In: virtual address, or machine address of a PTE (`GNTMAP_CONTAINS_PTE`).
        pub host_addr: u64,
        /// In: `GNTMAP_*`.
        pub flags: u32,
        /// In: grant reference.
        pub r#ref: u32,
        /// In: granting domain.
        pub dom: u16,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Out: mapping handle.
        pub handle: u32,
        /// Out: address for devices (`GNTMAP_DEVICE_MAP`).
        pub dev_bus_addr: u64,
    }

    /// Argument of `GNTTABOP_UNMAP_GRANT_REF`.
    pub struct GnttabUnmapGrantRef {
        /// In: address of the host mapping; 0 to ignore.
        pub host_addr: u64,
        /// In: address of the device mapping; 0 to ignore.
        pub dev_bus_addr: u64,
        /// In: mapping handle.
        pub handle: u32,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Padding.
        pub _pad: u16,
    }

    /// Argument of `GNTTABOP_SETUP_TABLE`.
    pub struct GnttabSetupTable {
        /// In: domain (may be `DOMID_SELF`).
        pub dom: u16,
        /// Padding.
        pub _pad: u16,
        /// In: wanted number of frames.
        pub nr_frames: u32,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Padding.
        pub _pad2: [u16; 3],
        /// Out: array of `nr_frames` frame numbers (`u64`).
        pub frame_list: GuestHandle,
    }

    /// Argument of `GNTTABOP_DUMP_TABLE`.
    pub struct GnttabDumpTable {
        /// In: domain.
        pub dom: u16,
        /// Out: `GNTST_*`.
        pub status: i16,
    }

    /// Argument of `GNTTABOP_TRANSFER`.
    pub struct GnttabTransfer {
        /// In: frame to transfer.
        pub mfn: u64,
        /// In: receiving domain.
        pub domid: u16,
        /// Padding.
        pub _pad: u16,
        /// In: grant reference of `domid`.
        pub r#ref: u32,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Padding.
        pub _pad2: [u16; 3],
    }

    /// Source or destination of a [`GnttabCopy`].
    pub struct GnttabCopyPtr {
        /// Union: a frame number, or a grant reference in the low half ([`GnttabCopyPtr::gref`]).
        pub u: u64,
        /// Domain.
        pub domid: u16,
        /// Byte offset in the frame.
        pub offset: u16,
        /// Padding.
        pub _pad: u32,
    }

    /// Argument of `GNTTABOP_COPY`.
    pub struct GnttabCopy {
        /// In: source.
        pub source: GnttabCopyPtr,
        /// In: destination.
        pub dest: GnttabCopyPtr,
        /// In: number of bytes.
        pub len: u16,
        /// In: `GNTCOPY_*`.
        pub flags: u16,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Padding.
        pub _pad: u16,
    }

    /// Argument of `GNTTABOP_QUERY_SIZE`.
    pub struct GnttabQuerySize {
        /// In: domain (may be `DOMID_SELF`).
        pub dom: u16,
        /// Padding.
        pub _pad: u16,
        /// Out: current number of frames.
        pub nr_frames: u32,
        /// Out: maximum number of frames.
        pub max_nr_frames: u32,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Padding.
        pub _pad2: u16,
    }

    /// Argument of `GNTTABOP_UNMAP_AND_REPLACE`.
    pub struct GnttabUnmapAndReplace {
        /// In: virtual address of the mapping.
        pub host_addr: u64,
        /// In: virtual address whose page-table entry is moved to `host_addr`.
        pub new_addr: u64,
        /// In: mapping handle.
        pub handle: u32,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Padding.
        pub _pad: u16,
    }

    /// Argument of `GNTTABOP_SET_VERSION`.
    pub struct GnttabSetVersion {
        /// In: wanted format; out: format in effect.
        pub version: u32,
    }

    /// Argument of `GNTTABOP_GET_STATUS_FRAMES`.
    pub struct GnttabGetStatusFrames {
        /// In: size of `frame_list`.
        pub nr_frames: u32,
        /// In: domain (may be `DOMID_SELF`).
        pub dom: u16,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Out: array of frame numbers (`u64`).
        pub frame_list: GuestHandle,
    }

    /// Argument of `GNTTABOP_GET_VERSION`.
    pub struct GnttabGetVersion {
        /// In: domain (may be `DOMID_SELF`).
        pub dom: u16,
        /// Padding of the interface.
        pub pad: u16,
        /// Out: format.
        pub version: u32,
    }

    /// Argument of `GNTTABOP_SWAP_GRANT_REF`.
    pub struct GnttabSwapGrantRef {
        /// In: first entry.
        pub ref_a: u32,
        /// In: second entry.
        pub ref_b: u32,
        /// Out: `GNTST_*`.
        pub status: i16,
        /// Padding.
        pub _pad: u16,
    }

    /// Argument of `GNTTABOP_CACHE_FLUSH`.
    pub struct GnttabCacheFlush {
        /// Union: a bus address, or a grant reference in the low half ([`GnttabCacheFlush::gref`]).
        pub a: u64,
        /// Byte offset from the start of the grant.
        pub offset: u16,
        /// Number of bytes.
        pub length: u16,
        /// `GNTTAB_CACHE_*`.
        pub op: u32,
    }
}

impl GrantEntryV2 {
    /// Byte offset of a `GTF_SUB_PAGE` entry.
    pub const fn page_off(&self) -> u16 {
        self.word as u16
    }

    /// Number of bytes of a `GTF_SUB_PAGE` entry.
    pub const fn length(&self) -> u16 {
        (self.word >> 16) as u16
    }

    /// Domain of a `GTF_TRANSITIVE` entry.
    pub const fn trans_domid(&self) -> u16 {
        self.word as u16
    }

    /// Grant reference of a `GTF_TRANSITIVE` entry.
    pub const fn gref(&self) -> u32 {
        self.frame as u32
    }
}

impl GnttabCopyPtr {
    /// The union as a grant reference.
    pub const fn gref(&self) -> u32 {
        self.u as u32
    }

    /// The union as a frame number.
    pub const fn gmfn(&self) -> u64 {
        self.u
    }
}

impl GnttabCacheFlush {
    /// The union as a grant reference.
    pub const fn gref(&self) -> u32 {
        self.a as u32
    }
}
