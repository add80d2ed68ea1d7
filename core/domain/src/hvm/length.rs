//! The end of intercepted instructions, on processors that do not tell their length.

use fx_insn::MAX_LENGTH;
use fx_insn::quick::{Fixed, fixed_length};
use fx_p2m::walk::Access;
use fx_types::{GuestRegs, PAGE_SIZE};
use fx_virt::Segment;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

impl<H: Hw> Host<H> {
    /// Reads the bytes at `rip`, as many as an instruction can have and the guest can execute; and whether the code is 64-bit.
    fn code_at(
        &self,
        c: &VcpuRef,
        x: &H::Context,
        regs: &GuestRegs,
        out: &mut [u8; MAX_LENGTH],
    ) -> (usize, bool) {
        let (privilege, long) = self.hvm_mode(x);
        let base = self.hw.segment(x, Segment::Cs).base;
        let linear = if long { regs.rip } else { base.wrapping_add(regs.rip) & 0xffff_ffff };
        let paging = self.paging_of(c, regs.rflags);
        let access = Access { write: false, fetch: true, user: privilege == 3 };
        let Some(h) = &c.d.hvm else { return (0, long) };
        let mut done = 0usize;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = linear.wrapping_add(done as u64);
            let room = PAGE_SIZE.wrapping_sub(at & (PAGE_SIZE - 1)) as usize;
            let len = room.min(rest.len());
            let place = self.guest_physical(h, &paging, at, access).ok();
            let (Some(maddr), Some(piece)) =
                (place.and_then(|p| self.ram_at(h, p.gpa, false)), rest.get_mut(..len))
            else {
                break;
            };
            self.hw.read(maddr, piece);
            done = done.saturating_add(len);
        }
        (done, long)
    }

    /// The length of the instruction with a fixed form at `rip`; `None` when it is not there any more.
    pub(crate) fn instruction_length(
        &self,
        c: &VcpuRef,
        x: &H::Context,
        regs: &GuestRegs,
        insn: Fixed,
    ) -> Option<u8> {
        let mut bytes = [0; MAX_LENGTH];
        let (len, long) = self.code_at(c, x, regs, &mut bytes);
        fixed_length(bytes.get(..len)?, long, insn)
    }
}
