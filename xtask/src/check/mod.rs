//! `check`: what the compiler does not enforce: formatting, lints, imports between crates, where unsafe stands,
//! sizes, folder READMEs.

mod imports;
mod source;

use std::process::Command;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::{build, paths, proc, report};

/// A check: its name, and what it finds wrong.
pub type Check = (&'static str, fn() -> Result<Vec<String>>);

/// All checks.
pub const CHECKS: &[Check] = &[
    ("format", format),
    ("imports", imports::problems),
    ("unsafe", source::unsafe_places),
    ("forbid-unsafe", source::missing_forbids),
    ("readme", source::missing_readmes),
    ("size", source::large_files),
    ("clippy", clippy),
];

/// Runs all checks; an error when one finds something.
pub fn check() -> Result<()> {
    let failed: Vec<&str> = CHECKS.iter().filter(|check| !passes(check)).map(|check| check.0).collect();
    if !failed.is_empty() {
        bail!("checks failed: {}", failed.join(", "));
    }
    report::say("all checks passed");
    Ok(())
}

/// Runs one check and says what it finds.
pub fn passes(&(name, run): &Check) -> bool {
    let problems = run().unwrap_or_else(|error| vec![format!("{error:#}")]);
    for problem in &problems {
        report::say(format_args!("  {name}: {problem}"));
    }
    report::say(format_args!("check {name}: {}", if problems.is_empty() { "PASS" } else { "FAIL" }));
    problems.is_empty()
}

fn format() -> Result<Vec<String>> {
    let mut command = Command::new("cargo");
    command.current_dir(paths::root()).args(["fmt", "--all", "--", "--check", "--files-with-diff"]);
    let out = command.output()?;
    let files = String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
    if !out.status.success() && files.is_empty() {
        bail!("cargo fmt: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(files)
}

fn clippy() -> Result<Vec<String>> {
    let mut command = Command::new("cargo");
    command.current_dir(paths::root()).args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    for name in freestanding()? {
        command.args(["--exclude", &name]);
    }
    proc::run(command.args(["--", "-Dwarnings"]))?;
    build::clippy()?;
    Ok(Vec::new())
}

/// What cargo knows about the workspace's own packages.
pub fn packages() -> Result<Vec<Value>> {
    let mut command = Command::new("cargo");
    command.current_dir(paths::root()).args(["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&proc::output(&mut command)?)?;
    Ok(metadata["packages"].as_array().cloned().unwrap_or_default())
}

/// A package's folder, relative to the repository.
pub fn folder(package: &Value) -> String {
    let manifest = package["manifest_path"].as_str().unwrap_or_default();
    let path = std::path::Path::new(manifest).parent().unwrap_or("".as_ref());
    path.strip_prefix(paths::root()).unwrap_or(path).to_string_lossy().into_owned()
}

/// Names of the packages that only build for the bare machine.
pub fn freestanding() -> Result<Vec<String>> {
    let is_bare = |package: &Value| {
        let folder = folder(package);
        folder == "hypervisor" || folder.starts_with("guests/")
    };
    let names = packages()?.into_iter().filter(is_bare);
    Ok(names.map(|package| package["name"].as_str().unwrap_or_default().to_owned()).collect())
}
