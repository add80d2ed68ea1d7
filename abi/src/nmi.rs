//! Non-maskable interrupts of a PV guest (`nmi.h`).

consts! { u64;
    /// `ArchSharedInfo::nmi_reason`: I/O check.
    XEN_NMIREASON_IO_ERROR = 1 << 0;
    /// `ArchSharedInfo::nmi_reason`: PCI system error.
    XEN_NMIREASON_PCI_SERR = 1 << 1;
    /// `ArchSharedInfo::nmi_reason`: not known.
    XEN_NMIREASON_UNKNOWN = 1 << 2;
}

consts! { u32;
    /// Registers the handler (Dom0's first vCPU only).
    XENNMI_REGISTER_CALLBACK = 0;
    /// Takes the handler away.
    XENNMI_UNREGISTER_CALLBACK = 1;
}

abi_struct! {
    /// Argument of `XENNMI_REGISTER_CALLBACK`.
    pub struct XennmiCallback {
        /// Virtual address.
        pub handler_address: u64,
        /// Padding.
        pub pad: u64,
    }
}
