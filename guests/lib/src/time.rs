//! Clocks and timers: the TSC, Xen's system time, the one-shot timer.

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU32, Ordering, fence};

use xen_abi::hypercall::HYPERVISOR_SET_TIMER_OP;
use xen_abi::sched::{SCHEDOP_BLOCK, SCHEDOP_POLL, SchedPoll};
use xen_abi::vcpu::{VCPUOP_SET_SINGLESHOT_TIMER, VCPUOP_STOP_SINGLESHOT_TIMER, VcpuSetSingleshotTimer};
use xen_abi::xen::{GuestHandle, VcpuTimeInfo};

use crate::{events, hypercall, percpu};

/// One millisecond in nanoseconds.
pub const MS: u64 = 1_000_000;

/// The time stamp counter.
#[inline(always)]
pub fn tsc() -> u64 {
    // SAFETY: every processor has the instruction, and Xen lets PV guests use it.
    unsafe { _rdtsc() }
}

/// A consistent copy of the calling vCPU's clock.
pub fn info() -> VcpuTimeInfo {
    // SAFETY: only the address is taken.
    let time = unsafe { &raw const (*events::vcpu_info(percpu::id())).time };
    // SAFETY: the version is a word that Xen changes atomically.
    let version = unsafe { &*time.cast::<AtomicU32>() };
    loop {
        let before = version.load(Ordering::Acquire);
        // SAFETY: the page is mapped; a torn copy is thrown away below.
        let copy = unsafe { time.read_volatile() };
        fence(Ordering::Acquire);
        if before & 1 == 0 && version.load(Ordering::Acquire) == before {
            return copy;
        }
    }
}

/// Nanoseconds since boot at a value of the TSC.
pub fn at(time: &VcpuTimeInfo, tsc: u64) -> u64 {
    let delta = tsc.wrapping_sub(time.tsc_timestamp);
    let shifted = if time.tsc_shift >= 0 { delta << time.tsc_shift } else { delta >> -time.tsc_shift };
    time.system_time + ((u128::from(shifted) * u128::from(time.tsc_to_system_mul)) >> 32) as u64
}

/// Nanoseconds since boot.
pub fn now() -> u64 {
    at(&info(), tsc())
}

/// Starts the one-shot timer; `timeout` is system time in nanoseconds.
pub fn set_oneshot(timeout_abs_ns: u64, flags: u32) -> i64 {
    let mut timer = VcpuSetSingleshotTimer { timeout_abs_ns, flags, _pad: 0 };
    hypercall::vcpu(VCPUOP_SET_SINGLESHOT_TIMER, percpu::id() as u32, &mut timer)
}

/// Stops the one-shot timer.
pub fn stop_oneshot() -> i64 {
    hypercall::vcpu(VCPUOP_STOP_SINGLESHOT_TIMER, percpu::id() as u32, &mut 0u64)
}

/// Starts the one-shot timer by the older hypercall.
pub fn set_timer_op(timeout: u64) -> i64 {
    hypercall::numbers(HYPERVISOR_SET_TIMER_OP, [timeout, 0, 0, 0, 0])
}

/// Unmasks events and waits for one.
pub fn block() -> i64 {
    hypercall::sched(SCHEDOP_BLOCK, &mut 0u64)
}

/// Waits for one of some ports, or for a system time.
pub fn poll(ports: &[u32], timeout: u64) -> i64 {
    let list = GuestHandle(ports.as_ptr() as u64);
    let mut poll = SchedPoll { ports: list, nr_ports: ports.len() as u32, _pad: 0, timeout };
    hypercall::sched(SCHEDOP_POLL, &mut poll)
}

/// Spins until a condition holds; false after `ms` milliseconds.
pub fn wait_for(ms: u64, mut condition: impl FnMut() -> bool) -> bool {
    let end = now() + ms * MS;
    while !condition() {
        if now() > end {
            return condition();
        }
        core::hint::spin_loop();
    }
    true
}
