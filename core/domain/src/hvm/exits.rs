//! What an HVM vCPU stops for, besides interrupts and hypercalls.

use core::sync::atomic::Ordering;

use fx_insn::quick::Fixed;
use fx_insn::{Done, Outcome, Shadow, TaskCause, TaskSwitch};
use fx_types::GuestRegs;
use fx_virt::{Access, Event, EventKind, Exit, Reason, Register};
use xen_abi::hvm_params::HVM_PARAM_TRIPLE_FAULT_REASON;

use super::HvmVcpu;
use super::emulate::Emulated;
use crate::host::{Host, RESCHED, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::{RUN, WAIT_EVENT};

const UD: u8 = 6;
const GP: u8 = 13;
const MACHINE_CHECK: u8 = 18;
const INTERRUPTS: u64 = 1 << 9;
/// `Register::Interruptibility`.
const BY_STI: u64 = 1;
const BY_MOV_SS: u64 = 2;
const NMI_BLOCKED: u64 = 8;
/// `DR6.BS`.
const SINGLE_STEP: u64 = 1 << 14;
/// `DR7.GD`: accesses to debug registers raise `#DB`.
const GENERAL_DETECT: u64 = 1 << 13;

/// What makes the processor switch tasks; `event` is of what kind the event is that it was delivering.
fn task_cause(iret: bool, jump: bool, event: Option<EventKind>) -> TaskCause {
    match event {
        _ if iret => TaskCause::Return,
        _ if jump => TaskCause::Jump,
        None => TaskCause::Call,
        Some(EventKind::Interrupt | EventKind::Nmi | EventKind::Exception) => TaskCause::Event,
        Some(_) => TaskCause::Software,
    }
}

impl<H: Hw> Host<H> {
    /// Sees to an exit that an instruction (or a fault) of the guest caused.
    pub(super) fn hvm_instruction(&self, c: &VcpuRef, h: &HvmVcpu, regs: &mut GuestRegs, exit: &Exit) {
        let Some(x) = self.context(&c.v) else { return };
        match exit.reason {
            Reason::Cpuid => {
                let Some(length) = self.length_of(c, x, regs, exit, Fixed::Cpuid) else {
                    return self.emulate(c, h, regs);
                };
                if self.cpuid_faults(c, x) {
                    return self.raise(x, GP, Some(0));
                }
                let [a, b, cx, d] = self.hvm_cpuid(c, h, x, regs.rax as u32, regs.rcx as u32);
                (regs.rax, regs.rbx) = (u64::from(a), u64::from(b));
                (regs.rcx, regs.rdx) = (u64::from(cx), u64::from(d));
                self.retire(x, regs, length);
            }
            Reason::ReadMsr => {
                let Some(length) = self.length_of(c, x, regs, exit, Fixed::Rdmsr) else {
                    return self.emulate(c, h, regs);
                };
                let Some(v) = self.hvm_rdmsr(c, h, x, regs.rcx as u32) else {
                    return self.raise(x, GP, Some(0));
                };
                (regs.rax, regs.rdx) = (v & 0xffff_ffff, v >> 32);
                self.retire(x, regs, length);
            }
            Reason::WriteMsr => {
                let Some(length) = self.length_of(c, x, regs, exit, Fixed::Wrmsr) else {
                    return self.emulate(c, h, regs);
                };
                if !self.hvm_wrmsr(c, h, x, regs.rcx as u32, regs.pair()) {
                    return self.raise(x, GP, Some(0));
                }
                self.retire(x, regs, length);
            }
            Reason::Halt => {
                let Some(length) = self.length_of(c, x, regs, exit, Fixed::Hlt) else {
                    return self.emulate(c, h, regs);
                };
                self.retire(x, regs, length);
                self.hvm_halt(c, h, regs);
            }
            Reason::Io { port, size, input, string: false } if exit.length != 0 => {
                self.plain_port_access(c, h, regs, (port, size, input), exit.length);
            }
            Reason::NestedFault { address, access } => self.nested_fault(c, h, regs, address, access),
            _ => self.rare_exit(c, h, x, regs, exit),
        }
    }

    fn rare_exit(&self, c: &VcpuRef, h: &HvmVcpu, x: &H::Context, regs: &mut GuestRegs, exit: &Exit) {
        match exit.reason {
            // Only the hypervisor wanted to know: the handler of an NMI is about to end.
            Reason::Nmi => {}
            Reason::NmiWindow => h.look(),
            Reason::DebugRegister => self.load_debug_registers(c, h, x),
            Reason::Pause => {
                self.emulate(c, h, regs);
                if self.sched.yield_now(c.v.unit.load(Ordering::Acquire)) {
                    self.ask(self.hw.cpu(), RESCHED);
                }
            }
            Reason::Monitor | Reason::Mwait | Reason::VirtInstruction => self.raise(x, UD, None),
            Reason::Exception { vector: MACHINE_CHECK, .. } => {
                self.log(format_args!("CPU {} reports a machine check while a guest runs", self.hw.cpu()));
                self.hw.crash()
            }
            Reason::Exception { vector, error, .. } => {
                let has_error = matches!(vector, 8 | 10..=14 | 17 | 21);
                self.raise(x, vector, has_error.then_some(error));
            }
            Reason::Shutdown => {
                let reason = c.d.hvm.as_ref().map_or(0, |d| d.param(HVM_PARAM_TRIPLE_FAULT_REASON));
                self.log_guest(c.d.id, format_args!("vCPU {}: triple fault at {:#x}", c.v.id, regs.rip));
                self.shut_down(&c.d, reason as u32);
            }
            Reason::TaskSwitch { selector, iret, jump, error } => {
                let cause = task_cause(iret, jump, exit.interrupted.map(|e| e.kind));
                self.switch_task(c, h, regs, &TaskSwitch { selector, cause, error });
            }
            Reason::Invalid => {
                self.crash_domain(
                    &c.d,
                    format_args!("vCPU {} has a state that the processor refuses", c.v.id),
                );
            }
            Reason::Other(code) => {
                self.crash_domain(
                    &c.d,
                    format_args!("vCPU {} stopped for {code:#x}, which is not known", c.v.id),
                );
            }
            _ => self.emulate(c, h, regs),
        }
    }

    /// The length of the intercepted instruction: the processor says it, or it is looked for.
    #[inline]
    pub(crate) fn length_of(
        &self,
        c: &VcpuRef,
        x: &H::Context,
        regs: &GuestRegs,
        exit: &Exit,
        insn: Fixed,
    ) -> Option<u8> {
        if exit.length != 0 { Some(exit.length) } else { self.instruction_length(c, x, regs, insn) }
    }

    /// Raises an exception.
    pub(crate) fn raise(&self, x: &H::Context, vector: u8, error: Option<u32>) {
        self.raise_event(x, &Event::exception(vector, error));
    }

    /// Has an event delivered. A debug exception lets its handler have the debug registers, whatever it is for.
    pub(crate) fn raise_event(&self, x: &H::Context, event: &Event) {
        if event.is_debug() {
            let control = self.hw.register(x, Register::Dr7);
            if control & GENERAL_DETECT != 0 {
                self.hw.set_register(x, Register::Dr7, control & !GENERAL_DETECT);
            }
        }
        self.hw.inject(x, Some(event));
    }

    fn nested_fault(&self, c: &VcpuRef, h: &HvmVcpu, regs: &mut GuestRegs, address: u64, access: Access) {
        let Some(d) = &c.d.hvm else { return };
        let e = self.lookup(d, address >> 12);
        if e.kind == fx_p2m::Kind::OnDemand {
            // It could not be had, and the domain is crashed.
            return;
        }
        // Changed since the processor looked: it looks again.
        if e.kind.is_present() && e.kind != fx_p2m::Kind::Mmio && (!access.write || e.kind.is_writable()) {
            return;
        }
        if e.kind == fx_p2m::Kind::RamLogDirty {
            // Its translation may be in other processors as read-only: they fault, and find it so.
            return self.note_write(d, address >> 12);
        }
        self.emulate(c, h, regs);
    }

    /// Emulates the instruction at `rip`.
    pub(crate) fn emulate(&self, c: &VcpuRef, h: &HvmVcpu, regs: &mut GuestRegs) {
        let (at, Some(x)) = (regs.rip, self.context(&c.v)) else { return };
        let Some(mut cpu) = Emulated::new(self, c, regs) else { return };
        h.io.begin();
        let outcome = fx_insn::emulate(&mut cpu);
        self.end_emulation(c, h, x, regs, at, outcome);
    }

    /// Switches the vCPU to another task.
    fn switch_task(&self, c: &VcpuRef, h: &HvmVcpu, regs: &mut GuestRegs, switch: &TaskSwitch) {
        let (at, Some(x)) = (regs.rip, self.context(&c.v)) else { return };
        let Some(mut cpu) = Emulated::new(self, c, regs) else { return };
        h.io.begin();
        let outcome = fx_insn::switch_task(&mut cpu, switch);
        self.end_emulation(c, h, x, regs, at, outcome);
    }

    /// What comes of the emulation of what was at `at`.
    fn end_emulation(
        &self,
        c: &VcpuRef,
        h: &HvmVcpu,
        x: &H::Context,
        regs: &GuestRegs,
        at: u64,
        outcome: Outcome,
    ) {
        match outcome {
            Outcome::Done(done) => self.emulated(c, h, x, regs, &done),
            Outcome::Again | Outcome::Retry => {}
            Outcome::Raise { event, address } => {
                h.io.complete();
                if let Some(a) = address {
                    self.hw.set_register(x, Register::Cr2, a);
                }
                self.raise_event(x, &event);
            }
            Outcome::Unhandled => {
                h.io.complete();
                self.log_guest(
                    c.d.id,
                    format_args!("vCPU {}: cannot emulate the instruction at {at:#x}", c.v.id),
                );
                self.raise(x, UD, None);
            }
        }
    }

    fn emulated(&self, c: &VcpuRef, h: &HvmVcpu, x: &H::Context, regs: &GuestRegs, done: &Done) {
        let old = self.hw.register(x, Register::Interruptibility);
        let nmi = if done.iret { 0 } else { old & NMI_BLOCKED };
        let shadow = match done.shadow {
            Shadow::None => 0,
            Shadow::Sti => BY_STI,
            Shadow::MovSs => BY_MOV_SS,
        };
        if old != nmi | shadow {
            self.hw.set_register(x, Register::Interruptibility, nmi | shadow);
        }
        h.look();
        if done.single_step {
            let dr6 = self.hw.register(x, Register::Dr6);
            self.hw.set_register(x, Register::Dr6, dr6 | SINGLE_STEP);
            self.raise(x, 1, None);
        }
        if done.halt {
            self.hvm_halt(c, h, regs);
        }
    }

    /// The vCPU waits for an interrupt. One that can take none is gone for good.
    fn hvm_halt(&self, c: &VcpuRef, h: &HvmVcpu, regs: &GuestRegs) {
        if regs.rflags & INTERRUPTS == 0 && !c.v.nmi_pending.load(Ordering::SeqCst) {
            return self.take_down(c);
        }
        self.wait_hvm(c, h);
    }

    /// The vCPU waits until there is something for it.
    pub(crate) fn wait_hvm(&self, c: &VcpuRef, h: &HvmVcpu) {
        self.wait_unless(c, || self.hvm_has_work(c, h));
    }

    /// The vCPU waits to be woken, unless what it waits for is there already.
    pub(super) fn wait_unless(&self, c: &VcpuRef, there: impl FnOnce() -> bool) {
        c.v.blocked.store(WAIT_EVENT, Ordering::SeqCst);
        if there() {
            c.v.blocked.store(RUN, Ordering::SeqCst);
        } else {
            self.update_runnable(&c.d, &c.v);
        }
    }
}
