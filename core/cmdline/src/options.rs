//! The options that have an effect.

use alloc::string::String;
use alloc::vec::Vec;

use crate::console::{Consoles, Conswitch, LogLevels, Timestamps, Vga};
use crate::memory::{Dom0Mem, VcpuRange};
use crate::serial::SerialPort;

/// `dom0=`: how Dom0 is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dom0 {
    /// PVH instead of PV.
    pub pvh: bool,
    /// More messages about it.
    pub verbose: bool,
    /// CPUID faulting (or leaf masking) for a PV Dom0.
    pub cpuid_faulting: bool,
    /// Unknown MSRs read as zero and drop writes.
    pub msr_relaxed: bool,
}

impl Default for Dom0 {
    fn default() -> Self {
        Self { pvh: false, verbose: false, cpuid_faulting: true, msr_relaxed: false }
    }
}

/// `gnttab=`: what of grant tables guests may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gnttab {
    /// The highest version of the ABI: 1 or 2.
    pub max_ver: u8,
    /// Transitive grants.
    pub transitive: bool,
    /// `GNTTABOP_transfer`.
    pub transfer: bool,
}

impl Default for Gnttab {
    fn default() -> Self {
        Self { max_ver: 2, transitive: true, transfer: true }
    }
}

/// `acpi=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Acpi {
    /// In use.
    #[default]
    On,
    /// Not in use.
    Off,
    /// In use whatever the firmware.
    Force,
    /// Only to find the CPUs.
    Ht,
    /// Not for interrupt routing.
    NoIrq,
    /// With more messages.
    Verbose,
}

/// `reboot=`: how the machine is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebootMethod {
    /// A triple fault.
    Triple,
    /// The keyboard controller.
    Keyboard,
    /// The reset register of ACPI's FADT.
    Acpi,
    /// Port CF9.
    Pci,
    /// A power cycle through port CF9.
    Power,
    /// EFI's runtime service.
    Efi,
    /// The hypercall of an outer Xen.
    Xen,
}

/// `clocksource=`: the platform timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocksource {
    /// The 8254.
    Pit,
    /// The HPET.
    Hpet,
    /// ACPI's power-management timer.
    Acpi,
    /// The time-stamp counter.
    Tsc,
}

/// The command line. Names of fields are those of the options (`man xen-command-line`).
#[derive(Clone, Debug)]
pub struct Options {
    /// The first serial port; none: not asked for.
    pub com1: Option<SerialPort>,
    /// The second serial port.
    pub com2: Option<SerialPort>,
    /// Where messages go.
    pub console: Consoles,
    /// The screen.
    pub vga: Vga,
    /// What a message begins with.
    pub console_timestamps: Timestamps,
    /// Whether the output of guests goes into the log, too.
    pub console_to_ring: bool,
    /// The size of the log in bytes.
    pub conring_size: u64,
    /// How input is switched.
    pub conswitch: Conswitch,
    /// Which of Xen's messages are printed.
    pub loglvl: LogLevels,
    /// Which messages that guests cause are printed.
    pub guest_loglvl: LogLevels,

    /// Dom0's kind.
    pub dom0: Dom0,
    /// Dom0's memory.
    pub dom0_mem: Dom0Mem,
    /// Dom0's vCPUs.
    pub dom0_max_vcpus: VcpuRange,
    /// Whether each of Dom0's vCPUs stays on its CPU.
    pub dom0_vcpus_pin: bool,
    /// What stands behind `--`: for the end of Dom0's command line.
    pub dom0_extra: Option<String>,

    /// Use no more CPUs than this.
    pub maxcpus: Option<u32>,
    /// Use one CPU.
    pub nosmp: bool,
    /// Use several hyper-threads of a core; none: not said.
    pub smt: Option<bool>,
    /// Ignore memory above this address (bytes).
    pub mem: Option<u64>,
    /// Use no more memory than this (bytes).
    pub availmem: Option<u64>,
    /// Scrub free memory at boot.
    pub bootscrub: bool,
    /// ACPI.
    pub acpi: Acpi,
    /// x2APIC mode; none: not said.
    pub x2apic: Option<bool>,
    /// Physical destinations in x2APIC mode; none: not said.
    pub x2apic_phys: Option<bool>,
    /// The platform timer; none: the best one.
    pub clocksource: Option<Clocksource>,
    /// TSC-deadline mode of the local APIC's timer.
    pub tdt: bool,
    /// PCIDs for 64-bit PV guests; none: not said. No guest has isolated page tables: `xpti` is for none, `no-xpti` for all.
    pub pcid: Option<bool>,
    /// Do not reboot after a crash.
    pub noreboot: bool,
    /// How to reboot; none: the best one.
    pub reboot: Option<RebootMethod>,
    /// Watch over stuck CPUs.
    pub watchdog: bool,
    /// After so many seconds.
    pub watchdog_timeout: u32,
    /// Show the memory map.
    pub e820_verbose: bool,

    /// Frames of a grant table.
    pub gnttab_max_frames: u32,
    /// Frames of a domain's table of mapped grants.
    pub gnttab_max_maptrack_frames: u32,
    /// What of grant tables there is.
    pub gnttab: Gnttab,

    /// How long a vCPU runs undisturbed, in microseconds.
    pub sched_ratelimit_us: u32,
    /// How many CPUs share a run queue.
    pub sched_credit2_max_cpus_runqueue: u32,
    /// Features to hide or to show (`name`, wanted).
    pub cpuid: Vec<(String, bool)>,
    /// Free memory below which Dom0 is told (bytes).
    pub low_mem_virq_limit: u64,

    /// Every option that is known but has no field: name and value.
    pub others: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            com1: None,
            com2: None,
            console: Consoles::default(),
            vga: Vga::default(),
            console_timestamps: Timestamps::None,
            console_to_ring: false,
            conring_size: 16 << 10,
            conswitch: Conswitch::default(),
            loglvl: LogLevels { always: 2, limited: 2 },
            guest_loglvl: LogLevels { always: 0, limited: 2 },
            dom0: Dom0::default(),
            dom0_mem: Dom0Mem::default(),
            dom0_max_vcpus: VcpuRange::default(),
            dom0_vcpus_pin: false,
            dom0_extra: None,
            maxcpus: None,
            nosmp: false,
            smt: None,
            mem: None,
            availmem: None,
            bootscrub: true,
            acpi: Acpi::On,
            x2apic: None,
            x2apic_phys: None,
            clocksource: None,
            tdt: true,
            pcid: None,
            noreboot: false,
            reboot: None,
            watchdog: false,
            watchdog_timeout: 5,
            e820_verbose: false,
            gnttab_max_frames: 64,
            gnttab_max_maptrack_frames: 1024,
            gnttab: Gnttab::default(),
            sched_ratelimit_us: 1000,
            sched_credit2_max_cpus_runqueue: 16,
            cpuid: Vec::new(),
            low_mem_virq_limit: 64 << 20,
            others: Vec::new(),
        }
    }
}
