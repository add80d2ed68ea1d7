//! `test`: the whole proof: host tests, checks, machine tests. The last line is `N passed, N failed`.

mod host;
mod machines;
mod mistakes;
mod rows;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::{check, report, setup};

/// Options of `test`.
#[derive(Args)]
pub struct TestArgs {
    /// Only these: host, check, machine, or the name of a machine test, a job or a test guest
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Run the machine tests on this hypervisor instead of ours
    #[arg(long, value_name = "FILE", conflicts_with = "reference")]
    hypervisor: Option<PathBuf>,
    /// Run the machine tests on Debian's Xen
    #[arg(long)]
    reference: bool,
}

/// What passed and what failed so far.
#[derive(Default)]
pub struct Tally {
    passed: usize,
    failed: Vec<String>,
}

impl Tally {
    /// Counts one test.
    pub fn count(&mut self, name: impl Into<String>, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed.push(name.into());
        }
    }

    /// Counts tests that passed elsewhere.
    pub fn add_passed(&mut self, count: usize) {
        self.passed += count;
    }
}

/// Runs the chosen tests.
pub fn test(args: &TestArgs) -> Result<()> {
    report::elapsed();
    let wants = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let mut tally = Tally::default();
    setup::packages()?;
    if wants("host")
        && let Err(error) = host::run(&mut tally)
    {
        tally.count(format!("host tests: {error:#}"), false);
    }
    if wants("check") {
        for check in check::CHECKS {
            tally.count(format!("check.{}", check.0), check::passes(check));
        }
    }
    if let Err(error) = machines::run(args, &mut tally) {
        tally.count(format!("machine tests: {error:#}"), false);
    }
    for name in &tally.failed {
        report::say(format_args!("FAILED {name}"));
    }
    if tally.passed + tally.failed.len() == 0 {
        bail!("no test has one of the names {}", args.only.join(", "));
    }
    println!("{} passed, {} failed", tally.passed, tally.failed.len());
    if !tally.failed.is_empty() {
        std::process::exit(1);
    }
    Ok(())
}
