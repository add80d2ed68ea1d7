//! The machine tests: which machines are booted, what they do, and what must be seen. One processor counts
//! instructions unless somebody types; several run in real time.

use crate::machine::script::Step::{self, See, Type};
use crate::machine::{Disk, Emulator, Loader, Nic};

/// A boot of Debian with some jobs.
pub struct Dom0Test {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// What loads the hypervisor.
    pub loader: Loader,
    /// Jobs of Dom0 (`dom0-image/jobs`), in order.
    pub jobs: &'static [&'static str],
    /// Processors.
    pub smp: u32,
    /// Memory of the machine and of Dom0, in MiB.
    pub memory: (u32, u32),
    /// The root disk's controller and the network card.
    pub devices: (Disk, Nic),
    /// More arguments of the hypervisor.
    pub xen_args: &'static str,
    /// What Dom0 does after the jobs: `poweroff`, `reboot`, `crash` or `stay`.
    pub end: &'static str,
    /// What must be seen on the console, and what is typed.
    pub script: &'static [Step],
    /// How the machine must end.
    pub want: Want,
    /// Limit in seconds.
    pub seconds: u64,
}

/// A boot of a test guest (`guests/`) in Dom0's place, in another way than all of them are.
pub struct GuestTest {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// The test guest and its command line.
    pub guest: (&'static str, &'static str),
    /// What emulates the machine.
    pub emulator: Emulator,
    /// Processors.
    pub smp: u32,
    /// What loads the hypervisor.
    pub loader: Loader,
    /// Memory of the machine, in MiB.
    pub memory: u32,
    /// What must be seen on the console.
    pub script: &'static [Step],
}

/// How a machine must end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// It switches itself off.
    PowerOff,
    /// It starts again.
    Reset,
    /// It stands still.
    Halt,
}

/// What most have in common.
const DOM0: Dom0Test = Dom0Test {
    name: "",
    loader: Loader::Multiboot,
    jobs: &[],
    smp: 1,
    memory: (4096, 1024),
    devices: (Disk::Virtio, Nic::None),
    xen_args: "",
    end: "poweroff",
    script: &[],
    want: Want::PowerOff,
    seconds: 400,
};

