//! A PV vCPU's state as the toolstack has it (`vcpu_guest_context`).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use fx_frames::FrameType;
use fx_pagetables::{get_typed, put_typed};
use fx_types::{Errno, Mfn, Result};
use xen_abi::arch_x86::{
    VGCF_FAILSAFE_DISABLES_EVENTS, VGCF_I387_VALID, VGCF_IN_KERNEL, VGCF_SYSCALL_DISABLES_EVENTS,
    VcpuGuestContext, xen_cr3_to_pfn,
};

use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::{Hw, Segments};
use crate::hypercall::pv::guest_selector;
use crate::vcpu::{CALLBACK_SET, FAILSAFE_MASKS, IN_KERNEL, SYSCALL_MASKS, Vcpu};

/// `RFLAGS.IOPL`.
const IOPL: u64 = 3 << 12;

impl<H: Hw> Host<H> {
    /// Gives a vCPU all its state.
    ///
    /// # Errors
    /// `EINVAL` when frames are not the domain's or not what they are named as; the vCPU is then as before.
    pub fn set_context(&self, d: &Arc<Domain>, v: &Arc<Vcpu>, k: &VcpuGuestContext) -> Result {
        let c = VcpuRef { d: d.clone(), v: v.clone() };
        let gdt = (k.gdt_ents.div_ceil(512) as usize).min(15);
        if k.gdt_ents > 14 * 512 || k.ldt_ents > 8192 {
            return Err(Errno::EINVAL);
        }
        if ![k.fs_base, k.gs_base_kernel, k.gs_base_user].into_iter().all(fx_types::is_canonical) {
            return Err(Errno::EINVAL);
        }
        let [_, user, _, kernel, ..] = k.ctrlreg;
        let (kernel, user) = (Mfn(xen_cr3_to_pfn(kernel)), Mfn(xen_cr3_to_pfn(user)));
        for t in &k.trap_ctxt {
            if t.address != 0 {
                crate::hypercall::pv::set_trap(v, t)?;
            }
        }
        get_typed(self, kernel, d.id, FrameType::L4)?;
        if user.0 != 0
            && let Err(e) = get_typed(self, user, d.id, FrameType::L4)
        {
            put_typed(self, kernel);
            return Err(e);
        }
        if let Err(e) = self.install_gdt(&c, k.gdt_frames.get(..gdt).unwrap_or(&[]), k.gdt_ents as u32) {
            put_typed(self, kernel);
            if user.0 != 0 {
                put_typed(self, user);
            }
            return Err(e);
        }
        for (slot, new) in [(&v.pv.kernel_l4, kernel), (&v.pv.user_l4, user)] {
            let old = slot.get();
            slot.set(new.0);
            if old != 0 {
                put_typed(self, Mfn(old));
            }
        }
        self.set_plain_context(d, v, k);
        Ok(())
    }

    fn set_plain_context(&self, d: &Domain, v: &Vcpu, k: &VcpuGuestContext) {
        let pv = &v.pv;
        pv.ldt_base.set(k.ldt_base);
        pv.ldt_entries.set(k.ldt_ents as u32);
        pv.kernel_sp.set(k.kernel_sp);
        pv.kernel_ss.set(u64::from(guest_selector(k.kernel_ss as u16)));
        pv.event_callback.set(canonical(k.event_callback_eip));
        pv.failsafe_callback.set(canonical(k.failsafe_callback_eip));
        pv.syscall_callback.set(canonical(k.syscall_callback_eip));
        for (n, value) in (0u64..).zip(k.debugreg).filter(|(n, _)| !matches!(n, 4 | 5)) {
            // What a guest could not have set itself becomes no breakpoint at all.
            if crate::hypercall::pv::set_debug(v, n, value).is_err() {
                let _ = crate::hypercall::pv::set_debug(v, n, 0);
            }
        }
        let [.., cr4, _, _, _] = k.ctrlreg;
        pv.cr4.set(cr4);
        pv.iopl.set((k.user_regs.rflags & IOPL) as u32);
        v.set_flag(CALLBACK_SET, k.event_callback_eip != 0);
        v.set_flag(IN_KERNEL, k.flags & VGCF_IN_KERNEL != 0);
        v.set_flag(FAILSAFE_MASKS, k.flags & VGCF_FAILSAFE_DISABLES_EVENTS != 0);
        v.set_flag(SYSCALL_MASKS, k.flags & VGCF_SYSCALL_DISABLES_EVENTS != 0);
        d.vm_assist.fetch_or(k.vm_assist, Ordering::Relaxed);
        if k.flags & VGCF_I387_VALID != 0 {
            self.set_legacy_fpu(v, &k.fpu_ctxt);
        }
        let in_kernel = k.flags & VGCF_IN_KERNEL != 0;
        let (here, other) =
            if in_kernel { (k.gs_base_kernel, k.gs_base_user) } else { (k.gs_base_user, k.gs_base_kernel) };
        let u = &k.user_regs;
        let mut s = v.saved.lock();
        s.segments = Segments {
            sel: [u.ds, u.es, u.fs, u.gs],
            fs_base: canonical(k.fs_base),
            gs_base: canonical(here),
            gs_base_other: canonical(other),
        };
        s.regs = guest_regs(u);
        drop(s);
        v.initialised.store(true, Ordering::Release);
    }

