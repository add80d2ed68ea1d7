//! Shared rings of the console and of xenstore.
//!
//! Source: public headers `io/console.h` and `io/xs_wire.h`. Indexes run freely; mask them with the ring's size.

pub use crate::console::XenconsInterface;

consts! { usize;
    /// Bytes of the console's input ring.
    XENCONS_IN_SIZE = 1024;
    /// Bytes of the console's output ring.
    XENCONS_OUT_SIZE = 2048;
    /// Bytes of each xenstore ring.
    XENSTORE_RING_SIZE = 1024;
    /// Bytes of the longest xenstore payload.
    XENSTORE_PAYLOAD_MAX = 4096;
    /// Bytes of the longest absolute path.
    XENSTORE_ABS_PATH_MAX = 3072;
    /// Bytes of the longest relative path.
    XENSTORE_REL_PATH_MAX = 2048;
}

consts! { u32;
    /// `server_features`: the ring can be reconnected.
    XENSTORE_SERVER_FEATURE_RECONNECTION = 1;
    /// `server_features`: `error` is present.
    XENSTORE_SERVER_FEATURE_ERROR = 2;
    /// `connection`: steady state.
    XENSTORE_CONNECTED = 0;
    /// `connection`: reconnecting.
    XENSTORE_RECONNECT = 1;
    /// `error`: none.
    XENSTORE_ERROR_NONE = 0;
    /// `error`: communication problem.
    XENSTORE_ERROR_COMM = 1;
    /// `error`: invalid ring index.
    XENSTORE_ERROR_RINGIDX = 2;
    /// `error`: protocol violation.
    XENSTORE_ERROR_PROTO = 3;
}

abi_struct! {
    /// Page shared between a guest and the xenstore daemon.
    pub struct XenstoreDomainInterface {
        /// Requests to the daemon.
        pub req: [u8; XENSTORE_RING_SIZE],
        /// Replies and watch events.
        pub rsp: [u8; XENSTORE_RING_SIZE],
        /// Consumer index of `req` (the daemon's).
        pub req_cons: u32,
        /// Producer index of `req` (the guest's).
        pub req_prod: u32,
        /// Consumer index of `rsp` (the guest's).
        pub rsp_cons: u32,
        /// Producer index of `rsp` (the daemon's).
        pub rsp_prod: u32,
        /// `XENSTORE_SERVER_FEATURE_*`.
        pub server_features: u32,
        /// `XENSTORE_CONNECTED` or `XENSTORE_RECONNECT`.
        pub connection: u32,
        /// `XENSTORE_ERROR_*`.
        pub error: u32,
    }

    /// Header of a xenstore message; `len` bytes follow.
    pub struct XsdSockmsg {
        /// `XS_*`.
        pub r#type: u32,
        /// Identifier that the answer repeats.
        pub req_id: u32,
        /// Transaction; 0 for none.
        pub tx_id: u32,
        /// Bytes that follow.
        pub len: u32,
    }
}

consts! { u32;
    /// Control the daemon.
    XS_CONTROL = 0;
    /// List a directory.
    XS_DIRECTORY = 1;
    /// Read a node.
    XS_READ = 2;
    /// Get the permissions of a node.
    XS_GET_PERMS = 3;
    /// Set a watch.
    XS_WATCH = 4;
    /// Remove a watch.
    XS_UNWATCH = 5;
    /// Start a transaction.
    XS_TRANSACTION_START = 6;
    /// End a transaction.
    XS_TRANSACTION_END = 7;
    /// Introduce a domain.
    XS_INTRODUCE = 8;
    /// Release a domain.
    XS_RELEASE = 9;
    /// Path of a domain.
    XS_GET_DOMAIN_PATH = 10;
    /// Write a node.
    XS_WRITE = 11;
    /// Create a node.
    XS_MKDIR = 12;
    /// Remove a node.
    XS_RM = 13;
    /// Set the permissions of a node.
    XS_SET_PERMS = 14;
    /// A watch fired.
    XS_WATCH_EVENT = 15;
    /// An error.
    XS_ERROR = 16;
    /// Whether a domain was introduced.
    XS_IS_DOMAIN_INTRODUCED = 17;
    /// Resume a domain.
    XS_RESUME = 18;
    /// Set the target of a domain.
    XS_SET_TARGET = 19;
    /// Remove all watches.
    XS_RESET_WATCHES = 21;
    /// List a part of a directory.
    XS_DIRECTORY_PART = 22;
    /// Never a valid type.
    XS_INVALID = 0xffff;
}
