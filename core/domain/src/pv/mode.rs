//! Guest-kernel and guest-user mode: both in ring 3, told apart by the level-4 table and the base of GS.

use fx_types::Mfn;

use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::IN_KERNEL;

impl<H: Hw> Host<H> {
    /// Goes from one mode to the other; `false` when there is no address space for it.
    #[inline]
    #[must_use]
    pub fn toggle_mode(&self, c: &VcpuRef) -> bool {
        let v = &c.v;
        let flags = v.flags.get() ^ IN_KERNEL;
        let l4 = if flags & IN_KERNEL != 0 { v.pv.kernel_l4.get() } else { v.pv.user_l4.get() };
        if l4 == 0 {
            return false;
        }
        v.flags.set(flags);
        self.hw.swap_gs();
        self.hw.toggle_cr3(Mfn(l4), v.space());
        true
    }
}
