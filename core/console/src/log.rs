//! The log: every message goes to the ring and is echoed to the sink.

use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use fx_sync::Lock;
use fx_types::Clock;

use crate::level::{Level, Thresholds, Verdict};
use crate::line::GuestLine;
use crate::rate::Bucket;
use crate::ring::{ReadResult, Ring};
use crate::stamp::Stamps;

/// Where output is seen: serial line, screen. It adds carriage returns where it needs them.
pub trait Sink {
    /// Puts bytes out.
    fn put(&self, bytes: &[u8]);
}

/// What each line of the hypervisor begins with.
const PREFIX: &[u8] = b"(XEN) ";
/// How often a dying CPU tries to get the log's lock.
const TRIES: usize = 100_000;

struct State {
    ring: Ring,
    bucket: Bucket,
    /// The next byte begins a line.
    at_start: bool,
}

/// The console's output. Shared by all CPUs; nothing here may be called while formatting one of its messages.
pub struct Log<S, C> {
    sink: S,
    clock: C,
    state: Lock<State>,
    /// `loglvl=`: which of Xen's messages are printed.
    pub levels: Thresholds,
    /// `guest_loglvl=`: which messages that guests cause are printed.
    pub guest_levels: Thresholds,
    stamps: AtomicU8,
    epoch: AtomicU64,
    guests_to_ring: AtomicBool,
    fresh: AtomicBool,
}

impl<S: Sink, C: Clock> Log<S, C> {
    /// A log that keeps the last 16 KiB and prints errors and warnings.
    #[must_use]
    pub const fn new(sink: S, clock: C) -> Self {
        let state = State { ring: Ring::new(), bucket: Bucket::new(), at_start: true };
        Self {
            sink,
            clock,
            state: Lock::new(state),
            levels: Thresholds::new(2, 2),
            guest_levels: Thresholds::new(0, 2),
            stamps: AtomicU8::new(Stamps::None as u8),
            epoch: AtomicU64::new(0),
            guests_to_ring: AtomicBool::new(false),
            fresh: AtomicBool::new(false),
        }
    }

    /// The sink.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    #[cfg(test)]
    pub(crate) fn clock_for_test(&self) -> &C {
        &self.clock
    }

    /// Keeps messages in `ring` from now on: its size (`conring_size=`) rounded down to a power of two.
    pub fn attach_ring(&self, ring: Vec<u8>) {
        self.state.lock().ring.attach(ring);
    }

    /// Sets what each line begins with (`console_timestamps=`).
    pub fn set_stamps(&self, stamps: Stamps) {
        self.stamps.store(stamps as u8, Relaxed);
    }

    /// Sets the wall-clock time at system time 0, in nanoseconds since 1970.
    pub fn set_epoch(&self, ns: u64) {
        self.epoch.store(ns, Relaxed);
    }

    /// Whether Dom0's output is kept, too (`console_to_ring=`).
    pub fn set_guests_to_ring(&self, on: bool) {
        self.guests_to_ring.store(on, Relaxed);
    }

    /// Whether anything was added to the ring since the last [`Self::take_fresh`].
    #[inline]
    pub fn is_fresh(&self) -> bool {
        self.fresh.load(Relaxed)
    }

    /// Whether anything was added to the ring since the last call: time for `VIRQ_CON_RING`.
    pub fn take_fresh(&self) -> bool {
        self.fresh.load(Relaxed) && self.fresh.swap(false, Relaxed)
    }

    /// A message of the hypervisor.
    pub fn write(&self, level: Level, bytes: &[u8]) {
        self.message(&self.levels, level, |out| {
            out.text(bytes);
            Ok(())
        });
    }

    /// A message of the hypervisor.
    pub fn print(&self, level: Level, args: fmt::Arguments<'_>) {
        self.message(&self.levels, level, |out| out.write_fmt(args));
    }

    /// A message that a guest has caused: subject to `guest_loglvl=`.
    pub fn guest_print(&self, level: Level, args: fmt::Arguments<'_>) {
        self.message(&self.guest_levels, level, |out| out.write_fmt(args));
    }

    /// What must be seen whatever the levels, such as the banner.
    pub fn always(&self, args: fmt::Arguments<'_>) {
        let mut state = self.state.lock();
        let _ = self.out(&mut state).write_fmt(args);
    }

