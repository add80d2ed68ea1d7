//! From the end of the boot code to the first guest.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64};

use fx_boot::{BootInfo, Module, Ranges};
use fx_cpuid::{HostConfig, Policies, RawCpu};
use fx_domain::console::Console;
use fx_domain::dom0::Dom0;
use fx_domain::domain::Domain;
use fx_domain::host::{Cpu, Host, RESCHED, Settings};
use fx_frames::Buddy;
use fx_sched::{Sched, Timers};
use fx_sync::{Lock, RwLock};
use fx_types::{CpuSet, Maddr, Mfn};

use super::{HOST, apic, options, platform, report};
use crate::boot::{early, frames, paging, smp};
use crate::console;
use crate::cpu::{block, init, this_cpu};
use crate::crash;
use crate::entry::exit;
use crate::machine::{Machine, state, virt};

/// The most vCPUs of Dom0.
const MAX_VCPUS: u32 = 128;
/// The largest log, in bytes.
const MAX_LOG: u64 = 64 << 20;

/// On the first CPU, with heap and page tables.
pub fn start(info: &'static BootInfo) -> ! {
    let warnings = options::init(&info.cmdline);
    let ram = ram(info);
    report::start(info, &ram, &warnings);
    if let Err(why) = platform::init(&ram) {
        crash::stop(format_args!("cannot start: {why}"));
    }
    console::log().set_epoch(platform::wallclock_at_boot());
    let host = install_host(info, &ram);
    set_console(host);
    host.log(format_args!("PCID: {}", if start_pcids() { "on" } else { "off" }));
    start_virt(host);
    host.sched.cpu_online(0);
    start_others(host);
    host.log(format_args!(
        "{} CPUs ({}), {} MiB of RAM, {} kHz TSC",
        smp::count(),
        if apic::lapic().is_x2apic() { "x2APIC" } else { "xAPIC" },
        host.total_frames / 256,
        platform::clock().khz
    ));
    build_dom0(host, info);
    platform::enable_console_input();
    if !options::get().conswitch.stay {
        host.give_input_to_dom0();
    }
    // SAFETY: this is CPU 0 and its area is in use already.
    unsafe { exit::restart_stack(0, run) }
}

