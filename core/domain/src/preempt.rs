//! Long work on page tables, in parts: when a part has lasted long enough, and what it leaves for later.

use core::sync::atomic::Ordering;

use fx_types::Mfn;

use crate::host::{Host, RARE};
use crate::hw::Hw;

/// How many parts there are in a second.
const PARTS_PER_SECOND: u64 = 1000;

/// A part of long work on this CPU: until it is dropped, work on tables that lasts too long stops to go on later.
#[must_use]
pub(crate) struct Part<'a, H: Hw>(&'a Host<H>);

impl<H: Hw> Drop for Part<'_, H> {
    fn drop(&mut self) {
        if let Some(cpu) = self.0.this_cpu() {
            cpu.yield_at.store(u64::MAX, Ordering::Relaxed);
        }
    }
}

impl<H: Hw> Host<H> {
    /// Begins a part of long work on this CPU.
    pub(crate) fn begin_part(&self) -> Part<'_, H> {
        if let Some(cpu) = self.this_cpu() {
            let per_second = u64::from(self.hw.tsc_scale().khz).wrapping_mul(1000);
            let ticks = per_second.checked_div(PARTS_PER_SECOND).unwrap_or(0);
            cpu.yield_at.store(self.hw.tsc().saturating_add(ticks), Ordering::Relaxed);
        }
        Part(self)
    }

    /// Whether the part has lasted long enough, and what it leaves can be remembered. Outside of a part work is not divided.
    pub(crate) fn part_is_over(&self) -> bool {
        self.this_cpu().is_some_and(|cpu| {
            self.hw.tsc() >= cpu.yield_at.load(Ordering::Relaxed) && cpu.unfinished.has_room()
        })
    }

    /// `mfn` is to be finished before this CPU enters a guest.
    pub(crate) fn leave_unfinished(&self, mfn: Mfn) {
        let Some(cpu) = self.this_cpu() else { return };
        if cpu.unfinished.push(mfn) {
            cpu.pending.fetch_or(RARE, Ordering::SeqCst);
        } else {
            fx_pagetables::finish(self, mfn);
        }
    }

    /// Whether an operation left something unfinished on this CPU: what comes after it in the same hypercall may rely on it, so it
    /// waits until that is done.
    #[inline]
    pub(crate) fn must_finish_tables(&self) -> bool {
        self.this_cpu().is_some_and(|cpu| cpu.pending.load(Ordering::Relaxed) & RARE != 0)
    }

    /// Finishes what operations left on this CPU, letting interrupts in between the parts.
    pub(crate) fn finish_tables(&self) {
        loop {
            let next = self.this_cpu().and_then(|cpu| cpu.unfinished.pop(&self.frames));
            let Some(mfn) = next else { return };
            let part = self.begin_part();
            fx_pagetables::finish(self, mfn);
            drop(part);
            self.hw.interrupt_window();
        }
    }
}
