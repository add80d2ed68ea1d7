//! The hypervisor as a whole: memory, domains, CPUs, and the ways between them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use fx_frames::{Buddy, FrameTable, Zone};
use fx_pagetables::PtHost;
use fx_sched::{Sched, Timers};
use fx_sync::{Lock, RwLock};
use fx_types::{DomId, Errno, Mfn, Result};
use xen_abi::xen::{DOMID_IO, DOMID_SELF};

use crate::domain::{DEAD, Domain};
use crate::firmware::Firmware;
use crate::hw::Hw;
use crate::vcpu::Vcpu;

/// A vCPU together with its domain.
#[derive(Clone)]
pub struct VcpuRef {
    /// The domain.
    pub d: Arc<Domain>,
    /// The vCPU.
    pub v: Arc<Vcpu>,
}

/// What a timer is for: domain, vCPU, and which of its timers: 0 single-shot, 1 periodic, 2 the end of a poll, 3 a watchdog of the
/// domain (whose slot is in the place of the vCPU), 4 the local APIC's, 5 the HVM platform's (of vCPU 0), 6 its synthetic ones.
pub type TimerKey = (u16, u32, u8);

/// `Cpu::pending`: choose again what runs.
pub const RESCHED: u32 = 1;
/// `Cpu::pending`: the timer fired.
pub const TIMER: u32 = 2;
/// `Cpu::pending`: an NMI or another rare thing for the current vCPU.
pub const RARE: u32 = 4;
/// `Cpu::pending`: the console's log may have something new.
pub const OUTPUT: u32 = 8;
/// `Cpu::pending`: a non-maskable interrupt of the machine's came.
pub const NMI: u32 = 16;
/// `Cpu::pending`: the trace buffer is half full.
pub const TRACED: u32 = 32;

/// One physical CPU.
pub struct Cpu {
    /// Work to do before a guest is entered.
    pub pending: AtomicU32,
    /// Timers of vCPUs that armed them on this CPU.
    pub timers: Lock<Timers<TimerKey>>,
    /// When a part of long work has lasted long enough, by the time stamp counter.
    pub yield_at: AtomicU64,
    /// Tables that are half let go.
    pub unfinished: fx_pagetables::Unfinished,
    /// When the time slice of what runs ends (ns), `u64::MAX` for never.
    pub slice_end: AtomicU64,
}

/// What the command line decides about domains.
#[derive(Debug, Default)]
pub struct Settings {
    /// The command line as it was.
    pub cmdline: alloc::string::String,
    /// Limit of grant table frames for domains that name none.
    pub grant_frames: AtomicU32,
    /// Limit of maptrack frames for domains that name none.
    pub maptrack_frames: AtomicU32,
}

/// The hypervisor.
pub struct Host<H: Hw> {
    /// The machine.
    pub hw: H,
    /// Records of all frames.
    pub frames: FrameTable,
    /// Free frames.
    pub free: Lock<Buddy>,
    /// All domains by number.
    pub domains: RwLock<BTreeMap<u16, Arc<Domain>>>,
    /// The number to try first for the next domain.
    pub next_domid: AtomicU32,
    /// Who runs where.
    pub sched: Sched<VcpuRef>,
    /// The physical CPUs.
    pub cpus: Box<[Cpu]>,
    /// The console.
    pub console: crate::console::Console,
    /// What the command line decides about domains.
    pub settings: Settings,
    /// What firmware and loader said.
    pub firmware: Firmware,
    /// CPU policies of the host and the limits of guests'.
    pub policies: crate::cpuid::Policies,
    /// Frames of RAM in all.
    pub total_frames: u64,
    /// The machine's memory map, as Dom0 gets it: start, length, E820 type.
    pub memory_map: Box<[(u64, u64, u32)]>,
    /// When all CPUs last dropped all guest translations, in the time of the frame table's clock.
    pub flushed: AtomicU64,
    /// Frames promised to domains by claims.
    pub claimed: AtomicU64,
    /// Which domain handles each global virq: Dom0 unless told otherwise.
    pub virq_handlers: Lock<BTreeMap<u32, u16>>,
    /// Who has each interrupt of the machine: domain and pirq.
    pub irq_owners: Lock<BTreeMap<u32, (u16, u32)>>,
    /// Which CPUs are for which domains.
    pub pools: Lock<crate::pools::Pools>,
    /// What is recorded of what happens.
    pub trace: crate::trace::Trace,
    /// State of the control interfaces.
    pub control: crate::control::Control,
}

