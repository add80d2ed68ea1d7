//! A test guest booted in Dom0's place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Emulator, Limits, Loader, Machine, Nic, XEN_ARGS};

/// Memory of the machine in MiB, and of the guest.
const MEMORY: u32 = 512;
const DOM0_MEM: &str = "128M";

/// The machine for a test guest, which prints `TEST` lines and powers the machine off.
pub fn machine(hypervisor: &Path, elf: &Path, smp: u32, log: PathBuf) -> Machine {
    Machine {
        emulator: Emulator::default(),
        loader: Loader::default(),
        hypervisor: (hypervisor.to_path_buf(), format!("dom0_mem={DOM0_MEM} {XEN_ARGS}")),
        modules: vec![(elf.to_path_buf(), String::new())],
        disk: None,
        guest_disk: None,
        nic: Nic::None,
        smp,
        memory: MEMORY,
        icount: true,
        interactive: false,
        qemu_args: Vec::new(),
        limits: Limits { total: Duration::from_secs(180), silence: Duration::from_secs(60) },
        log,
    }
}
