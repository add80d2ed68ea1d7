//! The machine tests: Dom0 jobs on Debian, and test guests booted in Dom0's place.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Tally, TestArgs};
use crate::machine::boot::Boot;
use crate::machine::job::{Verdict, Watch};
use crate::machine::{self, Disk, End, Machine, Nic};
use crate::{build, image, paths, report};

/// A boot of Debian with some jobs.
struct Dom0Test {
    name: &'static str,
    jobs: &'static [&'static str],
    smp: u32,
    /// Memory of the machine and of Dom0, in MiB.
    memory: (u32, u32),
    devices: (Disk, Nic),
    end: &'static str,
    seconds: u64,
}

/// One processor counts instructions; several run in real time.
const DOM0_TESTS: &[Dom0Test] = &[
    Dom0Test {
        name: "dom0-1cpu",
        jobs: &["boot", "dom0-net", "pv-guest", "disk-net", "bridge", "lifecycle"],
        smp: 1,
        memory: (4096, 1024),
        devices: (Disk::Virtio, Nic::Virtio),
        end: "poweroff",
        seconds: 900,
    },
    Dom0Test {
        name: "dom0-2cpu",
        jobs: &["boot", "dom0-net", "smp-guest"],
        smp: 2,
        memory: (4096, 1024),
        devices: (Disk::Ahci, Nic::E1000),
        end: "reboot",
        seconds: 600,
    },
    Dom0Test {
        name: "dom0-4cpu",
        jobs: &["boot", "pv-guest", "smp-guest"],
        smp: 4,
        memory: (4096, 1024),
        devices: (Disk::Virtio, Nic::Virtio),
        end: "poweroff",
        seconds: 900,
    },
    Dom0Test {
        name: "dom0-small",
        jobs: &["boot", "pv-guest"],
        smp: 1,
        memory: (1536, 512),
        devices: (Disk::Virtio, Nic::None),
        end: "poweroff",
        seconds: 400,
    },
];

/// How often a running test says what it is doing.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// Runs the chosen machine tests.
pub fn run(args: &TestArgs, tally: &mut Tally) -> Result<()> {
    let only = |name: &str| args.only.iter().any(|only| only == name);
    let all = args.only.is_empty() || only("machine");
    let chosen: Vec<(&Dom0Test, Vec<&str>)> = DOM0_TESTS
        .iter()
        .map(|test| {
            let whole = all || only(test.name);
            (test, test.jobs.iter().copied().filter(|job| whole || only(job)).collect::<Vec<_>>())
        })
        .filter(|(_, jobs)| !jobs.is_empty())
        .collect();
    let guests: Vec<String> = build::guest_names()?.into_iter().filter(|name| all || only(name)).collect();
    if chosen.is_empty() && guests.is_empty() {
        return Ok(());
    }
    let image = image::image()?;
    let ours = match &args.hypervisor {
        Some(file) => Some(file.clone()),
        None if args.reference => None,
        None => Some(build::hypervisor()?),
    };
    if !guests.is_empty() {
        let hypervisor = ours.as_deref().unwrap_or(&image.reference);
        match build::guests() {
            Ok(built) => {
                for (name, elf) in built.into_iter().filter(|(name, _)| guests.contains(name)) {
                    guest(&name, &elf, hypervisor, tally)?;
                }
            }
            Err(error) => tally.count(format!("building the test guests: {error:#}"), false),
        }
    }
    for (test, jobs) in chosen {
        dom0(test, &jobs, ours.clone(), &image, tally)?;
    }
    Ok(())
}

/// Boots a test guest in Dom0's place; it prints `TEST` lines and powers the machine off.
fn guest(name: &str, elf: &Path, hypervisor: &Path, tally: &mut Tally) -> Result<()> {
    let machine = machine::guest::machine(hypervisor, elf, 1, log(name));
    let (watch, end) = follow(name, &machine, tally)?;
    tally.count(format!("{name}.tests"), watch.results.iter().any(|r| r.verdict != Verdict::Value));
    judge_end(name, &end, &End::PowerOff, &watch, tally);
    Ok(())
}

fn dom0(
    test: &Dom0Test,
    jobs: &[&str],
    hypervisor: Option<PathBuf>,
    image: &image::Image,
    tally: &mut Tally,
) -> Result<()> {
    let boot = Boot {
        name: test.name.into(),
        hypervisor,
        jobs: jobs.iter().map(|&job| job.to_owned()).collect(),
        end: test.end,
        memory: test.memory,
        smp: test.smp,
        disk: test.devices.0,
        nic: test.devices.1,
        seconds: test.seconds,
        ..Boot::default()
    };
    let machine = boot.machine(image, log(test.name))?;
    let (watch, end) = follow(test.name, &machine, tally)?;
    for job in jobs {
        let passed = |name: &str| name.strip_prefix(job).is_some_and(|rest| rest.starts_with('.'));
        let any = watch.results.iter().any(|r| r.verdict == Verdict::Pass && passed(&r.name));
        tally.count(
            format!("{}.{job} (it has no result)", test.name),
            any && watch.ended_jobs.iter().any(|ended| ended == job),
        );
    }
    let want = if test.end == "reboot" { End::Reset } else { End::PowerOff };
    judge_end(test.name, &end, &want, &watch, tally);
    Ok(())
}

/// Runs a machine, shows its progress and counts its results.
fn follow(name: &str, machine: &Machine, tally: &mut Tally) -> Result<(Watch, End)> {
    report::say(format_args!("machine test {name} ... (log: {})", machine.log.display()));
    let start = Instant::now();
    let mut watch = Watch::default();
    let (mut shown, mut alive) = (0, Instant::now());
    let end = machine.run(&mut |line| {
        let next = watch.line(line);
        while let Some(result) = watch.results.get(shown) {
            let verdict = format!("{:?}", result.verdict).to_uppercase();
            report::say(format_args!("  {name}: {verdict} {} {}", result.name, result.detail));
            shown += 1;
            alive = Instant::now();
        }
        if alive.elapsed() > SIGN_OF_LIFE {
            report::say(format_args!(
                "  {name}: running for {} s: {}",
                start.elapsed().as_secs(),
                watch.stage
            ));
            alive = Instant::now();
        }
        next
    })?;
    for result in watch.results.iter().filter(|r| r.verdict != Verdict::Value) {
        tally.count(format!("{name}: {} {}", result.name, result.detail), result.verdict == Verdict::Pass);
    }
    Ok((watch, end))
}

/// Counts whether the machine ended as it should.
fn judge_end(name: &str, end: &End, want: &End, watch: &Watch, tally: &mut Tally) {
    let good = end == want && watch.fault.is_none();
    report::say(format_args!(
        "machine test {name}: ended by {end:?}, {}",
        if good { "PASS" } else { "FAIL" }
    ));
    if !good {
        let why = watch.fault.clone().unwrap_or_else(|| format!("{end:?} instead of {want:?}"));
        for line in machine::backtrace::explain(&log(name), &paths::dist().join("free-xen.syms")) {
            report::say(format_args!("  {line}"));
        }
        report::say(format_args!("  the end of its log:\n{}", crate::proc::tail(&log(name), 12)));
        tally.count(format!("{name}: ended by {why} (last stage: {})", watch.stage), false);
    } else {
        tally.count(name, true);
    }
}

fn log(name: &str) -> PathBuf {
    paths::test_logs().join(format!("{name}.log"))
}
