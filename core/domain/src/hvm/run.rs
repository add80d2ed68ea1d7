//! A vCPU in a hardware container runs: it is entered, and what it stops for is seen to.

use core::sync::atomic::Ordering;

use fx_types::GuestRegs;
use fx_virt::{EventKind, Exit, Reason, Register, Window};

use super::HvmVcpu;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

/// DR6 and DR7 of a processor without breakpoints.
const DR6: u64 = 0xffff_0ff0;
const DR7: u64 = 0x400;
/// The bits of DR7 that switch breakpoints on.
const BREAKPOINTS: u64 = 0xff;

impl<H: Hw> Host<H> {
    /// Enters an HVM vCPU and sees to what it stops for.
    pub(crate) fn run_hvm(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let (Some(h), Some(x)) = (&c.v.hvm, self.context(&c.v)) else {
            return self.crash_domain(&c.d, format_args!("vCPU {} has no processor", c.v.id));
        };
        if self.begin_if_started(&c.d, &c.v, h, regs) {
            self.refresh_time(c);
        }
        if h.io.waiting.load(Ordering::Acquire) && !self.finish_request(c, h, regs) {
            return self.wait_unless(c, || self.is_answered(c, h));
        }
        if h.io.waiting.load(Ordering::Acquire) {
            // Another access of the same instruction is asked for.
            return;
        }
        self.deliver(c, h, x, regs);
        let exit = self.hw.enter(x, regs);
        // Always: a guest whose stack is nowhere can stop for ever in the delivery of an event, and the machine's interrupts, which
        // are looked at between instructions only, would never end that.
        self.hw.interrupt_window();
        self.see_priority(h, x);
        self.see_callback(c);
        self.hvm_exit(c, h, regs, &exit);
    }

    /// What the exit interrupted is delivered again, unless handling the exit has put something else in its place. Software
    /// interrupts are executed again: `rip` still points at them.
    fn deliver_again(&self, x: &H::Context, exit: &Exit) {
        let again = exit.interrupted.filter(|e| {
            !matches!(e.kind, EventKind::SoftwareInterrupt | EventKind::PrivilegedSoftwareException)
        });
        if again.is_some() && self.hw.injecting(x).is_none() {
            self.hw.inject(x, again.as_ref());
        }
    }

    fn hvm_exit(&self, c: &VcpuRef, h: &HvmVcpu, regs: &mut GuestRegs, exit: &Exit) {
        let Some(x) = self.context(&c.v) else { return };
        match exit.reason {
            // The machine's interrupt was taken.
            Reason::Interrupt => {}
            Reason::Window => {
                self.hw.want_window(x, Window::Never);
                h.look();
            }
            Reason::Hypercall => self.hvm_hypercall(c, x, regs, exit),
            // The event has brought the new task about.
            Reason::TaskSwitch { .. } => return self.hvm_instruction(c, h, regs, exit),
            _ => self.hvm_instruction(c, h, regs, exit),
        }
        self.deliver_again(x, exit);
    }

    /// Loads an HVM vCPU's state into the processor, which has no guest's address space then.
    pub(crate) fn load_hvm(&self, c: &VcpuRef, x: &H::Context) {
        self.hw.leave_guest();
        self.hw.xstate_load(fx_types::Mfn(c.v.xstate.get()));
        let _ = self.hw.set_xcr0(c.v.pv.xcr0.get());
        self.hw.set_ts(false);
        // Before the context: the processor may hold the guest's DR6 from then on.
        self.hw.load_debug(&[0, 0, 0, 0, DR6, DR7]);
        self.hw.load_context(x);
        self.hw.intercept_tsc(x, c.d.tsc.is_emulated());
        let Some(h) = &c.v.hvm else { return };
        if self.hw.register(x, Register::Dr7) & BREAKPOINTS != 0 {
            self.load_debug_registers(c, h, x);
        }
        h.look();
    }

    /// Takes what the processor still holds of an HVM vCPU.
    pub(crate) fn unload_hvm(&self, c: &VcpuRef, x: &H::Context) {
        self.hw.unload_context(x);
        let Some(h) = &c.v.hvm else { return };
        if h.debug_loaded.get() != 0 {
            h.debug_loaded.set(0);
            for (n, slot) in (0u8..4).zip(&c.v.pv.debug) {
                slot.set(self.hw.read_debug(n));
            }
            self.hw.intercept_debug(x, true);
        }
    }

    /// The guest touches debug registers: from now on, until it is unloaded, they are in the processor.
    pub(crate) fn load_debug_registers(&self, c: &VcpuRef, h: &HvmVcpu, x: &H::Context) {
        let mut dr = [0, 0, 0, 0, DR6, DR7];
        for (to, from) in dr.iter_mut().take(4).zip(&c.v.pv.debug) {
            *to = from.get();
        }
        self.hw.load_debug(&dr);
        self.hw.intercept_debug(x, false);
        h.debug_loaded.set(1);
    }

    /// The instruction is done: the guest goes on behind it.
    pub(crate) fn retire(&self, x: &H::Context, regs: &mut GuestRegs, length: u8) {
        const TRAP: u64 = 1 << 8;
        const RESUME: u64 = 1 << 16;
        const SINGLE_STEP: u64 = 1 << 14;
        const BLOCKED_ONCE: u64 = 3;
        regs.rip = regs.rip.wrapping_add(u64::from(length));
        regs.rflags &= !RESUME;
        let blocked = self.hw.register(x, Register::Interruptibility);
        if blocked & BLOCKED_ONCE != 0 {
            self.hw.set_register(x, Register::Interruptibility, blocked & !BLOCKED_ONCE);
        }
        if regs.rflags & TRAP != 0 {
            let dr6 = self.hw.register(x, Register::Dr6);
            self.hw.set_register(x, Register::Dr6, dr6 | SINGLE_STEP);
            self.raise(x, 1, None);
        }
    }
}