    /// A vCPU's state in the interface's form. It stands still.
    pub fn get_context(&self, d: &Domain, v: &Vcpu, k: &mut VcpuGuestContext) {
        let s = *v.saved.lock();
        let r = &s.regs;
        let flag = |on: bool, bit: u64| if on { bit } else { 0 };
        k.flags = VGCF_I387_VALID
            | flag(v.in_kernel(), VGCF_IN_KERNEL)
            | flag(v.flags.get() & FAILSAFE_MASKS != 0, VGCF_FAILSAFE_DISABLES_EVENTS)
            | flag(v.flags.get() & SYSCALL_MASKS != 0, VGCF_SYSCALL_DISABLES_EVENTS)
            | flag(!v.down.load(Ordering::Acquire), xen_abi::arch_x86::VGCF_ONLINE);
        self.hw.read(Mfn(v.xstate.get()).addr(), &mut k.fpu_ctxt);
        let u = &mut k.user_regs;
        (u.r15, u.r14, u.r13, u.r12, u.rbp, u.rbx) = (r.r15, r.r14, r.r13, r.r12, r.rbp, r.rbx);
        (u.r11, u.r10, u.r9, u.r8, u.rax, u.rcx) = (r.r11, r.r10, r.r9, r.r8, r.rax, r.rcx);
        (u.rdx, u.rsi, u.rdi, u.rip, u.rsp) = (r.rdx, r.rsi, r.rdi, r.rip, r.rsp);
        // The I/O privilege is virtual: in the image it is where the guest believes it to be.
        u.rflags = r.rflags | u64::from(v.pv.iopl.get());
        u.cs = r.cs as u16;
        u.ss = r.ss as u16;
        if v.in_kernel() {
            u.cs &= !3;
            u.ss &= !3;
        }
        [u.ds, u.es, u.fs, u.gs] = s.segments.sel;
        let pv = &v.pv;
        for ((i, out), t) in (0..=u8::MAX).zip(k.trap_ctxt.iter_mut()).zip(&pv.traps) {
            let info = t.info.get();
            out.vector = i;
            out.flags = ((info >> 16) & 3) as u8 | if info & (1 << 18) != 0 { 4 } else { 0 };
            out.cs = info as u16;
            out.address = t.address.get();
        }
        k.ldt_base = pv.ldt_base.get();
        k.ldt_ents = u64::from(pv.ldt_entries.get());
        for (out, f) in k.gdt_frames.iter_mut().zip(&pv.gdt) {
            *out = f.get();
        }
        k.gdt_ents = u64::from(pv.gdt_entries.get());
        k.kernel_ss = pv.kernel_ss.get();
        k.kernel_sp = pv.kernel_sp.get();
        let (l4, user) = (pv.kernel_l4.get() << 12, pv.user_l4.get() << 12);
        k.ctrlreg = [0x8005_0033, user, self.hw.load64(v.info().add(16)), l4, self.guest_cr4(v), 0, 0, 0];
        let mut dr = [0; 8];
        for (slot, d) in [0usize, 1, 2, 3, 6, 7].into_iter().zip(&pv.debug) {
            if let Some(x) = dr.get_mut(slot) {
                *x = d.get();
            }
        }
        k.debugreg = dr;
        k.event_callback_eip = pv.event_callback.get();
        k.failsafe_callback_eip = pv.failsafe_callback.get();
        k.syscall_callback_eip = pv.syscall_callback.get();
        k.vm_assist = d.vm_assist.load(Ordering::Relaxed);
        k.fs_base = s.segments.fs_base;
        let (here, other) = (s.segments.gs_base, s.segments.gs_base_other);
        (k.gs_base_kernel, k.gs_base_user) = if v.in_kernel() { (here, other) } else { (other, here) };
    }
}

fn canonical(va: u64) -> u64 {
    if fx_types::is_canonical(va) { va } else { 0 }
}

/// Registers as a guest may have them: ring 3, interrupts on, no I/O privilege.
fn guest_regs(u: &xen_abi::arch_x86::CpuUserRegs) -> fx_types::GuestRegs {
    const IF: u64 = 1 << 9;
    fx_types::GuestRegs {
        r15: u.r15,
        r14: u.r14,
        r13: u.r13,
        r12: u.r12,
        rbp: u.rbp,
        rbx: u.rbx,
        r11: u.r11,
        r10: u.r10,
        r9: u.r9,
        r8: u.r8,
        rax: u.rax,
        rcx: u.rcx,
        rdx: u.rdx,
        rsi: u.rsi,
        rdi: u.rdi,
        error_code: 0,
        entry_vector: 0,
        rip: u.rip,
        cs: u64::from(guest_selector(u.cs)),
        rflags: (u.rflags & 0x0025_4dd5) | IF | 2,
        rsp: u.rsp,
        ss: u64::from(guest_selector(u.ss)),
    }
}
