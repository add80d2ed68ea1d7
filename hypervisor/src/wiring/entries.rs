//! The ways in: from guests, and interrupts.

use core::sync::atomic::Ordering;

use fx_domain::host::{NMI, TIMER, VcpuRef};
use fx_types::GuestRegs;

use super::{HOST, apic, platform};
use crate::cpu::{this_cpu, tlb};

/// "Look for work."
pub const EVENT_CHECK: u8 = 0xfc;
/// "Drop translations."
pub const SHOOTDOWN: u8 = 0xfb;
/// This CPU's timer.
pub const TIMER_VECTOR: u8 = 0xfa;
/// The local APIC found an error.
pub const ERROR_VECTOR: u8 = 0xfe;
/// An interrupt that went away before it was taken.
pub const SPURIOUS: u8 = 0xff;

const FIRST_INTERRUPT: u32 = 32;
const SYSCALL: u32 = 0x100;

/// The vCPU that runs on this CPU.
#[inline(always)]
fn current() -> &'static mut Option<VcpuRef> {
    // SAFETY: only the entries below call this, once each, and entries do not nest (see `CpuLocal`).
    unsafe { &mut *this_cpu().local.current.get() }
}

/// SYSCALL. The answer 0 allows the short way back.
#[unsafe(no_mangle)]
extern "C" fn guest_syscall(regs: &mut GuestRegs) -> u32 {
    let Some(host) = HOST.get() else { return 1 };
    let stayed = host.syscall_entry(current(), regs);
    u32::from(!(stayed && regs.entry_vector == SYSCALL))
}

/// Everything else that comes from ring 3.
#[unsafe(no_mangle)]
extern "C" fn guest_trap(regs: &mut GuestRegs) {
    let Some(host) = HOST.get() else { return };
    let vector = regs.entry_vector;
    if (FIRST_INTERRUPT..SYSCALL).contains(&vector) {
        interrupt(vector as u8);
        host.leave(current(), regs);
    } else {
        host.guest_entry(current(), regs);
    }
}

/// An interrupt, from ring 3 or while this CPU was idle.
pub fn interrupt(vector: u8) {
    match vector {
        EVENT_CHECK => apic::lapic().eoi(),
        SHOOTDOWN => {
            apic::lapic().eoi();
            tlb::poll();
        }
        TIMER_VECTOR => {
            apic::lapic().eoi();
            note(TIMER);
        }
        SPURIOUS => {}
        ERROR_VECTOR => {
            apic::lapic().clear_errors();
            apic::lapic().eoi();
        }
        device => platform::device_interrupt(device),
    }
}

/// Notes work for this CPU.
fn note(work: u32) {
    if let Some(cpu) = HOST.get().and_then(fx_domain::host::Host::this_cpu) {
        cpu.pending.fetch_or(work, Ordering::Relaxed);
    }
}

/// A non-maskable interrupt: from the machine's own error lines or a watchdog. Dom0 is told; nothing is touched that the
/// interrupted code may hold.
pub fn nmi(_regs: &GuestRegs) {
    crate::crash::on_nmi();
    note(NMI);
}
