//! The life of a domain: made, started, crashed, taken apart.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

use fx_frames::FrameType;
use fx_pagetables::{finish, get_typed, put_typed, unpin};
use fx_sync::Lock;
use fx_types::{CpuSet, DomId, Errno, Maddr, Mfn, Own64, Result};
use xen_abi::arch_x86::{
    VGCF_FAILSAFE_DISABLES_EVENTS, VGCF_I387_VALID, VGCF_IN_KERNEL, VGCF_SYSCALL_DISABLES_EVENTS,
    VcpuGuestContext, xen_cr3_to_pfn,
};
use xen_abi::sched::{SHUTDOWN_CRASH, SHUTDOWN_POWEROFF, SHUTDOWN_REBOOT};
use xen_abi::xen::VIRQ_DOM_EXC;

use crate::domain::{ALIVE, DEAD, DYING, Domain, Pages, RUNNING, Rights};
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hw::{Hw, MachineEnd, Segments};
use crate::hypercall::event::EventView;
use crate::hypercall::pv::guest_selector;
use crate::taken::Taken;
use crate::vcpu::{CALLBACK_SET, FAILSAFE_MASKS, IN_KERNEL, SYSCALL_MASKS, Vcpu};

/// `vcpu_info` structures in the shared information page.
const LEGACY_VCPUS: u32 = 32;
const INFO_SIZE: u64 = 64;
/// `RFLAGS.IOPL`.
const IOPL: u64 = 3 << 12;
/// Frames that one pass of a teardown releases.
const PASS: u32 = 4096;

/// What a new domain is to be.
pub struct Create {
    /// Its number.
    pub id: DomId,
    /// Controls others.
    pub privileged: bool,
    /// Has the hardware.
    pub hardware: bool,
    /// `XEN_DOMCTL_CDF_*`.
    pub flags: u32,
    /// The devices that are emulated for a domain in a hardware container (`XEN_X86_EMU_*`); `None` for a PV domain.
    pub container: Option<u32>,
    /// Its UUID.
    pub handle: [u8; 16],
    /// SSID.
    pub ssidref: u32,
    /// The most vCPUs.
    pub max_vcpus: u32,
    /// The highest event channel.
    pub max_evtchn_port: u32,
    /// The most grant table frames.
    pub max_grant_frames: u32,
    /// The most maptrack frames.
    pub max_maptrack_frames: u32,
    /// The highest grant table version.
    pub max_grant_version: u32,
}

impl<H: Hw> Host<H> {
    /// Makes a domain without memory, all vCPUs down, and enters it in the table, paused once.
    ///
    /// # Errors
    /// `EEXIST`, `ENOMEM`, or what the tables' limits say.
    pub fn create_domain(&self, p: &Create) -> Result<Arc<Domain>> {
        if self.domains.read().contains_key(&p.id.0) {
            return Err(Errno::EEXIST);
        }
        let (mut taken, mut pages) = (Taken::new(self), Pages::default());
        let hvm = p.container.map(|emulation| taken.container(p.id, emulation)).transpose()?;
        let shared_info = taken.shared(p.id, &mut pages.shared)?;
        let vcpus = self.make_vcpus(p, hvm.as_deref(), shared_info, &mut pages, &mut taken)?;
        let d = fx_types::try_arc(Domain {
            id: p.id,
            privileged: p.privileged,
            hardware: p.hardware,
            create_flags: p.flags,
            hvm,
            vcpus,
            shared_info,
            pages: Lock::new(pages),
            events: fx_events::EventChannels::new(p.max_evtchn_port, p.max_vcpus)?,
            grants: self.make_grants(p)?,
            rights: Lock::new(Rights::default()),
            dying: AtomicU32::new(ALIVE),
            shutdown_code: AtomicU32::new(RUNNING),
            shutdown_hint: AtomicU32::new(RUNNING),
            created: AtomicBool::new(false),
            pauses: AtomicI32::new(1),
            tool_pauses: AtomicU32::new(1),
            vm_assist: AtomicU64::new(0),
            dirty_cpus: AtomicU64::new(0),
            flushed: AtomicU64::new(1),
            time_offset: Own64::new(0),
            handle: Lock::new(p.handle),
            ssidref: AtomicU32::new(p.ssidref),
            policy: Lock::new(self.default_policy(p.hardware, p.container.is_some())),
            pirqs: Lock::new(Vec::new()),
            pool: AtomicU32::new(0),
            nodes: Lock::new(CpuSet::ALL),
            tsc: crate::tsc::Tsc::default(),
            watchdogs: [const { AtomicU64::new(0) }; 2],
            memory_map: Lock::new(Vec::new()),
            pollers: AtomicU32::new(0),
            event_reset: AtomicU32::new(0),
            console_line: Lock::default(),
            target: AtomicU32::new(u32::MAX),
        })?;
        taken.keep();
        let made = self.enlist_vcpus(&d).and_then(|()| self.init_grants(&d));
        self.update_wallclock(&d);
        self.domains.write().insert(p.id.0, d.clone());
        if made.is_err() {
            // What there is of it goes the way of any domain.
            while self.destroy_domain(&d).is_err() {}
        }
        made.map(|()| d)
    }

