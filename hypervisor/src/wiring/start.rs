//! From the end of the boot code to the first guest.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64};

use fx_boot::{BootInfo, Module, Ranges};
use fx_cpuid::{HostConfig, Policies, RawCpu};
use fx_domain::console::Console;
use fx_domain::dom0::Dom0;
use fx_domain::host::{Cpu, Host, RESCHED, Settings};
use fx_frames::Buddy;
use fx_sched::{Sched, Timers};
use fx_sync::{Lock, RwLock};
use fx_types::{Maddr, Mfn};

use super::{HOST, apic, platform};
use crate::boot::{early, frames, paging, smp};
use crate::cpu::{block, this_cpu};
use crate::entry::exit;
use crate::machine::Machine;

const GRANT_FRAMES: u32 = 64;
const MAPTRACK_FRAMES: u32 = 1024;

/// On the first CPU, with heap and page tables.
pub fn start(info: &'static BootInfo) -> ! {
    let ram = Ranges::ram(info, 4096);
    if let Err(why) = platform::init(&ram) {
        panic!("cannot start: {why}");
    }
    let Some(host) = make_host(info, &ram) else { panic!("not enough memory to start") };
    if HOST.set(host).is_err() {
        panic!("started twice");
    }
    let Some(host) = HOST.get() else { panic!("no host") };
    host.sched.cpu_online(0);
    start_others(host);
    host.log(format_args!(
        "{} CPUs, {} MiB of RAM, {} kHz TSC",
        smp::count(),
        host.total_frames / 256,
        platform::clock().khz
    ));
    build_dom0(host, info);
    platform::enable_serial_input();
    // SAFETY: this is CPU 0 and its area is in use already.
    unsafe { exit::restart_stack(0, run) }
}

/// Another CPU is ready.
pub fn cpu_main(cpu: u32) -> ! {
    platform::init_cpu(cpu);
    if let Some(host) = HOST.get() {
        for other in host.sched.cpu_online(cpu as usize).iter() {
            host.ask(other, RESCHED);
        }
    }
    // SAFETY: this is that CPU, on its own stack.
    unsafe { exit::restart_stack(cpu, run) }
}

/// Runs guests on this CPU for ever.
extern "C" fn run() -> ! {
    let Some(host) = HOST.get() else { panic!("a CPU runs before the core is made") };
    if let Some(cpu) = host.this_cpu() {
        cpu.pending.fetch_or(RESCHED, core::sync::atomic::Ordering::SeqCst);
    }
    // SAFETY: the frame is this CPU's, nobody else has a reference to it, and `current` is used only by this CPU.
    unsafe {
        let regs = &mut *block::guest_regs();
        host.leave(&mut *this_cpu().local.current.get(), regs);
        exit::enter_guest()
    }
}

/// Frames that 2 MiB of the machine-to-physical table tell of.
const M2P_PIECE_FRAMES: u64 = 1 << 18;

/// The processor, for its policy.
struct Raw;

impl RawCpu for Raw {
    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4] {
        fx_domain::hw::Hw::cpuid(&Machine, leaf, subleaf)
    }
}

fn make_host(info: &'static BootInfo, ram: &Ranges) -> Option<Host<Machine>> {
    let frames = frames::table(ram)?;
    let policies = Policies::new(&Raw, &HostConfig::default()).ok()?;
    let count = platform::get().others.len() + 1;
    let cpus = fx_types::try_filled(count, |_| Cpu {
        pending: AtomicU32::new(0),
        timers: Lock::new(Timers::new()),
        slice_end: AtomicU64::new(u64::MAX),
    })
    .ok()?;
    let sched = Sched::new(count).ok()?;
    let map: Vec<_> = info.regions().iter().map(|r| (r.start, r.end - r.start, r.kind.0)).collect();
    let host = Host {
        hw: Machine,
        frames,
        free: Lock::new(Buddy::new()),
        domains: RwLock::new(BTreeMap::new()),
        next_domid: AtomicU32::new(1),
        sched,
        cpus,
        console: Console::default(),
        settings: Settings {
            cmdline: String::from(&*info.cmdline),
            noreboot: info.cmdline.split_whitespace().any(|w| w == "noreboot"),
            grant_frames: GRANT_FRAMES,
            maptrack_frames: MAPTRACK_FRAMES,
        },
        policies,
        total_frames: ram.total() >> 12,
        memory_map: map.into_boxed_slice(),
        claimed: AtomicU64::new(0),
        virq_handlers: Lock::new(BTreeMap::new()),
        irq_owners: Lock::new(BTreeMap::new()),
        control: fx_domain::control::Control::default(),
    };
    {
        let mut free = host.free.lock();
        for r in early::finish().as_slice() {
            free.add_range(&host.frames, Mfn(r.start.div_ceil(4096)), Mfn(r.end >> 12));
        }
    }
    mark_devices(&host, ram);
    mark_m2p(&host);
    Some(host)
}

