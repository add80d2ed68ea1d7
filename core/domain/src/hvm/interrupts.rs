//! What interrupts a vCPU in a hardware container: events of channels, messages between APICs, timers.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_types::GuestRegs;
use fx_vdev::lapic::{Delivery, Effect, Message, Target, Time};
use fx_vdev::routing::Via;
use fx_virt::{Event, Register, Window};
use xen_abi::hvm_params::HVM_PARAM_CALLBACK_IRQ;

use super::HvmVcpu;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::time::APIC;
use crate::vcpu::Vcpu;

const INTERRUPTS: u64 = 1 << 9;
/// `Register::Interruptibility`.
const BLOCKED_ONCE: u64 = 3;
const NMI_BLOCKED: u64 = 8;

/// Where an interrupt comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Pending event channels, by the domain's callback vector; the APIC knows nothing of it.
    Callback(u8),
    /// The 8259A, which says the vector when it is taken.
    Pic,
    /// The APIC.
    Apic(u8),
}

/// When what waits in the APIC can be delivered. What waits for the end of another interrupt needs no window: the end is an exit.
fn apic_window(h: &HvmVcpu) -> Window {
    h.lapic.lock().waiting_class().map_or(Window::Never, Window::Above)
}

impl<H: Hw> Host<H> {
    /// The present as an APIC's timer needs it.
    pub(crate) fn apic_time(&self, d: &Domain, v: &Vcpu) -> Time {
        Time { now: self.hw.now(), tsc: self.vcpu_tsc(d, v), tsc_khz: self.domain_scale(d).khz }
    }

    /// Events of a vCPU became pending: told to its APIC if the guest wants that, otherwise found before it is entered.
    pub(crate) fn events_pending(&self, d: &Domain, v: &Vcpu) {
        let Some(h) = &v.hvm else { return };
        let vector = h.upcall_vector.load(Ordering::Acquire);
        if vector != 0 {
            h.lapic.lock().hold(vector as u8, false);
        } else if v.id == 0 && self.callback_is_line(d) {
            self.drive_callback(d);
        }
        h.look();
    }

    fn next_interrupt(&self, c: &VcpuRef, h: &HvmVcpu) -> Option<Source> {
        self.settle_assist(c, h);
        self.synthetic_timers(c, h);
        let via = c.d.hvm.as_ref().map(|d| Via::from_param(d.param(HVM_PARAM_CALLBACK_IRQ)));
        if let Some(Via::Vector(vector)) = via
            && h.upcall_vector.load(Ordering::Relaxed) == 0
            && self.hw.load8(c.v.info()) != 0
        {
            return Some(Source::Callback(vector));
        }
        if self.has_extint(c) {
            return Some(Source::Pic);
        }
        h.lapic.lock().pending().map(Source::Apic)
    }

    /// Whether a halted vCPU has something to do.
    pub(crate) fn hvm_has_work(&self, c: &VcpuRef, h: &HvmVcpu) -> bool {
        c.v.nmi_pending.load(Ordering::SeqCst) || self.next_interrupt(c, h).is_some()
    }

    /// Before a vCPU is entered: what waits is delivered if the vCPU can take it, else it stops as soon as it can.
    #[inline]
    pub(crate) fn deliver(&self, c: &VcpuRef, h: &HvmVcpu, x: &H::Context, regs: &GuestRegs) {
        if h.attention.load(Ordering::Relaxed) {
            self.deliver_waiting(c, h, x, regs);
        }
    }

    #[cold]
    fn deliver_waiting(&self, c: &VcpuRef, h: &HvmVcpu, x: &H::Context, regs: &GuestRegs) {
        h.attention.store(false, Ordering::SeqCst);
        let blocked = self.hw.register(x, Register::Interruptibility);
        let mut busy = self.hw.injecting(x).is_some();
        if c.v.nmi_pending.load(Ordering::SeqCst) {
            if !busy && blocked & (NMI_BLOCKED | BLOCKED_ONCE) == 0 {
                c.v.nmi_pending.store(false, Ordering::SeqCst);
                self.hw.inject(x, Some(&Event::nmi()));
                busy = true;
            }
            self.hw.want_nmi_window(x, c.v.nmi_pending.load(Ordering::SeqCst));
        }
        let Some(source) = self.next_interrupt(c, h) else {
            return self.hw.want_window(x, apic_window(h));
        };
        if busy || regs.rflags & INTERRUPTS == 0 || blocked & BLOCKED_ONCE != 0 {
            let window = if matches!(source, Source::Apic(_)) { apic_window(h) } else { Window::Any };
            return self.hw.want_window(x, window);
        }
        if let Some(vector) = self.take_interrupt(c, h, source) {
            self.hw.inject(x, Some(&Event::interrupt(vector)));
        }
        self.hw.want_window(x, apic_window(h));
    }

    /// The vCPU takes an interrupt; its vector, unless it has gone meanwhile.
    fn take_interrupt(&self, c: &VcpuRef, h: &HvmVcpu, source: Source) -> Option<u8> {
        match source {
            Source::Apic(vector) => {
                h.lapic.lock().take(vector);
                self.viridian_taken(c, h, vector);
                self.interrupt_taken(&c.d, vector);
                Some(vector)
            }
            Source::Callback(vector) => {
                // The guest clears what is pending before it lets interrupts in again; whether it did is seen at its next exit.
                h.look();
                Some(vector)
            }
            Source::Pic => {
                h.look();
                self.take_extint(&c.d)
            }
        }
    }

