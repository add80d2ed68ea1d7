//! The machine's devices that the hypervisor itself uses: clock, timers, interrupt controllers, power.

use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::ptr::NonNull;

use fx_acpi::{Acpi, Fadt, LocalNmi, Madt, Polarity};
use fx_boot::Ranges;
use fx_cmdline::Clocksource;
use fx_domain::hw::MsiRequest;
use fx_platform::ioapic::{IoApic, IoApics};
use fx_platform::irq::{Hardware, Irqs, Line, MsiSource, Tables, line_of_gsi};
use fx_platform::lapic::{NmiPin, TimerKind, tsc_deadline_supported};
use fx_platform::pci::{Pci, Sbdf};
use fx_platform::pic;
use fx_platform::ports::Native;
use fx_platform::power::Power;
use fx_platform::time::{Clock, Hpet, Pit, PmTimer, Rates, Timer, WINDOW_US, measure, rtc, silence_pit};
use fx_sync::Once;
use fx_types::{Errno, Mfn, Result};

use super::{HOST, apic, options};
use crate::boot::firmware::{self, Firmware};
use crate::console;
use crate::cpu::this_cpu;
use crate::layout::M2P;
use crate::machine::mmio::{self, Cache};

/// Interrupts of messages, besides those of pins.
const MESSAGES: u32 = 1024;
/// Vectors that spurious interrupts of the legacy controllers would have.
const PIC_BASE: u8 = 0x20;

/// The devices.
pub struct Platform {
    clock: Clock,
    timer: Timer,
    irqs: Irqs<Hardware<Native>>,
    power: Power<Native>,
    wallclock: u64,
    lapic_frame: u64,
    read_only: Vec<u64>,
    ram: Ranges,
    /// The processors to start besides this one: their APIC ids.
    pub others: Vec<u32>,
}

static PLATFORM: Once<Platform> = Once::new();

fn platform() -> &'static Platform {
    match PLATFORM.get() {
        Some(p) => p,
        None => panic!("a device is used before devices are set up"),
    }
}

/// The devices, for start-up.
pub fn get() -> &'static Platform {
    platform()
}

/// Access to ports.
fn native() -> Native {
    // SAFETY: the drivers below get the ports of the devices that the firmware or the platform's design puts there.
    unsafe { Native::new() }
}

/// Sets everything up on the first CPU.
pub fn init(ram: &Ranges) -> core::result::Result<(), &'static str> {
    let acpi = firmware::acpi();
    let madt = acpi.as_ref().and_then(|a| a.madt(&Firmware).ok()).unwrap_or_default();
    let fadt = acpi.as_ref().and_then(|a| a.fadt(&Firmware).ok());
    pic::disable(native(), PIC_BASE);
    apic::init(&nmi_pins(&madt)).ok_or("the local APIC's registers cannot be mapped")?;
    let rates = calibrate(acpi.as_ref(), fadt.as_ref(), options::get().clocksource)
        .ok_or("no clock to measure the processor's by")?;
    silence_pit(native());
    let clock = Clock::new(fx_x86::cpu::rdtsc(), rates.tsc_hz)
        .ok_or("the processor's clock has no sane frequency")?;
    let kind =
        if options::get().tdt && tsc_deadline_supported() { TimerKind::Deadline } else { TimerKind::Count };
    let timer = Timer::new(kind, rates.lapic_hz).ok_or("the APIC timer has no sane frequency")?;
    timer.init_cpu(apic::lapic(), super::entries::TIMER_VECTOR);
    let me = apic::lapic().id();
    let others: Vec<u32> = madt.processors().map(|p| p.apic_id).filter(|id| *id != me).collect();
    let power = Power::new(
        native(),
        fadt.as_ref(),
        acpi.as_ref().zip(fadt.as_ref()).and_then(|(a, f)| a.s5(&Firmware, f).ok()),
        None,
    );
    let irqs = interrupts(&madt, fadt.as_ref(), me, &others).map_err(|_| "no memory for interrupts")?;
    let wallclock = rtc::read(native(), fadt.map_or(0, |f| f.century)).unwrap_or(0);
    let read_only: Vec<u64> = madt.ioapics.iter().map(|a| u64::from(a.addr) >> 12).collect();
    let p = Platform {
        clock,
        timer,
        irqs,
        power,
        wallclock: wallclock.saturating_mul(1_000_000_000),
        lapic_frame: madt.lapic_addr >> 12,
        read_only,
        ram: ram.clone(),
        others,
    };
    PLATFORM.set(p).map_err(|_| "devices are set up twice")
}

