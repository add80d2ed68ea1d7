//! A domain: its memory, its vCPUs, its rights, and the tables by which it talks to others.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

use fx_frames::FrameList;
use fx_sync::Lock;
use fx_types::{CpuSet, DomId, Maddr, Mfn, Own64};

use crate::ranges::Ranges;
use crate::vcpu::Vcpu;

/// `Domain::dying`: alive.
pub const ALIVE: u32 = 0;
/// `Domain::dying`: its resources are being released.
pub const DYING: u32 = 1;
/// `Domain::dying`: all that is left are references that others hold.
pub const DEAD: u32 = 2;

/// `Domain::shutdown_code` while it runs.
pub const RUNNING: u32 = 0xffff_ffff;

/// `Domain::target`: none.
pub const NOBODY: u32 = u32::MAX;

/// The memory that a domain owns.
#[derive(Default)]
pub struct Pages {
    /// Its frames.
    pub list: FrameList,
    /// The hypervisor's frames that are shared with it (shared info, grant tables).
    pub shared: FrameList,
    /// Frames that it gave up and that somebody still refers to.
    pub dropped: FrameList,
    /// The most frames that it may have.
    pub max: u64,
    /// Frames promised by `XENMEM_claim_pages` and not yet taken.
    pub claim: u64,
}

/// What a domain may touch besides memory.
#[derive(Default)]
pub struct Rights {
    /// I/O ports.
    pub ports: Ranges,
    /// Machine frames without RAM.
    pub mmio: Ranges,
    /// Interrupts.
    pub irqs: Ranges,
}

/// A domain.
pub struct Domain {
    /// Its number.
    pub id: DomId,
    /// May control other domains (the toolstack's domain).
    pub privileged: bool,
    /// Has the hardware (Dom0).
    pub hardware: bool,
    /// `XEN_DOMCTL_CDF_*`.
    pub create_flags: u32,
    /// What it has as a guest in a hardware container; a PV domain has none of it.
    pub hvm: Option<Arc<crate::hvm::HvmDomain>>,
    /// Its vCPUs, as many as it may ever have.
    pub vcpus: Box<[Arc<Vcpu>]>,
    /// The frame of its shared information page.
    pub shared_info: Mfn,
    /// Its memory.
    pub pages: Lock<Pages>,
    /// Event channels.
    pub events: fx_events::EventChannels,
    /// Grant table.
    pub grants: fx_grants::GrantTable,
    /// What it may touch.
    pub rights: Lock<Rights>,
    /// `ALIVE`, `DYING` or `DEAD`.
    pub dying: AtomicU32,
    /// `SHUTDOWN_*`, or `RUNNING`.
    pub shutdown_code: AtomicU32,
    /// What `SCHEDOP_shutdown_code` announced, or `RUNNING`.
    pub shutdown_hint: AtomicU32,
    /// Set once `XEN_DOMCTL_unpausedomain` found it whole.
    pub created: AtomicBool,
    /// Pauses by the toolstack (0 or 1 each) and the hypervisor.
    pub pauses: AtomicI32,
    /// How often it is paused by the toolstack.
    pub tool_pauses: AtomicU32,
    /// `VMASST_TYPE_*` bits.
    pub vm_assist: AtomicU64,
    /// CPUs that may hold translations of its address spaces, one bit each for the first 64.
    pub dirty_cpus: AtomicU64,
    /// When the CPUs that run it last dropped its translations, in the time of the frame table's clock.
    pub flushed: AtomicU64,
    /// Offset of its wall clock (seconds).
    pub time_offset: Own64,
    /// Its UUID.
    pub handle: Lock<[u8; 16]>,
    /// SSID of the security module.
    pub ssidref: AtomicU32,
    /// Its CPU policy.
    pub policy: Lock<fx_cpuid::CpuPolicy>,
    /// Pirqs that it has bound.
    pub pirqs: Lock<Vec<Pirq>>,
    /// CPU pool.
    pub pool: AtomicU32,
    /// The processors it prefers, from node affinity.
    pub nodes: Lock<CpuSet>,
    /// Its time stamp counter.
    pub tsc: crate::tsc::Tsc,
    /// Watchdog timers of `SCHEDOP_watchdog`: deadlines (ns), 0 when free.
    pub watchdogs: [AtomicU64; 2],
    /// The memory map that the toolstack or the builder set for it: start, length, E820 type.
    pub memory_map: Lock<Vec<(u64, u64, u32)>>,
    /// How many of its vCPUs poll.
    pub pollers: AtomicU32,
    /// Progress of a preempted event-channel reset.
    pub event_reset: AtomicU32,
    /// What it wrote of a line of the console so far.
    pub console_line: Lock<fx_console::GuestLine>,
    /// The domain that it is the device model of (`XEN_DOMCTL_set_target`), or `NOBODY`.
    pub target: AtomicU32,
    /// It has had a device model, whose domain may map its memory.
    pub modelled: AtomicBool,
}

/// A physical interrupt as a domain sees it.
#[derive(Clone, Copy, Debug)]
pub struct Pirq {
    /// The domain's number for it.
    pub pirq: u32,
    /// The machine's interrupt.
    pub irq: u32,
    /// The event channel that it is bound to, 0 when none.
    pub port: u32,
    /// The guest must say when it is done with a level-triggered one.
    pub needs_eoi: bool,
    /// Raised, and not done with yet.
    pub in_flight: bool,
}

impl Pirq {
    /// One that is bound to nothing.
    pub(crate) const fn new(pirq: u32, irq: u32) -> Self {
        Self { pirq, irq, port: 0, needs_eoi: false, in_flight: false }
    }
}

impl Domain {
    /// The vCPU with the number.
    #[inline]
    pub fn vcpu(&self, id: u32) -> Option<&Arc<Vcpu>> {
        self.vcpus.get(id as usize)
    }

    /// Machine address of the shared information page.
    #[inline]
    pub fn shared_info(&self) -> Maddr {
        self.shared_info.addr()
    }

    /// Whether all its vCPUs stand still.
    pub fn is_paused(&self) -> bool {
        self.pauses.load(Ordering::Acquire) > 0
    }

    /// Whether it is being destroyed.
    pub fn is_dying(&self) -> bool {
        self.dying.load(Ordering::Acquire) != ALIVE
    }

    /// Whether a VM assist is on.
    pub fn assists(&self, kind: u32) -> bool {
        self.vm_assist.load(Ordering::Relaxed) & (1u64.wrapping_shl(kind)) != 0
    }
}
