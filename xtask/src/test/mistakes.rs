//! An operator's mistakes: what is booted as Dom0 cannot be, and the hypervisor says why and what to do about it.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::rows::Want;
use crate::image::Image;
use crate::machine::script::Step::{self, See};
use crate::machine::{Machine, guest, scratch};

/// A boot that must fail with a clear message.
pub struct Mistake {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// What takes the place of the kernel.
    kernel: Kernel,
    /// More arguments of the hypervisor.
    xen_args: &'static str,
    /// What must be seen on the console.
    pub script: &'static [Step],
    /// How the machine must end.
    pub want: Want,
}

/// What takes the place of Dom0's kernel.
enum Kernel {
    /// Nothing.
    Missing,
    /// Debian's kernel, changed.
    Changed(fn(&mut Vec<u8>)),
    /// The ramdisk.
    Initrd,
}

/// All of them.
pub const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "kernel-missing",
        kernel: Kernel::Missing,
        xen_args: "noreboot",
        script: &[See("Panic on CPU 0: no Dom0 kernel: give the boot loader one"), See("Halted: noreboot")],
        want: Want::Halt,
    },
    Mistake {
        name: "kernel-cut-short",
        kernel: Kernel::Changed(|file| file.truncate(file.len() / 2)),
        xen_args: "",
        script: &[
            See(
                "Panic on CPU 0: Dom0 cannot be built: Dom0's kernel file is cut short (payload): check the file",
            ),
            See("Reboot in 5 seconds"),
        ],
        want: Want::Reset,
    },
    Mistake {
        name: "kernel-damaged",
        kernel: Kernel::Changed(|file| {
            let at = file.len() / 4 * 3;
            file[at] ^= 1;
        }),
        xen_args: "noreboot",
        script: &[See(
            "Panic on CPU 0: Dom0 cannot be built: Dom0's kernel is damaged (zstd data): install the kernel's package again",
        )],
        want: Want::Halt,
    },
    Mistake {
        name: "ramdisk-first",
        kernel: Kernel::Initrd,
        xen_args: "noreboot",
        script: &[See(
            "Panic on CPU 0: Dom0 cannot be built: Dom0's kernel is neither a bzImage nor an ELF file: give the kernel (vmlinuz)",
        )],
        want: Want::Halt,
    },
    Mistake {
        name: "dom0-mem-0",
        kernel: Kernel::Changed(|_| ()),
        xen_args: "dom0_mem=lots dom0_mem=0,min:1M,max:512K noreboot",
        script: &[
            See("option \"dom0_mem=lots\": malformed, expected"),
            See("dom0_mem: min: is above max:, and max: counts"),
            See("Panic on CPU 0: Dom0 cannot be built: Dom0 has 0 MiB of memory and needs at least"),
            See("Halted: noreboot"),
        ],
        want: Want::Halt,
    },
];

impl Mistake {
    /// The machine on which it happens.
    pub fn machine(&self, hypervisor: &Path, image: &Image) -> Result<Machine> {
        let log = crate::paths::test_logs().join(format!("{}.log", self.name));
        let mut machine = guest::machine(hypervisor, &image.kernel, 1, log);
        machine.hypervisor.1.push_str(&format!(" {}", self.xen_args));
        // The wait before a restart is one of the machine's own seconds, each of which is 10^9 instructions otherwise.
        machine.icount = false;
        match self.kernel {
            Kernel::Missing => machine.modules.clear(),
            Kernel::Initrd => machine.modules = vec![(image.initrd.clone(), String::new())],
            Kernel::Changed(change) => {
                let mut file = fs::read(&image.kernel)?;
                change(&mut file);
                let changed = scratch(&format!("{}.kernel", self.name))?;
                fs::write(&changed, file)?;
                machine.modules = vec![(changed, String::new())];
            }
        }
        Ok(machine)
    }
}
