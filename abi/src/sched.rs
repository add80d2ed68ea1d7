//! Operations of the scheduler (`sched.h`).

use crate::xen::GuestHandle;

consts! { u32;
    /// Gives the CPU away, stays runnable.
    SCHEDOP_YIELD = 0;
    /// Unmasks events and waits for one.
    SCHEDOP_BLOCK = 1;
    /// Stops the caller's domain.
    SCHEDOP_SHUTDOWN = 2;
    /// Waits for one of several ports, or for a time.
    SCHEDOP_POLL = 3;
    /// Stops another domain.
    SCHEDOP_REMOTE_SHUTDOWN = 4;
    /// Latches the reason of a later shutdown.
    SCHEDOP_SHUTDOWN_CODE = 5;
    /// Sets, renews or stops a watchdog.
    SCHEDOP_WATCHDOG = 6;
    /// Pins a vCPU for the time of firmware calls.
    SCHEDOP_PIN_OVERRIDE = 7;
    /// Normal end.
    SHUTDOWN_POWEROFF = 0;
    /// To be restarted.
    SHUTDOWN_REBOOT = 1;
    /// State is to be saved.
    SHUTDOWN_SUSPEND = 2;
    /// Crashed.
    SHUTDOWN_CRASH = 3;
    /// A watchdog ran out.
    SHUTDOWN_WATCHDOG = 4;
    /// Starts anew, keeping its memory.
    SHUTDOWN_SOFT_RESET = 5;
    /// The highest reason.
    SHUTDOWN_MAX = 5;
}

abi_struct! {
    /// Argument of `SCHEDOP_SHUTDOWN` and `SCHEDOP_SHUTDOWN_CODE`.
    pub struct SchedShutdown {
        /// `SHUTDOWN_*`.
        pub reason: u32,
    }

    /// Argument of `SCHEDOP_POLL`.
    pub struct SchedPoll {
        /// Ports (32 bits each).
        pub ports: GuestHandle,
        /// Number of ports.
        pub nr_ports: u32,
        /// Padding.
        pub _pad: u32,
        /// System time in nanoseconds; zero: none.
        pub timeout: u64,
    }

    /// Argument of `SCHEDOP_REMOTE_SHUTDOWN`.
    pub struct SchedRemoteShutdown {
        /// Domain.
        pub domain_id: u16,
        /// Padding.
        pub _pad: u16,
        /// `SHUTDOWN_*`.
        pub reason: u32,
    }

    /// Argument of `SCHEDOP_WATCHDOG`.
    pub struct SchedWatchdog {
        /// Zero: a new one.
        pub id: u32,
        /// Seconds; zero: stop.
        pub timeout: u32,
    }

    /// Argument of `SCHEDOP_PIN_OVERRIDE`.
    pub struct SchedPinOverride {
        /// CPU; negative: end of the override.
        pub pcpu: i32,
    }
}
