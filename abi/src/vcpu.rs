//! Operations on vCPUs (`vcpu.h`).

use crate::xen::GuestHandle;

consts! { u32;
    /// Sets the initial context (`VcpuGuestContext`).
    VCPUOP_INITIALISE = 0;
    /// Brings up.
    VCPUOP_UP = 1;
    /// Takes down.
    VCPUOP_DOWN = 2;
    /// Returns 1 when up, 0 when not.
    VCPUOP_IS_UP = 3;
    /// Returns `VcpuRunstateInfo`.
    VCPUOP_GET_RUNSTATE_INFO = 4;
    /// Registers a virtual address for the run state.
    VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA = 5;
    /// Starts the periodic timer.
    VCPUOP_SET_PERIODIC_TIMER = 6;
    /// Stops the periodic timer.
    VCPUOP_STOP_PERIODIC_TIMER = 7;
    /// Starts the one-shot timer.
    VCPUOP_SET_SINGLESHOT_TIMER = 8;
    /// Stops the one-shot timer.
    VCPUOP_STOP_SINGLESHOT_TIMER = 9;
    /// Moves `VcpuInfo` into a page of the guest.
    VCPUOP_REGISTER_VCPU_INFO = 10;
    /// Sends an NMI.
    VCPUOP_SEND_NMI = 11;
    /// Returns the physical identity of a pinned vCPU.
    VCPUOP_GET_PHYSID = 12;
    /// Registers a virtual address for the clock.
    VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA = 13;
    /// Registers a guest-physical address for the run state.
    VCPUOP_REGISTER_RUNSTATE_PHYS_AREA = 14;
    /// Registers a guest-physical address for the clock.
    VCPUOP_REGISTER_VCPU_TIME_PHYS_AREA = 15;
    /// One-shot timer: `-ETIME` when the time has passed.
    VCPU_SSHOTTMR_FUTURE = 1 << 0;
}

consts! { i32;
    /// On a physical CPU.
    RUNSTATE_RUNNING = 0;
    /// Ready, but not on a CPU.
    RUNSTATE_RUNNABLE = 1;
    /// Idle.
    RUNSTATE_BLOCKED = 2;
    /// Neither blocked nor runnable: offline or paused.
    RUNSTATE_OFFLINE = 3;
}

/// Set in `state_entry_time` while the run state is written (`VMASST_TYPE_RUNSTATE_UPDATE_FLAG`).
pub const XEN_RUNSTATE_UPDATE: u64 = 1 << 63;

abi_struct! {
    /// What a vCPU did so far; times in nanoseconds of system time.
    pub struct VcpuRunstateInfo {
        /// `RUNSTATE_*`.
        pub state: i32,
        /// Padding.
        pub _pad: u32,
        /// When the state was entered.
        pub state_entry_time: u64,
        /// Time in each state.
        pub time: [u64; 4],
    }

    /// Where to keep the run state.
    pub struct VcpuRegisterRunstateMemoryArea {
        /// Virtual or, for the `_PHYS_AREA` operation, guest-physical address.
        pub addr: GuestHandle,
    }

    /// Argument of `VCPUOP_SET_PERIODIC_TIMER`.
    pub struct VcpuSetPeriodicTimer {
        /// Nanoseconds.
        pub period_ns: u64,
    }

    /// Argument of `VCPUOP_SET_SINGLESHOT_TIMER`.
    pub struct VcpuSetSingleshotTimer {
        /// System time in nanoseconds.
        pub timeout_abs_ns: u64,
        /// `VCPU_SSHOTTMR_*`.
        pub flags: u32,
        /// Padding.
        pub _pad: u32,
    }

    /// Argument of `VCPUOP_REGISTER_VCPU_INFO`.
    pub struct VcpuRegisterVcpuInfo {
        /// Frame.
        pub mfn: u64,
        /// Offset in the frame.
        pub offset: u32,
        /// Not used.
        pub rsvd: u32,
    }

    /// Result of `VCPUOP_GET_PHYSID`.
    pub struct VcpuGetPhysid {
        /// APIC number in the low half, ACPI number in the high half.
        pub phys_id: u64,
    }

    /// Where to keep the clock.
    pub struct VcpuRegisterTimeMemoryArea {
        /// Virtual or, for the `_PHYS_AREA` operation, guest-physical address.
        pub addr: GuestHandle,
    }
}
