//! Xen 4.20's public interface for x86-64 as Rust types and constants.
//!
//! Names follow the C headers: constants in upper case, structures in camel case without the `xen_` prefix, fields
//! unchanged. Discriminants that a guest supplies are open integers with named constants. Structures have C's layout,
//! spell out their padding and convert from and to bytes through `zerocopy`; unions are words with accessors.
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
mod macros;

pub mod arch_x86;
pub mod callback;
pub mod console;
pub mod cpufeatureset;
pub mod dm_op;
pub mod domctl;
pub mod elfnote;
pub mod errno;
pub mod event_channel;
pub mod features;
pub mod grant_table;
pub mod hvm_ioreq;
pub mod hvm_op;
pub mod hvm_params;
pub mod hvm_save;
pub mod hvm_start_info;
pub mod hypercall;
pub mod hypfs;
pub mod io;
pub mod kexec;
mod layout;
pub mod memory;
pub mod nmi;
pub mod physdev;
pub mod platform;
pub mod sched;
pub mod sysctl;
pub mod trace;
pub mod vcpu;
pub mod version;
pub mod xen;
pub mod xenpmu;
pub mod xsm;
