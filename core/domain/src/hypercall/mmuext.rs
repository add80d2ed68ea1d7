//! `mmuext_op`: pins, address spaces, flushes, whole pages.

use fx_frames::FrameType;
use fx_pagetables::{get_frame, get_typed, pin, put_frame, put_typed, unpin};
use fx_types::{DomId, Errno, GuestVirtExt, Mfn, Result};
use xen_abi::xen as x;
use xen_abi::xen::MmuextOp;

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;

const GOES_ON: u64 = 1 << 31;
/// Operations in one pass: one of them may go through a whole address space.
const PASS: u64 = 64;

impl<H: Hw> Host<H> {
    /// `mmuext_op(operations, count, done, foreigndom)`.
    pub(crate) fn mmuext_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [list, count, done_at, foreign, _] = args;
        let mut left = *count & (GOES_ON - 1) & 0xffff_ffff;
        let before =
            if *count & GOES_ON != 0 && *done_at != 0 { self.hw.read_val::<u32>(*done_at)? } else { 0 };
        let subject = self.subject(c, *foreign as u16)?;
        let _part = self.begin_part();
        let mut done = 0u64;
        let mut result = Ok(0);
        while left > 0 {
            if done == PASS || self.has_unfinished() {
                result = Err(Errno::ERESTART);
                break;
            }
            let step = self.hw.read_val::<MmuextOp>(*list).and_then(|op| self.one_mmuext(c, subject, &op));
            if let Err(e) = step {
                result = Err(e);
                break;
            }
            *list = list.wrapping_add(size_of::<MmuextOp>() as u64);
            left = left.wrapping_sub(1);
            done = done.wrapping_add(1);
        }
        if *done_at != 0 {
            let _ = self.hw.write_val(*done_at, &before.wrapping_add(done as u32));
        }
        if result == Err(Errno::ERESTART) {
            *count = left | GOES_ON;
        }
        result
    }

    fn subject(&self, c: &VcpuRef, id: u16) -> Result<DomId> {
        if id == x::DOMID_SELF || id == c.d.id.0 {
            return Ok(c.d.id);
        }
        self.may_map_foreign(c, DomId(id))?;
        self.domain(DomId(id)).map(|d| d.id)
    }

    #[inline]
    fn one_mmuext(&self, c: &VcpuRef, subject: DomId, op: &MmuextOp) -> Result {
        let mfn = Mfn(op.arg1);
        match op.cmd {
            x::MMUEXT_PIN_L1_TABLE => pin(self, mfn, subject, 1),
            x::MMUEXT_PIN_L2_TABLE => pin(self, mfn, subject, 2),
            x::MMUEXT_PIN_L3_TABLE => pin(self, mfn, subject, 3),
            x::MMUEXT_PIN_L4_TABLE => pin(self, mfn, subject, 4),
            x::MMUEXT_UNPIN_TABLE => unpin(self, mfn, subject),
            _ if subject != c.d.id => Err(Errno::EPERM),
            x::MMUEXT_NEW_BASEPTR => self.new_kernel_l4(c, mfn),
            x::MMUEXT_NEW_USER_BASEPTR => self.new_user_l4(c, mfn),
            _ => self.flush_or_page_op(c, op),
        }
    }

    fn flush_or_page_op(&self, c: &VcpuRef, op: &MmuextOp) -> Result {
        match op.cmd {
            x::MMUEXT_TLB_FLUSH_LOCAL => self.hw.flush_local(),
            x::MMUEXT_INVLPG_LOCAL if fx_types::guest_range_ok(op.arg1, 1) => self.hw.invlpg(op.arg1),
            x::MMUEXT_TLB_FLUSH_MULTI => self.hw.flush_tlb(&self.cpus_of_vcpus(c, op.arg2)?),
            x::MMUEXT_INVLPG_MULTI if fx_types::guest_range_ok(op.arg1, 1) => {
                self.hw.flush_page(&self.cpus_of_vcpus(c, op.arg2)?, op.arg1);
            }
            x::MMUEXT_TLB_FLUSH_ALL => self.flush_domain_tlb(&c.d),
            x::MMUEXT_INVLPG_ALL if fx_types::guest_range_ok(op.arg1, 1) => {
                self.hw.flush_page(&Self::dirty_cpus(&c.d), op.arg1);
            }
            x::MMUEXT_INVLPG_LOCAL | x::MMUEXT_INVLPG_MULTI | x::MMUEXT_INVLPG_ALL => {}
            x::MMUEXT_FLUSH_CACHE | x::MMUEXT_FLUSH_CACHE_GLOBAL => {
                if !c.d.hardware {
                    return Err(Errno::EACCES);
                }
                self.hw.wbinvd();
            }
            x::MMUEXT_SET_LDT => self.set_ldt(c, op.arg1, op.arg2 & 0xffff_ffff)?,
            x::MMUEXT_CLEAR_PAGE => {
                self.with_writable(c.d.id, Mfn(op.arg1), || self.hw.zero_frame(Mfn(op.arg1)))?;
            }
            x::MMUEXT_COPY_PAGE => self.copy_page(c, Mfn(op.arg1), Mfn(op.arg2))?,
            x::MMUEXT_MARK_SUPER | x::MMUEXT_UNMARK_SUPER => return Err(Errno::EOPNOTSUPP),
            _ => return Err(Errno::ENOSYS),
        }
        Ok(())
    }

    fn with_writable(&self, owner: DomId, mfn: Mfn, act: impl FnOnce()) -> Result {
        get_typed(self, mfn, owner, FrameType::Writable)?;
        act();
        put_typed(self, mfn);
        Ok(())
    }

    fn copy_page(&self, c: &VcpuRef, to: Mfn, from: Mfn) -> Result {
        get_frame(self, from, c.d.id)?;
        let r = self.with_writable(c.d.id, to, || self.hw.copy_frame(to, from));
        put_frame(self, from);
        r
    }

    /// Makes `mfn` the address space of the guest's kernel.
    pub(crate) fn new_kernel_l4(&self, c: &VcpuRef, mfn: Mfn) -> Result {
        let v: &Vcpu = &c.v;
        let old = v.pv.kernel_l4.get();
        if old == mfn.0 {
            self.hw.flush_local();
            return Ok(());
        }
        get_typed(self, mfn, c.d.id, FrameType::L4).map_err(busy_is_invalid)?;
        self.drop_ldt_pages(c);
        v.pv.kernel_l4.set(mfn.0);
        self.hw.load_cr3(v.current_l4(), v.space());
        if old != 0 {
            put_typed(self, Mfn(old));
        }
        Ok(())
    }

    /// The LDT's linear address may mean other frames in the new address space.
    fn drop_ldt_pages(&self, c: &VcpuRef) {
        if c.v.pv.ldt_entries.get() != 0 {
            self.drop_ldt(&c.v);
            self.hw.set_guest_ldt(c.v.pv.ldt_entries.get());
        }
    }

    /// Makes `mfn` the address space of the guest's user mode; 0 for none.
    fn new_user_l4(&self, c: &VcpuRef, mfn: Mfn) -> Result {
        let v: &Vcpu = &c.v;
        let old = v.pv.user_l4.get();
        if old == mfn.0 {
            return Ok(());
        }
        if mfn.0 != 0 {
            get_typed(self, mfn, c.d.id, FrameType::L4).map_err(busy_is_invalid)?;
        }
        v.pv.user_l4.set(mfn.0);
        if v.in_kernel() {
            self.hw.forget_other_space();
        } else {
            self.hw.load_cr3(v.current_l4(), v.space());
        }
        if old != 0 {
            put_typed(self, Mfn(old));
        }
        Ok(())
    }
}

/// A frame in use as something else is, in this interface's words, an invalid one.
fn busy_is_invalid(e: Errno) -> Errno {
    if e == Errno::EBUSY { Errno::EINVAL } else { e }
}
