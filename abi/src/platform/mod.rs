//! Platform operations of the Dom0 kernel: `xen/platform.h` of Xen 4.20.
//!
//! [`PlatformOp`] is what `__HYPERVISOR_platform_op` takes; its `cmd` says which struct of this module `u` holds.
//! `XENPF_get_dom0_console` answers with `dom0_vga_console_info` (`xen/xen.h`).

mod cpu;
mod efi;
mod power;
use crate::layout::{union_access, zeroed_default};
use crate::xen::GuestHandle;
pub use cpu::*;
pub use efi::*;
pub use power::*;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// What [`PlatformOp::interface_version`] must hold; Xen answers `EACCES` to others.
pub const XENPF_INTERFACE_VERSION: u32 = 0x0300_0001;

/// One platform operation: the argument of `__HYPERVISOR_platform_op`.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PlatformOp {
    /// `XENPF_*`.
    pub cmd: u32,
    /// Version of the interface.
    pub interface_version: u32,
    /// One of several members, read by `get` and written by `put`.
    pub u: [u8; 128],
}

zeroed_default!(PlatformOp);

union_access!(PlatformOp, u, 128);
/// `XENPF_settime32`: sets the wall clock.
pub const XENPF_SETTIME32: u32 = 17;
/// `XENPF_settime64`: sets the wall clock.
pub const XENPF_SETTIME64: u32 = 62;
/// `XENPF_settime`: sets the wall clock, the form in use.
pub const XENPF_SETTIME: u32 = 62;
/// `XENPF_add_memtype`: takes an MTRR.
pub const XENPF_ADD_MEMTYPE: u32 = 31;
/// `XENPF_del_memtype`: gives an MTRR back.
pub const XENPF_DEL_MEMTYPE: u32 = 32;
/// `XENPF_read_memtype`: reads an MTRR.
pub const XENPF_READ_MEMTYPE: u32 = 33;
/// `XENPF_microcode_update`: loads microcode.
pub const XENPF_MICROCODE_UPDATE: u32 = 35;
/// `XENPF_platform_quirk`: tells of a quirk.
pub const XENPF_PLATFORM_QUIRK: u32 = 39;
/// `XENPF_efi_runtime_call`: calls EFI.
pub const XENPF_EFI_RUNTIME_CALL: u32 = 49;
/// `XENPF_firmware_info`: tells what firmware said.
pub const XENPF_FIRMWARE_INFO: u32 = 50;
/// `XENPF_enter_acpi_sleep`: sleeps, or switches off.
pub const XENPF_ENTER_ACPI_SLEEP: u32 = 51;
/// `XENPF_change_freq`: changes a frequency.
pub const XENPF_CHANGE_FREQ: u32 = 52;
/// `XENPF_getidletime`: idle times.
pub const XENPF_GETIDLETIME: u32 = 53;
/// `XENPF_set_processor_pminfo`: passes on what ACPI says of a processor.
pub const XENPF_SET_PROCESSOR_PMINFO: u32 = 54;
/// `XENPF_get_cpuinfo`: describes a CPU.
pub const XENPF_GET_CPUINFO: u32 = 55;
/// `XENPF_get_cpu_version`: version of a CPU.
pub const XENPF_GET_CPU_VERSION: u32 = 48;
/// `XENPF_cpu_online`: takes a CPU online.
pub const XENPF_CPU_ONLINE: u32 = 56;
/// `XENPF_cpu_offline`: takes a CPU offline.
pub const XENPF_CPU_OFFLINE: u32 = 57;
/// `XENPF_cpu_hotadd`: adds a CPU.
pub const XENPF_CPU_HOTADD: u32 = 58;
/// `XENPF_mem_hotadd`: adds memory.
pub const XENPF_MEM_HOTADD: u32 = 59;
/// `XENPF_core_parking`: idles CPUs.
pub const XENPF_CORE_PARKING: u32 = 60;
/// `XENPF_resource_op`: accesses MSRs of a CPU.
pub const XENPF_RESOURCE_OP: u32 = 61;
/// `XENPF_get_symbol`: reads Xen's symbol table.
pub const XENPF_GET_SYMBOL: u32 = 63;
/// `XENPF_get_dom0_console`: describes the video console.
pub const XENPF_GET_DOM0_CONSOLE: u32 = 64;
/// `XENPF_get_ucode_revision`: revision of a CPU's microcode.
pub const XENPF_GET_UCODE_REVISION: u32 = 65;
/// `XENPF_microcode_update2`: loads microcode, with flags.
pub const XENPF_MICROCODE_UPDATE2: u32 = 66;

/// [`XENPF_SETTIME32`]: the wall clock, with seconds of 32 bits.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfSettime32 {
    /// Seconds since 1970, at the moment of `system_time`.
    pub secs: u32,
    /// Nanoseconds within the second.
    pub nsecs: u32,
    /// Nanoseconds since boot.
    pub system_time: u64,
}

/// [`XENPF_SETTIME64`]: the wall clock.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfSettime64 {
    /// Seconds since 1970, at the moment of `system_time`.
    pub secs: u64,
    /// Nanoseconds within the second.
    pub nsecs: u32,
    /// Reserved: zero.
    pub mbz: u32,
    /// Nanoseconds since boot.
    pub system_time: u64,
}

/// [`XENPF_ADD_MEMTYPE`]: takes an MTRR.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfAddMemtype {
    /// Machine frame.
    pub mfn: u64,
    /// Number of frames.
    pub nr_mfns: u64,
    /// MTRR memory type.
    pub r#type: u32,
    /// Out: what to give back with.
    pub handle: u32,
    /// Register.
    pub reg: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// [`XENPF_DEL_MEMTYPE`]: gives an MTRR back.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfDelMemtype {
    /// From [`XenpfAddMemtype`], or 0 to go by `reg`.
    pub handle: u32,
    /// Register.
    pub reg: u32,
}

/// [`XENPF_READ_MEMTYPE`]: reads an MTRR.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfReadMemtype {
    /// Register.
    pub reg: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
    /// Machine frame.
    pub mfn: u64,
    /// Number of frames.
    pub nr_mfns: u64,
    /// Out: MTRR memory type.
    pub r#type: u32,
    /// Padding: zero.
    pub _pad1: [u8; 4],
}

/// Value of [`XenpfPlatformQuirk::quirk_id`].
pub const QUIRK_NOIRQBALANCING: u32 = 1;
/// Value of [`XenpfPlatformQuirk::quirk_id`].
pub const QUIRK_IOAPIC_BAD_REGSEL: u32 = 2;
/// Value of [`XenpfPlatformQuirk::quirk_id`].
pub const QUIRK_IOAPIC_GOOD_REGSEL: u32 = 3;

/// [`XENPF_PLATFORM_QUIRK`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfPlatformQuirk {
    /// `QUIRK_*`.
    pub quirk_id: u32,
}

/// [`XENPF_GET_SYMBOL`]: Xen's symbol table, one symbol a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct XenpfSymdata {
    /// Size of the buffer; out: length of the name.
    pub namelen: u32,
    /// Number of the symbol; out: the next one's.
    pub symnum: u32,
    /// Name.
    pub name: GuestHandle,
    /// Out: the symbol's address.
    pub address: u64,
    /// Out: kind of symbol, as `nm` prints it.
    pub r#type: u8,
    /// Padding: zero.
    pub _pad0: [u8; 7],
}
