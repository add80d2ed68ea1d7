//! Performance monitoring: `HYPERVISOR_xenpmu_op`.
//!
//! Source: public header `pmu.h`.

consts! { u32;
    /// Major version of the interface.
    XENPMU_VER_MAJ = 0;
    /// Minor version of the interface.
    XENPMU_VER_MIN = 1;
    /// Query the mode and the version.
    XENPMU_MODE_GET = 0;
    /// Set the mode.
    XENPMU_MODE_SET = 1;
    /// Query the features.
    XENPMU_FEATURE_GET = 2;
    /// Set the features.
    XENPMU_FEATURE_SET = 3;
    /// Register the shared page of a vCPU.
    XENPMU_INIT = 4;
    /// Drop the shared page of a vCPU.
    XENPMU_FINISH = 5;
    /// Load the LVTPC register.
    XENPMU_LVTPC_SET = 6;
    /// Write cached registers to the hardware.
    XENPMU_FLUSH = 7;
}

consts! { u64;
    /// No virtualisation of the unit.
    XENPMU_MODE_OFF = 0;
    /// Guests profile themselves.
    XENPMU_MODE_SELF = 1 << 0;
    /// Guests profile themselves, Dom0 the hypervisor too.
    XENPMU_MODE_HV = 1 << 1;
    /// Dom0 profiles everyone.
    XENPMU_MODE_ALL = 1 << 2;
    /// Branch trace store.
    XENPMU_FEATURE_INTEL_BTS = 1 << 0;
    /// Only instructions, cycles and reference cycles.
    XENPMU_FEATURE_IPC_ONLY = 1 << 1;
    /// Only the architectural events.
    XENPMU_FEATURE_ARCH_ONLY = 1 << 2;
}

abi_struct! {
    /// Version of the interface.
    pub struct PmuVersion {
        /// Major.
        pub maj: u32,
        /// Minor.
        pub min: u32,
    }

    /// Argument of `HYPERVISOR_xenpmu_op`.
    pub struct PmuParams {
        /// In and out: version.
        pub version: PmuVersion,
        /// In and out: value.
        pub val: u64,
        /// In: vCPU.
        pub vcpu: u32,
        /// Zero.
        pub pad: u32,
    }
}