/// Debian as Dom0.
pub const DOM0_TESTS: &[Dom0Test] = &[
    Dom0Test {
        name: "dom0-1cpu",
        jobs: &["boot", "dom0-net", "pv-guest", "disk-net", "bridge", "xl-tools", "hotplug"],
        devices: (Disk::Virtio, Nic::Virtio),
        seconds: 1200,
        ..DOM0
    },
    // PV guests of two virtual CPUs need two processors: what one spins for until the other comes (`stop_machine`) is, where QEMU
    // counts instructions, some 60 us a turn, and minutes a time slice.
    Dom0Test {
        name: "dom0-2cpu",
        jobs: &["boot", "dom0-net", "smp-guest", "lifecycle", "pvh-smp"],
        smp: 2,
        devices: (Disk::Ahci, Nic::E1000),
        end: "reboot",
        want: Want::Reset,
        seconds: 900,
        ..DOM0
    },
    // Guests in hardware containers.
    Dom0Test {
        name: "dom0-hvm",
        jobs: &["pvh-guest", "hvm-guest", "pvh-disk-net", "pvh-lifecycle"],
        seconds: 1200,
        ..DOM0
    },
    Dom0Test {
        name: "dom0-4cpu",
        jobs: &["boot", "pv-guest", "smp-guest"],
        smp: 4,
        devices: (Disk::Virtio, Nic::Virtio),
        seconds: 900,
        ..DOM0
    },
    Dom0Test { name: "dom0-small", jobs: &["boot", "pv-guest"], memory: (1536, 512), ..DOM0 },
    // By GRUB, with options; the operator types for Dom0, then debug keys, the last of which restarts the machine.
    Dom0Test {
        name: "dom0-grub",
        loader: Loader::Grub,
        jobs: &["options", "keys"],
        smp: 2,
        xen_args: "dom0_mem=1G,max:2G dom0_max_vcpus=1 conring_size=64k sched=credit2 gnttab_max_frames=32 \
                   frobnicate=1",
        end: "stay",
        script: &[
            See("Bootloader: GRUB"),
            See("keys: type for Dom0"),
            Type("hello Dom0\n"),
            See("keys: type for the hypervisor"),
            Type("\x01\x01\x01"),
            See("*** Serial input to Xen"),
            Type("h"),
            See("key 'R' (ascii '52') => reboot the machine"),
            Type("q"),
            See("General information for domain 0"),
            Type("r"),
            See("'r' pressed"),
            See("Runqueue 0: online"),
            Type("0"),
            See("d0 vCPU0"),
            See("RIP "),
            Type("m"),
            See("Physical memory information"),
            Type("e"),
            See("Event channel information for domain 0"),
            See("[0/0]"),
            Type("i"),
            See("'i' pressed"),
            See("-> d0 pirq"),
            Type("\x01\x01\x01"),
            See("*** Serial input to DOM0"),
            See("FX: done"),
            Type("\x01\x01\x01"),
            See("*** Serial input to Xen"),
            Type("R"),
            See("'R' pressed"),
        ],
        want: Want::Reset,
        ..DOM0
    },
    // The CD of `cargo xtask iso`, on UEFI firmware instead of a BIOS.
    Dom0Test {
        name: "dom0-uefi",
        loader: Loader::GrubUefi,
        jobs: &["boot", "efi"],
        smp: 2,
        script: &[See("Bootloader: GRUB"), See("EFI firmware: ")],
        ..DOM0
    },
    // 8 GiB, percentages, a limit of CPUs; Dom0 crashes in the end, and `noreboot` keeps the machine as it is.
    Dom0Test {
        name: "dom0-8gib-crash",
        jobs: &["options"],
        smp: 2,
        memory: (8192, 2048),
        xen_args: "dom0_mem=256M+20%,min:10%,max:1G+25% maxcpus=1 sched=credit noreboot",
        end: "crash",
        script: &[
            See("FX: done"),
            See("Kernel panic - not syncing: sysrq triggered crash"),
            See("Hardware Dom0 crashed"),
            See("Dom0 crash on CPU 0"),
            See("Running: d0v0"),
            See("RIP e0"),
            See("Halted: noreboot"),
        ],
        want: Want::Halt,
        ..DOM0
    },
    // The hypervisor itself crashes while Dom0's kernel starts.
    Dom0Test {
        name: "crash",
        smp: 2,
        script: &[
            See("*** Serial input to DOM0"),
            Type("\x01\x01\x01"),
            See("*** Serial input to Xen"),
            Type("C"),
            See("Panic on CPU 0: exception 6 in the hypervisor"),
            See("Running: d0v"),
            See("RIP e0"),
            See("Hypervisor:"),
            See("RIP e0"),
            See("CR0 "),
            See("Backtrace:"),
            See("debug_key"),
            See("Reboot in 5 seconds"),
        ],
        want: Want::Reset,
        seconds: 90,
        ..DOM0
    },
    Dom0Test {
        name: "crash-noreboot",
        smp: 2,
        xen_args: "noreboot",
        script: &[
            See("*** Serial input to DOM0"),
            Type("\x01\x01\x01"),
            See("*** Serial input to Xen"),
            Type("C"),
            See("Panic on CPU 0: exception 6 in the hypervisor"),
            See("Halted: noreboot"),
        ],
        want: Want::Halt,
        seconds: 90,
        ..DOM0
    },
];

/// What most have in common.
const GUEST: GuestTest = GuestTest {
    name: "",
    guest: ("", ""),
    emulator: Emulator::Qemu,
    smp: 1,
    loader: Loader::Multiboot,
    memory: 512,
    script: &[],
};

/// The guest of PVH domains on Bochs, which holds back interrupts for the host while a guest has switched off its own: such a
/// guest cannot be stopped there.
const PVH_ON_BOCHS: GuestTest = GuestTest {
    guest: ("pvh", "skip=endless_loop_without_interrupts lives=3"),
    emulator: Emulator::Bochs,
    loader: Loader::Grub,
    script: &[See("HVM: Vmx")],
    ..GUEST
};

/// PV guests on Bochs, whose processor has PCIDs, as QEMU's have not.
const PV_ON_BOCHS: GuestTest =
    GuestTest { emulator: Emulator::Bochs, loader: Loader::Grub, script: &[See("PCID: on")], ..GUEST };

/// Test guests.
pub const GUEST_TESTS: &[GuestTest] = &[
    GuestTest {
        name: "smoke-pvh-entry",
        guest: ("smoke", ""),
        loader: Loader::Pvh,
        script: &[See("(Pvh)")],
        ..GUEST
    },
    GuestTest {
        name: "smoke-256mib",
        guest: ("smoke", ""),
        memory: 256,
        script: &[See("System RAM: 255MB")],
        ..GUEST
    },
    GuestTest { name: "smoke-pcid", guest: ("smoke", ""), ..PV_ON_BOCHS },
    GuestTest { name: "hostile-pcid", guest: ("hostile", ""), ..PV_ON_BOCHS },
    GuestTest { name: "smp-pcid-2cpu", guest: ("smp", ""), smp: 2, ..PV_ON_BOCHS },
    GuestTest { name: "pvh-vmx", ..PVH_ON_BOCHS },
    // One after the other takes Bochs long with two processors.
    GuestTest {
        name: "pvh-vmx-2cpu",
        guest: ("pvh", "skip=endless_loop_without_interrupts,cycles lives=3"),
        smp: 2,
        ..PVH_ON_BOCHS
    },
];
