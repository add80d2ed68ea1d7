//! A Debian Dom0 on a hypervisor: from what one wants to see to the machine that shows it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::{Disk, Emulator, Limits, Loader, Machine, Nic, REFERENCE_ARGS, XEN_ARGS, scratch};
use crate::build;
use crate::image::{self, Image};

/// Dom0's kernel command line; the initrd finds the root disk itself.
const DOM0_ARGS: &str = "console=hvc0 quiet";

/// What to boot.
#[derive(Clone)]
pub struct Boot {
    /// Names the scratch files and the log.
    pub name: String,
    /// What emulates the machine.
    pub emulator: Emulator,
    /// How the hypervisor is loaded.
    pub loader: Loader,
    /// The hypervisor; none is Debian's Xen, the reference.
    pub hypervisor: Option<PathBuf>,
    /// Jobs of Dom0, in order.
    pub jobs: Vec<String>,
    /// What Dom0 does after them: `poweroff`, `reboot`, `crash` or `stay`.
    pub end: &'static str,
    /// More arguments of the hypervisor.
    pub xen_args: String,
    /// More arguments of Dom0's kernel.
    pub dom0_args: String,
    /// Memory of the machine and of Dom0, in MiB.
    pub memory: (u32, u32),
    /// Number of processors.
    pub smp: u32,
    /// The root disk's controller.
    pub disk: Disk,
    /// The network card.
    pub nic: Nic,
    /// Count instructions instead of time; one processor only.
    pub icount: bool,
    /// The user's terminal is the console, and gets a shell after the jobs.
    pub interactive: bool,
    /// More arguments of QEMU.
    pub qemu_args: Vec<String>,
    /// Limit of the whole run in seconds.
    pub seconds: u64,
}

impl Default for Boot {
    fn default() -> Self {
        Self {
            name: "run".into(),
            emulator: Emulator::default(),
            loader: Loader::default(),
            hypervisor: None,
            jobs: Vec::new(),
            end: "poweroff",
            xen_args: String::new(),
            dom0_args: String::new(),
            memory: (4096, 1024),
            smp: 1,
            disk: Disk::Virtio,
            nic: Nic::None,
            icount: true,
            interactive: false,
            qemu_args: Vec::new(),
            seconds: 600,
        }
    }
}

impl Boot {
    /// The guests' disk, when a job needs it.
    fn guest_disk(&self, image: &Image) -> Result<Option<PathBuf>> {
        for job in &self.jobs {
            if image::needs_guest_disk(job)? {
                return image.guest_disk().map(Some);
            }
        }
        Ok(None)
    }

    /// Makes the initrd with the jobs and describes the machine.
    pub fn machine(&self, image: &Image, log: PathBuf) -> Result<Machine> {
        let initrd = scratch(&format!("{}.cpio", self.name))?;
        let shell = u8::from(self.interactive);
        let (jobs, end, dom0_mib) = (self.jobs.join(" "), self.end, self.memory.1);
        let env = format!("JOBS='{jobs}'\nEND={end}\nSHELL_AFTER={shell}\nDOM0_MIB={dom0_mib}\n");
        // Some jobs start our own test guests by the tools.
        let guests = if image::need_guests(&self.jobs) { build::guests()? } else { Vec::new() };
        image::with_jobs(image, &env, &guests, &initrd)?;
        let (hypervisor, extra) = match &self.hypervisor {
            Some(file) => (file.clone(), ""),
            None => (image.reference.clone(), REFERENCE_ARGS),
        };
        let xen_args = format!("dom0_mem={}M {XEN_ARGS} {extra} {}", self.memory.1, self.xen_args);
        let dom0_args = format!("{DOM0_ARGS} {}", self.dom0_args);
        Ok(Machine {
            emulator: self.emulator,
            loader: self.emulator.loader(self.loader),
            hypervisor: (hypervisor, xen_args.trim().to_owned()),
            modules: vec![(image.kernel.clone(), dom0_args.trim().to_owned()), (initrd, String::new())],
            disk: Some((self.disk, image.disk.clone())),
            guest_disk: self.guest_disk(image)?,
            nic: self.nic,
            smp: self.smp,
            memory: self.memory.0,
            icount: self.icount,
            interactive: self.interactive,
            qemu_args: self.qemu_args.clone(),
            limits: Limits {
                total: Duration::from_secs(self.seconds),
                silence: self.emulator.patience().max(Duration::from_secs(self.seconds / 4)),
            },
            log,
        })
    }
}