impl<H: Hw> Host<H> {
    /// The domain with the number.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn domain(&self, id: DomId) -> Result<Arc<Domain>> {
        self.domains.read().get(&id.0).cloned().ok_or(Errno::ESRCH)
    }

    /// The domain that `id` names for `cur`: itself for `DOMID_SELF` or its own number.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn domain_or_self(&self, cur: &Arc<Domain>, id: u16) -> Result<Arc<Domain>> {
        if id == DOMID_SELF || id == cur.id.0 { Ok(cur.clone()) } else { self.domain(DomId(id)) }
    }

    /// The hardware domain.
    ///
    /// # Errors
    /// `ESRCH` before it was built.
    pub fn hardware_domain(&self) -> Result<Arc<Domain>> {
        self.domain(DomId(0))
    }

    /// The physical CPU with the number.
    #[inline]
    pub fn cpu(&self, n: usize) -> Option<&Cpu> {
        self.cpus.get(n)
    }

    /// The physical CPU that this runs on.
    #[inline]
    pub fn this_cpu(&self) -> Option<&Cpu> {
        self.cpus.get(self.hw.cpu())
    }

    /// Gives `cpu` something to do before it enters a guest.
    #[inline]
    pub fn ask(&self, cpu: usize, work: u32) {
        if let Some(c) = self.cpu(cpu) {
            c.pending.fetch_or(work, Ordering::SeqCst);
        }
        if cpu != self.hw.cpu() {
            self.hw.kick(cpu);
        }
    }

    /// Takes a frame for the hypervisor's own use, zeroed.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn alloc_own(&self, order: u8) -> Result<Mfn> {
        let mfn = self.free.lock().alloc(&self.frames, order, Zone::Any).ok_or(Errno::ENOMEM)?;
        self.settle(mfn);
        for i in 0..1u64 << order {
            self.hw.zero_frame(mfn.add(i));
        }
        Ok(mfn)
    }

    /// Makes sure that no CPU still translates to a block that just came from the allocator, whoever had it before.
    pub(crate) fn settle(&self, block: Mfn) {
        let stale = self.frames.get(block).map_or(u64::MAX, fx_frames::FrameInfo::stale_since);
        if stale >= self.flushed.load(Ordering::Acquire) {
            let now = self.frames.clock().now();
            self.flush_everywhere();
            self.flushed.fetch_max(now, Ordering::AcqRel);
        }
    }

    /// Drops all guest translations on all CPUs.
    pub(crate) fn flush_everywhere(&self) {
        let cpus = self.hw.cpus();
        let mut all = fx_types::CpuSet::EMPTY;
        (0..cpus).for_each(|cpu| all.insert(cpu));
        self.hw.flush_tlb(&all);
    }

    /// Gives frames of the hypervisor's own back.
    pub fn free_own(&self, mfn: Mfn, order: u8) {
        self.free.lock().free(&self.frames, mfn, order);
    }

    /// Takes a zeroed frame of the hypervisor's that `d` may map (shared info, grant frames).
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn alloc_shared(&self, d: DomId, list: &mut fx_frames::FrameList) -> Result<Mfn> {
        let mfn = self.alloc_own(0)?;
        if let Some(f) = self.frames.get(mfn) {
            f.assign(d, true);
        }
        list.push(&self.frames, mfn);
        Ok(mfn)
    }

    /// Frees a frame whose last reference is gone.
    pub fn free_frame(&self, mfn: Mfn) {
        let Some(info) = self.frames.get(mfn) else { return };
        let owner = info.owner();
        self.hw.set_m2p(mfn, u64::MAX);
        let Ok(d) = self.domain(owner) else {
            self.free.lock().free(&self.frames, mfn, 0);
            return;
        };
        d.pages.lock().dropped.remove(&self.frames, mfn);
        self.free.lock().free(&self.frames, mfn, 0);
        if d.dying.load(Ordering::Acquire) == DEAD {
            self.reap(&d);
        }
    }

    /// CPUs that may hold translations of `d`'s address spaces.
    pub fn dirty_cpus(d: &Domain) -> fx_types::CpuSet {
        let bits = d.dirty_cpus.load(Ordering::SeqCst);
        let mut set = fx_types::CpuSet::from_bytes(&bits.to_le_bytes());
        if bits >> 63 != 0 {
            (64..fx_types::MAX_CPUS).for_each(|cpu| set.insert(cpu));
        }
        set
    }

    /// Drops all translations of `d`'s address spaces.
    pub fn flush_domain_tlb(&self, d: &Domain) {
        let now = self.frames.clock().now();
        if d.hvm.is_some() {
            // Tagged translations outlive the time that a vCPU is loaded.
            for x in d.vcpus.iter().filter_map(|v| self.context(v)) {
                self.hw.flush_guest(x);
            }
            // A CPU that a vCPU is being loaded on either finds the context without a tag, or is seen to be dirty here.
            fence(Ordering::SeqCst);
        }
        let dirty = d.dirty_cpus.load(Ordering::SeqCst);
        let here = self.hw.cpu();
        if d.hvm.is_none() && d.modelled.load(Ordering::SeqCst) {
            // What its device model has mapped of it is in the TLBs of other CPUs.
            self.flush_everywhere();
        } else if dirty & !dirty_bit(here) != 0 {
            self.hw.flush_tlb(&Self::dirty_cpus(d));
        } else if dirty != 0 {
            self.hw.flush_local();
        }
        d.flushed.fetch_max(now, Ordering::AcqRel);
    }
}

