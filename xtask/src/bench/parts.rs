//! What is measured: machines that print figures on their consoles.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;

use super::{Figure, Figures};
use crate::image::Image;
use crate::machine::boot::Boot;
use crate::machine::job::{Verdict, Watch};
use crate::machine::{self, End, Limits, Machine, Next};
use crate::{paths, report};

/// The jobs of Dom0, in order.
const JOBS: &[&str] = &["bench-dom0", "bench-pv", "bench-pvh", "bench-io", "bench-many"];
/// How long a machine may take, and say nothing: what is counted are instructions, and a busy host is no reason to stop.
const LIMITS: Limits = Limits { total: Duration::from_secs(7200), silence: Duration::from_secs(1200) };
/// Why a test guest's machine is stopped: under Debian's Xen not all of them switch it off.
const MEASURED: &str = "everything is measured";
/// The job on the bare machine.
const BARE_JOB: &str = "bench-bare";

/// A kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Hypercalls and traps, by a test guest in Dom0's place
    Calls,
    /// Exits of hardware containers, by a test guest in Dom0's place
    Exits,
    /// Debian as Dom0, its tools and its guests
    Dom0,
}

/// Whose figures.
pub enum System {
    /// Debian's Xen.
    Xen,
    /// Ours: the file.
    Ours(PathBuf),
    /// Dom0's kernel on the machine itself.
    Bare,
}

/// One machine.
pub struct Part {
    /// Names the log, and the figures in the cache.
    pub name: String,
    /// What it measures.
    pub kind: Kind,
    /// All that its figures follow from.
    pub inputs: Vec<PathBuf>,
    /// What runs it.
    pub machine: Machine,
    /// Put before the names that a test guest prints.
    prefix: &'static str,
}

impl System {
    fn name(&self) -> &'static str {
        match self {
            System::Xen => "xen",
            System::Ours(_) => "free-xen",
            System::Bare => "bare",
        }
    }

    /// What can be read off the files.
    pub fn sizes(&self, image: &Image) -> Result<Figures> {
        let file = match self {
            System::Xen => &image.reference,
            System::Ours(file) => file,
            System::Bare => return Ok(Figures::new()),
        };
        let kib = std::fs::metadata(file)?.len() as f64 / 1024.0;
        Ok(Figures::from([("boot.image_size".into(), Figure { value: kib.round(), unit: "KiB".into() })]))
    }
}

/// The parts that there are for a system.
pub fn of(system: &System, image: &Image, guests: &[(String, PathBuf)]) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let hypervisor = match system {
        System::Xen => image.reference.clone(),
        System::Ours(file) => file.clone(),
        System::Bare => return Ok(vec![dom0(system, image)?]),
    };
    for (kind, guest, arguments, prefix) in
        [(Kind::Calls, "timing", "", "call."), (Kind::Exits, "pvh", "only=exits", "exit.")]
    {
        for (_, elf) in guests.iter().filter(|(name, _)| name == guest) {
            let name = format!("bench-{}-{guest}", system.name());
            let mut machine = machine::guest::machine(&hypervisor, elf, 1, log(&name));
            machine.modules = vec![(elf.clone(), arguments.to_owned())];
            machine.limits = LIMITS;
            parts.push(Part { name, kind, inputs: vec![elf.clone()], machine, prefix });
        }
    }
    parts.push(dom0(system, image)?);
    Ok(parts)
}

fn log(name: &str) -> PathBuf {
    paths::target().join(format!("{name}.log"))
}

fn dom0(system: &System, image: &Image) -> Result<Part> {
    let name = format!("bench-{}-dom0", system.name());
    let (hypervisor, jobs): (_, &[&str]) = match system {
        System::Ours(file) => (Some(file.clone()), JOBS),
        System::Xen => (None, JOBS),
        System::Bare => (None, &[BARE_JOB]),
    };
    let owned = jobs.iter().map(|&job| job.to_owned()).collect();
    let boot = Boot { name: name.clone(), hypervisor, jobs: owned, ..Boot::default() };
    let mut machine = boot.machine(image, log(&name))?;
    machine.limits = LIMITS;
    if matches!(system, System::Bare) {
        // Dom0's kernel takes the hypervisor's place, and the machine has as much memory as Dom0 has.
        let (kernel, arguments) = machine.modules.remove(0);
        machine.hypervisor = (kernel, arguments.replace("hvc0", "ttyS0"));
        machine.memory = boot.memory.1;
    }
    let sources = paths::image_sources();
    let mut inputs: Vec<PathBuf> = jobs.iter().map(|job| sources.join(format!("jobs/{job}.sh"))).collect();
    inputs
        .extend(["jobs/lib.sh", "jobs/measure.sh", "dom0/init", "guest/init"].map(|file| sources.join(file)));
    inputs.extend([image.disk.with_extension("img.stamp"), image.tool.clone()]);
    Ok(Part { name, kind: Kind::Dom0, inputs, machine, prefix: "" })
}

impl Part {
    /// Runs the machine once.
    pub fn measure(&self) -> Result<Figures> {
        report::step(&format!("measure {} (log: {})", self.name, self.machine.log.display()), || self.run())
    }

    fn run(&self) -> Result<Figures> {
        let mut watch = Watch::default();
        let (mut figures, mut shown) = (Figures::new(), String::new());
        let end = self.machine.run(&mut |line| {
            figures.extend(line.and_then(|line| self.figure(line)));
            let next = watch.line(line);
            if self.kind != Kind::Dom0 && line.is_some_and(|line| line.contains("TEST SUMMARY")) {
                return Next::Stop(MEASURED.into());
            }
            if shown != watch.stage && self.kind == Kind::Dom0 {
                report::say(format_args!("  {}: {}", self.name, watch.stage));
                shown.clone_from(&watch.stage);
            }
            next
        })?;
        let log = self.machine.log.display();
        if let Some(fault) = &watch.fault {
            bail!("the machine failed: {fault} (log: {log})");
        }
        ensure!(
            watch.done || end == End::Stopped(MEASURED.into()),
            "it did not come to its end: {end:?} (log: {log})"
        );
        if let Some(failed) = watch.results.iter().find(|result| result.verdict == Verdict::Fail) {
            bail!("{} failed: {} (log: {log})", failed.name, failed.detail);
        }
        ensure!(!figures.is_empty(), "it measured nothing (log: {log})");
        Ok(figures)
    }

    /// `RESULT bench-NAME VALUE n unit` of a job, `BENCH NAME n` of a test guest.
    fn figure(&self, line: &str) -> Option<(String, Figure)> {
        let (name, value, unit) = if self.kind == Kind::Dom0 {
            let mut words = line.split_once("RESULT bench-")?.1.split_whitespace();
            let (name, verdict) = (words.next()?, words.next()?);
            if verdict != "VALUE" {
                return None;
            }
            (name, words.next()?, words.next()?)
        } else {
            let mut words = line.split_once("BENCH ")?.1.split_whitespace();
            (words.next()?, words.next()?, "instructions")
        };
        let figure = Figure { value: value.parse().ok()?, unit: unit.to_owned() };
        Some((format!("{}{name}", self.prefix), figure))
    }
}
