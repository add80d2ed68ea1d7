//! A stand-in for the wiring.

use core::ptr::NonNull;

use fx_boot::BootInfo;
use fx_types::GuestRegs;

/// What the wiring keeps for each CPU.
pub struct CpuLocal;

impl CpuLocal {
    /// At start.
    pub const NEW: Self = Self;
}

/// Memory for the heap.
pub fn more_heap(_bytes: usize) -> Option<NonNull<u8>> {
    None
}

/// Restarts the machine.
pub fn restart_now() -> ! {
    fx_x86::cpu::triple_fault()
}

/// An interrupt that came in ring 0.
pub fn interrupt(vector: u8) {
    log!("interrupt {vector:#x}");
}

/// A non-maskable interrupt.
pub fn nmi(_regs: &GuestRegs) {}

#[unsafe(no_mangle)]
extern "C" fn guest_syscall(regs: &mut GuestRegs) {
    log!("syscall {:#x}", regs.rax);
}

#[unsafe(no_mangle)]
extern "C" fn guest_trap(regs: &mut GuestRegs) {
    log!("trap {:#x}", regs.entry_vector);
}

/// The boot CPU is ready.
pub fn start(_info: &'static BootInfo) -> ! {
    log!("started");
    restart_now()
}
