//! The command line, and what of it concerns the machine.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use fx_boot::Ranges;
use fx_cmdline::{Acpi, Dom0, Gnttab, Options, RebootMethod, SerialPort, Timestamps};
use fx_console::Stamps;
use fx_platform::power::Restart;
use fx_platform::serial::{Config, Format, Parity};
use fx_sync::Once;

use crate::console::{self, LINES, LineConfig};
use crate::crash;

/// The clock of a PC's serial port, in Hz.
const SERIAL_CLOCK: u64 = 1_843_200;
/// The most CPUs that share a run queue.
const PER_QUEUE_MAX: u32 = 64;

static OPTIONS: Once<Options> = Once::new();

/// The options. Before [`init`] there are none, which is a mistake in the order of start-up.
pub fn get() -> &'static Options {
    match OPTIONS.get() {
        Some(o) => o,
        None => panic!("an option is used before the command line is read"),
    }
}

/// Reads the command line and opens the console as it says. The answer is what is wrong with the command line.
pub fn init(line: &str) -> Vec<String> {
    let (options, mut warnings) = Options::parse(line);
    crash::set_noreboot(options.noreboot);
    set_log(&options);
    let lines = serial_lines(&options, &mut warnings);
    if line.split_whitespace().any(|w| w.starts_with("console=") && w.contains("vga")) {
        warnings
            .push("console=vga: there is no output to the screen; name a serial line, such as com1".into());
    }
    without_effect(&options, &mut warnings);
    let _ = OPTIONS.set(options);
    console::open(lines);
    warnings
}

fn set_log(o: &Options) {
    let log = console::log();
    log.levels.set(o.loglvl.always, o.loglvl.limited);
    log.guest_levels.set(o.guest_loglvl.always, o.guest_loglvl.limited);
    log.set_guests_to_ring(o.console_to_ring);
    log.set_stamps(match o.console_timestamps {
        Timestamps::None => Stamps::None,
        Timestamps::Date => Stamps::Date,
        Timestamps::DateMs => Stamps::DateMs,
        Timestamps::Boot => Stamps::Boot,
        Timestamps::Raw => Stamps::Raw,
    });
}

/// Which serial lines to use and how. A line that the command line does not name is used until Dom0 runs.
fn serial_lines(o: &Options, warnings: &mut Vec<String>) -> [Option<LineConfig>; LINES] {
    let mut line = |name, given: Option<&SerialPort>, wanted: bool, default: Config| {
        let named = given.is_some() || wanted && !o.console.vga;
        (named || wanted).then(|| LineConfig {
            config: given.map_or(default, |g| serial_config(name, g, default, warnings)),
            shown: wanted,
            kept: named,
        })
    };
    let lines = [
        line("com1", o.com1.as_ref(), o.console.com1, Config::COM1),
        line("com2", o.com2.as_ref(), o.console.com2, Config::COM2),
    ];
    if lines.iter().flatten().all(|l| !l.shown) {
        warnings.push("console= names no serial line: messages are kept in the log only (xl dmesg)".into());
    }
    lines
}

fn serial_config(name: &str, p: &SerialPort, default: Config, warnings: &mut Vec<String>) -> Config {
    let mut config = default;
    match p.io_base.map(u16::try_from) {
        Some(Ok(port)) => config.port = port,
        Some(Err(_)) => {
            warnings.push(format!("{name}: registers in memory are not supported, using {:#x}", default.port))
        }
        None => {}
    }
    if p.pci
        || p.port_bdf.is_some()
        || p.reg_shift.is_some_and(|s| s > 0)
        || p.reg_width.is_some_and(|w| w > 1)
    {
        warnings
            .push(format!("{name}: ports of PCI cards are not looked for; name the first I/O port instead"));
    }
    config.irq = match p.irq.map(u8::try_from) {
        Some(Ok(irq)) if irq < 16 => irq,
        None if !p.msi => default.irq,
        _ => 0,
    };
    if config.irq == 0 {
        warnings.push(format!("{name}: has no ISA interrupt, so what is typed on it is not seen"));
    }
    // The divisor is of the usual clock: a faster clock makes the line faster by the same factor.
    let scale = |baud: u32| u64::from(baud) * SERIAL_CLOCK / p.clock_hz.unwrap_or(SERIAL_CLOCK).max(1);
    config.baud = p.baud.map_or(0, |b| u32::try_from(scale(b)).unwrap_or(u32::MAX).max(1));
    config.format = Format {
        data_bits: p.data_bits.unwrap_or(Format::DEFAULT.data_bits),
        parity: match p.parity {
            None | Some(fx_cmdline::Parity::None) => Parity::None,
            Some(fx_cmdline::Parity::Odd) => Parity::Odd,
            Some(fx_cmdline::Parity::Even) => Parity::Even,
            Some(fx_cmdline::Parity::Mark) => Parity::Mark,
            Some(fx_cmdline::Parity::Space) => Parity::Space,
        },
        stop_bits: p.stop_bits.unwrap_or(Format::DEFAULT.stop_bits),
    };
    config
}

