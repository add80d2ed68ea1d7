//! Several hypercalls in one.

use fx_types::{Errno, GuestRegs, GuestVirt, GuestVirtExt};
use xen_abi::hypercall as nr;
use xen_abi::xen::MulticallEntry;

use super::{Answer, Args, BATCH, value};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;

const ENTRY: u64 = size_of::<MulticallEntry>() as u64;

impl<H: Hw> Host<H> {
    /// `__HYPERVISOR_multicall(call_list, nr_calls)`. A call that has to go on later leaves the list at itself, with its
    /// arguments changed.
    pub(crate) fn multicall(&self, c: &VcpuRef, _regs: &mut GuestRegs, args: &mut Args) -> Answer {
        let [list, count, ..] = args;
        let mut done = 0;
        while *count > 0 {
            if done == BATCH {
                return Err(Errno::ERESTART);
            }
            let e: MulticallEntry = self.guest(c).read_val(*list)?;
            let [a, b, d, f, g, _] = e.args;
            let mut inner = [a, b, d, f, g];
            let number = e.op as u32;
            let answer = if number == nr::HYPERVISOR_MULTICALL || number == nr::HYPERVISOR_IRET {
                Err(Errno::EINVAL)
            } else {
                self.call(c, number, &mut inner)
            };
            if answer == Err(Errno::ERESTART) {
                self.guest(c).copy_out(list.wrapping_add(16), zerocopy::IntoBytes::as_bytes(&inner))?;
                return Err(Errno::ERESTART);
            }
            self.guest(c).write_val(list.wrapping_add(8), &value(answer))?;
            *list = list.wrapping_add(ENTRY);
            *count = count.wrapping_sub(1);
            done = done.wrapping_add(1);
            // A domain that is stopped goes on with the rest when it is let go again, if ever.
            if *count > 0 && (c.d.is_paused() || self.must_finish_tables()) {
                return Err(Errno::ERESTART);
            }
        }
        Ok(0)
    }
}
