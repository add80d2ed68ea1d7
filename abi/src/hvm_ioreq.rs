//! Requests to device models: `xen/hvm/ioreq.h` of Xen 4.20.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `ioreq.dir`: the guest reads.
pub const IOREQ_READ: u8 = 1;
/// `ioreq.dir`: the guest writes.
pub const IOREQ_WRITE: u8 = 0;

/// `ioreq.state`: none.
pub const STATE_IOREQ_NONE: u8 = 0;
/// `ioreq.state`: the device model is to see to it.
pub const STATE_IOREQ_READY: u8 = 1;
/// `ioreq.state`: the device model is seeing to it.
pub const STATE_IOREQ_INPROCESS: u8 = 2;
/// `ioreq.state`: the answer is there.
pub const STATE_IORESP_READY: u8 = 3;

/// `ioreq.type`: a port.
pub const IOREQ_TYPE_PIO: u8 = 0;
/// `ioreq.type`: memory.
pub const IOREQ_TYPE_COPY: u8 = 1;
/// `ioreq.type`: PCI configuration; `addr` is segment, bus, device and function in bits 32–63, the register below.
pub const IOREQ_TYPE_PCI_CONFIG: u8 = 2;
/// `ioreq.type`: the guest's clock was set.
pub const IOREQ_TYPE_TIMEOFFSET: u8 = 7;
/// `ioreq.type`: mappings of guest memory are to be dropped.
pub const IOREQ_TYPE_INVALIDATE: u8 = 8;

/// A request of one vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Ioreq {
    /// Port, guest-physical address, or what the type says.
    pub addr: u64,
    /// The datum, or the guest-physical address of the data.
    pub data: u64,
    /// How many of them.
    pub count: u32,
    /// Bytes of each.
    pub size: u32,
    /// The event channel by which device model and hypervisor notify each other.
    pub vp_eport: u32,
    /// Padding.
    pub _pad0: u16,
    /// Bits 0–3 state, 4 `data` is an address, 5 direction, 6 addresses go down.
    pub bits: u8,
    /// `IOREQ_TYPE_*`.
    pub r#type: u8,
}

/// Bit of [`Ioreq::bits`]: `data` is an address.
pub const IOREQ_DATA_IS_PTR: u8 = 1 << 4;
/// Bit of [`Ioreq::bits`] where the direction is.
pub const IOREQ_DIR_SHIFT: u32 = 5;
/// Bit of [`Ioreq::bits`]: addresses go down.
pub const IOREQ_DF: u8 = 1 << 6;

/// Slots of the page of buffered requests, which follow the two indices (32 bits each: read, written).
pub const IOREQ_BUFFER_SLOT_NUM: u32 = 511;

/// A buffered request.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct BufIoreq {
    /// Bits 0–7 `IOREQ_TYPE_*`, 9 direction, 10–11 log2 of the size, 12–31 address.
    pub word: u32,
    /// The datum.
    pub data: u32,
}
