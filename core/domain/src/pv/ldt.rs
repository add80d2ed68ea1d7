//! The guest's LDT: set as an address, mapped for the processor page by page when it looks there.

use fx_frames::FrameType;
use fx_pagetables::{get_typed, leaf, pte, put_typed};
use fx_types::{Mfn, Result};

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// `MMUEXT_SET_LDT`: `entries` descriptors at the linear address `base`.
    ///
    /// # Errors
    /// `EINVAL` when there are too many or the address is not a page's start in the guest's range.
    pub fn set_ldt(&self, c: &VcpuRef, base: u64, entries: u64) -> Result {
        let bytes = entries.wrapping_mul(8);
        if entries > 8192 || (entries != 0 && (base & 0xfff != 0 || !fx_types::guest_range_ok(base, bytes))) {
            return Err(fx_types::Errno::EINVAL);
        }
        if c.v.pv.ldt_entries.get() == entries as u32 && c.v.pv.ldt_base.get() == base {
            return Ok(());
        }
        self.drop_ldt(&c.v);
        c.v.pv.ldt_base.set(base);
        c.v.pv.ldt_entries.set(entries as u32);
        self.hw.set_guest_ldt(entries as u32);
        Ok(())
    }

    /// Gives back the references to LDT pages of a vCPU.
    pub fn drop_ldt(&self, v: &crate::vcpu::Vcpu) {
        for f in &v.pv.ldt_frames {
            let mfn = f.get();
            if mfn != 0 {
                f.set(0);
                put_typed(self, Mfn(mfn));
            }
        }
    }

    /// The processor looked at a page of the LDT window that is not mapped yet.
    pub(crate) fn ldt_fault(&self, c: &VcpuRef, va: u64) -> bool {
        let Some(page) = self.hw.ldt_page_of(va) else { return false };
        let pv = &c.v.pv;
        if u64::from(page).wrapping_mul(512) >= u64::from(pv.ldt_entries.get()) {
            return false;
        }
        let linear = pv.ldt_base.get().wrapping_add(u64::from(page) << 12);
        let Some((_, e)) = leaf(&self.hw, &self.frames, Mfn(pv.kernel_l4.get()), linear) else {
            return false;
        };
        let mfn = pte::frame(e);
        let Some(slot) = pv.ldt_frames.get(page as usize) else { return false };
        if get_typed(self, mfn, c.d.id, FrameType::SegDesc).is_err() {
            return false;
        }
        slot.set(mfn.0);
        self.hw.map_ldt_page(page, mfn);
        true
    }
}
