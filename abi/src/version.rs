//! Questions about the hypervisor (`version.h`).

consts! { u32;
    /// Returns major and minor number, 16 bits each.
    XENVER_VERSION = 0;
    /// `Extraversion`.
    XENVER_EXTRAVERSION = 1;
    /// `CompileInfo`.
    XENVER_COMPILE_INFO = 2;
    /// `CapabilitiesInfo`.
    XENVER_CAPABILITIES = 3;
    /// `ChangesetInfo`.
    XENVER_CHANGESET = 4;
    /// `PlatformParameters`.
    XENVER_PLATFORM_PARAMETERS = 5;
    /// `FeatureInfo`.
    XENVER_GET_FEATURES = 6;
    /// Returns the size of a page.
    XENVER_PAGESIZE = 7;
    /// The caller's UUID.
    XENVER_GUEST_HANDLE = 8;
    /// `Commandline`.
    XENVER_COMMANDLINE = 9;
    /// `BuildId` and bytes. A null argument asks for the length.
    XENVER_BUILD_ID = 10;
    /// Extra version as `Varbuf`.
    XENVER_EXTRAVERSION2 = 11;
    /// Capabilities as `Varbuf`.
    XENVER_CAPABILITIES2 = 12;
    /// Changeset as `Varbuf`.
    XENVER_CHANGESET2 = 13;
    /// Command line as `Varbuf`.
    XENVER_COMMANDLINE2 = 14;
}

/// Extra version, terminated by zero.
pub type Extraversion = [u8; XEN_EXTRAVERSION_LEN];
/// Capabilities, terminated by zero.
pub type CapabilitiesInfo = [u8; XEN_CAPABILITIES_INFO_LEN];
/// Changeset, terminated by zero.
pub type ChangesetInfo = [u8; XEN_CHANGESET_INFO_LEN];
/// Command line, terminated by zero.
pub type Commandline = [u8; XEN_COMMANDLINE_LEN];

consts! { usize;
    /// Size of `Extraversion`.
    XEN_EXTRAVERSION_LEN = 16;
    /// Size of `CapabilitiesInfo`.
    XEN_CAPABILITIES_INFO_LEN = 1024;
    /// Size of `ChangesetInfo`.
    XEN_CHANGESET_INFO_LEN = 64;
    /// Size of `Commandline`.
    XEN_COMMANDLINE_LEN = 1024;
}

abi_struct! {
    /// Who built the hypervisor; strings terminated by zero.
    pub struct CompileInfo {
        /// Compiler.
        pub compiler: [u8; 64],
        /// User.
        pub compile_by: [u8; 16],
        /// Machine.
        pub compile_domain: [u8; 32],
        /// Date.
        pub compile_date: [u8; 32],
    }

    /// Where the hypervisor is in the address space.
    pub struct PlatformParameters {
        /// First address.
        pub virt_start: u64,
    }

    /// A word of feature bits.
    pub struct FeatureInfo {
        /// In: which word.
        pub submap_idx: u32,
        /// Out: `XENFEAT_*` as bits.
        pub submap: u32,
    }

    /// Head of a build identity; `len` bytes follow.
    pub struct BuildId {
        /// In: size of the buffer.
        pub len: u32,
    }

    /// Head of a string; `len` bytes follow.
    pub struct Varbuf {
        /// In: size of the buffer.
        pub len: u32,
    }
}
