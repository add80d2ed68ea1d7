//! Firmware: what was found at boot, and calls of EFI's runtime services.

use crate::layout::{union_access, zeroed_default};
use crate::xen::GuestHandle;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// `XEN_EFI_get_time`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_GET_TIME: u32 = 1;
/// `XEN_EFI_set_time`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_SET_TIME: u32 = 2;
/// `XEN_EFI_get_wakeup_time`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_GET_WAKEUP_TIME: u32 = 3;
/// `XEN_EFI_set_wakeup_time`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_SET_WAKEUP_TIME: u32 = 4;
/// `XEN_EFI_get_next_high_monotonic_count`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_GET_NEXT_HIGH_MONOTONIC_COUNT: u32 = 5;
/// `XEN_EFI_get_variable`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_GET_VARIABLE: u32 = 6;
/// `XEN_EFI_set_variable`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_SET_VARIABLE: u32 = 7;
/// `XEN_EFI_get_next_variable_name`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_GET_NEXT_VARIABLE_NAME: u32 = 8;
/// `XEN_EFI_query_variable_info`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_QUERY_VARIABLE_INFO: u32 = 9;
/// `XEN_EFI_query_capsule_capabilities`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_QUERY_CAPSULE_CAPABILITIES: u32 = 10;
/// `XEN_EFI_update_capsule`: value of [`XenpfEfiRuntimeCall::function`].
pub const XEN_EFI_UPDATE_CAPSULE: u32 = 11;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_GET_TIME_SET_CLEARS_NS: u32 = 0x1;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_GET_WAKEUP_TIME_ENABLED: u32 = 0x1;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_GET_WAKEUP_TIME_PENDING: u32 = 0x2;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_SET_WAKEUP_TIME_ENABLE: u32 = 0x1;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY: u32 = 0x2;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_VARIABLE_NON_VOLATILE: u32 = 0x1;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS: u32 = 0x2;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_VARIABLE_RUNTIME_ACCESS: u32 = 0x4;
/// Bit of [`XenpfEfiRuntimeCall::misc`].
pub const XEN_EFI_VARINFO_BOOT_SNAPSHOT: u32 = 0x1;

/// `EFI_TIME`; as member `set_time`, `get_wakeup_time` or `set_wakeup_time` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiTime {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub min: u8,
    pub sec: u8,
    /// Padding: zero.
    pub _pad0: [u8; 1],
    pub ns: u32,
    pub tz: i16,
    pub daylight: u8,
    /// Padding: zero.
    pub _pad1: [u8; 1],
}

/// `EFI_GUID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiGuid {
    pub data1: u32,
    pub data2: u16,
    pub data3: u16,
    pub data4: [u8; 8],
}

/// [`XENPF_EFI_RUNTIME_CALL`](super::XENPF_EFI_RUNTIME_CALL).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCall {
    pub function: u32,
    pub misc: u32,
    pub status: u64,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 40],
}

zeroed_default!(XenpfEfiRuntimeCall);

union_access!(XenpfEfiRuntimeCall, u, 40);

/// Member `get_time` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallGetTime {
    pub time: XenpfEfiTime,
    pub resolution: u32,
    pub accuracy: u32,
}

/// Members `get_variable` and `set_variable` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallGetVariable {
    pub name: GuestHandle,
    pub size: u64,
    pub data: GuestHandle,
    pub vendor_guid: XenpfEfiGuid,
}

/// Member `get_next_variable_name` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallGetNextVariableName {
    pub size: u64,
    pub name: GuestHandle,
    pub vendor_guid: XenpfEfiGuid,
}

/// Member `query_variable_info` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallQueryVariableInfo {
    pub attr: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    pub max_store_size: u64,
    pub remain_store_size: u64,
    pub max_size: u64,
}

