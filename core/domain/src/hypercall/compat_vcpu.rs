//! `vcpu_op` of 32-bit code.

use fx_types::{Errno, GuestVirtExt};
use xen_abi::vcpu as o;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::time::narrow_runstate;

/// `vcpu_set_singleshot_timer` of 32-bit guests.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct SingleShot {
    timeout: [u32; 2],
    flags: u32,
}

impl<H: Hw> Host<H> {
    /// `vcpu_op(command, vcpu, argument)`. What is not here has the same structure in both.
    pub(super) fn compat_vcpu_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, id, arg, ..] = *args;
        let native_call = |at| self.vcpu_op(c, &mut [command, id, at, 0, 0]);
        match command as u32 {
            o::VCPUOP_SET_SINGLESHOT_TIMER => {
                let t: SingleShot = self.guest(c).read_val(arg)?;
                let [low, high] = t.timeout;
                let native = o::VcpuSetSingleshotTimer {
                    timeout_abs_ns: u64::from(low) | u64::from(high) << 32,
                    flags: t.flags,
                    ..Default::default()
                };
                self.with_native(c, &native, native_call)
            }
            // A pointer, which is half as wide.
            o::VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA | o::VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA => {
                let area: u32 = self.guest(c).read_val(arg)?;
                self.with_native(c, &u64::from(area), native_call)
            }
            o::VCPUOP_GET_RUNSTATE_INFO => {
                let v = c.d.vcpu(id as u32).ok_or(Errno::ENOENT)?;
                let r = self.runstate_now(v);
                self.guest(c).write_val(arg, &narrow_runstate(&r, r.since)).map(|()| 0)
            }
            _ => native_call(arg),
        }
    }
}