/// Options that are understood but change nothing.
fn without_effect(o: &Options, warnings: &mut Vec<String>) {
    let d = Dom0::default();
    let gnttab = Gnttab::default();
    let list = [
        ("acpi", !matches!(o.acpi, Acpi::On | Acpi::Force | Acpi::Verbose)),
        ("cpuid", !o.cpuid.is_empty()),
        ("dom0=pvh (Dom0 is PV)", o.dom0.pvh),
        ("dom0=cpuid-faulting", o.dom0.cpuid_faulting != d.cpuid_faulting),
        ("dom0=msr-relaxed", o.dom0.msr_relaxed),
        ("gnttab", (o.gnttab.transitive, o.gnttab.transfer) != (gnttab.transitive, gnttab.transfer)),
        ("sched_ratelimit_us", o.sched_ratelimit_us != 1000),
        ("vga (there is no output to the screen)", !o.vga.mode.is_empty() || o.vga.keep),
        ("watchdog", o.watchdog),
        ("x2apic_phys", o.x2apic_phys == Some(false)),
    ];
    for (name, _) in list.iter().filter(|(_, asked)| *asked) {
        warnings.push(format!("option {name}: known, but without effect here"));
    }
}

/// How to restart first.
pub fn restart() -> Restart {
    match OPTIONS.get().and_then(|o| o.reboot) {
        Some(RebootMethod::Keyboard) => Restart::Keyboard,
        Some(RebootMethod::Pci | RebootMethod::Power) => Restart::Chipset,
        Some(RebootMethod::Triple) => Restart::TripleFault,
        _ => Restart::Acpi,
    }
}

/// CPUs that may be used, of `present` ones.
pub fn cpus(present: usize) -> usize {
    let o = get();
    let most = if o.nosmp { 1 } else { o.maxcpus.map_or(usize::MAX, |n| n as usize) };
    present.min(most)
}

/// CPUs that share a run queue.
pub fn cpus_per_queue() -> usize {
    let n = get().sched_credit2_max_cpus_runqueue.clamp(1, PER_QUEUE_MAX);
    1 << n.ilog2()
}

/// Takes away what `mem=` (memory up to an address) and `availmem=` (so many bytes) do not leave.
pub fn keep_usable(kept: &mut Ranges) {
    let o = get();
    kept.remove(fx_boot::Range::new(o.mem.unwrap_or(u64::MAX).max(1 << 20), u64::MAX));
    let mut over = o.availmem.map_or(0, |most| kept.total().saturating_sub(most.max(1 << 26)));
    while let Some(last) = kept.as_slice().last().copied().filter(|_| over > 0) {
        let cut = over.min(last.len());
        kept.remove(fx_boot::Range::new(last.end - cut, last.end));
        over -= cut;
    }
}

/// Dom0's pages at start and at most, when `free` pages are; says so when it does not get what was asked for.
pub fn dom0_pages(free: u64) -> (u64, u64) {
    /// Pages of 1 MiB.
    const MIB: u64 = 256;
    let o = get().dom0_mem;
    // What the hypervisor needs for Dom0 and for other domains.
    let ceiling = free.saturating_sub((free / 16).min(128 * MIB));
    let pages = o.pages(free);
    if pages.initial <= ceiling {
        return (pages.initial, pages.max.unwrap_or(u64::MAX));
    }
    let asked = o.asked(free).unwrap_or(pages.initial).max(pages.initial);
    log!(
        "dom0_mem asks for {} MiB, but only {} MiB can be given to Dom0: it gets those. Lower dom0_mem.",
        asked / MIB,
        ceiling / MIB
    );
    (ceiling, pages.max.unwrap_or(u64::MAX))
}
