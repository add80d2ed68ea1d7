//! The fake machine: memory, CPUs, time.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, OnceLock, Weak};

use fx_console::{Log, Sink};
use fx_domain::host::{Host, TIMER};
use fx_domain::hw::Segments;
use fx_sim::{Mmu, Ram, SimClock};
use fx_types::{Clock, Mfn, Pcids};

use crate::virt::Script;

thread_local! {
    static CPU: Cell<usize> = const { Cell::new(0) };
}

/// Makes the calling thread CPU number `cpu` while `f` runs.
pub fn on_cpu<R>(cpu: usize, f: impl FnOnce() -> R) -> R {
    let before = CPU.replace(cpu);
    let r = f();
    CPU.set(before);
    r
}

/// The CPU that the calling thread is.
pub(crate) fn this_cpu() -> usize {
    CPU.get()
}

/// Messages go nowhere; the log keeps the last of them in its ring.
#[derive(Debug, Default)]
pub struct Quiet;

impl Sink for Quiet {
    fn put(&self, _bytes: &[u8]) {}
}

/// What a CPU holds.
#[derive(Default)]
pub(crate) struct Cpu {
    pub(crate) mmu: Mutex<Mmu>,
    pub(crate) pcids: Pcids,
    pub(crate) segments: Mutex<Segments>,
    pub(crate) timer: AtomicU64,
    pub(crate) kicked: AtomicBool,
    /// The guest's address that faulted last.
    pub(crate) fault: AtomicU64,
    pub(crate) debug: Mutex<[u64; 6]>,
    pub(crate) xcr0: AtomicU64,
    /// The guest's `rdtsc` faults.
    pub(crate) tsc_hidden: AtomicBool,
    pub(crate) gdt: Mutex<Vec<Mfn>>,
    pub(crate) ldt: Mutex<[Option<Mfn>; 16]>,
}

/// The machine.
pub struct Machine {
    pub(crate) ram: Ram,
    pub(crate) cpus: Vec<Cpu>,
    pub(crate) clock: SimClock,
    /// How often memory was touched: what a call costs.
    pub(crate) touched: AtomicU64,
    pub(crate) m2p: Vec<AtomicU64>,
    pub(crate) log: Log<Quiet, SimClock>,
    pub(crate) script: Script,
    /// The processor has every feature that there is a name for.
    pub(crate) rich: bool,
    /// Nanoseconds that pass with each look at the time.
    pub(crate) pace: AtomicU64,
    /// Who is told when a timer fires while a CPU is idle.
    pub(crate) host: OnceLock<Weak<Host<Machine>>>,
}

impl Machine {
    /// `cpus` processors and `frames` frames of RAM.
    #[must_use]
    pub fn new(cpus: usize, frames: u64) -> Self {
        Self {
            ram: Ram::new(frames),
            cpus: (0..cpus).map(|_| Cpu::default()).collect(),
            clock: SimClock::new(1_000_000),
            touched: AtomicU64::new(0),
            m2p: (0..frames).map(|_| AtomicU64::new(u64::MAX)).collect(),
            log: Log::new(Quiet, SimClock::new(0)),
            script: Script::default(),
            rich: false,
            pace: AtomicU64::new(50),
            host: OnceLock::new(),
        }
    }

    /// The same with every feature that there is a name for.
    #[must_use]
    pub fn rich(cpus: usize, frames: u64) -> Self {
        Self { rich: true, ..Self::new(cpus, frames) }
    }

    /// The translations of a CPU.
    ///
    /// # Panics
    /// When there is no such CPU.
    pub fn mmu(&self, cpu: usize) -> MutexGuard<'_, Mmu> {
        self.cpus[cpu].mmu.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Has all processors use process-context identifiers from now on. Nothing has run on them yet.
    pub fn start_pcids(&self) {
        self.cpus.iter().for_each(|cpu| cpu.pcids.enable());
    }

    /// Whether what a CPU has cached under an identifier may come to be used.
    pub(crate) fn counts(&self, cpu: usize, pcid: u16) -> bool {
        self.cpus[cpu].pcids.counts(pcid)
    }

    /// What the hardware virtualisation of this machine will answer.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Memory.
    pub fn ram(&self) -> &Ram {
        &self.ram
    }

    /// Lets time pass.
    pub fn advance(&self, ns: u64) {
        self.clock.advance(ns);
    }

    /// Has `ns` nanoseconds pass with each look at the time: as if this machine were a guest itself, that seldom gets a turn.
    pub fn set_pace(&self, ns: u64) {
        self.pace.store(ns, SeqCst);
    }

    /// When the timer of a CPU fires, if it is armed.
    #[must_use]
    pub fn timer(&self, cpu: usize) -> Option<u64> {
        let at = self.cpus[cpu].timer.load(SeqCst);
        (at != 0).then_some(at)
    }

    /// The timer interrupt of the calling CPU, if it is time.
    pub(crate) fn tick(&self) {
        let cpu = this_cpu();
        let due = self.timer(cpu).is_some_and(|at| self.clock.now() >= at);
        if let Some(host) = self.host.get().and_then(Weak::upgrade).filter(|_| due) {
            host.cpus[cpu].pending.fetch_or(TIMER, SeqCst);
        }
    }

    /// Whether `rdtsc` of what runs on a CPU faults.
    #[must_use]
    pub fn hides_tsc(&self, cpu: usize) -> bool {
        self.cpus[cpu].tsc_hidden.load(SeqCst)
    }

    /// Whether a CPU was interrupted since this was asked last.
    #[must_use]
    pub fn take_kick(&self, cpu: usize) -> bool {
        self.cpus[cpu].kicked.swap(false, SeqCst)
    }

    /// How many accesses to memory there were so far.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.touched.load(SeqCst)
    }

    /// Has the next page fault of `cpu` be at `va`.
    pub fn set_fault(&self, cpu: usize, va: u64) {
        self.cpus[cpu].fault.store(va, SeqCst);
    }

    pub(crate) fn here(&self) -> &Cpu {
        &self.cpus[this_cpu()]
    }
}