/// Member `query_capsule_capabilities` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallQueryCapsuleCapabilities {
    pub capsule_header_array: GuestHandle,
    pub capsule_count: u64,
    pub max_capsule_size: u64,
    pub reset_type: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Member `update_capsule` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallUpdateCapsule {
    pub capsule_header_array: GuestHandle,
    pub capsule_count: u64,
    pub sg_list: u64,
}

/// Value of [`XenpfFirmwareInfo::index`] of `XEN_FW_EFI_INFO`.
pub const XEN_FW_EFI_VERSION: u32 = 0;
/// Value of [`XenpfFirmwareInfo::index`] of `XEN_FW_EFI_INFO`.
pub const XEN_FW_EFI_CONFIG_TABLE: u32 = 1;
/// Value of [`XenpfFirmwareInfo::index`] of `XEN_FW_EFI_INFO`.
pub const XEN_FW_EFI_VENDOR: u32 = 2;
/// Value of [`XenpfFirmwareInfo::index`] of `XEN_FW_EFI_INFO`.
pub const XEN_FW_EFI_MEM_INFO: u32 = 3;
/// Value of [`XenpfFirmwareInfo::index`] of `XEN_FW_EFI_INFO`.
pub const XEN_FW_EFI_RT_VERSION: u32 = 4;
/// Value of [`XenpfFirmwareInfo::index`] of `XEN_FW_EFI_INFO`.
pub const XEN_FW_EFI_PCI_ROM: u32 = 5;
/// Value of [`XenpfFirmwareInfo::index`] of `XEN_FW_EFI_INFO`.
pub const XEN_FW_EFI_APPLE_PROPERTIES: u32 = 6;
/// Value of `type` of [`XenpfFirmwareInfo`].
pub const XEN_FW_DISK_INFO: u32 = 1;
/// Value of `type` of [`XenpfFirmwareInfo`].
pub const XEN_FW_DISK_MBR_SIGNATURE: u32 = 2;
/// Value of `type` of [`XenpfFirmwareInfo`].
pub const XEN_FW_VBEDDC_INFO: u32 = 3;
/// Value of `type` of [`XenpfFirmwareInfo`].
pub const XEN_FW_EFI_INFO: u32 = 4;
/// Value of `type` of [`XenpfFirmwareInfo`].
pub const XEN_FW_KBD_SHIFT_FLAGS: u32 = 5;

/// [`XENPF_FIRMWARE_INFO`](super::XENPF_FIRMWARE_INFO); `u` is one of the structs below, EFI's version (`u32`) or keyboard flags (`u8`).
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfo {
    pub r#type: u32,
    pub index: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 32],
}

union_access!(XenpfFirmwareInfo, u, 32);

/// Member `disk_info` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoDiskInfo {
    pub device: u8,
    pub version: u8,
    pub interface_support: u16,
    pub legacy_max_cylinder: u16,
    pub legacy_max_head: u8,
    pub legacy_sectors_per_track: u8,
    pub edd_params: GuestHandle,
}

/// Member `disk_mbr_signature` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoDiskMbrSignature {
    pub device: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
    pub mbr_signature: u32,
}

/// Member `vbeddc_info` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoVbeddcInfo {
    pub capabilities: u8,
    pub edid_transfer_time: u8,
    /// Padding: zero.
    pub _pad0: [u8; 6],
    pub edid: GuestHandle,
}

/// Member `efi_info.cfg` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoCfg {
    pub addr: u64,
    pub nent: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Member `efi_info.vendor` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoVendor {
    pub revision: u32,
    pub bufsz: u32,
    pub name: GuestHandle,
}

/// Member `efi_info.mem` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoMem {
    pub addr: u64,
    pub size: u64,
    pub attr: u64,
    pub r#type: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Member `efi_info.pci_rom` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoPciRom {
    pub segment: u16,
    pub bus: u8,
    pub devfn: u8,
    pub vendor: u16,
    pub devid: u16,
    pub address: u64,
    pub size: u64,
}

/// Member `efi_info.apple_properties` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoAppleProperties {
    pub address: u64,
    pub size: u64,
}
