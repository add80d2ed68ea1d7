//! A virtual CPU: what the processor does not hold while it runs, and everything while it does not.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

use fx_sync::Lock;
use fx_types::{CpuSet, GuestRegs, Maddr, Mfn, Own32, Own64, Result, Space, try_filled};

use crate::hw::Segments;

/// `Vcpu::flags`: in guest-kernel mode (of a 64-bit PV guest, whose kernel and user share ring 3).
pub const IN_KERNEL: u32 = 1;
/// `Vcpu::flags`: the failsafe callback masks events.
pub const FAILSAFE_MASKS: u32 = 2;
/// `Vcpu::flags`: the syscall callback masks events.
pub const SYSCALL_MASKS: u32 = 4;
/// `Vcpu::flags`: the sysenter callback masks events.
pub const SYSENTER_MASKS: u32 = 8;
/// `Vcpu::flags`: the guest set its virtual CR0.TS.
pub const TASK_SWITCHED: u32 = 16;
/// `Vcpu::flags`: the event callback is set.
pub const CALLBACK_SET: u32 = 32;

/// Why a vCPU does not run (`Vcpu::blocked`).
pub const RUN: u32 = 0;
/// It waits for an event (`SCHEDOP_block`).
pub const WAIT_EVENT: u32 = 1;
/// It waits for particular ports (`SCHEDOP_poll`).
pub const WAIT_POLL: u32 = 2;

/// One entry of a PV trap table.
#[derive(Default)]
pub struct Trap {
    /// Handler's address; 0 when there is none.
    pub address: Own64,
    /// Code selector (bits 0–15), DPL (16–17), masks events (18).
    pub info: Own32,
}

/// What the processor's PV state is for a vCPU (`vcpu_guest_context` has the rest).
pub struct PvState {
    /// The 256 trap handlers.
    pub traps: Box<[Trap]>,
    /// Level-4 table of guest-kernel mode; 0 when none.
    pub kernel_l4: Own64,
    /// Level-4 table of guest-user mode; 0 when none.
    pub user_l4: Own64,
    /// Stack of guest-kernel mode on entry from user mode.
    pub kernel_sp: Own64,
    /// Its selector.
    pub kernel_ss: Own64,
    /// Address of the event upcall.
    pub event_callback: Own64,
    /// Address of the failsafe callback.
    pub failsafe_callback: Own64,
    /// Address of the syscall entry.
    pub syscall_callback: Own64,
    /// Address of the 32-bit syscall entry.
    pub syscall32_callback: Own64,
    /// Address of the sysenter entry.
    pub sysenter_callback: Own64,
    /// Address of the NMI callback.
    pub nmi_callback: Own64,
    /// Frames of the guest's GDT, each holding a typed reference.
    pub gdt: [Own64; 14],
    /// How many descriptors of them count.
    pub gdt_entries: Own32,
    /// Linear address of the LDT.
    pub ldt_base: Own64,
    /// Its number of descriptors.
    pub ldt_entries: Own32,
    /// Frames of the LDT that are mapped now, each holding a typed reference; 0 when not.
    pub ldt_frames: [Own64; 16],
    /// Guest's virtual CR0 (TS apart) and CR4 as it wrote them.
    pub cr4: Own64,
    /// Debug registers 0–3, 6, 7.
    pub debug: [Own64; 6],
    /// Guest's IOPL (bits 12–13) under the architectural-iopl assist or `PHYSDEVOP_set_iopl`.
    pub iopl: Own32,
    /// Guest-virtual address of the bitmap of ports that user mode may use; 0 for none.
    pub io_bitmap: Own64,
    /// How many ports it speaks of.
    pub io_bitmap_ports: Own32,
    /// XCR0.
    pub xcr0: Own64,
}

/// A virtual CPU. Fields of type `Own*` belong to the CPU it runs on, or to whoever has paused it.
pub struct Vcpu {
    /// Number in its domain.
    pub id: u32,
    /// `IN_KERNEL` and the other flags.
    pub flags: Own32,
    /// Machine address of its `vcpu_info`.
    pub info: Own64,
    /// Frame that `VCPUOP_register_vcpu_info` took a reference to; 0 when none.
    pub info_frame: Own64,
    /// PV state.
    pub pv: PvState,
    /// Registers while it is not running.
    pub saved: Lock<Saved>,
    /// Set from loading it on a CPU until its state is saved again.
    pub on_cpu: AtomicBool,
    /// The CPU it ran on last; meaningful with `on_cpu`.
    pub cpu: AtomicU32,
    /// `RUN`, `WAIT_EVENT` or `WAIT_POLL`.
    pub blocked: AtomicU32,
    /// The port that it polls, when it polls just one; 0 otherwise.
    pub poll_port: AtomicU32,
    /// How many reasons to stand still: the domain's pauses not counted.
    pub pauses: AtomicI32,
    /// Taken down (`VCPUOP_down`) or not up yet.
    pub down: AtomicBool,
    /// Has been given a context (`VCPUOP_initialise`, `setvcpucontext`).
    pub initialised: AtomicBool,
    /// The scheduler's number for it; `u32::MAX` before it is known there.
    pub unit: AtomicU32,
    /// Held while the scheduler is told whether the vCPU can run.
    pub scheduler_turn: Lock<()>,
    /// Held while the vCPU's areas or its first context are set.
    pub setup_turn: Lock<()>,
    /// Deadline of the single-shot timer (ns), 0 when not set.
    pub timer: AtomicU64,
    /// Period of the periodic timer (ns), 0 when off; and its next deadline.
    pub periodic: AtomicU64,
    /// Next tick of the periodic timer (ns).
    pub periodic_next: AtomicU64,
    /// An NMI waits to be delivered.
    pub nmi_pending: AtomicBool,
    /// Where the guest wants its run state (virtual address), 0 when nowhere.
    pub runstate_area: Own64,
    /// Where the guest wants its time info (virtual address), 0 when nowhere.
    pub time_area: Own64,
    /// Machine address of the guest's frame where it wants its run state, 0 when nowhere; the frame is held.
    pub runstate_phys: Own64,
    /// Machine address of the guest's frame where it wants its time info, 0 when nowhere; the frame is held.
    pub time_phys: Own64,
    /// `RUNSTATE_*` now, when it began, and the time spent in each.
    pub runstate: Lock<RunState>,
    /// Where it may and where it had better run.
    pub affinity: Lock<Affinity>,
    /// Frame of extended state.
    pub xstate: Own64,
    /// Model-specific registers of its own.
    pub msrs: crate::own_msrs::OwnMsrs,
    /// What it has in a hardware container.
    pub hvm: Option<crate::hvm::HvmVcpu>,
}

