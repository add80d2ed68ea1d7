//! Debug keys, by the serial console or by `xl debug-keys`.

use core::fmt::Write as _;
use core::sync::atomic::Ordering;

use alloc::string::String;

use fx_events as ev;

use crate::domain::Domain;
use crate::host::Host;
use crate::hw::Hw;
use crate::hypercall::event::EventView;
use crate::vcpu::Vcpu;

const KEYS: [(u8, &str); 9] = [
    (b'0', "dump Dom0's registers"),
    (b'e', "dump event channels"),
    (b'h', "show this help"),
    (b'i', "dump interrupts"),
    (b'm', "show memory"),
    (b'q', "dump domains and vCPUs"),
    (b'r', "dump run queues"),
    (b'R', "reboot the machine"),
    (b't', "show time"),
];

impl<H: Hw> Host<H> {
    /// Does what a debug key stands for.
    pub fn debug_key(&self, key: u8) {
        match key {
            b'h' => {
                self.log(format_args!("'h' pressed -> showing installed handlers"));
                for (k, what) in KEYS {
                    self.log(format_args!(" key '{}' (ascii '{k:02x}') => {what}", char::from(k)));
                }
            }
            b'q' => self.each_domain(|d| self.dump_domain(d)),
            b'0' => {
                if let Ok(d) = self.hardware_domain() {
                    for v in &d.vcpus {
                        self.dump_registers(&d, v);
                    }
                }
            }
            b'm' => self.dump_memory(),
            b'e' => self.each_domain(|d| self.dump_events(d)),
            b'i' => self.dump_irqs(),
            b'r' => {
                let mut s = String::new();
                let _ = self.sched.dump(&mut s);
                for line in s.lines() {
                    self.log(format_args!("{line}"));
                }
            }
            b't' => {
                let t = self.hw.tsc_scale();
                self.log(format_args!(
                    "system time {} ns, TSC {} at {} kHz",
                    self.hw.now(),
                    self.hw.tsc(),
                    t.khz
                ));
            }
            b'R' => {
                self.log(format_args!("'R' pressed -> rebooting machine"));
                self.hw.machine_restart(true);
            }
            other => self
                .log(format_args!("debug key '{}' does nothing; 'h' lists those that do", char::from(other))),
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
        self.log(format_args!(
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
            self.log(format_args!(
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
        }
    }

    fn dump_registers(&self, d: &Domain, v: &Vcpu) {
        let r = v.saved.lock().regs;
        self.log(format_args!("*** {} vCPU{} {}", d.id, v.id, if v.in_kernel() { "kernel" } else { "user" }));
        self.log(format_args!(
            "RIP {:04x}:{:016x} RFLAGS {:x} RSP {:04x}:{:016x}",
            r.cs, r.rip, r.rflags, r.ss, r.rsp
        ));
        self.log(format_args!("rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}", r.rax, r.rbx, r.rcx, r.rdx));
        self.log(format_args!("rsi {:016x} rdi {:016x} rbp {:016x} r8  {:016x}", r.rsi, r.rdi, r.rbp, r.r8));
        self.log(format_args!("r9  {:016x} r10 {:016x} r11 {:016x} r12 {:016x}", r.r9, r.r10, r.r11, r.r12));
        self.log(format_args!(
            "r13 {:016x} r14 {:016x} r15 {:016x} cr3 {:016x}",
            r.r13,
            r.r14,
            r.r15,
            v.current_l4().0 << 12
        ));
    }

    fn dump_memory(&self) {
        let free = self.free.lock().free_frames();
        self.log(format_args!(
            "Physical memory information: {} KiB RAM, {} KiB free, {} KiB claimed",
            self.total_frames.wrapping_mul(4),
            free.wrapping_mul(4),
            self.claimed.load(Ordering::Relaxed).wrapping_mul(4)
        ));
    }

    fn dump_events(&self, d: &Domain) {
        let abi = if d.events.is_fifo() { "fifo" } else { "2-level" };
        self.log(format_args!(
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
            self.log(format_args!("{line} vCPU{}", p.status.vcpu));
        }
    }

    fn dump_irqs(&self) {
        let all: alloc::vec::Vec<_> = self.irq_owners.lock().iter().map(|(k, v)| (*k, *v)).collect();
        for (irq, (dom, pirq)) in all {
            self.log(format_args!("   IRQ {irq:4} -> d{dom} pirq {pirq}"));
        }
    }
}
