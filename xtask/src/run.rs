//! `run`: boots a hypervisor with Debian as Dom0 and shows a PV guest in it. With a terminal the console becomes a
//! shell in Dom0; without one the machine powers off by itself and the exit status tells how it went.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::machine::boot::Boot;
use crate::machine::job::{Verdict, Watch};
use crate::machine::{self, Disk, Emulator, End, Loader, Machine, Nic, backtrace};
use crate::{build, image, paths, report};

/// Options of `run`.
#[derive(Args)]
pub struct RunArgs {
    /// Boot this hypervisor instead of building ours
    #[arg(long, value_name = "FILE", conflicts_with = "reference")]
    hypervisor: Option<PathBuf>,
    /// Boot Debian's Xen
    #[arg(long)]
    reference: bool,
    /// Jobs to run in Dom0 (dom0-image/jobs)
    #[arg(long, value_delimiter = ',', default_value = "demo")]
    jobs: Vec<String>,
    /// Number of processors
    #[arg(long, default_value_t = 1)]
    smp: u32,
    /// Memory of the machine in MiB
    #[arg(long, default_value_t = 4096)]
    memory: u32,
    /// More arguments of the hypervisor
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    xen_args: String,
    /// More arguments of Dom0's kernel (or the test guest in its place), such as "ignore_loglevel earlyprintk=xen"
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    dom0_args: String,
    /// Disk behind AHCI and an e1000 network card, instead of virtio
    #[arg(long)]
    legacy_devices: bool,
    /// Run in real time instead of counting instructions (always with a terminal or several processors)
    #[arg(long)]
    real_time: bool,
    /// Never give a shell, even with a terminal
    #[arg(long)]
    batch: bool,
    /// Boot this test guest (guests/NAME) in Dom0's place
    #[arg(long, value_name = "NAME")]
    guest: Option<String>,
    /// What emulates the machine
    #[arg(long, value_enum, default_value_t)]
    emulator: Emulator,
    /// What loads the hypervisor
    #[arg(long, value_enum, default_value_t)]
    loader: Loader,
    /// More arguments of QEMU, such as "-s -S -d int,cpu_reset -D /tmp/qemu.log"
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    qemu_args: String,
    /// Limit of the run in seconds, without a terminal
    #[arg(long, default_value_t = 900)]
    timeout: u64,
}

/// Runs the machine as the options say.
pub fn run(args: &RunArgs) -> Result<()> {
    report::elapsed();
    let ours = match &args.hypervisor {
        Some(file) => Some(file.clone()),
        None if args.reference => None,
        None => Some(build::hypervisor()?),
    };
    let image = image::image()?;
    let machine = match &args.guest {
        Some(name) => guest(args, name, ours.as_deref().unwrap_or(&image.reference))?,
        None => boot(args, ours).machine(&image, paths::target().join("run.log"))?,
    };
    report::say(format_args!("boot {} (log: {})", machine.hypervisor.0.display(), machine.log.display()));
    let mut watch = Watch::default();
    let end = machine.run(&mut |line| {
        if let (Some(line), false) = (line, machine.interactive) {
            report::say(line);
        }
        watch.line(line)
    })?;
    for line in backtrace::explain(&machine.log, &paths::dist().join("free-xen.syms")) {
        report::say(line);
    }
    verdict(&watch, &end, machine.interactive, args.guest.is_some())
}

/// The machine with a test guest.
fn guest(args: &RunArgs, name: &str, hypervisor: &Path) -> Result<Machine> {
    let guests = build::guests()?;
    let Some((_, elf)) = guests.iter().find(|(guest, _)| guest == name) else {
        bail!("no test guest {name} in guests/");
    };
    let mut machine = machine::guest::machine(hypervisor, elf, args.smp, paths::target().join("run.log"));
    machine.emulator = args.emulator;
    machine.loader = args.emulator.loader(args.loader);
    machine.modules = vec![(elf.clone(), args.dom0_args.clone())];
    machine.limits.total = Duration::from_secs(args.timeout);
    machine.hypervisor.1.push_str(&format!(" {}", args.xen_args));
    machine.qemu_args = args.qemu_args.split_whitespace().map(str::to_owned).collect();
    Ok(machine)
}

/// Debian as Dom0.
fn boot(args: &RunArgs, hypervisor: Option<PathBuf>) -> Boot {
    let interactive = !args.batch && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let (disk, nic) =
        if args.legacy_devices { (Disk::Ahci, Nic::E1000) } else { (Disk::Virtio, Nic::Virtio) };
    Boot {
        emulator: args.emulator,
        loader: args.loader,
        hypervisor,
        jobs: args.jobs.clone(),
        xen_args: args.xen_args.clone(),
        dom0_args: args.dom0_args.clone(),
        memory: (args.memory, (args.memory / 4).max(512)),
        smp: args.smp,
        disk,
        nic,
        icount: !(args.real_time || interactive),
        interactive,
        qemu_args: args.qemu_args.split_whitespace().map(str::to_owned).collect(),
        seconds: args.timeout,
        ..Boot::default()
    }
}

/// Says how it went; an error when something failed.
fn verdict(watch: &Watch, end: &End, interactive: bool, guest: bool) -> Result<()> {
    if interactive && watch.fault.is_none() {
        report::say("the machine has ended");
        return Ok(());
    }
    if let Some(fault) = &watch.fault {
        bail!("the machine failed: {fault}");
    }
    if let End::Stopped(why) = end {
        bail!("the run was stopped: {why} (last stage: {})", watch.stage);
    }
    if !watch.done && !guest {
        bail!("the machine ended ({end:?}) before its jobs did (last stage: {})", watch.stage);
    }
    let failed: Vec<&str> =
        watch.results.iter().filter(|r| r.verdict == Verdict::Fail).map(|r| r.name.as_str()).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    if !watch.results.iter().any(|r| r.verdict == Verdict::Pass) {
        bail!("the jobs had no result");
    }
    report::say(format_args!("everything passed; the machine ended by {end:?}"));
    Ok(())
}