/// A CPU's bit in [`Domain::dirty_cpus`]; the last bit stands for all from 63 on.
#[must_use]
pub(crate) fn dirty_bit(cpu: usize) -> u64 {
    1u64.wrapping_shl(cpu.min(63) as u32)
}

impl<H: Hw> PtHost for Host<H> {
    type Mem = H;

    #[inline]
    fn mem(&self) -> &H {
        &self.hw
    }

    #[inline]
    fn frames(&self) -> &FrameTable {
        &self.frames
    }

    fn flush_domain(&self, owner: DomId) {
        if let Ok(d) = self.domain(owner) {
            self.flush_domain_tlb(&d);
        }
    }

    fn io_allowed(&self, dom: DomId, mfn: Mfn) -> bool {
        let domain = if dom.0 == DOMID_IO { self.hardware_domain() } else { self.domain(dom) };
        !self.hw.mmio_reserved(mfn) && domain.is_ok_and(|d| d.rights.lock().mmio.contains(mfn.0, mfn.0))
    }

    fn flush_domain_since(&self, owner: DomId, since: u64) {
        if let Ok(d) = self.domain(owner)
            && d.flushed.load(Ordering::Acquire) <= since
        {
            self.flush_domain_tlb(&d);
        }
    }

    fn uncached_ram_allowed(&self, dom: DomId) -> bool {
        self.domain(dom).is_ok_and(|d| d.hardware || d.rights.lock().mmio.iter().next().is_some())
    }

    fn io_read_only(&self, mfn: Mfn) -> bool {
        self.hw.mmio_read_only(mfn)
    }

    fn should_yield(&self) -> bool {
        self.part_is_over()
    }

    fn unfinished(&self, mfn: Mfn) {
        self.leave_unfinished(mfn);
    }

    fn release(&self, mfn: Mfn) {
        self.free_frame(mfn);
    }

    fn fill_hypervisor_slots(&self, l4: Mfn) {
        for (i, e) in (fx_pagetables::pte::HYP_SLOT_FIRST..).zip(self.hw.hypervisor_slots()) {
            self.hw.store64(l4.at(i.wrapping_mul(8)), e);
        }
    }
}