/// Registers of a vCPU that is not running.
#[derive(Default, Clone, Copy)]
pub struct Saved {
    /// General registers.
    pub regs: GuestRegs,
    /// Segments and bases.
    pub segments: Segments,
}

/// Time accounting of a vCPU (`vcpu_runstate_info`).
#[derive(Clone, Copy, Default)]
pub struct RunState {
    /// `RUNSTATE_running`, `_runnable`, `_blocked` or `_offline`.
    pub state: u32,
    /// Since when (ns).
    pub since: u64,
    /// Time in each state (ns).
    pub time: [u64; 4],
}

/// On which physical CPUs a vCPU may run.
pub struct Affinity {
    /// Must be one of these.
    pub hard: CpuSet,
    /// Had better be one of these.
    pub soft: CpuSet,
}

impl PvState {
    fn new() -> Result<Self> {
        Ok(Self {
            traps: try_filled(256, |_| Trap::default())?,
            kernel_l4: Own64::new(0),
            user_l4: Own64::new(0),
            kernel_sp: Own64::new(0),
            kernel_ss: Own64::new(0),
            event_callback: Own64::new(0),
            failsafe_callback: Own64::new(0),
            syscall_callback: Own64::new(0),
            syscall32_callback: Own64::new(0),
            sysenter_callback: Own64::new(0),
            nmi_callback: Own64::new(0),
            gdt: [const { Own64::new(0) }; 14],
            gdt_entries: Own32::new(0),
            ldt_base: Own64::new(0),
            ldt_entries: Own32::new(0),
            ldt_frames: [const { Own64::new(0) }; 16],
            cr4: Own64::new(0),
            debug: [const { Own64::new(0) }; 6],
            iopl: Own32::new(0),
            io_bitmap: Own64::new(0),
            io_bitmap_ports: Own32::new(0),
            xcr0: Own64::new(1),
        })
    }
}

impl Vcpu {
    /// A vCPU that is down. `xstate` is a zeroed frame of its own for extended state.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(id: u32, info: Maddr, xstate: Mfn, hvm: Option<crate::hvm::HvmVcpu>) -> Result<Self> {
        Ok(Self {
            id,
            flags: Own32::new(IN_KERNEL),
            info: Own64::new(info.0),
            info_frame: Own64::new(0),
            pv: PvState::new()?,
            saved: Lock::new(Saved::default()),
            on_cpu: AtomicBool::new(false),
            cpu: AtomicU32::new(0),
            blocked: AtomicU32::new(RUN),
            poll_port: AtomicU32::new(0),
            pauses: AtomicI32::new(0),
            down: AtomicBool::new(true),
            initialised: AtomicBool::new(false),
            unit: AtomicU32::new(u32::MAX),
            scheduler_turn: Lock::new(()),
            setup_turn: Lock::new(()),
            timer: AtomicU64::new(0),
            periodic: AtomicU64::new(0),
            periodic_next: AtomicU64::new(0),
            nmi_pending: AtomicBool::new(false),
            runstate_area: Own64::new(0),
            time_area: Own64::new(0),
            runstate_phys: Own64::new(0),
            time_phys: Own64::new(0),
            runstate: Lock::new(RunState { state: 3, ..RunState::default() }),
            affinity: Lock::new(Affinity { hard: CpuSet::ALL, soft: CpuSet::ALL }),
            xstate: Own64::new(xstate.0),
            msrs: crate::own_msrs::OwnMsrs::default(),
            hvm,
        })
    }

    /// Whether it is in guest-kernel mode.
    #[inline]
    pub fn in_kernel(&self) -> bool {
        self.flags.get() & IN_KERNEL != 0
    }

    /// Machine address of its `vcpu_info`.
    #[inline]
    pub fn info(&self) -> Maddr {
        Maddr(self.info.get())
    }

    /// The address space of the mode that it is in.
    #[inline]
    #[must_use]
    pub fn space(&self) -> Space {
        if self.in_kernel() { Space::Kernel } else { Space::User }
    }

    /// The level-4 table of the mode that it is in.
    #[inline]
    pub fn current_l4(&self) -> Mfn {
        Mfn(if self.in_kernel() { self.pv.kernel_l4.get() } else { self.pv.user_l4.get() })
    }

    /// Sets or clears flags.
    #[inline]
    pub fn set_flag(&self, flag: u32, on: bool) {
        let f = self.flags.get();
        self.flags.set(if on { f | flag } else { f & !flag });
    }

    /// Whether nothing but the scheduler keeps it from running.
    pub fn is_runnable(&self, domain_paused: bool) -> bool {
        !domain_paused
            && self.pauses.load(Ordering::Acquire) <= 0
            && !self.down.load(Ordering::Acquire)
            && self.blocked.load(Ordering::Acquire) == RUN
    }
}
