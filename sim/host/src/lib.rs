//! The whole core on a fake machine: what `hypervisor` is made of, without a processor.
//!
//! [`Machine`] implements the port [`Hw`](fx_domain::hw::Hw) with memory, time and processors of a test process; each of its CPUs
//! has a TLB that forgets nothing before it is told to. [`World`] is a [`Host`](fx_domain::host::Host) on it, with a control domain and
//! guests whose first page tables are made and pinned. [`invariants::check`] recomputes from scratch what must be true at any
//! time.
#![forbid(unsafe_code)]

mod hw;
pub mod invariants;
mod machine;
mod memory;
mod space;
mod virt;
mod world;

pub use machine::{Machine, on_cpu};
pub use space::{PAGES, Space};
pub use virt::{Handler, Script, Step};
pub use world::World;
