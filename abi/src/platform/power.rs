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
    /// PM1a control, or sleep type A.
    pub val_a: u16,
    /// PM1b control, or sleep type B.
    pub val_b: u16,
    /// Sleep state: 5 is off.
    pub sleep_state: u32,
    /// Flags.
    pub flags: u32,
}

/// [`XENPF_CHANGE_FREQ`](super::XENPF_CHANGE_FREQ).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfChangeFreq {
    /// Reserved: zero.
    pub flags: u32,
    /// Physical CPU.
    pub cpu: u32,
    /// Frequency, in Hz.
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
    /// Address space, as ACPI encodes it.
    pub space_id: u32,
    /// Bits of the register.
    pub bit_width: u32,
    /// First bit of the register.
    pub bit_offset: u32,
    /// Access size, as ACPI encodes it.
    pub access_size: u32,
    /// Address.
    pub address: u64,
}

/// C-state dependency (`_CSD`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorCsd {
    /// Number of the group of dependent processors.
    pub domain: u32,
    /// Kind of coordination.
    pub coord_type: u32,
    /// Processors of the group.
    pub num: u32,
}

/// A C-state (`_CST`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorCx {
    /// What to access to enter it.
    pub reg: PowerRegister,
    /// Type.
    pub r#type: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
    /// Longest time to enter and leave, in microseconds.
    pub latency: u32,
    /// Power drawn, in mW.
    pub power: u32,
    /// Number of dependencies.
    pub dpcnt: u32,
    /// The caller's array of `ProcessorCsd`, or null.
    pub dp: GuestHandle,
}

/// Properties of a processor's power management.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorFlags {
    /// Bit 0: bus master control, 1: bus master check, 2: has `_CST`, 3: set up, 4: bus master reload set.
    pub bits: u32,
}

/// Member `power` of [`XenpfSetProcessorPminfo`]: C-states.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorPower {
    /// Number.
    pub count: u32,
    /// Flags.
    pub flags: ProcessorFlags,
    /// The caller's array of states.
    pub states: GuestHandle,
}

/// Performance control or status register (`_PCT`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PctRegister {
    /// ACPI descriptor type.
    pub descriptor: u8,
    /// Padding: zero.
    pub _pad0: [u8; 1],
    /// Bytes.
    pub length: u16,
    /// Address space, as ACPI encodes it.
    pub space_id: u8,
    /// Bits of the register.
    pub bit_width: u8,
    /// First bit of the register.
    pub bit_offset: u8,
    /// Reserved: zero.
    pub reserved: u8,
    /// Address.
    pub address: u64,
}

/// A P-state (`_PSS`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ProcessorPx {
    /// Frequency, in MHz.
    pub core_frequency: u64,
    /// Power drawn, in mW.
    pub power: u64,
    /// Longest time to change, in microseconds.
    pub transition_latency: u64,
    /// Longest time that bus masters are locked out, in microseconds.
    pub bus_master_latency: u64,
    /// Value for the control register.
    pub control: u64,
    /// Value of the status register in this state.
    pub status: u64,
}

/// P-state dependency (`_PSD`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PsdPackage {
    /// Entries of the package.
    pub num_entries: u64,
    /// Revision.
    pub revision: u64,
    /// Number of the group of dependent processors.
    pub domain: u64,
    /// Kind of coordination.
    pub coord_type: u64,
    /// Processors of the group.
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
    /// Flags.
    pub flags: u32,
    /// Highest P-state allowed now (`_PPC`).
    pub platform_limit: u32,
    /// Control register.
    pub control_register: PctRegister,
    /// Status register.
    pub status_register: PctRegister,
    /// Number of P-states.
    pub state_count: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// The caller's array of states.
    pub states: GuestHandle,
    /// Dependency.
    pub domain_info: PsdPackage,
    /// `XEN_CPUPERF_SHARED_TYPE_*`.
    pub shared_type: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// [`XENPF_SET_PROCESSOR_PMINFO`](super::XENPF_SET_PROCESSOR_PMINFO); `u` may be a `GuestHandle`, for `_PDC`.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfSetProcessorPminfo {
    /// ACPI processor id.
    pub id: u32,
    /// Type.
    pub r#type: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 104],
}

zeroed_default!(XenpfSetProcessorPminfo);

union_access!(XenpfSetProcessorPminfo, u, 104);
