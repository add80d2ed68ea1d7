//! `run`: boots a hypervisor with Debian as Dom0 and shows a PV guest in it. With a terminal the console becomes a
//! shell in Dom0; without one the machine powers off by itself and the exit status tells how it went.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::machine::boot::Boot;
use crate::machine::job::{Verdict, Watch};
use crate::machine::{Disk, End, Nic};
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
    /// More arguments of Dom0's kernel, such as "ignore_loglevel earlyprintk=xen"
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
    /// Limit of the run in seconds, without a terminal
    #[arg(long, default_value_t = 900)]
    timeout: u64,
}

/// Runs the machine as the options say.
pub fn run(args: &RunArgs) -> Result<()> {
    report::elapsed();
    let hypervisor = match &args.hypervisor {
        Some(file) => Some(file.clone()),
        None if args.reference => None,
        None => Some(build::hypervisor()?),
    };
    let image = image::image()?;
    let interactive = !args.batch && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let (disk, nic) =
        if args.legacy_devices { (Disk::Ahci, Nic::E1000) } else { (Disk::Virtio, Nic::Virtio) };
    let boot = Boot {
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
        seconds: args.timeout,
        ..Boot::default()
    };
    let machine = boot.machine(&image, paths::target().join("run.log"))?;
    report::say(format_args!("boot {} (log: {})", machine.hypervisor.0.display(), machine.log.display()));
    let mut watch = Watch::default();
    let end = machine.run(&mut |line| {
        if let (Some(line), false) = (line, interactive) {
            report::say(line);
        }
        watch.line(line)
    })?;
    verdict(&watch, &end, interactive)
}

/// Says how it went; an error when something failed.
fn verdict(watch: &Watch, end: &End, interactive: bool) -> Result<()> {
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
    if !watch.done {
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
