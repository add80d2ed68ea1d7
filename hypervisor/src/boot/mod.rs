//! From the loader to the wiring: [`boot_main`] on the boot CPU, [`smp`] for the others.

pub mod early;
pub mod firmware;
pub mod frames;
pub mod m2p;
pub mod paging;
pub mod smp;

use fx_boot::{BootInfo, PhysView, Range, Ranges};
use fx_sync::Lock;

use crate::cpu::{area, init};
use crate::entry::{exit, fixup};
use crate::layout::IMAGE_PHYS;
use crate::{crash, heap, symbols, wiring};

static INFO: Lock<BootInfo> = Lock::new(BootInfo::EMPTY);

/// The first 4 GiB, which the boot tables map at their own addresses.
struct Identity;

impl PhysView for Identity {
    fn read(&self, addr: u64, buf: &mut [u8]) -> bool {
        let fits = addr != 0 && addr.checked_add(buf.len() as u64).is_some_and(|end| end <= 1 << 32);
        if fits {
            // SAFETY: the range is mapped, and the loader's structures do not change any more.
            unsafe { core::ptr::copy_nonoverlapping(addr as *const u8, buf.as_mut_ptr(), buf.len()) };
        }
        fits
    }
}

/// The first Rust code: still on the boot stack, with the boot tables.
#[unsafe(no_mangle)]
extern "C" fn boot_main(magic: u32, addr: u32) -> ! {
    let info = load_info(magic, u64::from(addr));
    init::detect();
    let ram = Ranges::ram(info, 4096);
    early::init(free_ranges(info, &ram));
    if prepare(info, &ram).is_none() {
        crash::stop(format_args!(
            "{} KiB of RAM are too few to start: give the machine more memory",
            ram.total() >> 10
        ));
    }
    // SAFETY: this is CPU 0, and its area was created just now.
    unsafe { exit::restart_stack(0, on_own_stack) }
}

/// Everything that needs memory: tables, maps, heap, the boot CPU's area.
fn prepare(info: &BootInfo, ram: &Ranges) -> Option<()> {
    paging::create(info)?;
    let chunk = early::alloc(heap::CHUNK as u64, 4096)?;
    // SAFETY: the early allocator gave the memory away.
    unsafe { heap::init(paging::phys_ptr(chunk), heap::CHUNK) };
    m2p::create(ram)?;
    smp::place_trampoline(ram);
    area::create(0, fx_x86::cpuid::apic_id())
}

extern "C" fn on_own_stack() -> ! {
    // SAFETY: this is CPU 0 on its own stack.
    unsafe { init::load(0) };
    let f = init::features();
    if f.smap {
        fixup::enable_smap();
    }
    if f.amd {
        fixup::skip_sysret_checks();
    }
    mask_legacy_interrupts();
    smp::set_online(0);
    fx_sync::set_relax_hook(crate::cpu::tlb::poll);
    wiring::start(info())
}

/// Masks both legacy interrupt controllers: firmware leaves them delivering where exceptions are.
fn mask_legacy_interrupts() {
    for port in [0x21, 0xa1] {
        // SAFETY: the mask registers have no effect on memory.
        unsafe { fx_x86::port::outb(port, 0xff) };
    }
}

/// What the loader left.
pub fn info() -> &'static BootInfo {
    let guard = INFO.lock();
    let p: *const BootInfo = &raw const *guard;
    // SAFETY: it is in a static, and only `load_info` changes it, before anybody else runs.
    unsafe { &*p }
}

fn load_info(magic: u32, addr: u64) -> &'static BootInfo {
    let result = fx_boot::parse(&Identity, magic, addr, &mut INFO.lock());
    if let Err(e) = result {
        crash::stop(format_args!("{e} (magic {magic:#x} at {addr:#x})"));
    }
    info()
}

/// RAM that is neither the image, nor a module, nor below 1 MiB.
fn free_ranges(info: &BootInfo, ram: &Ranges) -> Ranges {
    let mut free = ram.clone();
    free.remove(Range::new(0, 1 << 20));
    free.remove(Range::new(IMAGE_PHYS, paging::image_end_phys() + symbols::table_size()).grow(4096));
    for m in info.modules() {
        free.remove(m.range().grow(4096));
    }
    free
}
