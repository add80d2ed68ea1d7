//! Progress for people: every step is a line with the time since the start.

use std::fmt::Display;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Result;

static START: OnceLock<Instant> = OnceLock::new();

/// Time since the first call (in practice: since the program's start).
pub fn elapsed() -> Duration {
    START.get_or_init(Instant::now).elapsed()
}

/// Prints one line of progress.
pub fn say(text: impl Display) {
    println!("[{:7.1}s] {text}", elapsed().as_secs_f64());
}

/// Runs a step, saying its name before and its duration after.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(format_args!("{name} ..."));
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "done" } else { "FAILED" };
    say(format_args!("{name}: {verdict} in {:.1}s", start.elapsed().as_secs_f64()));
    result
}
