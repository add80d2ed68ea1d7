//! The timer of each local APIC: single-shot, by count or by a value of the time stamp counter.

use fx_x86::cpuid::cpuid;
use fx_x86::msr::wrmsr;

use super::{Lapic, regs as r};

/// How the timer is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// By a number of its own ticks.
    Count,
    /// By a value of the time stamp counter.
    Deadline,
}

/// Whether this processor can arm the timer by the time stamp counter (CPUID leaf 1, ECX bit 24).
#[must_use]
pub fn tsc_deadline_supported() -> bool {
    cpuid(1, 0).ecx & (1 << 24) != 0
}

impl Lapic {
    /// Sets this CPU's timer up, stopped. `Deadline` only where [`tsc_deadline_supported`].
    pub fn timer_init(&self, vector: u8, kind: TimerKind) {
        self.write(r::DIVIDE, r::DIVIDE_BY_1);
        self.write(r::INITIAL_COUNT, 0);
        let mode = if kind == TimerKind::Deadline { r::LVT_DEADLINE } else { 0 };
        self.write(r::LVT_TIMER, mode | u32::from(vector));
        // The mode must be in effect before the deadline register is written (SDM 11.5.4.1).
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
    }

    /// Arms the timer for `ticks` of its own from now; 0 stops it.
    #[inline]
    pub fn timer_count(&self, ticks: u32) {
        self.write(r::INITIAL_COUNT, ticks);
    }

    /// What is left of the count.
    #[inline]
    #[must_use]
    pub fn timer_left(&self) -> u32 {
        self.read(r::CURRENT_COUNT)
    }

    /// Arms the timer for the time stamp `tsc`; 0 stops it.
    ///
    /// # Safety
    /// `timer_init` has set this CPU's timer to [`TimerKind::Deadline`].
    #[inline]
    pub unsafe fn timer_deadline(&self, tsc: u64) {
        // SAFETY: the mode exists, so the register does.
        unsafe { wrmsr(r::TSC_DEADLINE, tsc) };
    }

    /// Lets the timer count down from its highest value without interrupting: for measuring its speed.
    pub fn timer_run_free(&self) {
        self.write(r::DIVIDE, r::DIVIDE_BY_1);
        self.write(r::LVT_TIMER, r::LVT_MASKED | 0xff);
        self.write(r::INITIAL_COUNT, u32::MAX);
    }
}
