//! The host tests: `cargo test` of every crate that builds for the host.

use std::process::Command;

use anyhow::Result;

use super::Tally;
use crate::{check, paths, proc, report, setup};

/// Runs the host tests and counts them one by one.
pub fn run(tally: &mut Tally) -> Result<()> {
    let headers = setup::xen_headers()?;
    let log = paths::test_logs().join("host.log");
    let mut command = Command::new("cargo");
    command.current_dir(paths::root()).env("XEN_INCLUDE", headers).env("CARGO_TERM_COLOR", "never");
    command.args(["test", "--workspace", "--no-fail-fast"]);
    for name in check::freestanding()? {
        command.args(["--exclude", &name]);
    }
    report::say(format_args!("host tests ... (log: {})", log.display()));
    let status = proc::logged("host tests", &mut command, &log)?;
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    let (passed, failed) = counts(&text);
    report::say(format_args!("host tests: {passed} passed, {} failed", failed.len()));
    tally.add_passed(passed);
    if !status.success() && failed.is_empty() {
        report::say(format_args!("host tests did not run:\n{}", proc::tail(&log, 25)));
        tally.count("host tests (build)", false);
    }
    for name in failed {
        tally.count(format!("host {name}"), false);
    }
    Ok(())
}

/// The number of tests that passed, and the names of those that failed, in the output of `cargo test`.
fn counts(text: &str) -> (usize, Vec<String>) {
    let outcome = |line: &str| -> Option<(String, bool)> {
        let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        match outcome.split_whitespace().next()? {
            "ok" => Some((name.to_owned(), true)),
            "FAILED" => Some((name.to_owned(), false)),
            _ => None,
        }
    };
    let outcomes: Vec<_> = text.lines().filter_map(outcome).collect();
    let passed = outcomes.iter().filter(|(_, ok)| *ok).count();
    (passed, outcomes.into_iter().filter(|(_, ok)| !ok).map(|(name, _)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn outcomes_are_counted() {
        let text = "running 3 tests\ntest a::b ... ok\ntest a::c ... FAILED\ntest d - should panic ... ok\n\
                    test e ... ignored\ntest result: FAILED. 2 passed; 1 failed\n";
        assert_eq!(counts(text), (2, vec!["a::c".to_owned()]));
    }
}