    /// The last words of a CPU that dies: printed even if the lock cannot be had.
    pub fn emergency(&self, args: fmt::Arguments<'_>) {
        for _ in 0..TRIES {
            if let Some(mut state) = self.state.try_lock() {
                let _ = self.out(&mut state).write_fmt(args);
                return;
            }
            core::hint::spin_loop();
        }
        let _ = Bare(&self.sink).write_fmt(args);
    }

    /// `CONSOLEIO_write` of the hardware domain: as it is, it may be a terminal's dialogue.
    pub fn hwdom_write(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        self.sink.put(bytes);
        if self.guests_to_ring.load(Relaxed) {
            state.ring.put(bytes);
            self.fresh.store(true, Relaxed);
        }
    }

    /// `CONSOLEIO_write` of another domain: line by line, marked, at debug level of the guests' messages. Where these are limited
    /// each guest has its own limit.
    pub fn guest_write(&self, domain: u16, line: &mut GuestLine, bytes: &[u8]) {
        for b in bytes {
            let Some((done, bucket)) = line.add(*b) else { continue };
            self.limited(&self.guest_levels, Level::Debug, Some(bucket), |out| {
                if !core::mem::replace(&mut out.state.at_start, false) {
                    out.raw(b"\n");
                }
                // The mark stands for the hypervisor's.
                write!(out, "(d{domain}) ")?;
                out.text(done);
                out.text(b"\n");
                Ok(())
            });
        }
    }

    /// `XEN_SYSCTL_readconsole`: fills `buf` from the oldest byte on, or from `index` on when `incremental`; with `clear`
    /// what was read is forgotten.
    pub fn read(&self, clear: bool, incremental: bool, index: u32, buf: &mut [u8]) -> ReadResult {
        self.state.lock().ring.read(clear, incremental, index, buf)
    }

    fn message(&self, levels: &Thresholds, level: Level, body: impl FnOnce(&mut Out<'_, S>) -> fmt::Result) {
        self.limited(levels, level, None, body);
    }

    /// A message that is paid from `own`, or from what all have together.
    fn limited(
        &self,
        levels: &Thresholds,
        level: Level,
        own: Option<&mut Bucket>,
        body: impl FnOnce(&mut Out<'_, S>) -> fmt::Result,
    ) {
        let verdict = levels.judge(level);
        if verdict == Verdict::Drop {
            return;
        }
        let mut state = self.state.lock();
        if verdict == Verdict::Limit {
            let now = self.clock.now();
            match own.map_or_else(|| state.bucket.take(now), |own| own.take(now)) {
                None => return,
                Some(0) => {}
                Some(n) => {
                    let _ = writeln!(self.out(&mut state), "printk: {n} messages suppressed.");
                }
            }
        }
        let _ = body(&mut self.out(&mut state));
    }

    fn out<'a>(&'a self, state: &'a mut State) -> Out<'a, S> {
        let stamps = Stamps::from_u8(self.stamps.load(Relaxed));
        let now = if stamps == Stamps::None { 0 } else { self.clock.now() };
        self.fresh.store(true, Relaxed);
        Out { sink: &self.sink, state, stamps, now, epoch: self.epoch.load(Relaxed) }
    }
}

/// The log while one message is written.
struct Out<'a, S> {
    sink: &'a S,
    state: &'a mut State,
    stamps: Stamps,
    now: u64,
    epoch: u64,
}

impl<S: Sink> Out<'_, S> {
    fn raw(&mut self, bytes: &[u8]) {
        self.sink.put(bytes);
        self.state.ring.put(bytes);
    }

    /// Text whose lines get prefixes.
    fn text(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            if core::mem::take(&mut self.state.at_start) {
                self.raw(PREFIX);
                let (stamps, now, epoch) = (self.stamps, self.now, self.epoch);
                let _ = stamps.write(&mut Plain(self), now, epoch);
            }
            self.raw(line);
            self.state.at_start = line.ends_with(b"\n");
        }
    }
}

impl<S: Sink> Write for Out<'_, S> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.text(s.as_bytes());
        Ok(())
    }
}

/// The same without prefixes.
struct Plain<'a, 'b, S>(&'a mut Out<'b, S>);

impl<S: Sink> Write for Plain<'_, '_, S> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.raw(s.as_bytes());
        Ok(())
    }
}

/// The sink alone.
struct Bare<'a, S>(&'a S);

impl<S: Sink> Write for Bare<'_, S> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.put(s.as_bytes());
        Ok(())
    }
}
