//! The machine tests: Dom0 jobs on Debian, and test guests booted in Dom0's place.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::mistakes::{MISTAKES, Mistake};
use super::rows::{DOM0_TESTS, Dom0Test, GUEST_TESTS, GuestTest, Want};
use super::{Tally, TestArgs};
use crate::machine::boot::Boot;
use crate::machine::job::{Verdict, Watch};
use crate::machine::script::{Script, Step};
use crate::machine::{self, End, Machine, Next};
use crate::{build, image, paths, report};

/// How long a machine that is to stand still is watched: longer than the hypervisor waits before it restarts one.
const STANDS_STILL: Duration = Duration::from_secs(10);
/// The reason of stopping such a machine.
const STOOD_STILL: &str = "it stands still";

/// How often a running test says what it is doing.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// Runs the chosen machine tests.
pub fn run(args: &TestArgs, tally: &mut Tally) -> Result<()> {
    let only = |name: &str| args.only.iter().any(|only| only == name);
    let all = args.only.is_empty() || only("machine");
    let chosen: Vec<(&Dom0Test, Vec<&str>)> =
        DOM0_TESTS.iter().filter_map(|test| Some((test, chosen_jobs(test, all, &only)?))).collect();
    let named: Vec<String> = build::guest_names()?.into_iter().filter(|name| all || only(name)).collect();
    let special: Vec<&GuestTest> = GUEST_TESTS.iter().filter(|test| all || only(test.name)).collect();
    let mistakes: Vec<&Mistake> = MISTAKES.iter().filter(|m| all || only(m.name)).collect();
    if chosen.is_empty() && named.is_empty() && special.is_empty() && mistakes.is_empty() {
        return Ok(());
    }
    let image = image::image()?;
    let ours = match &args.hypervisor {
        Some(file) => Some(file.clone()),
        None if args.reference => None,
        None => Some(build::hypervisor()?),
    };
    if !(named.is_empty() && special.is_empty()) {
        let hypervisor = ours.as_deref().unwrap_or(&image.reference);
        match build::guests() {
            Ok(built) => guests(&built, hypervisor, &named, &special, tally),
            Err(error) => tally.count(format!("building the test guests: {error:#}"), false),
        }
    }
    // Debian's Xen says other things.
    for mistake in mistakes.iter().filter(|_| !args.reference) {
        let hypervisor = ours.as_deref().unwrap_or(&image.reference);
        let ran = mistake.machine(hypervisor, &image).and_then(|machine| {
            let plan = Plan { name: mistake.name, script: mistake.script, want: mistake.want };
            plan.run(&machine, tally).map(|_| ())
        });
        count_error(mistake.name, ran, tally);
    }
    for (test, jobs) in chosen {
        let ran = dom0(test, &jobs, ours.clone(), &image, tally);
        count_error(test.name, ran, tally);
    }
    Ok(())
}

/// A machine that cannot even be started is one failure, and the others go on.
fn count_error(name: &str, ran: Result<()>, tally: &mut Tally) {
    if let Err(error) = ran {
        report::say(format_args!("machine test {name}: FAIL {error:#}"));
        tally.count(format!("{name}: {error:#}"), false);
    }
}

/// The jobs of a test that are to run, if it is to run at all. What is typed belongs to all of its jobs.
fn chosen_jobs<'a>(test: &'a Dom0Test, all: bool, only: &dyn Fn(&str) -> bool) -> Option<Vec<&'a str>> {
    let whole = all || only(test.name);
    let jobs: Vec<&str> = test.jobs.iter().copied().filter(|job| whole || only(job)).collect();
    match (whole || !jobs.is_empty(), test.script.is_empty()) {
        (false, _) => None,
        (true, true) => Some(jobs),
        (true, false) => Some(test.jobs.to_vec()),
    }
}

/// Boots test guests in Dom0's place; they print `TEST` lines and power the machine off.
fn guests(
    built: &[(String, PathBuf)],
    hypervisor: &Path,
    named: &[String],
    special: &[&GuestTest],
    tally: &mut Tally,
) {
    for (name, elf) in built.iter().filter(|(name, _)| named.contains(name)) {
        let ran = guest(name, &machine::guest::machine(hypervisor, elf, 1, log(name)), &[], tally);
        count_error(name, ran, tally);
    }
    for test in special {
        let (guest_name, arguments) = test.guest;
        let Some((_, elf)) = built.iter().find(|(name, _)| name == guest_name) else {
            count_error(test.name, Err(anyhow!("there is no test guest {guest_name}")), tally);
            continue;
        };
        let mut machine = machine::guest::machine(hypervisor, elf, test.smp, log(test.name));
        machine.emulator = test.emulator;
        machine.modules = vec![(elf.clone(), arguments.to_owned())];
        machine.loader = test.loader;
        machine.memory = test.memory;
        let ran = guest(test.name, &machine, test.script, tally);
        count_error(test.name, ran, tally);
    }
}

