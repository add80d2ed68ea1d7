//! Test results on the console: `TEST name PASS`, `TEST name FAIL why`, `TEST SUMMARY N passed, M failed`.

use core::fmt::{self, Write};

use crate::println;

/// Why a test failed.
pub struct Failure {
    text: [u8; 112],
    len: usize,
}

impl Failure {
    /// A failure with an explanation.
    pub fn new(why: fmt::Arguments) -> Self {
        let mut failure = Self { text: [0; 112], len: 0 };
        let _ = failure.write_fmt(why);
        failure
    }
}

impl Write for Failure {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let text = &text.as_bytes()[..text.len().min(self.text.len() - self.len)];
        self.text[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.text[..self.len]).unwrap_or("?"))
    }
}

/// A hypercall's error ends a test.
impl From<i64> for Failure {
    fn from(result: i64) -> Self {
        Self::new(format_args!("a hypercall returned {result}"))
    }
}

/// An exception ends a test.
impl From<crate::trap::Trap> for Failure {
    fn from(trap: crate::trap::Trap) -> Self {
        Self::new(format_args!("{trap:x?}"))
    }
}

/// What a test returns.
pub type Outcome = Result<(), Failure>;

/// A test and its name.
pub type Test = (&'static str, fn() -> Outcome);

/// Counts and prints results.
#[derive(Default)]
pub struct Report {
    passed: u32,
    failed: u32,
}

impl Report {
    /// Runs some tests.
    pub fn run(&mut self, group: &str, tests: &[Test]) {
        for (name, test) in tests {
            self.result(group, name, test());
        }
    }

    /// Prints one result.
    pub fn result(&mut self, group: &str, name: &str, outcome: Outcome) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("TEST {group}.{name} PASS");
            }
            Err(why) => {
                self.failed += 1;
                println!("TEST {group}.{name} FAIL {why}");
            }
        }
    }

    /// Prints the last line.
    pub fn summary(&self) {
        println!("TEST SUMMARY {} passed, {} failed", self.passed, self.failed);
    }
}

/// Many small comparisons that make one test: each one that differs is printed.
pub struct Checks {
    name: &'static str,
    all: u32,
    wrong: u32,
}

impl Checks {
    /// No comparison so far.
    pub fn new(name: &'static str) -> Self {
        Self { name, all: 0, wrong: 0 }
    }

    /// A value must be as it is on Xen.
    pub fn is<T: PartialEq + fmt::Debug>(&mut self, label: impl fmt::Display, got: T, want: T) {
        self.all += 1;
        if got != want {
            self.wrong += 1;
            println!("DIFFERS {}: {label} gave {got:?}, not {want:?}", self.name);
        }
    }

    /// A result must be some error.
    pub fn refused(&mut self, label: impl fmt::Display, got: i64) {
        self.all += 1;
        if got >= 0 {
            self.wrong += 1;
            println!("DIFFERS {}: {label} gave {got}, no error", self.name);
        }
    }

    /// Whether nothing differed.
    pub fn outcome(self) -> Outcome {
        if self.wrong == 0 {
            return Ok(());
        }
        Err(Failure::new(format_args!("{} of {} differ", self.wrong, self.all)))
    }
}

/// Ends a test unless a condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr) => {
        $crate::ensure!($condition, "{}", stringify!($condition))
    };
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err($crate::report::Failure::new(format_args!($($why)+)));
        }
    };
}

/// Ends a test unless two values are equal.
#[macro_export]
macro_rules! ensure_eq {
    ($got:expr, $want:expr) => {
        match (&$got, &$want) {
            (got, want) => {
                $crate::ensure!(*got == *want, "{}: {:x?} instead of {:x?}", stringify!($got), got, want)
            }
        }
    };
}
