//! Debug keys, by the serial console or by `xl debug-keys`.

use core::fmt::Write as _;
use core::sync::atomic::Ordering;

use alloc::string::String;

use fx_events as ev;

use crate::domain::Domain;
use crate::host::Host;
use crate::hw::{Hw, MachineEnd};
use crate::hypercall::event::EventView;
use crate::vcpu::Vcpu;

/// The keys and what they do.
const KEYS: [(u8, &str); 11] = [
    (b'*', "print all diagnostics"),
    (b'0', "dump Dom0's registers"),
    (b'C', "crash the hypervisor, to see what follows"),
    (b'R', "reboot the machine"),
    (b'e', "dump event channels"),
    (b'h', "show this help"),
    (b'i', "dump interrupts"),
    (b'm', "show memory"),
    (b'q', "dump domains and vCPUs"),
    (b'r', "dump run queues"),
    (b't', "show time"),
];
/// What `*` stands for.
const DIAGNOSTICS: &[u8] = b"0eimqrt";

impl<H: Hw> Host<H> {
    /// Does what a debug key stands for.
    pub fn debug_key(&self, key: u8) {
        let shown = char::from(if key.is_ascii_graphic() { key } else { b'?' });
        let Some((_, what)) = KEYS.iter().find(|k| k.0 == key) else {
            self.say(format_args!("debug key '{shown}' ({key:#04x}) does nothing; 'h' lists those that do"));
            return;
        };
        self.say(format_args!("'{shown}' pressed -> {what}"));
        match key {
            b'*' => DIAGNOSTICS.iter().for_each(|k| self.dump(*k)),
            b'h' => {
                for (k, what) in KEYS {
                    self.say(format_args!(" key '{}' (ascii '{k:02x}') => {what}", char::from(k)));
                }
            }
            b'C' => self.hw.crash(),
            b'R' => self.hw.end_machine(MachineEnd::Restart),
            other => self.dump(other),
        }
    }

    /// The keys that only show something.
    fn dump(&self, key: u8) {
        match key {
            b'q' => self.each_domain(|d| self.dump_domain(d)),
            b'0' => {
                if let Ok(d) = self.hardware_domain() {
                    d.vcpus.iter().for_each(|v| self.dump_registers(&d, v));
                }
            }
            b'm' => self.dump_memory(),
            b'e' => self.each_domain(|d| self.dump_events(d)),
            b'i' => self.dump_irqs(),
            b'r' => {
                let mut s = String::new();
                let _ = self.sched.dump(&mut s);
                s.lines().for_each(|line| self.say(format_args!("{line}")));
            }
            b't' => {
                let khz = self.hw.tsc_scale().khz;
                let (now, tsc) = (self.hw.now(), self.hw.tsc());
                self.say(format_args!("system time {now} ns, TSC {tsc} at {khz} kHz"));
            }
            _ => {}
        }
    }

    fn each_domain(&self, act: impl Fn(&Domain)) {
        let all: alloc::vec::Vec<_> = self.domains.read().values().cloned().collect();
        for d in all {
            act(&d);
        }
    }

    fn dump_domain(&self, d: &Domain) {
        let (pages, shared, max) = {
            let p = d.pages.lock();
            (p.list.len(), p.shared.len(), p.max)
        };
        self.say(format_args!(
            "General information for domain {}: nr_pages={pages} xenheap_pages={shared} max_pages={max} paused={} dying={} \
             shutdown={:#x} vm_assist={:08x}",
            d.id.0,
            d.pauses.load(Ordering::Relaxed),
            d.dying.load(Ordering::Relaxed),
            d.shutdown_code.load(Ordering::Relaxed),
            d.vm_assist.load(Ordering::Relaxed),
        ));
        for v in &d.vcpus {
            let info = fx_types::PhysMem::load32(&self.hw, v.info());
            self.say(format_args!(
                "    VCPU{}: CPU{} [has={}] poll={} upcall_pend={:02x} upcall_mask={:02x} blocked={} down={}",
                v.id,
                v.cpu.load(Ordering::Relaxed),
                v.on_cpu.load(Ordering::Relaxed),
                v.poll_port.load(Ordering::Relaxed),
                info & 0xff,
                (info >> 8) & 0xff,
                v.blocked.load(Ordering::Relaxed),
                v.down.load(Ordering::Relaxed),
            ));
            self.dump_hvm_vcpu(v);
        }
    }

    /// What a vCPU in a hardware container may be waiting for.
    fn dump_hvm_vcpu(&self, v: &Vcpu) {
        let Some(h) = &v.hvm else { return };
        let lapic = h.lapic.lock();
        self.say(format_args!(
            "      apic {:#x}: highest pending={:?} any={} priority={:#x}; timers: single-shot={} apic={:?} now={}",
            lapic.base(),
            lapic.pending(),
            lapic.any_waiting(),
            lapic.priority(),
            v.timer.load(Ordering::Relaxed),
            lapic.deadline(),
            self.hw.now(),
        ));
    }

    fn dump_registers(&self, d: &Domain, v: &Vcpu) {
        let r = v.saved.lock().regs;
        self.say(format_args!("*** {} vCPU{} {}", d.id, v.id, if v.in_kernel() { "kernel" } else { "user" }));
        self.say(format_args!(
            "RIP {:04x}:{:016x} RFLAGS {:x} RSP {:04x}:{:016x}",
            r.cs, r.rip, r.rflags, r.ss, r.rsp
        ));
        self.say(format_args!("rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}", r.rax, r.rbx, r.rcx, r.rdx));
        self.say(format_args!("rsi {:016x} rdi {:016x} rbp {:016x} r8  {:016x}", r.rsi, r.rdi, r.rbp, r.r8));
        self.say(format_args!("r9  {:016x} r10 {:016x} r11 {:016x} r12 {:016x}", r.r9, r.r10, r.r11, r.r12));
        self.say(format_args!(
            "r13 {:016x} r14 {:016x} r15 {:016x} cr3 {:016x}",
            r.r13,
            r.r14,
            r.r15,
            v.current_l4().0 << 12
        ));
    }

    fn dump_memory(&self) {
        let free = self.free.lock().free_frames();
        self.say(format_args!(
            "Physical memory information: {} KiB RAM, {} KiB free, {} KiB claimed",
            self.total_frames.wrapping_mul(4),
            free.wrapping_mul(4),
            self.claimed.load(Ordering::Relaxed).wrapping_mul(4)
        ));
    }

    fn dump_events(&self, d: &Domain) {
        let abi = if d.events.is_fifo() { "fifo" } else { "2-level" };
        self.say(format_args!(
            "Event channel information for domain {} ({abi}): port [pending/masked]",
            d.id.0
        ));
        for p in ev::ports(&EventView::new(self, d)) {
            let mut line = String::new();
            let _ = write!(
                line,
                "  {:4} [{}/{}] {:?}",
                p.port,
                u8::from(p.pending),
                u8::from(p.masked),
                p.status.binding
            );
            self.say(format_args!("{line} vCPU{}", p.status.vcpu));
        }
    }

    fn dump_irqs(&self) {
        let all: alloc::vec::Vec<_> = self.irq_owners.lock().iter().map(|(k, v)| (*k, *v)).collect();
        for (irq, (dom, pirq)) in all {
            self.say(format_args!("   IRQ {irq:4} -> d{dom} pirq {pirq}"));
        }
    }
}
