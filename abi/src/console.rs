//! The console: the hypercall's operations (`xen.h`) and the ring of a guest's console (`io/console.h`).

pub use crate::xen::{CONSOLEIO_READ, CONSOLEIO_WRITE};

abi_struct! {
    /// The page of a guest's console; indices run freely and are taken modulo the size of their ring.
    pub struct XenconsInterface {
        /// From the console to the guest.
        pub r#in: [u8; 1024],
        /// From the guest to the console.
        pub out: [u8; 2048],
        /// Consumer of `in`.
        pub in_cons: u32,
        /// Producer of `in`.
        pub in_prod: u32,
        /// Consumer of `out`.
        pub out_cons: u32,
        /// Producer of `out`.
        pub out_prod: u32,
    }
}
