//! Page faults of guests: writes to page tables that look writable, the LDT, and those that are the guest's own.

use fx_frames::FrameType;
use fx_pagetables::{leaf, pte};
use fx_types::{GuestRegs, HYP_VIRT_END, HYP_VIRT_START};

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

const ERR_PRESENT: u32 = 1;
const ERR_WRITE: u32 = 2;
const ERR_USER: u32 = 4;
const ERR_RESERVED: u32 = 8;
const ERR_FETCH: u32 = 16;
/// Offset of `arch.cr2` in `vcpu_info`.
const CR2: u64 = 16;
const VECTOR: u8 = 14;

impl<H: Hw> Host<H> {
    /// A page fault in ring 3.
    pub fn page_fault(&self, c: &VcpuRef, regs: &mut GuestRegs) {
        let va = self.hw.fault_address();
        let error = regs.error_code;
        if (HYP_VIRT_START..HYP_VIRT_END).contains(&va) {
            if self.ldt_fault(c, va) {
                return;
            }
        } else if error & (ERR_PRESENT | ERR_WRITE | ERR_RESERVED | ERR_FETCH) == ERR_PRESENT | ERR_WRITE
            && c.v.in_kernel()
            && self.table_write(c, regs, va)
        {
            return;
        }
        self.inject_page_fault(c, regs, va, error);
    }

    /// Hands a page fault to the guest.
    pub fn inject_page_fault(&self, c: &VcpuRef, regs: &mut GuestRegs, va: u64, error: u32) {
        self.hw.store64(c.v.info().add(CR2), va);
        let error = if c.v.in_kernel() { error & !ERR_USER } else { error | ERR_USER };
        self.inject_trap(c, regs, VECTOR, Some(error));
    }

    /// The guest's kernel wrote to a page that it has mapped read-only: if that is one of its level-1 tables, the write is
    /// done for it, checked (or it may have become writable meanwhile, and the write is tried again).
    fn table_write(&self, c: &VcpuRef, regs: &mut GuestRegs, va: u64) -> bool {
        let l4 = fx_types::Mfn(c.v.pv.kernel_l4.get());
        let Some((_, e)) = leaf(&self.hw, &self.frames, l4, va) else { return false };
        if e & pte::RW != 0 {
            // Another vCPU made it writable since; a stale translation is all that stood in the way.
            self.hw.invlpg(va);
            return self.all_levels_writable(l4, va);
        }
        let mfn = pte::frame(e);
        let Some(info) = self.frames.get(mfn) else {
            // A read-only device page (MMCFG): the write goes nowhere.
            return self.emulate_ignored_write(c, regs, va);
        };
        let w = info.word();
        if info.owner() != c.d.id || w.frame_type() != FrameType::L1 || w.type_refs() == 0 {
            return false;
        }
        if !w.validated() {
            // Another CPU checks it or lets it go right now: the guest tries again. A partial one is in nobody's hands.
            return !w.partial();
        }
        self.emulate_table_write(c, regs, va, mfn)
    }

    fn all_levels_writable(&self, l4: fx_types::Mfn, va: u64) -> bool {
        (2..=4).all(|level| {
            fx_pagetables::table_of(&self.hw, &self.frames, l4, va, level)
                .is_some_and(|at| self.hw.load64(at) & pte::RW != 0)
        })
    }
}
