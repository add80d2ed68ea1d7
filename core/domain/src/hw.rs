//! The processor's and machine's services that domains need: the port that `hypervisor` implements.

use fx_console::Log;
use fx_types::{Clock, CpuSet, GuestVirt, Mfn, PhysMem, Result, Space};
use fx_virt::Virt;

/// A vCPU's segment registers and bases, which stay in the processor while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// The selectors DS, ES, FS and GS.
    pub sel: [u16; 4],
    /// Base of FS.
    pub fs_base: u64,
    /// Base of GS in the mode (guest kernel or guest user) that the vCPU is in.
    pub gs_base: u64,
    /// Base of GS in the other mode.
    pub gs_base_other: u64,
}

/// The physical CPU that the code runs on, and the machine around it.
pub trait Hw: PhysMem + GuestVirt + Clock + Virt + Send + Sync + 'static {
    /// Where the log is seen.
    type Sink: fx_console::Sink;
    /// The clock of the log's time stamps.
    type LogClock: Clock;

    /// The number of this CPU.
    fn cpu(&self) -> usize;
    /// Makes `cpu` leave its guest or its idle state and look for work.
    fn kick(&self, cpu: usize);
    /// Drops all guest translations on `cpus` and waits until that is done.
    fn flush_tlb(&self, cpus: &CpuSet);
    /// Drops all guest translations on this CPU.
    fn flush_local(&self);
    /// Drops one page's translation on `cpus` and waits until that is done.
    fn flush_page(&self, cpus: &CpuSet, va: u64);
    /// Drops one page's translation on this CPU. As all of these, in both address spaces of a PV vCPU.
    fn invlpg(&self, va: u64);
    /// Writes back and invalidates the caches.
    fn wbinvd(&self);
    /// Switches to an address space that was not the current vCPU's before; all guest translations are dropped.
    fn load_cr3(&self, l4: Mfn, space: Space);
    /// Switches to the other address space of the current vCPU. Translations of both may stay.
    fn toggle_cr3(&self, l4: Mfn, space: Space);
    /// Drops the translations of the current vCPU's address space that is not loaded.
    fn forget_other_space(&self);
    /// Switches to the hypervisor's own address space and shows no guest's descriptor tables.
    fn leave_guest(&self);
    /// Exchanges the GS bases of guest kernel and guest user.
    fn swap_gs(&self);
    /// The segment registers as they are.
    fn save_segments(&self) -> Segments;
    /// Loads segment registers. A selector that the descriptor tables do not allow becomes null.
    ///
    /// # Errors
    /// `EINVAL` when a selector had to be made null.
    fn load_segments(&self, s: &Segments) -> Result;
    /// Sets the base of FS.
    fn set_fs_base(&self, base: u64);
    /// Sets the base of GS of the current mode.
    fn set_gs_base(&self, base: u64);
    /// Sets the base of GS of the other mode.
    fn set_gs_base_other(&self, base: u64);
    /// Loads the user-mode GS selector without disturbing the kernel's base; a bad one becomes null.
    ///
    /// # Errors
    /// `EINVAL` when the selector had to be made null.
    fn load_user_gs(&self, selector: u16) -> Result;
    /// Shows `frames` as the first pages of this CPU's GDT.
    fn set_guest_gdt(&self, frames: &[Mfn]);
    /// Sets this CPU's LDT to `entries` descriptors, none of which is mapped yet.
    fn set_guest_ldt(&self, entries: u32);
    /// Shows `mfn` as page `page` (0–15) of this CPU's LDT.
    fn map_ldt_page(&self, page: u32, mfn: Mfn);
    /// Which page of this CPU's LDT window the hypervisor address `va` is in.
    fn ldt_page_of(&self, va: u64) -> Option<u32>;
    /// Bytes of a vCPU's extended state.
    fn xstate_size(&self) -> usize;
    /// Saves this CPU's extended state to the frame's start.
    fn xstate_save(&self, area: Mfn);
    /// Loads extended state.
    fn xstate_load(&self, area: Mfn);
    /// Writes the guest's XCR0.
    ///
    /// # Errors
    /// `EINVAL` when the processor does not have the features or the combination is not allowed.
    fn set_xcr0(&self, value: u64) -> Result;
    /// Sets or clears CR0.TS.
    fn set_ts(&self, on: bool);
    /// Whether ring 3 faults when it reads the time stamp counter.
    fn hide_tsc(&self, on: bool);
    /// Loads the debug registers 0–3, 6 and 7.
    fn load_debug(&self, dr: &[u64; 6]);
    /// Reads a debug register.
    fn read_debug(&self, n: u8) -> u64;
    /// The address of the latest page fault.
    fn fault_address(&self) -> u64;
    /// Arms this CPU's timer for `deadline` (ns of system time); `None` stops it.
    fn set_timer(&self, deadline: Option<u64>);
    /// Halts until an interrupt came and was handled.
    fn idle(&self);
    /// Lets pending interrupts in for a moment. No lock may be held.
    fn interrupt_window(&self);
    /// CPUID, natively.
    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4];
    /// Reads a model-specific register that exists.
    fn rdmsr(&self, msr: u32) -> Option<u64>;
    /// Sets what RDTSCP and RDPID give besides, on a processor that has them; 0 is the hypervisor's own.
    fn set_tsc_aux(&self, value: u32);
    /// The time stamp counter.
    fn tsc(&self) -> u64;
    /// How system time follows from the counter: `((tsc << shift) * mul) >> 32` (shift may be negative), and its kHz.
    fn tsc_scale(&self) -> TscScale;
    /// Reads `size` (1, 2, 4) bytes from a port.
    fn port_in(&self, port: u16, size: u8) -> u32;
    /// Writes to a port.
    fn port_out(&self, port: u16, size: u8, value: u32);
    /// Whether a frame without RAM behind it is kept from guests (the APICs, the hypervisor's own devices).
    fn mmio_reserved(&self, mfn: Mfn) -> bool;
    /// Whether guests may only read a frame without RAM behind it (the I/O APICs).
    fn mmio_read_only(&self, mfn: Mfn) -> bool;
    /// The frame's place in the table that guests read as the machine-to-physical map.
    fn set_m2p(&self, mfn: Mfn, pfn: u64);
    /// The frame that holds the given 2 MiB piece of the machine-to-physical table.
    fn m2p_frame(&self, piece: u64) -> Mfn;
    /// What the machine-to-physical map says.
    fn m2p(&self, mfn: Mfn) -> u64;
    /// The hypervisor's 16 entries of a level-4 table, slots 256–271.
    fn hypervisor_slots(&self) -> [u64; 16];
    /// Physical CPUs that are online.
    fn cpus(&self) -> usize;
    /// Wall-clock time at boot, ns since 1970.
    fn wallclock_at_boot(&self) -> u64;
    /// Ends the run of the whole machine; does not return.
    fn end_machine(&self, how: MachineEnd) -> !;
    /// Tells how a global system interrupt is signalled.
    ///
    /// # Errors
    /// `EINVAL` when there is none of that number.
    fn irq_setup_gsi(&self, gsi: u32, level: bool, low: bool) -> Result;
    /// Lets an interrupt in on `cpu`; whether whoever handles it must say when it is done ([`Self::irq_done`]).
    ///
    /// # Errors
    /// `EINVAL` when there is none of that number, `ENOSPC` when there is no vector left.
    fn irq_enable(&self, irq: u32, cpu: usize) -> Result<bool>;
    /// Keeps an interrupt out.
    fn irq_disable(&self, irq: u32);
    /// A level-triggered interrupt was dealt with: it may come again.
    fn irq_done(&self, irq: u32);
    /// Sends an interrupt to another CPU from now on.
    fn irq_move(&self, irq: u32, cpu: usize);
    /// Sets up message-signalled interrupts of a PCI function; the number of the first of `count`.
    ///
    /// # Errors
    /// `ENODEV` when there is no such function, `EINVAL` when it has no such capability or entry, `ENOSPC`.
    fn msi_map(&self, request: &MsiRequest) -> Result<u32>;
    /// Undoes [`Self::msi_map`]; nothing for other interrupts.
    fn msi_unmap(&self, irq: u32);
    /// Reads a register of the I/O APIC at `base`.
    ///
    /// # Errors
    /// `EINVAL` when there is none there.
    fn ioapic_read(&self, base: u64, register: u32) -> Result<u32>;
    /// Writes a register of the I/O APIC at `base`, as far as a guest may.
    ///
    /// # Errors
    /// `EINVAL` when there is none there.
    fn ioapic_write(&self, base: u64, register: u32, value: u32) -> Result;
    /// The log of messages, which is older than the core.
    fn log(&self) -> &Log<Self::Sink, Self::LogClock>;
    /// Stops the machine as after a fault of the hypervisor: with its state on the console.
    fn crash(&self) -> !;
}

