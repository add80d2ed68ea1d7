//! Small calls of PV kernels: traps, stacks, descriptor tables, segment bases, debug registers.

use fx_frames::FrameType;
use fx_pagetables::{get_typed, put_frame, put_typed};
use fx_types::{Errno, GuestVirtExt, Maddr, Mfn, is_canonical};
use xen_abi::arch_x86::{SEGBASE_FS, SEGBASE_GS_KERNEL, SEGBASE_GS_USER, SEGBASE_GS_USER_SEL, TrapInfo};

use super::{Answer, Args};
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::{CALLBACK_SET, TASK_SWITCHED, Vcpu};

/// A code selector that a guest may name: ring 3 is forced, so that nothing of the hypervisor's can be meant.
pub(crate) const fn guest_selector(sel: u16) -> u16 {
    sel | 3
}

impl<H: Hw> Host<H> {
    /// `set_trap_table(traps)`: an array that ends with an address of 0.
    pub(crate) fn set_trap_table(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [list, ..] = *args;
        if list == 0 {
            for t in &c.v.pv.traps {
                t.address.set(0);
                t.info.set(0);
            }
            return Ok(0);
        }
        for i in 0..257u64 {
            let t: TrapInfo = self.hw.read_at(list, i)?;
            if t.address == 0 {
                break;
            }
            set_trap(&c.v, &t)?;
        }
        Ok(0)
    }

    /// `set_gdt(frames, entries)`.
    pub(crate) fn set_gdt(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [list, entries, ..] = *args;
        let n = (entries & 0xffff_ffff).div_ceil(512);
        if entries > 14 * 512 {
            return Err(Errno::EINVAL);
        }
        let mut frames = [0u64; 14];
        for (i, f) in (0..n).zip(frames.iter_mut()) {
            *f = self.hw.read_at(list, i)?;
        }
        self.install_gdt(c, frames.get(..n as usize).unwrap_or(&[]), entries as u32)?;
        self.load_gdt(&c.v);
        Ok(0)
    }

    /// Takes references to the frames of a GDT and gives those of the one before back.
    pub(crate) fn install_gdt(&self, c: &VcpuRef, frames: &[u64], entries: u32) -> fx_types::Result {
        for (i, f) in frames.iter().enumerate() {
            if let Err(e) = get_typed(self, Mfn(*f), c.d.id, FrameType::SegDesc) {
                for g in frames.get(..i).unwrap_or(&[]) {
                    put_typed(self, Mfn(*g));
                }
                // In use as something else: the interface has no other word for that.
                return Err(if e == Errno::EBUSY { Errno::EINVAL } else { e });
            }
        }
        self.drop_gdt(&c.v);
        for (slot, f) in c.v.pv.gdt.iter().zip(frames) {
            slot.set(*f);
        }
        c.v.pv.gdt_entries.set(entries);
        Ok(())
    }

    /// Gives back the references to the frames of a vCPU's GDT.
    pub(crate) fn drop_gdt(&self, v: &Vcpu) {
        v.pv.gdt_entries.set(0);
        for slot in &v.pv.gdt {
            let old = slot.get();
            if old != 0 {
                slot.set(0);
                put_typed(self, Mfn(old));
            }
        }
    }

    /// `update_descriptor(machine address, descriptor)`.
    pub(crate) fn update_descriptor(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [at, descriptor, ..] = *args;
        if at & 7 != 0 {
            return Err(Errno::EINVAL);
        }
        let d = fx_pagetables::descriptor(descriptor)?;
        let mfn = Maddr(at).mfn();
        let info = self.frames.get(mfn).ok_or(Errno::EINVAL)?;
        info.get(c.d.id)?;
        let w = info.word();
        let as_type = if w.type_refs() > 0 && w.frame_type() == FrameType::SegDesc {
            FrameType::SegDesc
        } else {
            FrameType::Writable
        };
        let r = get_typed(self, mfn, c.d.id, as_type);
        if r.is_ok() {
            self.hw.store64(Maddr(at), d);
            put_typed(self, mfn);
        }
        put_frame(self, mfn);
        r.map(|()| 0)
    }

    /// `stack_switch(ss, esp)`.
    #[inline]
    pub(crate) fn stack_switch(c: &VcpuRef, args: &mut Args) -> Answer {
        let [ss, sp, ..] = *args;
        c.v.pv.kernel_ss.set(u64::from(guest_selector(ss as u16)));
        c.v.pv.kernel_sp.set(sp);
        Ok(0)
    }