/// Makes the host where everybody finds it. A function of its own, as are other steps of the start: they move large values about,
/// and the stack has no room for all of them at once.
#[inline(never)]
fn install_host(info: &'static BootInfo, ram: &Ranges) -> &'static Host<Machine> {
    let Some(host) = make_host(info, ram) else {
        crash::stop(format_args!(
            "{} MiB of RAM are too few to start: give the machine more memory",
            ram.total() >> 20
        ));
    };
    if HOST.set(host).is_err() {
        panic!("started twice");
    }
    let Some(host) = HOST.get() else { panic!("no host") };
    host
}

/// The machine's RAM: on the heap, because it is too large for the stack to hold more than once.
#[inline(never)]
fn ram(info: &BootInfo) -> Box<Ranges> {
    Box::new(Ranges::ram(info, 4096))
}

/// Gives the log its ring and the input its switch.
fn set_console(host: &Host<Machine>) {
    let o = options::get();
    host.console.input.set_switch(o.conswitch.code);
    let size = o.conring_size.clamp(4096, MAX_LOG).next_power_of_two();
    match fx_types::try_filled(size as usize, |_| 0u8) {
        Ok(ring) => console::log().attach_ring(ring.into_vec()),
        Err(_) => host.log(format_args!("conring_size={size}: no memory for it, the log stays as it is")),
    }
}

/// Switches hardware virtualisation on on the first CPU.
fn start_virt(host: &Host<Machine>) {
    use fx_virt::Virt;
    if let Err(e) = virt::init() {
        crash::stop(format_args!("hardware virtualisation: {e:?}"));
    }
    match Machine.virt() {
        Some(f) => host.log(format_args!(
            "HVM: {:?}, nested paging with pages up to {}",
            f.vendor,
            if f.nested_1g { "1 GiB" } else { "2 MiB" }
        )),
        None => host.log(format_args!("HVM: none ({}): PV guests only", virt::lack().unwrap_or("?"))),
    }
    fx_insn::prepare();
}

/// Has this CPU keep the translations of both address spaces of a PV vCPU, if it can and the operator does not mind.
fn start_pcids() -> bool {
    let on = init::features().pcid && options::get().pcid != Some(false);
    if on {
        // SAFETY: the processor has them.
        unsafe { state::enable_pcids() };
    }
    on
}

/// Another CPU is ready.
pub fn cpu_main(cpu: u32) -> ! {
    start_pcids();
    platform::init_cpu(cpu);
    if let Err(e) = virt::init_cpu(cpu) {
        crash::stop(format_args!("CPU {cpu}: hardware virtualisation: {e:?}"));
    }
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

fn host_config() -> HostConfig {
    let hvm = virt::lack().is_none();
    HostConfig { hvm, hap: hvm, hvm_hidden: virt::hidden(), ..HostConfig::default() }
}

#[inline(never)]
fn make_host(info: &'static BootInfo, ram: &Ranges) -> Option<Host<Machine>> {
    let frames = frames::table(ram)?;
    let policies = Policies::new(&Raw, &host_config()).ok()?;
    let count = options::cpus(platform::get().others.len() + 1);
    let cpus = fx_types::try_filled(count, |_| Cpu {
        pending: AtomicU32::new(0),
        timers: Lock::new(Timers::new()),
        yield_at: AtomicU64::new(u64::MAX),
        unfinished: fx_pagetables::Unfinished::new(),
        slice_end: AtomicU64::new(u64::MAX),
    })
    .ok()?;
    let sched = Sched::with_queues_of(count, options::cpus_per_queue()).ok()?;
    let o = options::get();
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
            grant_frames: o.gnttab_max_frames.into(),
            maptrack_frames: o.gnttab_max_maptrack_frames.into(),
        },
        firmware: crate::boot::firmware::for_dom0(),
        policies,
        total_frames: ram.total() >> 12,
        memory_map: map.into_boxed_slice(),
        flushed: AtomicU64::new(1),
        claimed: AtomicU64::new(0),
        virq_handlers: Lock::new(BTreeMap::new()),
        irq_owners: Lock::new(BTreeMap::new()),
        pools: Lock::default(),
        trace: fx_domain::trace::Trace::default(),
        control: fx_domain::control::Control::default(),
    };
    add_free(&host);
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

/// Gives the core the memory that is left.
#[inline(never)]
fn add_free(host: &Host<Machine>) {
    let mut ranges = early::finish();
    options::keep_usable(&mut ranges);
    let mut free = host.free.lock();
    for r in ranges.as_slice() {
        free.add_range(&host.frames, Mfn(r.start.div_ceil(4096)), Mfn(r.end >> 12));
    }
}

/// Says which frames that have records are no RAM: holes of the memory map, and the first MiB, which is the hardware domain's.
fn mark_devices(host: &Host<Machine>, ram: &Ranges) {
    let mut at = 0;
    let is_device = |from: u64, to: u64| {
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

#[inline(never)]
fn start_others(host: &'static Host<Machine>) {
    let starter = apic::Starter { ticks_per_us: u64::from(platform::clock().khz).div_ceil(1000) };
    let present = platform::get().others.len() + 1;
    let used = options::cpus(present);
    if used < present {
        host.log(format_args!("{used} of {present} CPUs are used: the command line says so"));
    }
    for (cpu, id) in (1u32..).zip(&platform::get().others).take(used - 1) {
        apic::set_id(cpu, *id);
        if !smp::start(cpu, *id, &starter) {
            host.log(format_args!("CPU {cpu} (APIC id {id}) does not answer: it stays off"));
        }
    }
}

#[inline(never)]
fn build_dom0(host: &'static Host<Machine>, info: &'static BootInfo) {
    let [kernel, rest @ ..] = info.modules() else {
        crash::stop(format_args!(
            "no Dom0 kernel: give the boot loader one as first module (\"module2\" in GRUB, -initrd in QEMU)"
        ));
    };
    host.log(format_args!("*** Building a PV Dom0 ***"));
    let o = options::get();
    let free = host.free.lock().free_frames();
    let (pages, max_pages) = options::dom0_pages(free);
    let mut cmdline = String::from(&*kernel.cmdline);
    if let Some(extra) = &o.dom0_extra {
        cmdline.push(' ');
        cmdline.push_str(extra);
    }
    if rest.first().is_some_and(|m| !fx_loader::is_ramdisk(bytes(m))) {
        log!(
            "Warning: module 1 is no ramdisk that Dom0's kernel would take, neither a cpio archive nor compressed: check the \
             file, and that the kernel comes first"
        );
    }
    let ports: Vec<_> = console::kept_ports().collect();
    let image = Dom0 {
        kernel: bytes(kernel),
        initrd: rest.first().map(|m| (Maddr(m.addr), m.len)),
        cmdline: cmdline.as_bytes(),
        pages,
        max_pages,
        vcpus: o.dom0_max_vcpus.count(smp::count() as u32).min(MAX_VCPUS),
        console_ports: &ports,
    };
    match host.build_dom0(&image) {
        Ok(d) => {
            for m in info.modules() {
                release(host, m);
            }
            host.log(format_args!("{} KiB free", host.free.lock().free_frames() * 4));
            if o.dom0_vcpus_pin {
                pin(host, &d);
            }
            console::leave_to_dom0();
            host.unpause_domain(&d);
        }
        Err(why) => crash::stop(format_args!("Dom0 cannot be built: {why}")),
    }
}

/// Lets each of Dom0's vCPUs run on one CPU only (`dom0_vcpus_pin`).
fn pin(host: &Host<Machine>, d: &Domain) {
    for v in &d.vcpus {
        let cpu = CpuSet::one(v.id as usize % smp::count());
        if host.set_affinity(d, v, &cpu, &cpu).is_err() {
            host.log(format_args!("Dom0's vCPU {} cannot be pinned", v.id));
        }
    }
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

/// A byte from a serial line.
pub fn typed(byte: u8) {
    if let Some(host) = HOST.get() {
        host.console_byte(byte);
    }
}

/// Restarts the machine at once.
pub fn restart_now() -> ! {
    platform::restart()
}