    /// The guest may have changed its task priority, in the processor's register of it.
    #[inline]
    pub(crate) fn see_priority(&self, h: &HvmVcpu, x: &H::Context) {
        let mut lapic = h.lapic.lock();
        let now = self.hw.task_priority(x);
        if lapic.task_priority() != now {
            lapic.set_task_priority(now);
            h.look();
        }
    }

    /// Does what an access to an APIC asks for.
    pub(crate) fn apic_effect(&self, c: &VcpuRef, h: &HvmVcpu, effect: Effect) {
        match effect {
            Effect::None => h.look(),
            Effect::Done(vector) => {
                self.end_of_interrupt(&c.d, vector);
                h.look();
            }
            Effect::Priority => {
                if let Some(x) = self.context(&c.v) {
                    self.hw.set_task_priority(x, h.lapic.lock().task_priority());
                }
                h.look();
            }
            Effect::Timer => self.arm_apic_timer(&c.d, &c.v),
            Effect::Send(message) => self.send_message(c, h, &message),
        }
    }

    /// Puts an APIC's timer on this CPU's queue.
    pub(crate) fn arm_apic_timer(&self, d: &Domain, v: &Vcpu) {
        let Some(h) = &v.hvm else { return };
        let due = h.lapic.lock().deadline();
        self.arm(&(d.id.0, v.id, APIC), due.map_or(0, |t| t.max(1)));
    }

    /// An APIC's timer on this CPU's queue is due. It goes on only where the vCPU ran last: another CPU has put it on its own queue
    /// when it loaded the vCPU, and what is here is left over.
    pub(crate) fn apic_timer_expired(&self, d: &Domain, v: &Vcpu, now: u64) {
        let Some(h) = &v.hvm else { return };
        let fired = h.lapic.lock().timer_fired(now);
        if v.cpu.load(Ordering::Acquire) as usize == self.hw.cpu() {
            self.arm_apic_timer(d, v);
        }
        if fired {
            self.wake_hvm(d, v);
        }
    }

    /// A vCPU's APIC has something for it.
    pub(crate) fn wake_hvm(&self, d: &Domain, v: &Vcpu) {
        if let Some(h) = &v.hvm {
            h.look();
        }
        self.kick_runner(d, v);
    }

    fn send_message(&self, c: &VcpuRef, h: &HvmVcpu, m: &Message) {
        let wide = h.lapic.lock().is_x2apic();
        let meant = |v: &Vcpu| {
            let me = v.id == c.v.id;
            match m.target {
                Target::Me => me,
                Target::All => true,
                Target::Others => !me,
                Target::Some { destination, logical } => {
                    v.hvm.as_ref().is_some_and(|o| o.lapic.lock().is_meant(destination, logical, wide))
                }
            }
        };
        let meant = c.d.vcpus.iter().filter(|v| meant(v));
        if m.delivery == Delivery::LowestPriority {
            return self.interrupt_one(&c.d, meant, m);
        }
        for v in meant {
            self.receive(c, v, m);
        }
    }

    /// Hands a device's interrupt to the APICs that it is for.
    pub(super) fn send_interrupt(&self, d: &Domain, m: &Message) {
        let Target::Some { destination, logical } = m.target else { return };
        let meant = d
            .vcpus
            .iter()
            .filter(|v| v.hvm.as_ref().is_some_and(|h| h.lapic.lock().is_meant(destination, logical, false)));
        if m.delivery == Delivery::LowestPriority {
            return self.interrupt_one(d, meant, m);
        }
        meant.for_each(|v| self.interrupt(d, v, m));
    }

    /// Interrupts that one of some vCPUs that has the lowest priority.
    fn interrupt_one<'a>(&self, d: &Domain, among: impl Iterator<Item = &'a Arc<Vcpu>>, m: &Message) {
        let priority = |v: &&Arc<Vcpu>| {
            let lapic = v.hvm.as_ref()?.lapic.lock();
            lapic.accepts().then(|| lapic.priority())
        };
        let lowest = among.filter_map(|v| Some((priority(&v)?, v))).min_by_key(|(priority, _)| *priority);
        if let Some((_, v)) = lowest {
            self.interrupt(d, v, m);
        }
    }

    /// A vCPU's APIC gets a message that interrupts it.
    fn interrupt(&self, d: &Domain, v: &Vcpu, m: &Message) {
        let Some(h) = &v.hvm else { return };
        if m.delivery == Delivery::Nmi {
            v.nmi_pending.store(true, Ordering::SeqCst);
        } else {
            h.lapic.lock().raise(m.vector, m.level);
        }
        self.wake_hvm(d, v);
    }

    fn receive(&self, c: &VcpuRef, v: &Vcpu, m: &Message) {
        let Some(h) = &v.hvm else { return };
        match m.delivery {
            Delivery::Fixed | Delivery::LowestPriority | Delivery::Nmi => self.interrupt(&c.d, v, m),
            Delivery::Init => self.init_vcpu(c, v, h),
            Delivery::StartUp => self.start_vcpu(c, v, h, m.vector),
        }
    }
}
