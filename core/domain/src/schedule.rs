//! Which vCPU runs here: the change from one to another, sleeping, waking, pausing, and this CPU's timers.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_types::{GuestRegs, Mfn};

use crate::domain::Domain;
use crate::host::{Host, NMI, OUTPUT, RARE, RESCHED, TIMER, VcpuRef, dirty_bit};
use crate::hw::Hw;
use crate::vcpu::{RUN, Vcpu, WAIT_EVENT, WAIT_POLL};

/// `RUNSTATE_running`.
pub const RUNNING: u32 = 0;
/// `RUNSTATE_runnable`.
pub const RUNNABLE: u32 = 1;
/// `RUNSTATE_blocked`.
pub const BLOCKED: u32 = 2;
/// `RUNSTATE_offline`.
pub const OFFLINE: u32 = 3;

impl<H: Hw> Host<H> {
    /// Does this CPU's pending work; changes `cur` when another vCPU is to run, and idles while there is none.
    #[cold]
    pub fn work(&self, cur: &mut Option<VcpuRef>, regs: &mut GuestRegs) {
        let here = self.hw.cpu();
        let Some(cpu) = self.cpu(here) else { return };
        loop {
            let bits = cpu.pending.swap(0, Ordering::SeqCst);
            let now = self.hw.now();
            if bits & TIMER != 0 {
                self.expire_timers(now);
                if now >= cpu.slice_end.load(Ordering::Relaxed) {
                    cpu.pending.fetch_or(RESCHED, Ordering::Relaxed);
                }
                self.program_timer();
            }
            if bits & OUTPUT != 0 {
                self.announce_output();
            }
            if bits & NMI != 0 {
                self.machine_nmi();
            }
            if bits & RARE != 0 {
                self.finish_tables();
                if let Some(c) = cur {
                    self.rare_work(c, regs);
                }
            }
            if bits & RESCHED != 0 || cur.is_none() {
                self.reschedule(cur, regs, now);
            }
            if cpu.pending.load(Ordering::SeqCst) != 0 {
                continue;
            }
            if cur.is_some() {
                return;
            }
            self.hw.idle();
        }
    }

