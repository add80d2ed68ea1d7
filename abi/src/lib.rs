#![no_std]

pub mod domctl;
mod layout;
pub mod sysctl;
pub mod xen;