fn guest(name: &str, machine: &Machine, script: &'static [Step], tally: &mut Tally) -> Result<()> {
    let plan = Plan { name, script, want: Want::PowerOff };
    let watch = plan.run(machine, tally)?;
    tally.count(format!("{name}.tests"), watch.results.iter().any(|r| r.verdict != Verdict::Value));
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
        loader: test.loader,
        hypervisor,
        jobs: jobs.iter().map(|&job| job.to_owned()).collect(),
        xen_args: test.xen_args.into(),
        end: test.end,
        memory: test.memory,
        smp: test.smp,
        disk: test.devices.0,
        nic: test.devices.1,
        seconds: test.seconds,
        ..Boot::default()
    };
    let machine = boot.machine(image, log(test.name))?;
    let plan = Plan { name: test.name, script: test.script, want: test.want };
    let watch = plan.run(&machine, tally)?;
    for job in jobs {
        let passed = |name: &str| name.strip_prefix(job).is_some_and(|rest| rest.starts_with('.'));
        let any = watch.results.iter().any(|r| r.verdict == Verdict::Pass && passed(&r.name));
        tally.count(
            format!("{}.{job} (it has no result)", test.name),
            any && watch.ended_jobs.iter().any(|ended| ended == job),
        );
    }
    Ok(())
}

/// What is to happen in a run.
struct Plan<'a> {
    name: &'a str,
    script: &'static [Step],
    want: Want,
}

impl Plan<'_> {
    /// Runs a machine, shows its progress, counts its results and how it ended.
    fn run(&self, machine: &Machine, tally: &mut Tally) -> Result<Watch> {
        let name = self.name;
        report::say(format_args!("machine test {name} ... (log: {})", machine.log.display()));
        let mut script = Script::new(self.script);
        let mut watch = Watch::of_run(script.sees_a_crash());
        let mut progress = Progress::new(name);
        let mut all_seen = None;
        let end = machine.run(&mut |line| {
            let next = watch.line(line);
            progress.show(&watch);
            let typed = line.map_or_else(String::new, |line| script.line(line));
            if script.missing().is_none() && self.want == Want::Halt {
                let since = *all_seen.get_or_insert_with(Instant::now);
                return if since.elapsed() > STANDS_STILL {
                    Next::Stop(STOOD_STILL.into())
                } else {
                    Next::Run
                };
            }
            if typed.is_empty() || matches!(next, Next::Stop(_)) { next } else { Next::Type(typed) }
        })?;
        for result in watch.results.iter().filter(|r| r.verdict != Verdict::Value) {
            tally
                .count(format!("{name}: {} {}", result.name, result.detail), result.verdict == Verdict::Pass);
        }
        if let Some(text) = script.missing() {
            report::say(format_args!("  {name}: FAIL '{text}' was not seen"));
        }
        tally.count(
            format!("{name}: '{}' was not seen", script.missing().unwrap_or("")),
            script.missing().is_none(),
        );
        self.judge_end(&end, &watch, tally);
        Ok(watch)
    }

    /// Counts whether the machine ended as it should.
    fn judge_end(&self, end: &End, watch: &Watch, tally: &mut Tally) {
        let name = self.name;
        let want = match self.want {
            Want::PowerOff => End::PowerOff,
            Want::Reset => End::Reset,
            Want::Halt => End::Stopped(STOOD_STILL.into()),
        };
        let good = *end == want && watch.fault.is_none();
        let verdict = if good { "PASS" } else { "FAIL" };
        report::say(format_args!("machine test {name}: ended by {end:?}, {verdict}"));
        if good {
            tally.count(name, true);
            return;
        }
        let why = watch.fault.clone().unwrap_or_else(|| format!("{end:?} instead of {want:?}"));
        for line in machine::backtrace::explain(&log(name), &paths::dist().join("free-xen.syms")) {
            report::say(format_args!("  {line}"));
        }
        report::say(format_args!("  the end of its log:\n{}", crate::proc::tail(&log(name), 12)));
        tally.count(format!("{name}: ended by {why} (last stage: {})", watch.stage), false);
    }
}

/// Shows results as they come, and now and then that a test still runs.
struct Progress<'a> {
    name: &'a str,
    start: Instant,
    shown: usize,
    alive: Instant,
}

impl<'a> Progress<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, start: Instant::now(), shown: 0, alive: Instant::now() }
    }

    fn show(&mut self, watch: &Watch) {
        let name = self.name;
        while let Some(result) = watch.results.get(self.shown) {
            let verdict = format!("{:?}", result.verdict).to_uppercase();
            report::say(format_args!("  {name}: {verdict} {} {}", result.name, result.detail));
            self.shown += 1;
            self.alive = Instant::now();
        }
        if self.alive.elapsed() > SIGN_OF_LIFE {
            let seconds = self.start.elapsed().as_secs();
            report::say(format_args!("  {name}: running for {seconds} s: {}", watch.stage));
            self.alive = Instant::now();
        }
    }
}

fn log(name: &str) -> PathBuf {
    paths::test_logs().join(format!("{name}.log"))
}
