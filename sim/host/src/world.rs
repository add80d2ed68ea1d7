//! A hypervisor on the fake machine, with domains.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use fx_cpuid::{HostConfig, RawCpu};
use fx_domain::cpuid::Policies;
use fx_domain::domain::Domain;
use fx_domain::host::{Cpu, Host, RESCHED, Settings, VcpuRef};
use fx_domain::hw::Hw;
use fx_domain::lifecycle::Create;
use fx_frames::Buddy;
use fx_sched::{Sched, Timers};
use fx_sim::frame_table;
use fx_sync::{Lock, RwLock};
use fx_types::{CpuSet, DomId, Errno, GuestRegs, Mfn, Result};
use xen_abi::arch_x86::VcpuGuestContext;
use zerocopy::FromZeros;

use crate::machine::{Machine, on_cpu};
use crate::space::Space;

/// Frames below this are not given to anybody: a device as far as records go.
const FIRST_FRAME: u64 = 16;

/// What a CPU is doing.
#[derive(Default)]
struct Running {
    cur: Option<VcpuRef>,
    regs: GuestRegs,
}

/// The hypervisor, and what its CPUs are doing.
pub struct World {
    /// The hypervisor.
    pub host: Arc<Host<Machine>>,
    /// First memory of each domain, by number.
    pub spaces: BTreeMap<u16, Space>,
    running: Vec<Running>,
}

struct Raw<'a>(&'a Machine);

impl RawCpu for Raw<'_> {
    fn cpuid(&self, leaf: u32, subleaf: u32) -> [u32; 4] {
        self.0.cpuid(leaf, subleaf)
    }
}

fn host(machine: Machine) -> Host<Machine> {
    let (cpus, frames) = (machine.cpus(), machine.ram().frames());
    let table = frame_table(frames);
    for f in 0..FIRST_FRAME {
        table.get(Mfn(f)).unwrap().mark_device();
    }
    let mut free = Buddy::new();
    free.add_range(&table, Mfn(FIRST_FRAME), Mfn(frames));
    let cpu = |_| Cpu {
        pending: AtomicU32::new(0),
        timers: Lock::new(Timers::new()),
        yield_at: AtomicU64::new(u64::MAX),
        unfinished: fx_pagetables::Unfinished::new(),
        slice_end: AtomicU64::new(u64::MAX),
    };
    let policies =
        Policies::new(&Raw(&machine), &HostConfig { hvm: true, hap: true, ..HostConfig::default() }).unwrap();
    Host {
        hw: machine,
        frames: table,
        free: Lock::new(free),
        domains: RwLock::new(BTreeMap::new()),
        next_domid: AtomicU32::new(1),
        sched: Sched::new(cpus).unwrap(),
        cpus: (0..cpus).map(cpu).collect(),
        console: fx_domain::console::Console::default(),
        firmware: fx_domain::firmware::Firmware::default(),
        settings: Settings { grant_frames: 4, maptrack_frames: 4, ..Settings::default() },
        policies,
        total_frames: frames - FIRST_FRAME,
        memory_map: Box::new([(0, frames << 12, 1)]),
        flushed: AtomicU64::new(1),
        claimed: AtomicU64::new(0),
        virq_handlers: Lock::new(BTreeMap::new()),
        irq_owners: Lock::new(BTreeMap::new()),
        control: fx_domain::control::Control::default(),
    }
}

impl World {
    /// A machine of `cpus` processors with the control domain, which has a vCPU pinned to each, and `guests` guests of two vCPUs.
    ///
    /// # Panics
    /// When something of this does not work.
    #[must_use]
    pub fn new(cpus: usize, frames: u64, guests: u16) -> Self {
        Self::on(Machine::new(cpus, frames), guests)
    }

