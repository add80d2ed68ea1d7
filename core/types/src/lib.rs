//! Words that every part of the hypervisor's core shares: frame numbers, addresses, domain ids, results, CPU sets,
//! and the *ports*: the small traits through which the core reaches the machine (or the simulator).
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

mod addr;
mod alloc_util;
mod cell;
mod cpuset;
pub mod date;
pub mod operand;
pub mod pcid;
mod ports;
mod regs;

pub use addr::{DomId, Gfn, HYP_VIRT_END, HYP_VIRT_START, Maddr, Mfn, PAGE_SHIFT, PAGE_SIZE, Pfn};
pub use addr::{guest_range_ok, is_canonical};
pub use alloc_util::{try_arc, try_box, try_filled};
pub use cell::{Own32, Own64};
pub use cpuset::{CpuSet, MAX_CPUS};
pub use pcid::{Pcids, Space};
pub use ports::{Clock, Fault, GuestVirt, GuestVirtExt, PhysMem, PhysMemExt};
pub use regs::GuestRegs;
pub use xen_abi::errno::Errno;

/// The result of everything that a guest or an operator can make fail: `Err` carries Xen's error number.
pub type Result<T = ()> = core::result::Result<T, Errno>;
