//! Which CPUs run, and how the others than the first come to.

use core::sync::atomic::{AtomicU64, Ordering};

use fx_types::MAX_CPUS;

static ONLINE: [AtomicU64; MAX_CPUS / 64] = [const { AtomicU64::new(0) }; MAX_CPUS / 64];

/// The L4 table that an application processor starts with.
#[unsafe(no_mangle)]
static ap_cr3: AtomicU64 = AtomicU64::new(0);
/// The stack that it starts on.
#[unsafe(no_mangle)]
static ap_stack: AtomicU64 = AtomicU64::new(0);

/// Whether a CPU runs.
pub fn is_online(cpu: usize) -> bool {
    ONLINE.get(cpu / 64).is_some_and(|w| w.load(Ordering::Acquire) & (1 << (cpu % 64)) != 0)
}

/// Says that a CPU runs.
pub fn set_online(cpu: usize) {
    if let Some(w) = ONLINE.get(cpu / 64) {
        w.fetch_or(1 << (cpu % 64), Ordering::AcqRel);
    }
}

#[unsafe(no_mangle)]
extern "C" fn ap_main() -> ! {
    fx_x86::cpu::halt_forever()
}
