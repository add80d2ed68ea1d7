//! Power: sleep states, frequencies, and what ACPI tells Dom0 about processors.

use crate::layout::{union_access, zeroed_default};
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Bit of [`XenpfEnterAcpiSleep::flags`]: the sleep registers of reduced hardware.
pub const XENPF_ACPI_SLEEP_EXTENDED: u32 = 0x1;

/// [`XENPF_ENTER_ACPI_SLEEP`](super::XENPF_ENTER_ACPI_SLEEP).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEnterAcpiSleep {
    pub val_a: u16,
    pub val_b: u16,
    pub sleep_state: u32,
    pub flags: u32,
}

/// [`XENPF_CHANGE_FREQ`](super::XENPF_CHANGE_FREQ).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfChangeFreq {
    pub flags: u32,
    pub cpu: u32,
    pub freq: u64,
}

/// Bit of `SIF_PM_MASK` in the start info's flags: left to Xen.
pub const XEN_PROCESSOR_PM_CX: u32 = 1;
/// Bit of `SIF_PM_MASK` in the start info's flags: left to Xen.
pub const XEN_PROCESSOR_PM_PX: u32 = 2;
/// Bit of `SIF_PM_MASK` in the start info's flags: left to Xen.
pub const XEN_PROCESSOR_PM_TX: u32 = 4;
/// Value of `type` of [`XenpfSetProcessorPminfo`].
pub const XEN_PM_CX: u32 = 0;
/// Value of `type` of [`XenpfSetProcessorPminfo`].
pub const XEN_PM_PX: u32 = 1;
/// Value of `type` of [`XenpfSetProcessorPminfo`].
pub const XEN_PM_TX: u32 = 2;
/// Value of `type` of [`XenpfSetProcessorPminfo`].
pub const XEN_PM_PDC: u32 = 3;
/// Bit of [`ProcessorPerformance::flags`].
pub const XEN_PX_PCT: u32 = 1;
/// Bit of [`ProcessorPerformance::flags`].
pub const XEN_PX_PSS: u32 = 2;
/// Bit of [`ProcessorPerformance::flags`].
pub const XEN_PX_PPC: u32 = 4;
/// Bit of [`ProcessorPerformance::flags`].
pub const XEN_PX_PSD: u32 = 8;

/// A register of ACPI (generic address structure).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PowerRegister {
    pub space_id: u32,
    pub bit_width: u32,
    pub bit_offset: u32,
    pub access_size: u32,
    pub address: u64,
}

/// C-state dependency (`_CSD`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorCsd {
    pub domain: u32,
    pub coord_type: u32,
    pub num: u32,
}

/// A C-state (`_CST`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorCx {
    pub reg: PowerRegister,
    pub r#type: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
    pub latency: u32,
    pub power: u32,
    pub dpcnt: u32,
    pub dp: GuestHandle,
}

/// Properties of a processor's power management.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorFlags {
    pub bits: u32,
}

/// Member `power` of [`XenpfSetProcessorPminfo`]: C-states.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorPower {
    pub count: u32,
    pub flags: ProcessorFlags,
    pub states: GuestHandle,
}

/// Performance control or status register (`_PCT`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PctRegister {
    pub descriptor: u8,
    /// Padding: zero.
    pub _pad0: [u8; 1],
    pub length: u16,
    pub space_id: u8,
    pub bit_width: u8,
    pub bit_offset: u8,
    /// Reserved: zero.
    pub reserved: u8,
    pub address: u64,
}

/// A P-state (`_PSS`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorPx {
    pub core_frequency: u64,
    pub power: u64,
    pub transition_latency: u64,
    pub bus_master_latency: u64,
    pub control: u64,
    pub status: u64,
}

/// P-state dependency (`_PSD`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PsdPackage {
    pub num_entries: u64,
    pub revision: u64,
    pub domain: u64,
    pub coord_type: u64,
    pub num_processors: u64,
}

/// Value of [`ProcessorPerformance::shared_type`].
pub const XEN_CPUPERF_SHARED_TYPE_HW: u32 = 1;
/// Value of [`ProcessorPerformance::shared_type`].
pub const XEN_CPUPERF_SHARED_TYPE_ALL: u32 = 2;
/// Value of [`ProcessorPerformance::shared_type`].
pub const XEN_CPUPERF_SHARED_TYPE_ANY: u32 = 3;

/// Member `perf` of [`XenpfSetProcessorPminfo`]: P-states.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorPerformance {
    pub flags: u32,
    pub platform_limit: u32,
    pub control_register: PctRegister,
    pub status_register: PctRegister,
    pub state_count: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    pub states: GuestHandle,
    pub domain_info: PsdPackage,
    pub shared_type: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// [`XENPF_SET_PROCESSOR_PMINFO`](super::XENPF_SET_PROCESSOR_PMINFO); `u` may be a `GuestHandle`, for `_PDC`.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfSetProcessorPminfo {
    pub id: u32,
    pub r#type: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 104],
}

zeroed_default!(XenpfSetProcessorPminfo);

union_access!(XenpfSetProcessorPminfo, u, 104);
