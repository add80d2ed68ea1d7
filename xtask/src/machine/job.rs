//! Reads what the jobs in Dom0 (and the test guests) say on the console.
//!
//! Protocol: `FX: …` is a stage of Dom0's init; `RESULT name PASS|FAIL|VALUE|INFO detail` is a job's result;
//! `TEST name PASS|FAIL detail` is a test guest's.

use std::time::{Duration, Instant};

use super::Next;

/// After a panic this much time is left for its backtrace.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Texts that mean the end, in lines that no guest wrote.
pub const FATAL: &[&str] = &[
    "Panic on CPU",
    "Crash on CPU",
    "Dom0 crash on CPU",
    "Kernel panic - not syncing",
    "BUG: unable to handle",
    "multicall(s) failed",
    "FX: FAILED",
    "panicked at",
];

/// What became of one tested thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// A number or a remark, neither good nor bad.
    Value,
}

/// One result line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobResult {
    /// Dotted name, beginning with the job's.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The rest of the line.
    pub detail: String,
}

/// So many reports of a processor that hangs are not a busy host any more.
const LOCKUPS: u32 = 3;

/// Follows one run.
#[derive(Default)]
pub struct Watch {
    /// All results so far.
    pub results: Vec<JobResult>,
    /// Whether Dom0's init reached its end.
    pub done: bool,
    /// Names of the jobs that ended by themselves.
    pub ended_jobs: Vec<String>,
    /// The last thing worth showing.
    pub stage: String,
    /// The first fatal line.
    pub fault: Option<String>,
    fault_seen: Option<Instant>,
    lockups: u32,
    crash_expected: bool,
}

impl Watch {
    /// At the start of a run; when a crash is what is to be seen, it is no fault.
    pub fn of_run(crash_expected: bool) -> Self {
        Self { crash_expected, ..Self::default() }
    }

    /// Takes one line of the console, or a wait without any.
    pub fn line(&mut self, line: Option<&str>) -> Next {
        if let Some(line) = line {
            self.read(line);
        }
        match (&self.fault, self.fault_seen) {
            (Some(fault), Some(seen)) if seen.elapsed() > LAST_WORDS => Next::Stop(fault.clone()),
            _ if self.done => Next::Ending,
            _ => Next::Run,
        }
    }

    fn read(&mut self, line: &str) {
        if let Some(result) = parse(line) {
            self.stage = format!("{} {:?}", result.name, result.verdict);
            self.results.push(result);
        } else if let Some((_, stage)) = line.split_once("FX: ") {
            self.stage = stage.to_owned();
            self.done |= stage == "done";
            let ended = stage.strip_prefix("job ").and_then(|rest| rest.split_once(" ended rc="));
            if let Some((job, rc)) = ended
                && matches!(rc, "0" | "1")
            {
                self.ended_jobs.push(job.to_owned());
            }
        } else if self.results.is_empty() && !line.trim().is_empty() {
            // Before the jobs, any line tells how far the boot is.
            self.stage = line.trim().chars().take(90).collect();
        }
        let guests_own = line.split_whitespace().next().is_some_and(|word| word.ends_with('|'));
        self.lockups += u32::from(!guests_own && line.contains("BUG: soft lockup"));
        let fatal = FATAL.iter().any(|text| line.contains(text)) || self.lockups >= LOCKUPS;
        if self.fault.is_none() && !guests_own && fatal && !self.crash_expected {
            self.fault = Some(line.trim().to_owned());
            self.fault_seen = Some(Instant::now());
        }
    }
}

fn parse(line: &str) -> Option<JobResult> {
    let (_, rest) = line.split_once("RESULT ").or_else(|| line.split_once("TEST "))?;
    let mut words = rest.splitn(3, ' ');
    let name = words.next()?.to_owned();
    let verdict = match words.next()? {
        "PASS" => Verdict::Pass,
        "FAIL" => Verdict::Fail,
        "VALUE" | "INFO" => Verdict::Value,
        _ => return None,
    };
    Some(JobResult { name, verdict, detail: words.next().unwrap_or_default().trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_stages_are_read() {
        let mut watch = Watch::default();
        assert!(watch.line(Some("(XEN) d0 TEST smoke.one PASS")) == Next::Run);
        assert!(watch.line(Some("RESULT boot.free VALUE 3101084 KiB")) == Next::Run);
        assert!(watch.line(Some("RESULT is only mentioned")) == Next::Run);
        assert_eq!(watch.results.len(), 2);
        assert_eq!(watch.results[1].detail, "3101084 KiB");
        watch.line(Some("FX: job boot ended rc=0"));
        watch.line(Some("FX: job killed ended rc=137"));
        assert_eq!(watch.ended_jobs, ["boot"]);
        assert!(watch.line(Some("FX: done")) == Next::Ending);
    }

    #[test]
    fn a_panic_is_a_fault_unless_a_guest_wrote_it() {
        let mut watch = Watch::default();
        watch.line(Some("  demo| Kernel panic - not syncing: x"));
        assert_eq!(watch.fault, None);
        watch.line(Some("(XEN) Panic on CPU 0:"));
        assert_eq!(watch.fault.as_deref(), Some("(XEN) Panic on CPU 0:"));
    }
}