    /// The same on a machine that is given.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn on(machine: Machine, guests: u16) -> Self {
        let cpus = machine.cpus();
        let host = Arc::new(host(machine));
        host.hw.host.set(Arc::downgrade(&host)).unwrap_or_else(|_| unreachable!("it is new"));
        for cpu in 0..cpus {
            host.sched.cpu_online(cpu);
        }
        let running = (0..cpus).map(|_| Running::default()).collect();
        let mut w = Self { host, spaces: BTreeMap::new(), running };
        w.create(DomId(0), cpus as u32).unwrap();
        for n in 1..=guests {
            w.create(DomId(n), 2).unwrap();
        }
        w
    }

    /// Makes a domain with its first memory and page tables, all vCPUs ready to run; number 0 is the control domain.
    ///
    /// # Errors
    /// What the core answers.
    pub fn create(&mut self, id: DomId, vcpus: u32) -> Result<Arc<Domain>> {
        let first = id.0 == 0;
        let d = self.host.create_domain(&Create {
            id,
            privileged: first,
            hardware: first,
            flags: 0,
            container: None,
            handle: [0; 16],
            ssidref: 0,
            max_vcpus: vcpus,
            max_evtchn_port: u32::MAX,
            max_grant_frames: 4,
            max_maptrack_frames: 4,
            max_grant_version: 2,
        })?;
        let space = Space::new(&self.host, &d)?;
        self.spaces.insert(id.0, space.clone());
        for v in &d.vcpus {
            self.host.set_context(&d, v, &context(&space))?;
            v.down.store(false, SeqCst);
            if first {
                self.host.set_affinity(v, &CpuSet::one(v.id as usize), &CpuSet::ALL)?;
            }
        }
        d.created.store(true, SeqCst);
        d.tool_pauses.store(0, SeqCst);
        self.host.unpause_domain(&d);
        Ok(d)
    }

    /// What runs on a CPU.
    #[must_use]
    pub fn current(&self, cpu: usize) -> Option<VcpuRef> {
        self.running[cpu].cur.clone()
    }

    /// Registers of what runs on a CPU.
    pub fn regs(&mut self, cpu: usize) -> &mut GuestRegs {
        &mut self.running[cpu].regs
    }

    /// An interrupt arrives if one is due: the timer, or another CPU's. Then whatever is to run there runs.
    pub fn turn(&mut self, cpu: usize) {
        let pending = &self.host.cpus[cpu].pending;
        on_cpu(cpu, || self.host.hw.tick());
        let _ = self.host.hw.take_kick(cpu);
        let r = &mut self.running[cpu];
        if r.cur.is_none() {
            pending.fetch_or(RESCHED, SeqCst);
        }
        on_cpu(cpu, || self.host.leave(&mut r.cur, &mut r.regs));
    }

    /// What runs on the CPU enters the hypervisor: by a system call or an exception, as `entry_vector` of its registers says.
    pub fn entry(&mut self, cpu: usize) {
        let r = &mut self.running[cpu];
        on_cpu(cpu, || self.host.guest_entry(&mut r.cur, &mut r.regs));
    }

    /// What runs on a CPU makes a hypercall; its answer. A call that is to be made again is made again, up to `patience` times.
    ///
    /// # Errors
    /// What the hypervisor answers; `EINTR` when something else runs there by then.
    pub fn hypercall(&mut self, cpu: usize, number: u32, args: [u64; 5], patience: u32) -> Result<u64> {
        const SYSCALL: u32 = 0x100;
        let Some(caller) = self.current(cpu) else { return Err(Errno::EINTR) };
        let r = &mut self.running[cpu].regs;
        (r.rax, r.entry_vector) = (u64::from(number), SYSCALL);
        [r.rdi, r.rsi, r.rdx, r.r10, r.r8] = args;
        for _ in 0..patience {
            let before = self.running[cpu].regs.rip;
            self.entry(cpu);
            if !self.current(cpu).is_some_and(|c| Arc::ptr_eq(&c.v, &caller.v)) {
                return Err(Errno::EINTR);
            }
            let r = &mut self.running[cpu].regs;
            if r.rip != before.wrapping_sub(2) || r.entry_vector != SYSCALL {
                return Ok(r.rax);
            }
            r.rip = before;
        }
        Err(Errno::ERESTART)
    }

    /// Takes a domain apart; nothing of it may run afterwards.
    ///
    /// # Panics
    /// When that takes for ever.
    pub fn destroy(&mut self, id: DomId) {
        let Ok(d) = self.host.domain(id) else { return };
        // As the toolstack does: its vCPUs leave the CPUs first.
        self.host.pause_domain(&d, false);
        for cpu in 0..self.running.len() {
            self.host.cpus[cpu].pending.fetch_or(RESCHED, SeqCst);
            self.turn(cpu);
        }
        for _ in 0..10_000 {
            if on_cpu(0, || self.host.destroy_domain(&d)).is_ok() {
                return;
            }
        }
        panic!("{id} cannot be destroyed");
    }
}

/// A vCPU's first state: in kernel mode, with a GDT, entries for everything somewhere in its memory.
fn context(space: &Space) -> VcpuGuestContext {
    let mut k = VcpuGuestContext::new_zeroed();
    k.flags = xen_abi::arch_x86::VGCF_IN_KERNEL;
    k.gdt_frames[0] = space.gdt().0;
    k.gdt_ents = 512;
    k.ctrlreg[3] = space.l4().0 << 12;
    k.ctrlreg[1] = space.user_l4().0 << 12;
    k.kernel_sp = 0x1_f000;
    k.kernel_ss = 0xe02b;
    k.event_callback_eip = 0x1_0000;
    k.failsafe_callback_eip = 0x1_0100;
    k.syscall_callback_eip = 0x1_0200;
    k.user_regs.rip = 0x1_0300;
    k.user_regs.rsp = 0x1_e000;
    k.user_regs.cs = 0xe033;
    k.user_regs.ss = 0xe02b;
    k.debugreg[7] = 0x400;
    k
}
