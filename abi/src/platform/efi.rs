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
    /// Year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub min: u8,
    /// 0 to 59.
    pub sec: u8,
    /// Padding: zero.
    pub _pad0: [u8; 1],
    /// Nanoseconds.
    pub ns: u32,
    /// Minutes from UTC.
    pub tz: i16,
    /// Daylight saving flags.
    pub daylight: u8,
    /// Padding: zero.
    pub _pad1: [u8; 1],
}

/// `EFI_GUID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiGuid {
    /// First group.
    pub data1: u32,
    /// Second group.
    pub data2: u16,
    /// Third group.
    pub data3: u16,
    /// Last two groups.
    pub data4: [u8; 8],
}

/// [`XENPF_EFI_RUNTIME_CALL`](super::XENPF_EFI_RUNTIME_CALL).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCall {
    /// `XEN_EFI_*`.
    pub function: u32,
    /// Flags of the function, or the count it returns.
    pub misc: u32,
    /// Out: status.
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
    /// Time.
    pub time: XenpfEfiTime,
    /// Resolution of the clock, in Hz.
    pub resolution: u32,
    /// Accuracy of the clock, in parts per trillion.
    pub accuracy: u32,
}

/// Members `get_variable` and `set_variable` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallGetVariable {
    /// Name.
    pub name: GuestHandle,
    /// Bytes.
    pub size: u64,
    /// Data.
    pub data: GuestHandle,
    /// Vendor of the variable.
    pub vendor_guid: XenpfEfiGuid,
}

/// Member `get_next_variable_name` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallGetNextVariableName {
    /// Bytes.
    pub size: u64,
    /// Name.
    pub name: GuestHandle,
    /// Vendor of the variable.
    pub vendor_guid: XenpfEfiGuid,
}

/// Member `query_variable_info` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallQueryVariableInfo {
    /// Attributes.
    pub attr: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Out: bytes for variables.
    pub max_store_size: u64,
    /// Out: bytes free for variables.
    pub remain_store_size: u64,
    /// Out: most bytes of a variable.
    pub max_size: u64,
}

/// Member `query_capsule_capabilities` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallQueryCapsuleCapabilities {
    /// Addresses of capsule headers.
    pub capsule_header_array: GuestHandle,
    /// Number of capsules.
    pub capsule_count: u64,
    /// Out: most bytes.
    pub max_capsule_size: u64,
    /// Kind of reset needed.
    pub reset_type: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Member `update_capsule` of [`XenpfEfiRuntimeCall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfEfiRuntimeCallUpdateCapsule {
    /// Addresses of capsule headers.
    pub capsule_header_array: GuestHandle,
    /// Number of capsules.
    pub capsule_count: u64,
    /// Machine address of the list of blocks.
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
    /// Type.
    pub r#type: u32,
    /// Index.
    pub index: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 32],
}

union_access!(XenpfFirmwareInfo, u, 32);

/// Member `disk_info` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoDiskInfo {
    /// BIOS device number.
    pub device: u8,
    /// Version.
    pub version: u8,
    /// Bit map of supported interfaces.
    pub interface_support: u16,
    /// Highest cylinder.
    pub legacy_max_cylinder: u16,
    /// Highest head.
    pub legacy_max_head: u8,
    /// Sectors of a track.
    pub legacy_sectors_per_track: u8,
    /// The caller's buffer for drive parameters; its first word holds its size.
    pub edd_params: GuestHandle,
}

/// Member `disk_mbr_signature` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoDiskMbrSignature {
    /// BIOS device number.
    pub device: u8,
    /// Padding: zero.
    pub _pad0: [u8; 3],
    /// Signature in the boot record.
    pub mbr_signature: u32,
}

/// Member `vbeddc_info` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoVbeddcInfo {
    /// Abilities.
    pub capabilities: u8,
    /// Seconds to transfer a block.
    pub edid_transfer_time: u8,
    /// Padding: zero.
    pub _pad0: [u8; 6],
    /// The caller's buffer of 128 bytes.
    pub edid: GuestHandle,
}

/// Member `efi_info.cfg` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoCfg {
    /// Address.
    pub addr: u64,
    /// Number of entries.
    pub nent: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Member `efi_info.vendor` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoVendor {
    /// Revision.
    pub revision: u32,
    /// Size of the buffer, in bytes.
    pub bufsz: u32,
    /// Name.
    pub name: GuestHandle,
}

/// Member `efi_info.mem` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoMem {
    /// Address.
    pub addr: u64,
    /// Bytes.
    pub size: u64,
    /// Attributes.
    pub attr: u64,
    /// Type.
    pub r#type: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Member `efi_info.pci_rom` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoPciRom {
    /// PCI segment.
    pub segment: u16,
    /// PCI bus.
    pub bus: u8,
    /// PCI device and function.
    pub devfn: u8,
    /// PCI vendor id.
    pub vendor: u16,
    /// Out: PCI device id.
    pub devid: u16,
    /// Address.
    pub address: u64,
    /// Bytes.
    pub size: u64,
}

/// Member `efi_info.apple_properties` of [`XenpfFirmwareInfo`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfFirmwareInfoEfiInfoAppleProperties {
    /// Address.
    pub address: u64,
    /// Bytes.
    pub size: u64,
}
