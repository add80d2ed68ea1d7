//! The shared information page and its per-vCPU part (`xen.h`).

use crate::arch_x86::{ArchSharedInfo, ArchVcpuInfo, XEN_LEGACY_MAX_VCPUS};

consts! { u8;
    /// `VcpuTimeInfo::flags`: the clock is monotonic over all vCPUs.
    XEN_PVCLOCK_TSC_STABLE_BIT = 1 << 0;
    /// `VcpuTimeInfo::flags`: the guest was paused by its host.
    XEN_PVCLOCK_GUEST_STOPPED = 1 << 1;
}

abi_struct! {
    /// The clock of a vCPU. Odd `version`: an update is under way.
    pub struct VcpuTimeInfo {
        /// Incremented before and after each update.
        pub version: u32,
        /// Padding.
        pub pad0: u32,
        /// TSC at the last update.
        pub tsc_timestamp: u64,
        /// Nanoseconds since boot at the last update.
        pub system_time: u64,
        /// Scale from TSC ticks to nanoseconds, 32 fractional bits.
        pub tsc_to_system_mul: u32,
        /// Shift of the TSC difference before it is multiplied.
        pub tsc_shift: i8,
        /// `XEN_PVCLOCK_*`.
        pub flags: u8,
        /// Padding.
        pub pad1: [u8; 2],
    }

    /// What a vCPU shares with Xen, 64 bytes.
    pub struct VcpuInfo {
        /// Non-zero: an event is pending.
        pub evtchn_upcall_pending: u8,
        /// Non-zero: no upcall now (the virtual interrupt flag, inverted).
        pub evtchn_upcall_mask: u8,
        /// Padding.
        pub _pad: [u8; 6],
        /// One bit for each word of `evtchn_pending` that may hold a pending port.
        pub evtchn_pending_sel: u64,
        /// x86 part.
        pub arch: ArchVcpuInfo,
        /// Clock.
        pub time: VcpuTimeInfo,
    }

    /// The page that a domain shares with Xen.
    pub struct SharedInfo {
        /// The first 32 vCPUs, unless they registered an area of their own.
        pub vcpu_info: [VcpuInfo; XEN_LEGACY_MAX_VCPUS as usize],
        /// Pending bits of the two-level event channels.
        pub evtchn_pending: [u64; 64],
        /// Mask bits of the two-level event channels.
        pub evtchn_mask: [u64; 64],
        /// Version of the wallclock, as in `VcpuTimeInfo`.
        pub wc_version: u32,
        /// Wallclock at system time zero: seconds since 1970, low half.
        pub wc_sec: u32,
        /// Nanoseconds.
        pub wc_nsec: u32,
        /// Seconds, high half.
        pub wc_sec_hi: u32,
        /// x86 part.
        pub arch: ArchSharedInfo,
    }
}

const _: () = assert!(size_of::<VcpuInfo>() == 64 && size_of::<VcpuTimeInfo>() == 32);