    fn reschedule(&self, cur: &mut Option<VcpuRef>, regs: &mut GuestRegs, now: u64) {
        let here = self.hw.cpu();
        let choice = self.sched.schedule(here, now);
        if let Some(cpu) = self.cpu(here) {
            cpu.slice_end.store(choice.slice_end.unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.program_timer();
        for other in [choice.kick].into_iter().chain(choice.also).flatten() {
            self.ask(other, RESCHED);
        }
        let next = choice.next.map(|(_, r)| r);
        let same = match (cur.as_ref(), next.as_ref()) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.v, &b.v),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        let prev = cur.take();
        if let Some(prev) = &prev {
            self.unload(prev, regs, now);
        }
        if let Some(next) = &next {
            self.load(next, regs, now);
        } else {
            self.hw.leave_guest();
        }
        if let Some(prev) = prev {
            // Its address spaces are no longer loaded here, and loading another dropped its translations.
            if next.as_ref().is_none_or(|n| n.d.id != prev.d.id) {
                prev.d.dirty_cpus.fetch_and(!dirty_bit(here), Ordering::SeqCst);
            }
            prev.v.on_cpu.store(false, Ordering::Release);
            if let Some(other) = self.sched.context_saved(here) {
                self.ask(other, RESCHED);
            }
        }
        *cur = next;
    }

    fn unload(&self, c: &VcpuRef, regs: &GuestRegs, now: u64) {
        {
            let mut s = c.v.saved.lock();
            s.regs = *regs;
            match self.context(&c.v) {
                Some(x) => self.unload_hvm(c, x),
                None => s.segments = self.hw.save_segments(),
            }
        }
        self.switch_own_msrs(c, false);
        // Another CPU may run it next: what the processor holds is put where that one finds it.
        self.hw.xstate_save(Mfn(c.v.xstate.get()));
        let state = if c.v.is_runnable(c.d.is_paused()) {
            RUNNABLE
        } else if c.v.down.load(Ordering::Relaxed)
            || c.d.is_paused()
            || c.v.pauses.load(Ordering::Relaxed) > 0
        {
            OFFLINE
        } else {
            BLOCKED
        };
        self.change_runstate(c, state, now);
    }

    fn load(&self, c: &VcpuRef, regs: &mut GuestRegs, now: u64) {
        let here = self.hw.cpu();
        while c.v.on_cpu.swap(true, Ordering::AcqRel) {
            fx_sync::relax();
        }
        c.v.cpu.store(here as u32, Ordering::Release);
        c.d.dirty_cpus.fetch_or(dirty_bit(here), Ordering::SeqCst);
        self.load_state(c, regs);
        self.change_runstate(c, RUNNING, now);
        self.update_time(c);
        self.rearm_timers(c);
        if c.v.nmi_pending.load(Ordering::SeqCst) {
            self.ask(here, RARE);
        }
    }

    /// Loads everything of a vCPU into the processor: registers, tables, segments, extended state.
    pub fn load_state(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let s = *c.v.saved.lock();
        *regs = s.regs;
        regs.entry_vector = 0;
        self.switch_own_msrs(c, true);
        if let Some(x) = self.context(&c.v) {
            return self.load_hvm(c, x);
        }
        self.hw.load_cr3(c.v.current_l4(), c.v.space());
        self.load_gdt(&c.v);
        self.hw.set_guest_ldt(c.v.pv.ldt_entries.get());
        for (page, f) in (0u32..).zip(&c.v.pv.ldt_frames) {
            if f.get() != 0 {
                self.hw.map_ldt_page(page, Mfn(f.get()));
            }
        }
        if self.hw.load_segments(&s.segments).is_err() {
            let mut saved = c.v.saved.lock();
            saved.segments = self.hw.save_segments();
        }
        self.hw.xstate_load(Mfn(c.v.xstate.get()));
        let _ = self.hw.set_xcr0(c.v.pv.xcr0.get());
        self.hw.set_ts(c.v.flags.get() & crate::vcpu::TASK_SWITCHED != 0);
        self.hw.hide_tsc(Self::hides_tsc(c));
        let mut dr = [0; 6];
        for (d, s) in dr.iter_mut().zip(&c.v.pv.debug) {
            *d = s.get();
        }
        self.hw.load_debug(&dr);
    }

    /// Shows the vCPU's GDT frames to this CPU.
    pub fn load_gdt(&self, v: &Vcpu) {
        let mut frames = [Mfn(0); 14];
        let n = (v.pv.gdt_entries.get().div_ceil(512) as usize).min(14);
        for (f, g) in frames.iter_mut().zip(&v.pv.gdt) {
            *f = Mfn(g.get());
        }
        self.hw.set_guest_gdt(frames.get(..n).unwrap_or(&[]));
    }

    /// Tells the scheduler whether a vCPU can run, after something changed that decides it. One CPU at a time does this for a
    /// vCPU: whoever comes last sees the latest state, so that a wake-up cannot be overtaken by the sleep before it.
    pub fn update_runnable(&self, d: &Domain, v: &Vcpu) {
        let _turn = v.scheduler_turn.lock();
        let unit = v.unit.load(Ordering::Acquire);
        if unit == u32::MAX {
            return;
        }
        let asked = if v.is_runnable(d.is_paused()) {
            self.sched.wake(unit, self.hw.now())
        } else {
            self.sched.sleep(unit)
        };
        if let Some(cpu) = asked {
            self.ask(cpu, RESCHED);
        }
    }

    /// Waits until the vCPU's state is in its record. Not for the current vCPU.
    pub fn wait_unloaded(&self, v: &Vcpu) {
        while v.on_cpu.load(Ordering::Acquire) {
            fx_sync::relax();
        }
    }

    /// An event upcall became pending: a vCPU that waits for it wakes, one that runs elsewhere looks.
    #[inline]
    pub fn kick_vcpu(&self, d: &Domain, v: &Vcpu) {
        if v.hvm.is_some() {
            self.events_pending(d, v);
        }
        self.kick_runner(d, v);
    }

    /// A vCPU that waits wakes, one that runs elsewhere looks what there is for it.
    #[inline]
    pub(crate) fn kick_runner(&self, d: &Domain, v: &Vcpu) {
        if v.blocked.load(Ordering::SeqCst) != RUN {
            return self.unblock(d, v);
        }
        let cpu = v.cpu.load(Ordering::Acquire) as usize;
        if v.on_cpu.load(Ordering::Acquire) && cpu != self.hw.cpu() {
            self.hw.kick(cpu);
        }
    }

    /// Ends a vCPU's wait.
    pub fn unblock(&self, d: &Domain, v: &Vcpu) {
        let was = v.blocked.swap(RUN, Ordering::SeqCst);
        if was == WAIT_POLL {
            d.pollers.fetch_sub(1, Ordering::SeqCst);
        }
        if was != RUN {
            self.update_runnable(d, v);
        }
    }

    /// `SCHEDOP_block`: lets events in and waits for one.
    pub fn block(&self, c: &VcpuRef) {
        self.hw.store8(c.v.info().add(crate::pv::bounce::UPCALL_MASK), 0);
        if let Some(h) = &c.v.hvm {
            return self.wait_hvm(c, h);
        }
        c.v.blocked.store(WAIT_EVENT, Ordering::SeqCst);
        if self.hw.load8(c.v.info()) != 0 {
            c.v.blocked.store(RUN, Ordering::SeqCst);
        } else {
            self.update_runnable(&c.d, &c.v);
        }
    }

    /// Waits for a port of `SCHEDOP_poll`; the caller has looked at them already and looks again after this says so.
    pub fn wait_poll(&self, c: &VcpuRef, port: u32) {
        c.v.poll_port.store(port, Ordering::Relaxed);
        c.v.blocked.store(WAIT_POLL, Ordering::SeqCst);
    }

    /// Stops all vCPUs of a domain; `wait` until they stand still (not when the caller is one of them).
    pub fn pause_domain(&self, d: &Domain, wait: bool) {
        d.pauses.fetch_add(1, Ordering::SeqCst);
        for v in &d.vcpus {
            self.update_runnable(d, v);
        }
        if wait {
            for v in &d.vcpus {
                self.wait_unloaded(v);
            }
        }
    }

    /// Takes one pause back.
    pub fn unpause_domain(&self, d: &Domain) {
        if d.pauses.fetch_sub(1, Ordering::SeqCst) == 1 {
            for v in &d.vcpus {
                self.update_runnable(d, v);
            }
        }
    }

    /// Stops one vCPU; waits until it stands still unless it is `current`.
    pub fn pause_vcpu(&self, d: &Domain, v: &Vcpu, wait: bool) {
        v.pauses.fetch_add(1, Ordering::SeqCst);
        self.update_runnable(d, v);
        if wait {
            self.wait_unloaded(v);
        }
    }

    /// Takes one pause back.
    pub fn unpause_vcpu(&self, d: &Domain, v: &Vcpu) {
        if v.pauses.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.update_runnable(d, v);
        }
    }

    /// Whether the domain's vCPU `v` is the one that runs on this CPU.
    pub fn is_here(&self, v: &Vcpu) -> bool {
        v.on_cpu.load(Ordering::Acquire) && v.cpu.load(Ordering::Acquire) as usize == self.hw.cpu()
    }
}
