//! The hypervisor's console: the log, and the serial lines that it is seen on.
//!
//! Until [`open`] the log is kept only; then it is shown from its beginning.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use fx_console::{Level, Log, Sink};
use fx_platform::ports::Native;
use fx_platform::serial::{Config, Serial};
use fx_sync::Once;
use fx_types::Clock;

/// Serial lines at most: `com1` and `com2`.
pub const LINES: usize = 2;

static LOG: Log<Screen, LogClock> = Log::new(Screen, LogClock);
static OPEN: Once<[Option<Line>; LINES]> = Once::new();
/// A CPU stops the machine: nobody waits for a lock any more.
static DYING: AtomicBool = AtomicBool::new(false);

/// Prints a line of the hypervisor's at the level that is printed by default.
#[macro_export]
macro_rules! log {
    ($($arg:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arg)*))) };
}

/// A serial line.
struct Line {
    serial: Serial<Native>,
    /// Messages are seen on it.
    shown: AtomicBool,
    /// It is not for Dom0.
    kept: bool,
}

/// How a serial line is to be used.
#[derive(Clone, Copy)]
pub struct LineConfig {
    /// The port.
    pub config: Config,
    /// Messages are seen on it.
    pub shown: bool,
    /// It stays the hypervisor's when Dom0 runs.
    pub kept: bool,
}

/// The serial lines, as the log's device.
pub struct Screen;

impl Sink for Screen {
    fn put(&self, bytes: &[u8]) {
        for line in lines().filter(|l| l.shown.load(Ordering::Relaxed)) {
            line.put(bytes);
        }
    }
}

impl Line {
    /// Writes with a carriage return before each line feed.
    fn put(&self, bytes: &[u8]) {
        let dying = DYING.load(Ordering::Relaxed);
        let write = |b: &[u8]| if dying { self.serial.write_now(b) } else { self.serial.write(b) };
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(text) => {
                    write(text);
                    write(b"\r\n");
                }
                None => write(part),
            }
        }
    }
}

/// System time, and zero before there is a clock.
pub struct LogClock;

impl Clock for LogClock {
    fn now(&self) -> u64 {
        crate::wiring::time_if_known()
    }
}

fn lines() -> impl Iterator<Item = &'static Line> {
    OPEN.get().into_iter().flatten().flatten()
}

/// The log.
pub fn log() -> &'static Log<Screen, LogClock> {
    &LOG
}

/// Prints a message whole, without another CPU's in between.
pub fn print(args: fmt::Arguments<'_>) {
    LOG.print(Level::Warning, args);
}

/// Opens the serial lines and shows what was printed so far.
pub fn open(configs: [Option<LineConfig>; LINES]) {
    let lines = configs.map(|c| {
        let c = c?;
        // SAFETY: the ports are those of a serial line, which has no effect on memory.
        let serial = Serial::new(unsafe { Native::new() }, &c.config)?;
        Some(Line { serial, shown: AtomicBool::new(c.shown), kept: c.kept })
    });
    if OPEN.set(lines).is_ok() {
        show_again();
    }
}

/// Shows the log from its beginning.
fn show_again() {
    let (mut index, mut incremental) = (0, false);
    loop {
        let mut piece = [0; 256];
        let got = LOG.read(false, incremental, index, &mut piece);
        if got.count == 0 {
            return;
        }
        Screen.put(piece.get(..got.count).unwrap_or_default());
        (index, incremental) = (got.index, true);
    }
}

/// Dom0 is about to run: gives it the lines that are not kept, with a last word on them.
pub fn leave_to_dom0() {
    if lines().any(|l| !l.kept && l.shown.load(Ordering::Relaxed)) {
        log!("Dom0 gets the serial line; com1= on the command line keeps it for the log");
    }
    for line in lines().filter(|l| !l.kept) {
        line.shown.store(false, Ordering::Relaxed);
    }
}

/// The I/O ports of the lines that Dom0 does not get, first and last.
pub fn kept_ports() -> impl Iterator<Item = (u16, u16)> {
    lines().filter(|l| l.kept).map(|l| l.serial.ports())
}

/// Lets the lines say by interrupt that something was typed: the ISA interrupts of those that do.
pub fn enable_input() -> impl Iterator<Item = u8> {
    lines().filter(|l| l.kept && l.serial.enable_interrupt()).map(|l| l.serial.irq())
}

/// Takes what was typed if the interrupt is one of a line's; whether it is.
pub fn interrupt(irq: u32, mut take: impl FnMut(u8)) -> bool {
    let mut any = false;
    for line in lines().filter(|l| l.kept && u32::from(l.serial.irq()) == irq) {
        line.serial.receive(&mut take);
        any = true;
    }
    any
}

/// Prints from a CPU that stops the machine: without waiting for others.
pub fn print_now(args: fmt::Arguments<'_>) {
    LOG.emergency(args);
}

/// From now on a CPU stops the machine. What it prints is seen on every line; if none was opened yet, on the first of a PC.
pub fn prepare_for_end() {
    DYING.store(true, Ordering::Relaxed);
    for line in lines() {
        line.shown.store(true, Ordering::Relaxed);
    }
    if OPEN.get().is_none() {
        open([Some(LineConfig { config: Config::COM1, shown: true, kept: true }), None]);
    }
}
