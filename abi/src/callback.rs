//! Entry points of a PV kernel (`callback.h`).

consts! { u16;
    /// Events.
    CALLBACKTYPE_EVENT = 0;
    /// Failed returns to the guest.
    CALLBACKTYPE_FAILSAFE = 1;
    /// SYSCALL of a 64-bit program.
    CALLBACKTYPE_SYSCALL = 2;
    /// SYSENTER, old number.
    CALLBACKTYPE_SYSENTER_DEPRECATED = 3;
    /// NMI.
    CALLBACKTYPE_NMI = 4;
    /// SYSENTER.
    CALLBACKTYPE_SYSENTER = 5;
    /// SYSCALL of a 32-bit program.
    CALLBACKTYPE_SYSCALL32 = 7;
    /// Mask events on entry.
    CALLBACKF_MASK_EVENTS = 1 << 0;
}

consts! { u32;
    /// Registers an entry point.
    CALLBACKOP_REGISTER = 0;
    /// Takes an entry point away.
    CALLBACKOP_UNREGISTER = 1;
}

abi_struct! {
    /// Argument of `CALLBACKOP_REGISTER`. C's name of `type_` is `type`.
    pub struct CallbackRegister {
        /// `CALLBACKTYPE_*`.
        pub type_: u16,
        /// `CALLBACKF_*`.
        pub flags: u16,
        /// Padding.
        pub _pad: u32,
        /// Virtual address.
        pub address: u64,
    }

    /// Argument of `CALLBACKOP_UNREGISTER`.
    pub struct CallbackUnregister {
        /// `CALLBACKTYPE_*`.
        pub type_: u16,
        /// Not used.
        pub _unused: u16,
    }
}