    fn make_vcpus(
        &self,
        p: &Create,
        container: Option<&HvmDomain>,
        shared_info: Mfn,
        pages: &mut Pages,
        taken: &mut Taken<'_, H>,
    ) -> Result<Box<[Arc<Vcpu>]>> {
        let mut vcpus = Vec::new();
        vcpus.try_reserve_exact(p.max_vcpus as usize).map_err(|_| Errno::ENOMEM)?;
        for i in 0..p.max_vcpus {
            let info = if i < LEGACY_VCPUS {
                shared_info.at(u64::from(i).wrapping_mul(INFO_SIZE))
            } else {
                // Beyond the legacy ones each starts with a page that nobody sees, until it registers its own.
                taken.shared(p.id, &mut pages.shared)?.addr()
            };
            if container.is_none() {
                // Events are masked at first; in a container interrupts are.
                self.hw.store8(info.add(1), 1);
            }
            let xstate = taken.own(self.xstate_order())?;
            self.init_xstate(xstate);
            let hvm = container.map(|d| self.new_hvm_vcpu(d, i)).transpose()?;
            vcpus.push(fx_types::try_arc(Vcpu::new(i, info, xstate, hvm)?)?);
        }
        Ok(vcpus.into_boxed_slice())
    }

    fn enlist_vcpus(&self, d: &Arc<Domain>) -> Result {
        for v in &d.vcpus {
            let hard = v.affinity.lock().hard.clone();
            let unit = self.sched.insert(VcpuRef { d: d.clone(), v: v.clone() }, d.id.0, &hard)?;
            v.unit.store(unit, Ordering::Release);
        }
        Ok(())
    }

    /// log2 of the frames of a vCPU's extended state.
    fn xstate_order(&self) -> u8 {
        self.hw.xstate_size().div_ceil(4096).next_power_of_two().trailing_zeros() as u8
    }

    /// The state that a processor starts with: FCW and MXCSR are not zero, and MXCSR is loaded whatever the header says.
    fn init_xstate(&self, area: Mfn) {
        self.hw.store32(area.at(0), 0x37f);
        self.hw.store32(area.at(24), 0x1f80);
    }

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
            let area = Maddr(Mfn(v.xstate.get()).addr().0);
            self.hw.write(area, &k.fpu_ctxt);
            // Reserved bits of MXCSR would make the processor refuse the state, here and not in the guest.
            self.hw.store32(area.add(24), self.hw.load32(area.add(24)) & 0xffff);
            // XSTATE_BV: x87 and SSE.
            self.hw.store64(area.add(512), 3);
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

    /// Stops a domain that cannot go on, and says why.
    #[cold]
    pub fn crash_domain(&self, d: &Arc<Domain>, why: fmt::Arguments<'_>) {
        self.log_guest(d.id, format_args!("crashed: {why}"));
        self.shut_down(d, SHUTDOWN_CRASH);
    }

    /// The hardware domain stopped: the machine goes with it.
    pub(crate) fn hardware_domain_stopped(&self, code: u32) {
        let (what, then, how) = match code {
            SHUTDOWN_POWEROFF => ("halted", "switching the machine off", MachineEnd::PowerOff),
            SHUTDOWN_REBOOT => ("shutdown", "rebooting machine", MachineEnd::Restart),
            SHUTDOWN_CRASH => ("crashed", "so does the machine", MachineEnd::Dom0Crashed),
            _ => ("stopped for a reason of its own", "so does the machine", MachineEnd::Dom0Crashed),
        };
        self.log(format_args!("Hardware Dom0 {what}: {then}."));
        self.hw.end_machine(how);
    }

