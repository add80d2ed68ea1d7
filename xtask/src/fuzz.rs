//! `fuzz`: guests that do what they like, on the whole core in this process, for as long as one wants.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::{paths, proc, report};

/// Options of `fuzz`.
#[derive(Args)]
pub struct FuzzArgs {
    /// How long, each of them
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Only this: pv (guests' hypercalls and page tables) or hvm (exits, devices, device models, saved states)
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Seed of the first world; the following ones count on from it
    #[arg(long, default_value_t = 1000)]
    from: u64,
    /// Play this world only, once
    #[arg(long)]
    seed: Option<u64>,
}

/// What there is: its name, the test file, the test.
const FUZZERS: [(&str, &str, &str); 2] = [("pv", "fuzz", "long"), ("hvm", "platform", "wild::long")];

/// Runs them one after the other; the log of each has the seeds, and in the end what was reached.
pub fn fuzz(args: &FuzzArgs) -> Result<()> {
    report::elapsed();
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| only == name);
    let chosen: Vec<_> = FUZZERS.iter().filter(|(name, ..)| wanted(name)).collect();
    if chosen.is_empty() {
        bail!("there is no fuzzer {}", args.only.as_deref().unwrap_or_default());
    }
    for (name, file, test) in chosen {
        let log = paths::target().join(format!("fuzz-{name}.log"));
        let mut command = Command::new("cargo");
        command.current_dir(paths::root()).env("FX_FUZZ_SECONDS", (args.minutes * 60).to_string());
        command.env("FX_FUZZ_FROM", args.from.to_string());
        if let Some(seed) = args.seed {
            command.env("FX_FUZZ_SEED", seed.to_string());
        }
        command.args(["test", "--profile", "fuzz", "-p", "fx-sim-host", "--test", file]);
        command.args(["--", "--ignored", "--nocapture", "--exact", test]);
        report::say(format_args!("fuzz {name}, {} minutes (log: {})", args.minutes, log.display()));
        let status = proc::logged(&format!("fuzz {name}"), &mut command, &log)?;
        if !status.success() {
            bail!("fuzz {name} found something; the end of {}:\n{}", log.display(), proc::tail(&log, 12));
        }
        report::say(format_args!("{}", proc::tail(&log, 40)));
    }
    Ok(())
}