    /// `set_callbacks(event, failsafe, syscall)`.
    pub(crate) fn set_callbacks(c: &VcpuRef, args: &mut Args) -> Answer {
        let [event, failsafe, syscall, ..] = *args;
        for (slot, address) in [
            (&c.v.pv.event_callback, event),
            (&c.v.pv.failsafe_callback, failsafe),
            (&c.v.pv.syscall_callback, syscall),
        ] {
            // What cannot be an address is not taken, without an error.
            if is_canonical(address) {
                slot.set(address);
            }
        }
        c.v.set_flag(CALLBACK_SET, c.v.pv.event_callback.get() != 0);
        Ok(0)
    }

    /// `fpu_taskswitch(set)`.
    pub(crate) fn fpu_taskswitch(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [set, ..] = *args;
        c.v.set_flag(TASK_SWITCHED, set != 0);
        self.hw.set_ts(set != 0);
        Ok(0)
    }

    /// `set_segment_base(which, base)`.
    #[inline]
    pub(crate) fn set_segment_base(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [which, base, ..] = *args;
        let kind = which as u32;
        if kind == SEGBASE_GS_USER_SEL {
            return self.hw.load_user_gs(base as u16).map(|()| 0).or(Ok(0));
        }
        if !is_canonical(base) {
            return Err(Errno::EINVAL);
        }
        match kind {
            SEGBASE_FS => self.hw.set_fs_base(base),
            SEGBASE_GS_USER => self.hw.set_gs_base_other(base),
            SEGBASE_GS_KERNEL => self.hw.set_gs_base(base),
            _ => return Err(Errno::EINVAL),
        }
        let _ = c;
        Ok(0)
    }

    /// `set_debugreg(n, value)`.
    pub(crate) fn set_debugreg(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [n, value, ..] = *args;
        self.write_debugreg(c, n, value).map(|()| 0)
    }

    /// Writes a debug register of the current vCPU.
    ///
    /// # Errors
    /// `EINVAL` for an address or for bits that a guest may not have.
    pub(crate) fn write_debugreg(&self, c: &VcpuRef, n: u64, value: u64) -> fx_types::Result {
        set_debug(&c.v, n, value)?;
        let mut all = [0; 6];
        for (a, s) in all.iter_mut().zip(&c.v.pv.debug) {
            *a = s.get();
        }
        self.hw.load_debug(&all);
        Ok(())
    }

    /// `get_debugreg(n)`.
    pub(crate) fn get_debugreg(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [n, ..] = *args;
        let slot = match n {
            0..=3 => n,
            4 | 6 => 4,
            5 | 7 => 5,
            _ => return Err(Errno::EINVAL),
        };
        Ok(c.v.pv.debug.get(slot as usize).map_or(0, fx_types::Own64::get) as i64)
    }
}

/// Sets a debug register of a vCPU, to be loaded when it runs.
///
/// # Errors
/// `EINVAL` for bits that a guest may not have, `EPERM` for an address that is not its own.
pub(crate) fn set_debug(v: &Vcpu, n: u64, value: u64) -> fx_types::Result {
    let (slot, value) = match n {
        0..=3 if fx_types::guest_range_ok(value, 8) => (n, value),
        0..=3 => return Err(Errno::EPERM),
        4 | 6 if value >> 32 != 0 => return Err(Errno::EINVAL),
        4 | 6 => (4, (value & 0xe00f) | 0xffff_0ff0),
        5 | 7 => (5, checked_dr7(value)?),
        _ => return Err(Errno::EINVAL),
    };
    if let Some(s) = v.pv.debug.get(slot as usize) {
        s.set(value);
    }
    Ok(())
}

/// Breakpoints must be local or global ones on execution, writes or accesses; no I/O breakpoints, no general detect.
fn checked_dr7(value: u64) -> fx_types::Result<u64> {
    if value >> 32 != 0 || value & (1 << 13) != 0 {
        return Err(Errno::EINVAL);
    }
    for (enable, kind) in [(0, 16), (2, 20), (4, 24), (6, 28)] {
        let enabled = (value >> enable) & 3 != 0;
        let kind = (value >> kind) & 3;
        if enabled && kind == 2 {
            return Err(Errno::EINVAL);
        }
    }
    Ok(value & !0xd800 | 0x400)
}

/// Installs one trap handler.
///
/// # Errors
/// `EINVAL` for an address that is not canonical.
pub(crate) fn set_trap(v: &Vcpu, t: &TrapInfo) -> fx_types::Result {
    if !is_canonical(t.address) {
        return Err(Errno::EINVAL);
    }
    let Some(slot) = v.pv.traps.get(usize::from(t.vector)) else { return Err(Errno::EINVAL) };
    let masks = u32::from(t.flags & 4 != 0);
    let dpl = u32::from(t.flags & 3);
    slot.info.set(u32::from(guest_selector(t.cs)) | (dpl << 16) | (masks << 18));
    slot.address.set(t.address);
    Ok(())
}