/// Where the first CPU, which is the one that starts the machine, gets NMIs.
fn nmi_pins(madt: &Madt) -> Vec<NmiPin> {
    let first = madt.processors().next().map(|p| p.acpi_id);
    let mine = |n: &&LocalNmi| n.acpi_id.is_none() || n.acpi_id == first;
    let pin = |n: &LocalNmi| NmiPin { lint: n.lint, low: n.polarity == Polarity::Low };
    madt.local_nmis.iter().filter(mine).map(pin).collect()
}

/// Measures by the counter that `clocksource=` names, and if that does not work or it names none, by the best that does.
fn calibrate(acpi: Option<&Acpi>, fadt: Option<&Fadt>, asked: Option<Clocksource>) -> Option<Rates> {
    let lapic = apic::lapic();
    lapic.timer_run_free();
    let tsc = fx_x86::cpu::rdtsc_ordered;
    let count = || lapic.timer_left();
    let hpet = acpi.and_then(|a| a.hpet(&Firmware).ok()).and_then(|h| {
        // SAFETY: the firmware says that these are the HPET's.
        Hpet::new(unsafe { apic::registers(h.addr, 1024) }?)
    });
    let by_hpet = || measure(hpet.as_ref()?, WINDOW_US, tsc, count);
    let by_pm = || {
        let f = fadt?;
        measure(&PmTimer::new(native(), &f.pm_timer?, f.pm_timer_32)?, WINDOW_US, tsc, count)
    };
    let by_pit = || measure(&Pit::new(native()), WINDOW_US, tsc, count);
    let first = match asked {
        Some(Clocksource::Pit) => by_pit(),
        Some(Clocksource::Acpi) => by_pm(),
        _ => None,
    };
    first.or_else(by_hpet).or_else(by_pm).or_else(by_pit)
}

fn interrupts(madt: &Madt, fadt: Option<&Fadt>, me: u32, others: &[u32]) -> Result<Irqs<Hardware<Native>>> {
    let mut ioapics = Vec::new();
    for a in &madt.ioapics {
        // SAFETY: the firmware says that these are the I/O APIC's.
        let regs = unsafe { apic::registers(u64::from(a.addr), 4096) };
        ioapics.extend(regs.and_then(|r| IoApic::new(r, u64::from(a.addr), a.gsi_base)));
    }
    let ioapics = IoApics(ioapics);
    let isa_level = pic::level_triggered(native());
    let wired: Vec<_> = (0..ioapics.gsi_count())
        .map(|g| Some((ioapics.pin_of(g)?, line_of_gsi(g, madt, fadt.map(|f| f.sci), isa_level))))
        .collect();
    let mut apic_ids = Vec::new();
    apic_ids.push(me);
    apic_ids.extend_from_slice(others);
    let cpus = apic_ids.len();
    let hardware = Hardware {
        lapic: *apic::lapic(),
        ioapics,
        pci: Pci::new(native()),
        apic_ids: apic_ids.into_boxed_slice(),
        // SAFETY: the mapper maps for good, uncached, and refuses RAM.
        tables: unsafe { Tables::new(map_table) },
    };
    Irqs::new(hardware, cpus, wired.len() as u32, MESSAGES, |g| wired.get(g as usize).copied().flatten())
}

fn map_table(phys: u64, len: u64) -> Option<NonNull<u8>> {
    if is_ram(phys) {
        return None;
    }
    NonZeroUsize::new(mmio::map(phys, len, Cache::None)? as usize).map(NonNull::with_exposed_provenance)
}

fn is_ram(phys: u64) -> bool {
    platform().ram.as_slice().iter().any(|r| r.start <= phys && phys < r.end)
}

/// Sets up what each further CPU has for itself.
pub fn init_cpu(cpu: u32) {
    apic::init_cpu(cpu);
    platform().timer.init_cpu(apic::lapic(), super::entries::TIMER_VECTOR);
}

/// System time.
#[inline]
pub fn clock() -> &'static Clock {
    &platform().clock
}

/// System time, or 0 as long as there is no clock.
pub fn time_if_known() -> u64 {
    PLATFORM.get().map_or(0, |p| p.clock.now())
}

/// Arms this CPU's timer.
pub fn arm_timer(deadline: Option<u64>) {
    let p = platform();
    p.timer.arm(apic::lapic(), &p.clock, deadline);
}

