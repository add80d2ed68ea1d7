//! The life of a domain: made, started, crashed, taken apart.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

use fx_pagetables::{finish, put_typed, unpin};
use fx_sync::Lock;
use fx_types::{CpuSet, DomId, Errno, Maddr, Mfn, Own64, Result};
use xen_abi::sched::{SHUTDOWN_CRASH, SHUTDOWN_POWEROFF, SHUTDOWN_REBOOT};
use xen_abi::xen::VIRQ_DOM_EXC;

use crate::domain::{ALIVE, DEAD, DYING, Domain, NOBODY, Pages, RUNNING, Rights};
use crate::host::{Host, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hw::{Hw, MachineEnd};
use crate::hypercall::event::EventView;
use crate::taken::Taken;
use crate::vcpu::Vcpu;

/// `vcpu_info` structures in the shared information page.
const LEGACY_VCPUS: u32 = 32;
const INFO_SIZE: u64 = 64;
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
    /// Its CPU pool.
    pub pool: u32,
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
            pool: AtomicU32::new(p.pool),
            nodes: Lock::new(CpuSet::ALL),
            tsc: crate::tsc::Tsc::default(),
            watchdogs: [const { AtomicU64::new(0) }; 2],
            memory_map: Lock::new(Vec::new()),
            pollers: AtomicU32::new(0),
            event_reset: AtomicU32::new(0),
            console_line: Lock::default(),
            target: AtomicU32::new(NOBODY),
            modelled: AtomicBool::new(false),
        })?;
        taken.keep();
        let made = self.enlist_vcpus(&d).and_then(|()| self.init_grants(&d));
        self.update_wallclock(&d);
        self.domains.write().insert(p.id.0, d.clone());
        let made = made.and_then(|()| self.reseat_pool(p.pool));
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
            let (hard, _) = v.affinity_now();
            let hard = self.first_cpus(d.pool.load(Ordering::Relaxed), &hard);
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
            // The domain is known for as long as others hold something of it, its tables' frames may be another's by then.
            d.grants.close();
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
        // Seats in a null pool are free. Without memory for that, who waits for one gets it at the next change of the pool.
        let _ = self.reseat_pool(d.pool.load(Ordering::Relaxed));
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
        if empty && d.dying.load(Ordering::Acquire) == DEAD && self.forget(d.id) {
            // A later domain of the same number starts with nothing of this one's.
            self.sched.forget_group(d.id.0);
            self.virq_handlers.lock().retain(|_, handler| *handler != d.id.0);
            self.send_global_virq(VIRQ_DOM_EXC);
        }
    }

    /// Takes a domain out of the table; whoever was its device model is nobody's.
    fn forget(&self, id: DomId) -> bool {
        let mut all = self.domains.write();
        let known = all.remove(&id.0).is_some();
        let (old, new) = (u32::from(id.0), NOBODY);
        for d in all.values() {
            let _ = d.target.compare_exchange(old, new, Ordering::SeqCst, Ordering::Relaxed);
        }
        known
    }
}
