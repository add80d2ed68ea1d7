//! How further vCPUs of an HVM domain start: by messages between APICs, as processors do.

use core::sync::atomic::Ordering;

use fx_types::GuestRegs;
use fx_virt::{Register, Segment, SegmentRegister, Window};

use super::HvmVcpu;
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;

/// CR0 after reset: CD, NW, ET.
const CR0: u64 = 0x6000_0010;
const DR6: u64 = 0xffff_0ff0;
const DR7: u64 = 0x400;
/// In `HvmVcpu::start_at`: there is one.
const STARTS: u32 = 1 << 8;

impl<H: Hw> Host<H> {
    /// INIT: a vCPU that runs stops, and waits for a start-up message as one does that never ran.
    pub(super) fn init_vcpu(&self, c: &VcpuRef, v: &Vcpu, h: &HvmVcpu) {
        if v.id == c.v.id {
            return;
        }
        let _turn = v.setup_turn.lock();
        if !v.down.swap(true, Ordering::SeqCst) {
            self.update_runnable(&c.d, v);
        }
        if v.initialised.swap(false, Ordering::SeqCst) {
            h.lapic.lock().reset();
        }
    }

    /// A start-up message: a vCPU that waits for one starts in real mode at the page. Its registers are set by the CPU that it runs on
    /// next: it may still be loaded somewhere, and waiting for that two vCPUs could wait for each other.
    pub(super) fn start_vcpu(&self, c: &VcpuRef, v: &Vcpu, h: &HvmVcpu, page: u8) {
        if v.id == c.v.id {
            return;
        }
        let _turn = v.setup_turn.lock();
        if v.initialised.load(Ordering::SeqCst) {
            return;
        }
        h.start_at.store(u32::from(page) | STARTS, Ordering::SeqCst);
        v.initialised.store(true, Ordering::Release);
        if self.hw.load8(v.info()) != 0 {
            // Events may have come meanwhile; what told the APIC of them may be lost.
            self.events_pending(&c.d, v);
        }
        // It may have halted before it was told to stop.
        self.unblock(&c.d, v);
        if v.down.swap(false, Ordering::SeqCst) {
            self.update_runnable(&c.d, v);
        }
    }

    /// A vCPU that was told to start does so: `regs` are its registers. It is current here, or stands still for the caller. Whether
    /// it did: then its clock page is to be made anew.
    #[inline]
    pub(super) fn begin_if_started(&self, d: &Domain, v: &Vcpu, h: &HvmVcpu, regs: &mut GuestRegs) -> bool {
        if h.start_at.load(Ordering::Relaxed) != 0 {
            self.begin_at(d, v, h, regs);
            return true;
        }
        false
    }

    #[cold]
    fn begin_at(&self, d: &Domain, v: &Vcpu, h: &HvmVcpu, regs: &mut GuestRegs) {
        let at = u64::from(h.start_at.swap(0, Ordering::SeqCst) & !STARTS);
        let Some(x) = self.context(v) else { return };
        self.reset_registers(x);
        let code =
            SegmentRegister { selector: (at << 8) as u16, attributes: 0x9b, limit: 0xffff, base: at << 12 };
        self.hw.set_segment(x, Segment::Cs, &code);
        // As the first one's: kernels that find counters apart at the start do not use them.
        let first = d.vcpus.first().and_then(|f| f.hvm.as_ref());
        let [offset, adjust] =
            first.map_or([0; 2], |f| [&f.tsc_offset, &f.tsc_adjust].map(|n| n.load(Ordering::Relaxed)));
        self.set_tsc_offset(v, offset);
        h.tsc_adjust.store(adjust, Ordering::Relaxed);
        h.io.cancel();
        *regs = GuestRegs { rflags: 2, rdx: 0x600, ..GuestRegs::default() };
    }

    /// A processor's registers after reset, besides the general ones.
    fn reset_registers(&self, x: &H::Context) {
        let data = SegmentRegister { selector: 0, attributes: 0x93, limit: 0xffff, base: 0 };
        for s in [Segment::Es, Segment::Ss, Segment::Ds, Segment::Fs, Segment::Gs] {
            self.hw.set_segment(x, s, &data);
        }
        let table = SegmentRegister { limit: 0xffff, ..SegmentRegister::default() };
        self.hw.set_segment(x, Segment::Gdtr, &table);
        self.hw.set_segment(x, Segment::Idtr, &table);
        self.hw.set_segment(x, Segment::Ldtr, &SegmentRegister { attributes: 0x82, ..table });
        self.hw.set_segment(x, Segment::Tr, &SegmentRegister { attributes: 0x8b, ..table });
        let zero = [
            Register::Cr2,
            Register::Cr3,
            Register::Cr4,
            Register::Efer,
            Register::DebugCtl,
            Register::Interruptibility,
        ];
        for r in zero {
            self.hw.set_register(x, r, 0);
        }
        self.hw.set_register(x, Register::Cr0, CR0);
        self.hw.set_register(x, Register::Dr6, DR6);
        self.hw.set_register(x, Register::Dr7, DR7);
        self.hw.inject(x, None);
        self.hw.want_window(x, Window::Never);
        self.hw.set_task_priority(x, 0);
        self.hw.flush_guest(x);
    }
}
