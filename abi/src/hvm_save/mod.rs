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
    /// `HVM_SAVE_CODE_*`.
    pub typecode: u16,
    /// Which of several of this type.
    pub instance: u16,
    /// Bytes of the record, without the descriptor.
    pub length: u32,
}

/// Record [`HVM_SAVE_CODE_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmSaveHeader {
    /// [`HVM_FILE_MAGIC`].
    pub magic: u32,
    /// Version.
    pub version: u32,
    /// Which Xen wrote the record.
    pub changeset: u64,
    /// EAX of CPUID leaf 1 of the machine that saved.
    pub cpuid: u32,
    /// Frequency of the guest's time stamp counter, in kHz.
    pub gtsc_khz: u32,
}

/// Record [`HVM_SAVE_CODE_VIRIDIAN_DOMAIN`]: Hyper-V enlightenments of the domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmViridianDomainContext {
    /// The hypercall page's MSR.
    pub hypercall_gpa: u64,
    /// What the guest says that it is.
    pub guest_os_id: u64,
    /// The reference counter.
    pub time_ref_count: u64,
    /// The reference page's MSR.
    pub reference_tsc: u64,
}

/// Record [`HVM_SAVE_CODE_VIRIDIAN_VCPU`]: Hyper-V enlightenments of a vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmViridianVcpuContext {
    /// Assist page's MSR.
    pub vp_assist_msr: u64,
    /// Whether an assisted end of interrupt is pending.
    pub apic_assist_pending: u8,
    /// Reserved: zero.
    pub _pad: [u8; 7],
    /// Synthetic message page's MSR.
    pub simp_msr: u64,
    /// Synthetic interrupts' MSRs.
    pub sint_msr: [u64; 16],
    /// Synthetic timers' configuration.
    pub stimer_config_msr: [u64; 4],
    /// Synthetic timers' counts.
    pub stimer_count_msr: [u64; 4],
}