/// How the machine's run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineEnd {
    /// It is switched off.
    PowerOff,
    /// It starts again.
    Restart,
    /// The hardware domain went down: what there is to know is printed, then the machine starts again or, if the operator wants
    /// it so (`noreboot`), stands still.
    Dom0Crashed,
}

/// Which message-signalled interrupts of which PCI function.
#[derive(Clone, Copy, Debug)]
pub struct MsiRequest {
    /// PCI segment.
    pub segment: u16,
    /// Bus.
    pub bus: u8,
    /// Device and function.
    pub devfn: u8,
    /// Entry of the MSI-X table.
    pub entry: u16,
    /// Machine address of the MSI-X table; 0 for plain MSI.
    pub table_base: u64,
    /// How many vectors of plain MSI.
    pub count: u32,
}

impl TscScale {
    /// The line of a counter of `khz` (0 counts as 1) that was zero when system time was.
    #[must_use]
    pub fn of(khz: u32) -> Self {
        const NS_IN_MS: u128 = 1_000_000;
        // Nanoseconds in a tick, in units of 2⁻⁶⁴; the highest 32 of its bits are the multiplier, rounded down.
        let tick = (NS_IN_MS << 64).checked_div(u128::from(khz.max(1))).unwrap_or(0);
        let shift = 64u32.wrapping_sub(tick.leading_zeros()) as i8;
        let mul = tick.wrapping_shr(shift.wrapping_add(32).unsigned_abs().into()) as u32;
        Self { mul, shift, khz, base: 0 }
    }

