//! The core connected to the machine: what runs from the end of the boot code on.

mod apic;
mod entries;
mod memory;
mod platform;
mod port;
mod start;

use core::cell::UnsafeCell;

use fx_domain::host::{Host, VcpuRef};
use fx_sync::Once;

use crate::machine::Machine;

pub use entries::{interrupt, nmi};
pub use memory::{free_pages, more_heap, take_pages};
pub use start::{cpu_main, restart_now, start};

/// The hypervisor's core, once it is made.
static HOST: Once<Host<Machine>> = Once::new();

/// What the wiring keeps for each CPU.
pub struct CpuLocal {
    /// The vCPU that runs here; none in the idle state.
    current: UnsafeCell<Option<VcpuRef>>,
}

// SAFETY: `current` is used only by the CPU whose block it is in, and there by one entry at a time: the hypervisor runs
// with interrupts off, and what interrupts it in the idle state or by NMI does not touch it.
unsafe impl Sync for CpuLocal {}

impl CpuLocal {
    /// At start.
    pub const NEW: Self = Self { current: UnsafeCell::new(None) };
}
