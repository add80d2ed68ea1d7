//! The core connected to the machine: what runs from the end of the boot code on.

mod apic;
mod entries;
mod memory;
mod options;
mod platform;
mod port;
mod report;
mod start;

use core::cell::UnsafeCell;

use fx_domain::host::{Host, VcpuRef};
use fx_sync::Once;

use crate::machine::Machine;

pub use entries::{interrupt, nmi};
pub use memory::{free_pages, take_pages};
pub use platform::time_if_known;
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
    pub const fn new() -> Self {
        Self { current: UnsafeCell::new(None) }
    }
}

/// A line in the hypervisor's log.
pub fn log(line: core::fmt::Arguments<'_>) {
    if let Some(host) = HOST.get() {
        host.log(line);
    }
}

/// The domain and the vCPU that run on this CPU.
pub fn current() -> Option<(u16, u32)> {
    if !crate::cpu::area::contains(crate::cpu::block::rsp()) {
        return None;
    }
    // SAFETY: it is only read, by a CPU that changes it no more.
    let current = unsafe { &*crate::cpu::this_cpu().local.current.get() };
    current.as_ref().map(|c| (c.d.id.0, c.v.id))
}

/// Makes all other CPUs stop: see [`crate::crash::on_nmi`].
pub fn stop_other_cpus() {
    apic::interrupt_others();
}

/// Waits so many nanoseconds, or roughly as long when there is no clock.
pub fn delay(ns: u64) {
    let end = time_if_known() + ns;
    if end == ns {
        for _ in 0..ns / 1000 {
            // SAFETY: the port of the firmware's progress codes; an access takes about a microsecond.
            unsafe { fx_x86::port::outb(0x80, 0) };
        }
    }
    while time_if_known() < end && end != ns {
        core::hint::spin_loop();
    }
}
