//! A fake machine for tests: the ports of `fx-types` in a test process.
//!
//! [`Ram`] is memory, [`SimClock`] time, [`frame_table`] the records of all frames, [`Mmu`] a processor's view of memory
//! through page tables, with a TLB and paging-structure caches that forget nothing before they are told to, and
//! [`GuestSpace`] a guest's virtual memory as the hypervisor reaches it.
#![forbid(unsafe_code)]

mod clock;
mod frames;
mod mmu;
mod ram;
mod space;

pub use clock::SimClock;
pub use frames::frame_table;
pub use mmu::{Mmu, Structure, Translation};
pub use ram::Ram;
pub use space::GuestSpace;