    /// Takes a domain apart, a bounded part in each call.
    ///
    /// # Errors
    /// `ERESTART` while there is more to do.
    pub fn destroy_domain(&self, d: &Arc<Domain>) -> Result {
        if d.dying.compare_exchange(ALIVE, DYING, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
            self.pause_domain(d, true);
            let _ = self.set_claim(d, 0);
            self.release_vcpus(d);
            self.release_servers(d);
        }
        if d.dying.load(Ordering::Acquire) == DEAD {
            return Ok(());
        }
        let view = EventView::new(self, d);
        let mut cursor = 0;
        while !fx_events::destroy(&view, &mut cursor, PASS) {}
        self.release_grants(d)?;
        self.release_memory(d)?;
        d.dying.store(DEAD, Ordering::Release);
        self.reap(d);
        self.send_global_virq(VIRQ_DOM_EXC);
        Ok(())
    }

    fn release_vcpus(&self, d: &Arc<Domain>) {
        self.unbind_all_pirqs(d);
        for v in &d.vcpus {
            {
                let _turn = v.scheduler_turn.lock();
                let unit = v.unit.swap(u32::MAX, Ordering::AcqRel);
                if unit != u32::MAX {
                    self.sched.remove(unit);
                }
            }
            self.drop_ldt(v);
            self.drop_gdt(v);
            for slot in [&v.pv.kernel_l4, &v.pv.user_l4] {
                let l4 = slot.get();
                slot.set(0);
                if l4 != 0 {
                    put_typed(self, Mfn(l4));
                }
            }
            let info = v.info_frame.get();
            if info != 0 {
                // Events that still come find the page that everybody has.
                v.info.set(d.shared_info().0);
                v.info_frame.set(0);
                put_typed(self, Mfn(info));
            }
            for slot in [&v.runstate_phys, &v.time_phys] {
                let at = slot.get();
                slot.set(0);
                if at != 0 {
                    put_typed(self, Maddr(at).mfn());
                }
            }
            v.runstate_area.set(0);
            v.time_area.set(0);
        }
    }

    fn release_memory(&self, d: &Arc<Domain>) -> Result {
        self.release_physmap(d)?;
        for _ in 0..PASS {
            let first = d.pages.lock().list.first();
            let Some(mfn) = first else { return self.release_shared(d) };
            // What is pinned or half a table is freed by what comes after: it still holds a reference.
            self.give_up(d, mfn);
            let _ = unpin(self, mfn, d.id);
            finish(self, mfn);
        }
        Err(Errno::ERESTART)
    }

    fn release_shared(&self, d: &Arc<Domain>) -> Result {
        for v in &d.vcpus {
            let x = v.xstate.get();
            if x != 0 {
                v.xstate.set(0);
                self.free_own(Mfn(x), self.xstate_order());
            }
        }
        loop {
            let first = d.pages.lock().shared.first();
            let Some(mfn) = first else { return Ok(()) };
            self.give_up(d, mfn);
        }
    }

    /// Gives up a frame's allocation: it is freed now, or with the last reference.
    pub fn give_up(&self, d: &Domain, mfn: Mfn) -> bool {
        let Some(info) = self.frames.get(mfn) else { return false };
        let last = {
            let mut p = d.pages.lock();
            let hypervisor = info.word().hypervisor();
            let Some(last) = info.deallocate() else { return false };
            if hypervisor {
                p.shared.remove(&self.frames, mfn);
            } else {
                p.list.remove(&self.frames, mfn);
            }
            p.dropped.push(&self.frames, mfn);
            last
        };
        if last {
            self.free_frame(mfn);
        }
        true
    }

    /// Forgets a dead domain that nobody refers to any more.
    pub(crate) fn reap(&self, d: &Domain) {
        let empty = {
            let p = d.pages.lock();
            p.list.is_empty() && p.shared.is_empty() && p.dropped.is_empty()
        };
        if empty && d.dying.load(Ordering::Acquire) == DEAD && self.domains.write().remove(&d.id.0).is_some()
        {
            // A later domain of the same number starts with nothing of this one's.
            self.sched.forget_group(d.id.0);
            self.virq_handlers.lock().retain(|_, handler| *handler != d.id.0);
            self.send_global_virq(VIRQ_DOM_EXC);
        }
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
