//! Ends of interrupts that the guest need not tell: a bit in its assist page says so, and that it is gone means that the end has come.

use fx_types::Maddr;
use xen_abi::hvm_params::HVMPV_APIC_ASSIST;

use crate::host::{Host, VcpuRef};
use crate::hvm::HvmVcpu;
use crate::hw::Hw;

/// In the first word of the page: the end of what is being handled need not be told.
const NO_END_NEEDED: u32 = 1;
/// The offset of the local APIC's register of it.
const APIC_EOI: u64 = 0xb0;

impl<H: Hw> Host<H> {
    /// The assist page of the current vCPU.
    fn assist_page(&self, c: &VcpuRef, h: &HvmVcpu) -> Option<Maddr> {
        let d = c.d.hvm.as_ref().filter(|d| d.has_viridian(HVMPV_APIC_ASSIST))?;
        let register = h.viridian.lock().assist;
        self.viridian_page(d, register)
    }

    /// Before it is asked what the vCPU can be interrupted with: an end that it did not tell is one, and from now on it has to tell
    /// the end if something waits for that.
    pub(in crate::hvm) fn settle_assist(&self, c: &VcpuRef, h: &HvmVcpu) {
        if !h.viridian.lock().assisted {
            return;
        }
        let waits = h.lapic.lock().any_waiting();
        // The page after the locks: it stays the guest's only until this CPU waits for one again.
        let Some(page) = self.assist_page(c, h) else { return };
        let word = if waits { self.hw.fetch_and32(page, !NO_END_NEEDED) } else { self.hw.load32(page) };
        let ended = word & NO_END_NEEDED == 0;
        if waits || ended {
            h.viridian.lock().assisted = false;
        }
        if ended && h.lapic.lock().is_handling() {
            let time = self.apic_time(&c.d, &c.v);
            let effect = h.lapic.lock().mmio_write(APIC_EOI, 0, &time);
            self.apic_effect(c, h, effect);
        }
    }

    /// Whether the guest will have to tell the end of an interrupt that it takes: not when that makes no difference to anybody.
    fn assist(&self, c: &VcpuRef, h: &HvmVcpu, vector: u8) {
        let there = self.assist_page(c, h).is_some();
        let assisted = there && h.lapic.lock().handles_only(vector);
        h.viridian.lock().assisted = assisted;
        let Some(page) = self.assist_page(c, h) else { return };
        if assisted {
            self.hw.fetch_or32(page, NO_END_NEEDED);
        } else {
            self.hw.fetch_and32(page, !NO_END_NEEDED);
        }
    }

    /// The vCPU has taken an interrupt of its APIC's.
    #[inline]
    pub(in crate::hvm) fn viridian_taken(&self, c: &VcpuRef, h: &HvmVcpu, vector: u8) {
        if c.d.hvm.as_ref().is_some_and(|d| d.viridian_features() != 0) {
            // A synthetic interrupt may be over at once.
            if h.viridian.lock().ends_at_once(vector) {
                h.lapic.lock().handled(vector);
            }
            self.assist(c, h, vector);
        }
    }
}
