//! This machine's local APICs: set up on each CPU, and interrupts between CPUs.

use core::num::NonZeroUsize;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use fx_platform::lapic::{Ipi, Lapic, NmiPin, Vectors, firmware_state};
use fx_platform::mmio::Mmio;
use fx_sync::Once;
use fx_types::{CpuSet, MAX_CPUS};

use super::entries::{ERROR_VECTOR, EVENT_CHECK, SHOOTDOWN, SPURIOUS, TIMER_VECTOR};
use crate::boot::smp;
use crate::cpu::tlb;
use crate::machine::mmio::{self, Cache};

static LAPIC: Once<Lapic> = Once::new();
/// APIC ids by CPU number.
static IDS: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(u32::MAX) }; MAX_CPUS];

const VECTORS: Vectors = Vectors { timer: TIMER_VECTOR, error: ERROR_VECTOR, spurious: SPURIOUS };

/// The local APICs. Before `init` there is none, which is a mistake in the order of start-up.
#[inline]
pub fn lapic() -> &'static Lapic {
    match LAPIC.get() {
        Some(l) => l,
        None => panic!("the local APIC is used before it is set up"),
    }
}

/// Maps a device's registers.
///
/// # Safety
/// They belong to the device that the caller is making a driver for.
pub unsafe fn registers(phys: u64, len: u64) -> Option<Mmio> {
    let p = NonZeroUsize::new(mmio::map(phys, len, Cache::None)? as usize)?;
    // SAFETY: mappings of devices stay; the caller says whose the registers are.
    Some(unsafe { Mmio::new(NonNull::with_exposed_provenance(p), len as usize) })
}

/// Finds out how the APICs are reached and sets that of this CPU, the first one, up; the machine's NMI comes in at `nmi_pins`.
pub fn init(nmi_pins: &[NmiPin]) -> Option<()> {
    const X2APIC: u32 = 1 << 21;
    let (base, in_use) = firmware_state();
    let wanted = in_use || super::options::get().x2apic != Some(false);
    let lapic = if wanted && fx_x86::cpuid::cpuid(1, 0).ecx & X2APIC != 0 {
        // SAFETY: CPUID says so.
        unsafe { Lapic::x2apic() }
    } else {
        // SAFETY: the address is what the processor says.
        Lapic::xapic(unsafe { registers(base, 4096) }?)
    };
    LAPIC.set(lapic).ok()?;
    set_up(0, nmi_pins);
    Some(())
}

/// Sets the APIC of this CPU up, one of the others: it takes no NMI, or each of them would come to all.
pub fn init_cpu(cpu: u32) {
    set_up(cpu, &[]);
}

fn set_up(cpu: u32, nmi_pins: &[NmiPin]) {
    // SAFETY: the vectors are those that `entries` handles.
    unsafe { lapic().init_cpu(&VECTORS, nmi_pins) };
    set_id(cpu, lapic().id());
}

/// Says which APIC id a CPU has.
pub fn set_id(cpu: u32, id: u32) {
    if let Some(slot) = IDS.get(cpu as usize) {
        slot.store(id, Ordering::Release);
    }
}

/// The APIC id of a CPU.
pub fn id_of(cpu: usize) -> Option<u32> {
    IDS.get(cpu).map(|i| i.load(Ordering::Acquire)).filter(|i| *i != u32::MAX)
}

fn send(cpu: usize, vector: u8) {
    if let Some(id) = id_of(cpu) {
        // SAFETY: the vectors are those that `entries` handles.
        unsafe { lapic().send(id, Ipi::Fixed(vector)) };
    }
}

/// Interrupts all other CPUs that run, in a way that they cannot put off. Not those that never were started: the firmware may
/// have left them where they would take it, without anything to handle it.
pub fn interrupt_others() {
    let Some(lapic) = LAPIC.get() else { return };
    let me = lapic.id();
    let others = (0..MAX_CPUS).filter(|cpu| smp::is_online(*cpu)).filter_map(id_of).filter(|id| *id != me);
    for id in others {
        // SAFETY: every CPU that runs has a handler for it.
        unsafe { lapic.send(id, Ipi::Nmi) };
    }
}

/// Makes a CPU look for work.
pub fn kick(cpu: usize) {
    send(cpu, EVENT_CHECK);
}

/// Drops guest translations on CPUs and waits.
pub fn flush(cpus: &CpuSet) {
    tlb::flush(cpus, false, |cpu| send(cpu as usize, SHOOTDOWN));
}

/// Drops one page's translations on CPUs and waits.
pub fn flush_page(cpus: &CpuSet, va: u64) {
    tlb::flush_page(cpus, va, |cpu| send(cpu as usize, SHOOTDOWN));
}

/// Starts other CPUs by INIT and start-up messages.
pub struct Starter {
    /// Ticks of the time stamp counter in a microsecond.
    pub ticks_per_us: u64,
}

impl smp::Starter for Starter {
    fn init(&self, apic_id: u32) {
        // SAFETY: the CPU runs nothing yet.
        unsafe { lapic().send(apic_id, Ipi::Init) };
    }

    fn startup(&self, apic_id: u32, page: u8) {
        // SAFETY: the page holds the trampoline.
        unsafe { lapic().send(apic_id, Ipi::StartUp(page)) };
    }

    fn delay_us(&self, us: u64) {
        let from = fx_x86::cpu::rdtsc();
        while fx_x86::cpu::rdtsc().wrapping_sub(from) < us.saturating_mul(self.ticks_per_us) {
            core::hint::spin_loop();
        }
    }
}
