//! Non-maskable interrupts: the machine's, which are the hardware domain's, and those that a guest's vCPUs send each other.

use core::sync::atomic::Ordering;

use fx_types::GuestRegs;
use xen_abi::arch_x86::{ArchSharedInfo, FLAT_RING3_CS64};
use xen_abi::nmi as n;
use xen_abi::xen::SharedInfo;

use crate::domain::Domain;
use crate::host::{Host, RARE, VcpuRef};
use crate::hw::Hw;
use crate::pv::bounce::Entry;
use crate::vcpu::Vcpu;

const VECTOR: u8 = 2;
/// System control port B of a PC: what the interrupt is about in the high bits, and bits that switch each source off and on.
const CONTROL_B: u16 = 0x61;
const SERR: u32 = 1 << 7;
const IO_CHECK: u32 = 1 << 6;
const KEEP: u32 = 0xf;
const SERR_OFF: u32 = 1 << 2;
const IO_CHECK_OFF: u32 = 1 << 3;
/// Where the hardware domain reads the reasons.
const REASON: u64 =
    (core::mem::offset_of!(SharedInfo, arch) + core::mem::offset_of!(ArchSharedInfo, nmi_reason)) as u64;

impl<H: Hw> Host<H> {
    /// The machine's error lines or a watchdog have interrupted this CPU: the first vCPU of the hardware domain is told why, and
    /// interrupted (`nmi=dom0`). The source stays off until somebody resets it: the interrupt would come again at once.
    pub(crate) fn machine_nmi(&self) {
        let why = self.hw.port_in(CONTROL_B, 1);
        let (reason, off) = if why & SERR != 0 {
            (n::XEN_NMIREASON_PCI_SERR, SERR_OFF)
        } else if why & IO_CHECK != 0 {
            (n::XEN_NMIREASON_IO_ERROR, IO_CHECK_OFF)
        } else {
            (n::XEN_NMIREASON_UNKNOWN, 0)
        };
        if off != 0 {
            self.hw.port_out(CONTROL_B, 1, why & KEEP | off);
        }
        let Ok(d) = self.hardware_domain() else { return };
        self.hw.fetch_or64(d.shared_info().add(REASON), reason);
        if let Some(v) = d.vcpu(0) {
            self.send_nmi(&d, v);
        }
    }

    /// Lets a vCPU have an NMI: it wakes, or is interrupted where it runs.
    pub(crate) fn send_nmi(&self, d: &Domain, v: &Vcpu) {
        v.nmi_pending.store(true, Ordering::SeqCst);
        self.unblock(d, v);
        // Where it is only about to run it is looked at once it is loaded.
        if v.on_cpu.load(Ordering::SeqCst) {
            self.ask(v.cpu.load(Ordering::Acquire) as usize, RARE);
        }
    }

    /// Work for a vCPU that is neither timer nor scheduling: an NMI that waits. A guest without a handler does not get it.
    pub(crate) fn rare_work(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        if let Some(h) = &c.v.hvm {
            return h.look();
        }
        if !c.v.nmi_pending.swap(false, Ordering::SeqCst) {
            return;
        }
        let rip = c.v.pv.nmi_callback.get();
        if rip != 0 {
            self.bounce(c, regs, &Entry { rip, cs: u64::from(FLAT_RING3_CS64), masks: true, error: None });
        } else if c.v.pv.traps.get(usize::from(VECTOR)).is_some_and(|t| t.address.get() != 0) {
            self.inject_trap(c, regs, VECTOR, None);
        }
    }
}
