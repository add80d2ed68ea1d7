//! Which CPUs run, and how the others than the first come to.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use fx_boot::{Range, Ranges};
use fx_types::MAX_CPUS;

use super::paging;
use crate::cpu::{area, init};

/// Pages that an application processor can start at: in conventional memory, above the firmware's own data.
const TRAMPOLINE_AREA: Range = Range { start: 0x1000, end: 0x9_0000 };
/// How long a CPU may take from its start to being online, in microseconds.
const PATIENCE_US: u64 = 1_000_000;
/// How often it is looked at meanwhile, in microseconds.
const INTERVAL_US: u64 = 50;

static ONLINE: [AtomicU64; MAX_CPUS / 64] = [const { AtomicU64::new(0) }; MAX_CPUS / 64];
static COUNT: AtomicU32 = AtomicU32::new(0);
/// Physical address of the trampoline's page; 0 when there is none.
static TRAMPOLINE: AtomicU64 = AtomicU64::new(0);

/// The L4 table that an application processor starts with.
#[unsafe(no_mangle)]
static ap_cr3: AtomicU64 = AtomicU64::new(0);
/// The stack that it starts on.
#[unsafe(no_mangle)]
static ap_stack: AtomicU64 = AtomicU64::new(0);

/// What it takes to start a CPU.
pub trait Starter {
    /// Sends INIT to the CPU with this APIC id.
    fn init(&self, apic_id: u32);
    /// Sends STARTUP: the CPU begins in real mode at `page` × 4096.
    fn startup(&self, apic_id: u32, page: u8);
    /// Waits.
    fn delay_us(&self, us: u64);
}

/// Whether a CPU runs.
#[inline]
pub fn is_online(cpu: usize) -> bool {
    ONLINE.get(cpu / 64).is_some_and(|w| w.load(Ordering::Acquire) & (1 << (cpu % 64)) != 0)
}

/// How many CPUs run.
#[inline]
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire) as usize
}

/// Says that a CPU runs.
pub fn set_online(cpu: usize) {
    if let Some(w) = ONLINE.get(cpu / 64) {
        w.fetch_or(1 << (cpu % 64), Ordering::AcqRel);
        COUNT.fetch_add(1, Ordering::AcqRel);
    }
}

/// Puts the first code of application processors into a page of RAM below 1 MiB.
pub fn place_trampoline(ram: &Ranges) {
    unsafe extern "C" {
        static trampoline_start: u8;
        static trampoline_end: u8;
    }
    let mut low = ram.clone();
    low.remove(Range::new(TRAMPOLINE_AREA.end, u64::MAX));
    low.remove(Range::new(0, TRAMPOLINE_AREA.start));
    let Some(page) = low.take_high(4096, 4096, TRAMPOLINE_AREA.end) else { return };
    // SAFETY: the page is RAM below 1 MiB, which nobody else uses once the loader's information has been copied.
    unsafe {
        let len = (&raw const trampoline_end).offset_from_unsigned(&raw const trampoline_start);
        core::ptr::copy_nonoverlapping(&raw const trampoline_start, paging::phys_ptr(page), len);
    }
    TRAMPOLINE.store(page, Ordering::Relaxed);
}

/// Starts `cpu`, whose APIC has this id, and waits until it is online. One CPU at a time. False when there is no memory for
/// it or it does not answer.
pub fn start(cpu: u32, apic_id: u32, starter: &impl Starter) -> bool {
    let page = TRAMPOLINE.load(Ordering::Relaxed) >> 12;
    let Ok(page) = u8::try_from(page) else { return false };
    if page == 0 || cpu as usize >= MAX_CPUS || area::create(cpu, apic_id).is_none() {
        return false;
    }
    ap_cr3.store(paging::root(), Ordering::SeqCst);
    ap_stack.store(area::rust_stack(cpu), Ordering::SeqCst);
    starter.init(apic_id);
    starter.delay_us(10_000);
    for _ in 0..2 {
        starter.startup(apic_id, page);
        for _ in 0..PATIENCE_US / INTERVAL_US / 2 {
            if is_online(cpu as usize) {
                return true;
            }
            starter.delay_us(INTERVAL_US);
        }
    }
    false
}

/// The first Rust code of an application processor, on its own stack.
#[unsafe(no_mangle)]
extern "C" fn ap_main() -> ! {
    let cpu = crate::cpu::this_cpu().cpu;
    // SAFETY: this is that CPU, and it runs on the stack of its area.
    unsafe { init::load(cpu) };
    set_online(cpu as usize);
    crate::wiring::cpu_main(cpu)
}
