//! `vcpu_op` and `set_timer_op`.

use core::sync::atomic::Ordering;

use alloc::sync::Arc;

use fx_frames::FrameType;
use fx_pagetables::{get_typed, put_typed};
use fx_types::{Errno, GuestVirtExt, Maddr, Own64, PhysMemExt};
use xen_abi::arch_x86::VcpuGuestContext;
use xen_abi::vcpu as o;

use super::event::EventView;
use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::Vcpu;

/// Bytes of `vcpu_info`.
const INFO: usize = 64;

impl<H: Hw> Host<H> {
    /// `set_timer_op(deadline)`.
    #[inline]
    pub(crate) fn set_timer_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [deadline, ..] = *args;
        self.set_single_shot(c, if (deadline as i64) < 0 { 0 } else { deadline });
        Ok(0)
    }

    /// `vcpu_op(command, vcpu, argument)`.
    #[inline]
    pub(crate) fn vcpu_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, id, arg, ..] = *args;
        if command as u32 == o::VCPUOP_SET_SINGLESHOT_TIMER && id == u64::from(c.v.id) {
            let t: o::VcpuSetSingleshotTimer = self.guest(c).read_val(arg)?;
            self.set_single_shot(c, t.timeout_abs_ns.max(1));
            return Ok(0);
        }
        let v = c.d.vcpu(id as u32).cloned().ok_or(Errno::ENOENT)?;
        let _part = self.begin_part();
        self.vcpu_op_on(c, &v, command as u32, arg)
    }

    fn vcpu_op_on(&self, c: &VcpuRef, v: &Arc<Vcpu>, command: u32, arg: u64) -> Answer {
        let here = v.id == c.v.id;
        match command {
            // Processors of such a domain start by messages between APICs.
            o::VCPUOP_INITIALISE if c.d.hvm.is_some() => return Err(Errno::EOPNOTSUPP),
            o::VCPUOP_INITIALISE => {
                let context: alloc::boxed::Box<[VcpuGuestContext]> = self.read_context(c, arg)?;
                let Some(context) = context.first() else { return Err(Errno::EFAULT) };
                let _turn = v.setup_turn.lock();
                if v.initialised.load(Ordering::Acquire) {
                    return Err(Errno::EEXIST);
                }
                self.set_context(&c.d, v, context)?;
            }
            o::VCPUOP_UP => {
                if !v.initialised.load(Ordering::Acquire) {
                    return Err(Errno::EINVAL);
                }
                if v.down.swap(false, Ordering::SeqCst) {
                    self.update_runnable(&c.d, v);
                }
            }
            o::VCPUOP_DOWN if here => self.take_down(c),
            o::VCPUOP_DOWN => {
                if !v.down.swap(true, Ordering::SeqCst) {
                    self.update_runnable(&c.d, v);
                }
            }
            o::VCPUOP_IS_UP => return Ok(i64::from(!v.down.load(Ordering::Acquire))),
            o::VCPUOP_GET_RUNSTATE_INFO => {
                let r = self.runstate_now(v);
                let [t0, t1, t2, t3] = r.time;
                self.guest(c).write_val(arg, &[u64::from(r.state), r.since, t0, t1, t2, t3])?;
            }
            o::VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA => {
                let a: u64 = self.guest(c).read_val(arg)?;
                if a != 0 && !fx_types::guest_range_ok(a, 48) {
                    return Err(Errno::EFAULT);
                }
                v.runstate_area.set(a);
                if here && a != 0 {
                    let r = self.runstate_now(v);
                    let _ = self.write_runstate(c, a, &r);
                }
            }
            o::VCPUOP_SET_PERIODIC_TIMER if here => {
                let t: o::VcpuSetPeriodicTimer = self.guest(c).read_val(arg)?;
                if t.period_ns < 1_000_000 || t.period_ns > u64::MAX / 4 {
                    return Err(Errno::EINVAL);
                }
                self.set_periodic(c, t.period_ns);
            }
            o::VCPUOP_STOP_PERIODIC_TIMER if here => self.set_periodic(c, 0),
            o::VCPUOP_STOP_PERIODIC_TIMER => {
                v.periodic.store(0, Ordering::Release);
                v.periodic_next.store(0, Ordering::Release);
            }
            o::VCPUOP_STOP_SINGLESHOT_TIMER if here => self.set_single_shot(c, 0),
            o::VCPUOP_REGISTER_VCPU_INFO => self.register_info(c, v, arg)?,
            o::VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA => {
                let a: u64 = self.guest(c).read_val(arg)?;
                if a != 0 && !fx_types::guest_range_ok(a, 32) {
                    return Err(Errno::EFAULT);
                }
                v.time_area.set(a);
                if here {
                    self.refresh_time(c);
                }
            }
            o::VCPUOP_REGISTER_RUNSTATE_PHYS_AREA => {
                self.register_phys(c, v, &v.runstate_phys, arg, 48)?;
                if v.runstate_phys.get() != 0 {
                    self.put_runstate(c, Maddr(v.runstate_phys.get()), &self.runstate_now(v));
                }
            }
            o::VCPUOP_REGISTER_VCPU_TIME_PHYS_AREA => {
                self.register_phys(c, v, &v.time_phys, arg, 32)?;
                if here {
                    self.refresh_time(c);
                }
            }
            o::VCPUOP_SEND_NMI => {
                self.send_nmi(&c.d, v);
            }
            o::VCPUOP_GET_PHYSID => return Err(Errno::EINVAL),
            o::VCPUOP_SET_PERIODIC_TIMER
            | o::VCPUOP_SET_SINGLESHOT_TIMER
            | o::VCPUOP_STOP_SINGLESHOT_TIMER => {
                return Err(Errno::EINVAL);
            }
            _ => return Err(Errno::ENOSYS),
        }
        Ok(0)
    }

    /// The current vCPU goes down; with the last one the domain ends.
    pub(crate) fn take_down(&self, c: &VcpuRef) {
        let up = c.d.vcpus.iter().filter(|w| !w.down.load(Ordering::Acquire)).count();
        if up <= 1 {
            return self.shut_down(&c.d, xen_abi::sched::SHUTDOWN_POWEROFF);
        }
        if !c.v.down.swap(true, Ordering::SeqCst) {
            self.update_runnable(&c.d, &c.v);
        }
    }

    fn read_context(&self, c: &VcpuRef, arg: u64) -> fx_types::Result<alloc::boxed::Box<[VcpuGuestContext]>> {
        let mut b = fx_types::try_box(VcpuGuestContext::default())?;
        if let Some(k) = b.first_mut() {
            fx_types::GuestVirt::copy_in(&self.guest(c), arg, zerocopy::IntoBytes::as_mut_bytes(k))?;
        }
        Ok(b)
    }

    /// `VCPUOP_register_vcpu_info`: moves it from the shared information page to a frame of the guest's, once.
    fn register_info(&self, c: &VcpuRef, v: &Vcpu, arg: u64) -> fx_types::Result {
        let r: o::VcpuRegisterVcpuInfo = self.guest(c).read_val(arg)?;
        if r.offset as usize > 4096 - INFO || r.offset & 7 != 0 {
            return Err(Errno::EINVAL);
        }
        let _turn = v.setup_turn.lock();
        if v.info_frame.get() != 0 {
            return Err(Errno::EBUSY);
        }
        let mfn = self.frame_of(&c.d, r.mfn)?;
        get_typed(self, mfn, c.d.id, FrameType::Writable)?;
        let new = mfn.at(u64::from(r.offset));
        let old: [u8; INFO] = self.hw.get(v.info());
        self.hw.put(new, &old);
        v.info_frame.set(mfn.0);
        v.info.set(new.0);
        fx_events::vcpu_info_moved(&EventView::new(self, &c.d), v.id);
        Ok(())
    }

    /// Registers an area of `len` bytes by its machine address, which is in one frame of the guest's; 0 or all ones for none.
    fn register_phys(&self, c: &VcpuRef, v: &Vcpu, slot: &Own64, arg: u64, len: u64) -> fx_types::Result {
        let at: u64 = self.guest(c).read_val(arg)?;
        let new = if at == 0 || at == u64::MAX {
            None
        } else {
            let offset = at & (fx_types::PAGE_SIZE - 1);
            if at & 7 != 0 || offset > 4096u64.wrapping_sub(len) {
                return Err(Errno::ENXIO);
            }
            let mfn = self.frame_of(&c.d, at >> 12)?;
            get_typed(self, mfn, c.d.id, FrameType::Writable)?;
            Some(mfn.at(offset))
        };
        let old = {
            let _turn = v.setup_turn.lock();
            let old = slot.get();
            slot.set(new.map_or(0, |a| a.0));
            old
        };
        if old != 0 {
            put_typed(self, Maddr(old).mfn());
        }
        Ok(())
    }

    /// A vCPU's run state with the time since the latest change counted in.
    pub(crate) fn runstate_now(&self, v: &Vcpu) -> crate::vcpu::RunState {
        let mut r = *v.runstate.lock();
        let now = self.hw.now();
        let spent = now.saturating_sub(r.since);
        let state = r.state as usize;
        if let Some(t) = r.time.get_mut(state) {
            *t = t.saturating_add(spent);
        }
        r
    }

    /// Writes the clock page anew, whatever it holds.
    pub(crate) fn refresh_time(&self, c: &VcpuRef) {
        self.hw.store32(c.v.info().add(32 + 24), 0);
        self.update_time(c);
    }
}