/// Makes the frames of the machine-to-physical table `DOMID_XEN`'s: the control domain may map them, but only to read, because
/// the typed reference that is never given back is to another type than writable.
fn mark_m2p(host: &Host<Machine>) {
    for piece in 0..host.frames.end().div_ceil(M2P_PIECE_FRAMES) {
        let first = platform::m2p_frame(piece);
        if first == Mfn::INVALID {
            continue;
        }
        for f in (0..512).filter_map(|n| host.frames.get(first.add(n))) {
            f.assign(fx_types::DomId(xen_abi::xen::DOMID_XEN), false);
            let _fresh = f.get_type(fx_frames::FrameType::SegDesc);
            f.validated();
        }
    }
}

/// Says which frames that have records are no RAM: holes of the memory map, and the first MiB, which is the hardware domain's.
fn mark_devices(host: &Host<Machine>, ram: &Ranges) {
    let mut at = 0;
    let mut is_device = |from: u64, to: u64| {
        for n in from..to {
            if let Some(f) = host.frames.get(Mfn(n)) {
                f.mark_device();
            }
        }
    };
    for r in ram.as_slice() {
        is_device(at, r.start.div_ceil(4096));
        at = r.end >> 12;
    }
    is_device(at, at + fx_frames::CHUNK_FRAMES);
    is_device(0, 0x100);
}

fn start_others(host: &'static Host<Machine>) {
    let starter = apic::Starter { ticks_per_us: u64::from(platform::clock().khz).div_ceil(1000) };
    for (cpu, id) in (1u32..).zip(&platform::get().others) {
        apic::set_id(cpu, *id);
        if !smp::start(cpu, *id, &starter) {
            host.log(format_args!("CPU {cpu} (APIC id {id}) does not answer: it stays off"));
        }
    }
}

fn build_dom0(host: &'static Host<Machine>, info: &'static BootInfo) {
    let [kernel, rest @ ..] = info.modules() else {
        panic!(
            "no Dom0 kernel: give the boot loader one as first module (multiboot \"module\" line, or QEMU's -initrd)"
        );
    };
    let (pages, max_pages) = dom0_pages(host, info);
    let image = Dom0 {
        kernel: bytes(kernel),
        initrd: rest.first().map(|m| (Maddr(m.addr), m.len)),
        cmdline: kernel.cmdline.as_bytes(),
        pages,
        max_pages,
        vcpus: smp::count() as u32,
        console_ports: platform::serial_ports(),
    };
    match host.build_dom0(&image) {
        Ok(d) => {
            for m in info.modules() {
                release(host, m);
            }
            host.log(format_args!("{} KiB free", host.free.lock().free_frames() * 4));
            host.unpause_domain(&d);
        }
        Err(why) => panic!("Dom0 cannot be built: {why}"),
    }
}

fn dom0_pages(host: &Host<Machine>, _info: &BootInfo) -> (u64, u64) {
    let free = host.free.lock().free_frames();
    let pages = (free - (free / 16).min(1 << 15)).min(1 << 18);
    (pages, u64::MAX)
}

fn bytes(m: &'static Module) -> &'static [u8] {
    // SAFETY: the loader put the module there; its memory is kept out of the free frames until `release`.
    unsafe { core::slice::from_raw_parts(paging::phys_ptr(m.addr), m.len as usize) }
}

/// A module's memory is free from now on.
fn release(host: &Host<Machine>, m: &Module) {
    let r = m.range();
    host.free.lock().add_range(&host.frames, Mfn(r.start.div_ceil(4096)), Mfn(r.end >> 12));
}

/// Bytes from the serial console.
pub fn serial_input() {
    let (Some(host), Some(serial)) = (HOST.get(), platform::serial()) else { return };
    let mut any = false;
    serial.receive(|b| {
        let mut input = host.console.input.lock();
        if input.len() < 4096 && input.try_reserve(1).is_ok() {
            input.push(b);
            any = true;
        }
    });
    if any {
        host.send_global_virq(xen_abi::xen::VIRQ_CONSOLE);
    }
}

/// Restarts the machine at once.
pub fn restart_now() -> ! {
    platform::restart()
}
