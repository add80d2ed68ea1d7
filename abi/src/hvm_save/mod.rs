//! The records of a saved HVM context: `xen/hvm/save.h` and `xen/arch-x86/hvm/save.h` of Xen 4.20.
//!
//! A context is a sequence of records: [`HvmSaveDescriptor`], then `length` bytes. The header record comes first, and
//! [`HVM_SAVE_CODE_END`] (of length 0) last. Per-vCPU records have the vCPU's number as instance.

mod codes;
mod cpu;
mod devices;
mod timers;
pub use codes::*;
pub use cpu::*;
pub use devices::*;
pub use timers::*;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
/// Value of [`HvmSaveHeader::magic`].
pub const HVM_FILE_MAGIC: u32 = 0x5438_1286;
/// Value of [`HvmSaveHeader::version`].
pub const HVM_FILE_VERSION: u32 = 0x1;

/// In front of each record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmSaveDescriptor {
    pub typecode: u16,
    pub instance: u16,
    pub length: u32,
}

/// Record [`HVM_SAVE_CODE_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmSaveHeader {
    pub magic: u32,
    pub version: u32,
    pub changeset: u64,
    pub cpuid: u32,
    pub gtsc_khz: u32,
}

/// Record [`HVM_SAVE_CODE_VIRIDIAN_DOMAIN`]: Hyper-V enlightenments of the domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmViridianDomainContext {
    pub hypercall_gpa: u64,
    pub guest_os_id: u64,
    pub time_ref_count: u64,
    pub reference_tsc: u64,
}

/// Record [`HVM_SAVE_CODE_VIRIDIAN_VCPU`]: Hyper-V enlightenments of a vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmViridianVcpuContext {
    pub vp_assist_msr: u64,
    pub apic_assist_pending: u8,
    /// Reserved: zero.
    pub _pad: [u8; 7],
    pub simp_msr: u64,
    pub sint_msr: [u64; 16],
    pub stimer_config_msr: [u64; 4],
    pub stimer_count_msr: [u64; 4],
}