    /// The inverse of [`Self::at`]: the counter at the system time `ns`.
    #[must_use]
    pub fn ticks(&self, ns: u64) -> u64 {
        let up = 32u32.wrapping_add_signed(i32::from(self.shift).wrapping_neg());
        let ticks = u128::from(ns).wrapping_shl(up).checked_div(u128::from(self.mul)).unwrap_or(0);
        self.base.wrapping_add(ticks as u64)
    }

    /// System time when the counter has the value `tsc`.
    #[must_use]
    pub fn at(&self, tsc: u64) -> u64 {
        let ticks = u128::from(tsc.saturating_sub(self.base));
        let scaled = if self.shift < 0 {
            ticks.wrapping_shr(u32::from(self.shift.unsigned_abs()))
        } else {
            ticks.wrapping_shl(u32::from(self.shift.unsigned_abs()))
        };
        (scaled.wrapping_mul(u128::from(self.mul)) >> 32) as u64
    }
}

/// The relation of the time stamp counter to system time, as guests get it (`vcpu_time_info`).
#[derive(Clone, Copy, Debug)]
pub struct TscScale {
    /// Multiplier, 32.32.
    pub mul: u32,
    /// Shift before the multiplication.
    pub shift: i8,
    /// Frequency.
    pub khz: u32,
    /// The counter when system time was zero.
    pub base: u64,
}
