//! Running other programs: quietly with a log, with output, as root.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{paths, report};

/// How often a long, quiet command shows the last line of its log.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// A command that runs as root: as it is for root, else through `sudo`.
pub fn as_root(program: impl AsRef<OsStr>) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// Whether `program` is found in `PATH` or where administrators' programs are.
pub fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(program).is_file())
}

/// Runs a command whose output the user sees.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", show(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", show(command));
    }
    Ok(())
}

/// Runs a command and returns what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&output_bytes(command)?).into_owned())
}

/// Like [`output`], for binary data.
pub fn output_bytes(command: &mut Command) -> Result<Vec<u8>> {
    let out = command.output().with_context(|| format!("cannot start {}", show(command)))?;
    if !out.status.success() {
        let stderr = String::from_utf8_lossy(&out.stderr);
        bail!("{} ended with {}: {}", show(command), out.status, stderr.trim());
    }
    Ok(out.stdout)
}

/// Runs a long command into a log file of the cache, with a sign of life now and then; on failure the error
/// holds the end of the log.
pub fn run_logged(name: &str, command: &mut Command) -> Result<()> {
    let log = paths::cache().join("logs").join(format!("{name}.log"));
    let status = logged(name, command, &log)?;
    if !status.success() {
        bail!("{name} ended with {status}; the end of {}:\n{}", log.display(), tail(&log, 15));
    }
    Ok(())
}

/// Runs a command with all its output in `log`, with a sign of life now and then, and returns its status.
pub fn logged(name: &str, command: &mut Command, log: &Path) -> Result<std::process::ExitStatus> {
    fs::create_dir_all(log.parent().context("a log file needs a folder")?)?;
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", show(command)))?;
    let mut shown = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if shown.elapsed() >= SIGN_OF_LIFE {
            report::say(format_args!("  {name}: {}", tail(log, 1)));
            shown = Instant::now();
        }
        sleep(Duration::from_millis(100));
    }
}

/// The last `lines` lines of a file, or nothing when it cannot be read.
pub fn tail(file: &Path, lines: usize) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// A command line to read, as an error message names it.
fn show(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}