/// ns since 1970 when system time was zero.
pub fn wallclock_at_boot() -> u64 {
    platform().wallclock
}

/// A device's interrupt on this CPU.
pub fn device_interrupt(vector: u8) {
    let p = platform();
    let Some(irq) = p.irqs.ack(this_cpu().cpu, vector) else { return };
    if console::interrupt(irq, super::start::typed) {
        p.irqs.eoi(irq);
        return;
    }
    let taken = HOST.get().is_some_and(|h| h.irq_raised(irq));
    if !taken {
        p.irqs.mask(irq);
        p.irqs.eoi(irq);
    }
}

/// Lets the interrupts of the console's serial lines in.
pub fn enable_console_input() {
    for irq in console::enable_input() {
        let _ = platform().irqs.startup(u32::from(irq), 0);
    }
}

/// How a global system interrupt is signalled.
pub fn irq_setup_gsi(gsi: u32, level: bool, low: bool) -> Result {
    match platform().irqs.setup_gsi(gsi, Line { level, low }) {
        // It is in use as it is: several devices share it.
        Err(Errno::EEXIST) => Ok(()),
        other => other,
    }
}

/// Lets an interrupt in; whether its end must be told.
pub fn irq_enable(irq: u32, cpu: usize) -> Result<bool> {
    let p = platform();
    p.irqs.startup(irq, cpu as u32)?;
    Ok(p.irqs.needs_eoi(irq))
}

/// Keeps an interrupt out.
pub fn irq_disable(irq: u32) {
    let _ = platform().irqs.shutdown(irq);
}

/// A level-triggered interrupt was dealt with.
pub fn irq_done(irq: u32) {
    platform().irqs.eoi(irq);
}

/// Sends an interrupt elsewhere from now on.
pub fn irq_move(irq: u32, cpu: usize) {
    let _ = platform().irqs.set_affinity(irq, cpu as u32);
}

/// Message-signalled interrupts of a function.
pub fn msi_map(r: &MsiRequest) -> Result<u32> {
    let p = platform();
    let f = Sbdf { segment: r.segment, bus: r.bus, devfn: r.devfn };
    if r.count != 1 {
        // Several plain messages of one function: the guest falls back to one.
        return Err(Errno::EOPNOTSUPP);
    }
    let source: MsiSource =
        if r.table_base == 0 { p.irqs.hw.msi(f)? } else { p.irqs.hw.msix(f, r.entry, r.table_base)? };
    p.irqs.create(source)
}

/// Undoes [`msi_map`].
pub fn msi_unmap(irq: u32) {
    let p = platform();
    if irq >= p.irqs.gsis() {
        let _ = p.irqs.destroy(irq);
    }
}

/// A register of an I/O APIC as the hardware domain sees it.
pub fn ioapic_read(base: u64, register: u32) -> Result<u32> {
    platform().irqs.hw.ioapics.guest_read(base, register).ok_or(Errno::EINVAL)
}

/// A write to a register of an I/O APIC by the hardware domain.
pub fn ioapic_write(base: u64, register: u32, value: u32) -> Result {
    if let Some((gsi, level, low)) = platform().irqs.hw.ioapics.guest_write(base, register, value)? {
        irq_setup_gsi(gsi, level, low)?;
    }
    Ok(())
}

/// Whether a frame without RAM is kept from guests: the local APICs' registers.
pub fn mmio_reserved(mfn: Mfn) -> bool {
    platform().lapic_frame == mfn.0
}

/// Whether guests may only read a frame without RAM: the I/O APICs' registers.
pub fn mmio_read_only(mfn: Mfn) -> bool {
    platform().read_only.contains(&mfn.0)
}

/// The frame of a 2 MiB piece of the machine-to-physical table.
pub fn m2p_frame(piece: u64) -> Mfn {
    let va = M2P.wrapping_add(piece << 21);
    crate::boot::paging::phys_of(va).map_or(Mfn::INVALID, |p| Mfn(p >> 12))
}

/// Reads a model-specific register that may not exist.
pub fn rdmsr_safe(msr: u32) -> Option<u64> {
    crate::machine::guest::rdmsr(msr)
}

/// Switches the machine off.
pub fn power_off() -> ! {
    platform().power.off();
    fx_x86::cpu::halt_forever()
}

/// Restarts the machine.
pub fn restart() -> ! {
    match PLATFORM.get() {
        Some(p) => p.power.restart(&p.irqs.hw.pci, options::restart()),
        None => fx_x86::cpu::triple_fault(),
    }
}
