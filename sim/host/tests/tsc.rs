//! Emulated time stamp counters: what a guest reads, what its clock page and CPUID say of it, and what is saved and restored.

use fx_domain::hw::Hw;
use fx_sim_host::World;
use fx_types::{Clock, DomId, Errno, GuestVirt, PhysMem, PhysMemExt};
use xen_abi::domctl::{self as d, Domctl, DomctlTscInfo};
use xen_abi::xen::VcpuTimeInfo;
use zerocopy::{FromZeros, IntoBytes};

/// The control domain is on CPU 0; the guest whose turn it is, on CPU 1.
const GUEST_CPU: usize = 1;
/// Where the guests have their instructions: `rdtsc`, and `cpuid` behind the prefix that forces its emulation.
const CODE: u64 = 0x11;
const RDTSC: &[u8] = &[0x0f, 0x31];
const CPUID: &[u8] = &[0x0f, 0x0b, b'x', b'e', b'n', 0x0f, 0xa2];
/// `vcpu_info.time`.
const TIME: u64 = 32;
/// What the leaf of time says first: the machine's counter is reliable and has RDTSCP; and the guest's is emulated.
const NATIVE: u64 = 6;
const EMULATED: u64 = 7;
/// kHz of the fake machine's counter.
const MACHINE: u32 = 1_000_000;

struct Scene(World);

impl Scene {
    /// The guests have not run yet.
    fn new() -> Self {
        let mut w = World::new(2, 1200, 2);
        let dom0 = w.host.domain(DomId(0)).unwrap();
        w.host.pause_vcpu(&dom0, &dom0.vcpus[GUEST_CPU], false);
        for id in [1, 2] {
            w.host.pause_domain(&w.host.domain(DomId(id)).unwrap(), false);
        }
        w.turn(0);
        Self(w)
    }

    fn domctl(&mut self, id: u16, cmd: u32, info: &mut DomctlTscInfo) -> Result<(), Errno> {
        let mut op =
            Domctl { cmd, interface_version: d::XEN_DOMCTL_INTERFACE_VERSION, ..Domctl::new_zeroed() };
        op.domain = id;
        op.put(info);
        let space = self.0.spaces[&0].clone();
        let at = space.scratch_frames()[0].addr();
        self.0.host.hw.write(at, op.as_bytes());
        let number = xen_abi::hypercall::HYPERVISOR_DOMCTL;
        let answer = self.0.hypercall(0, number, [space.scratch().0, 0, 0, 0, 0], 1000)? as i64;
        self.0.host.hw.read(at, op.as_mut_bytes());
        *info = op.get();
        if answer == Errno::EINVAL.to_ret() { Err(Errno::EINVAL) } else { Ok(()) }
    }

    fn set(&mut self, id: u16, mode: u32, khz: u32, elapsed: u64, incarnation: u32) {
        let mut info =
            DomctlTscInfo { tsc_mode: mode, gtsc_khz: khz, incarnation, pad: 0, elapsed_nsec: elapsed };
        self.domctl(id, d::XEN_DOMCTL_SETTSCINFO, &mut info).unwrap();
    }

    fn get(&mut self, id: u16) -> DomctlTscInfo {
        let mut info = DomctlTscInfo::new_zeroed();
        self.domctl(id, d::XEN_DOMCTL_GETTSCINFO, &mut info).unwrap();
        info
    }

    /// Has a guest run, and whether it may read the machine's counter.
    fn run(&mut self, id: u16) -> bool {
        let guest = self.0.host.domain(DomId(id)).unwrap();
        self.0.host.unpause_domain(&guest);
        self.0.turn(GUEST_CPU);
        assert_eq!(self.0.current(GUEST_CPU).map(|c| c.d.id), Some(DomId(id)));
        self.0.host.hw.hides_tsc(GUEST_CPU)
    }

    /// The guest executes an instruction at which it enters the hypervisor by exception `vector`.
    fn execute(&mut self, code: &[u8], vector: u32, rax: u64, rcx: u64) {
        let at = CODE << 12;
        fx_sim_host::on_cpu(GUEST_CPU, || self.0.host.hw.copy_out(at, code).unwrap());
        let r = self.0.regs(GUEST_CPU);
        (r.rip, r.rax, r.rcx) = (at, rax, rcx);
        (r.entry_vector, r.error_code) = (vector, 0);
        self.0.entry(GUEST_CPU);
        assert_eq!(self.0.regs(GUEST_CPU).rip, at + code.len() as u64);
    }

    fn rdtsc(&mut self) -> u64 {
        self.execute(RDTSC, 13, 0, 0);
        let r = self.0.regs(GUEST_CPU);
        r.rdx << 32 | r.rax
    }

    fn time_leaf(&mut self, subleaf: u64) -> [u64; 4] {
        self.execute(CPUID, 6, 0x4000_0003, subleaf);
        let r = self.0.regs(GUEST_CPU);
        [r.rax, r.rbx, r.rcx, r.rdx]
    }

    fn clock(&self) -> VcpuTimeInfo {
        let c = self.0.current(GUEST_CPU).unwrap();
        self.0.host.hw.get(c.v.info().add(TIME))
    }
}

/// System time as a guest makes it of its counter (`xen/xen.h`).
fn system_time(c: &VcpuTimeInfo, tsc: u64) -> u64 {
    let ticks = tsc.wrapping_sub(c.tsc_timestamp);
    let ticks = if c.tsc_shift < 0 { ticks >> -c.tsc_shift } else { ticks << c.tsc_shift };
    c.system_time + ((u128::from(ticks) * u128::from(c.tsc_to_system_mul)) >> 32) as u64
}

#[test]
fn always_emulated() {
    let mut s = Scene::new();
    s.set(1, 1, 0, 5_000_000_000, 0);
    assert!(s.run(1));
    let (first, now) = (s.rdtsc(), s.0.host.hw.now());
    assert!((5_000_000_000..5_100_000_000).contains(&first), "{first}");
    assert!(system_time(&s.clock(), first).abs_diff(now) < 1000);
    s.0.host.hw.advance(1_000_000);
    assert!((1_000_000..1_010_000).contains(&(s.rdtsc() - first)));
    assert_eq!(s.time_leaf(0)[..2], [EMULATED, 1]);
    assert_eq!(s.time_leaf(0)[2..], [u64::from(MACHINE), 1]);
    let info = s.get(1);
    assert_eq!((info.tsc_mode, info.gtsc_khz, info.incarnation), (1, MACHINE, 1));
    assert!(info.elapsed_nsec > 5_001_000_000);
}

#[test]
fn from_a_faster_machine() {
    let mut s = Scene::new();
    s.set(1, 0, 2_893_437, 1 << 40, 3);
    assert!(s.run(1));
    let clock = s.clock();
    for _ in 0..100 {
        // Two weeks in all: the line must not drift.
        s.0.host.hw.advance(12_345_678_901_234);
        let before = s.0.host.hw.now();
        let tsc = s.rdtsc();
        let time = system_time(&clock, tsc);
        assert!((before..before + 10_000).contains(&(time + 2)), "{time} is not after {before}");
    }
    let [a, b, c, n] = s.time_leaf(0);
    assert_eq!([a, b, c, n], [EMULATED, 0, 2_893_437, 4]);
    let [low, high, mul, shift] = s.time_leaf(1);
    assert_eq!([low, high, mul], [0, 0, u64::from(clock.tsc_to_system_mul)]);
    assert_eq!(shift as u32, i32::from(clock.tsc_shift) as u32);
    assert_eq!(s.time_leaf(2), [u64::from(MACHINE), 0, 0, 0]);

    // Saved, and restored as another domain: its counter goes on from where it was.
    let (last, info) = (s.rdtsc(), s.get(1));
    assert_eq!((info.tsc_mode, info.gtsc_khz, info.incarnation), (0, 2_893_437, 4));
    let first = s.0.host.domain(DomId(1)).unwrap();
    s.0.host.pause_domain(&first, false);
    s.0.host.hw.advance(1_000_000_000);
    s.set(2, info.tsc_mode, info.gtsc_khz, info.elapsed_nsec, info.incarnation);
    assert!(s.run(2));
    let next = s.rdtsc();
    assert!((1..10_000_000).contains(&(next - last)), "{last} {next}");
    assert!(system_time(&s.clock(), next).abs_diff(s.0.host.hw.now()) < 1000);
}

#[test]
fn native_where_it_can_be() {
    let mut s = Scene::new();
    s.set(1, 0, MACHINE, 1 << 40, 0);
    assert!(!s.run(1), "the same frequency");
    assert_eq!(s.time_leaf(0), [NATIVE, 0, u64::from(MACHINE), 1]);
    assert!(system_time(&s.clock(), s.0.host.hw.tsc()).abs_diff(s.0.host.hw.now()) < 1000);
    s.set(2, 2, 5, 77, 0);
    assert_eq!(
        s.get(2).as_bytes(),
        DomctlTscInfo { tsc_mode: 2, incarnation: 1, ..FromZeros::new_zeroed() }.as_bytes()
    );
    let first = s.0.host.domain(DomId(1)).unwrap();
    s.0.host.pause_domain(&first, false);
    assert!(!s.run(2), "never");
    let mut bad = DomctlTscInfo { tsc_mode: 3, ..FromZeros::new_zeroed() };
    assert_eq!(s.domctl(1, d::XEN_DOMCTL_SETTSCINFO, &mut bad), Err(Errno::EINVAL));
}

/// A guest's kernel keeps the counter from its user mode by CR4.TSD, and reads it itself.
#[test]
fn kept_from_user_mode() {
    const TSD: u64 = 4;
    const HANDLER: u64 = 0x1_0900;
    let mut s = Scene::new();
    assert!(!s.run(1));
    s.execute(&[0x0f, 0x22, 0xe0], 13, TSD, 0);
    assert!(s.0.host.hw.hides_tsc(GUEST_CPU));
    assert_ne!(s.rdtsc(), 0);
    let c = s.0.current(GUEST_CPU).unwrap();
    c.v.pv.traps[13].address.set(HANDLER);
    c.v.pv.traps[13].info.set(0xe033);
    assert!(fx_sim_host::on_cpu(GUEST_CPU, || s.0.host.toggle_mode(&c)));
    let r = s.0.regs(GUEST_CPU);
    (r.rip, r.entry_vector, r.error_code) = (CODE << 12, 13, 0);
    fx_sim_host::on_cpu(GUEST_CPU, || s.0.host.hw.copy_out(CODE << 12, RDTSC).unwrap());
    s.0.entry(GUEST_CPU);
    assert_eq!(s.0.regs(GUEST_CPU).rip, HANDLER);
}
