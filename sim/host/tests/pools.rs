//! CPU pools: what the toolstack asks for, and where vCPUs run then.

use fx_sim_host::World;
use fx_types::{CpuSet, DomId, Errno};
use xen_abi::domctl::{XEN_SCHEDULER_CREDIT, XEN_SCHEDULER_CREDIT2, XEN_SCHEDULER_NULL};
use xen_abi::sysctl as s;
use xen_abi::sysctl::{Sysctl, SysctlCpupoolOp};
use zerocopy::FromZeros;

const ANY: u32 = s::XEN_SYSCTL_CPUPOOL_PAR_ANY;

/// Two CPUs, the control domain with a vCPU on each, and two guests of two vCPUs.
struct Scene(World);

impl Scene {
    fn new() -> Self {
        let mut w = World::new(2, 1600, 2);
        w.turn(0);
        w.turn(1);
        Self(w)
    }

    fn op(&mut self, op: SysctlCpupoolOp) -> (i64, SysctlCpupoolOp) {
        let mut call = Sysctl {
            cmd: s::XEN_SYSCTL_CPUPOOL_OP,
            interface_version: s::XEN_SYSCTL_INTERFACE_VERSION,
            ..Sysctl::new_zeroed()
        };
        call.put(&op);
        while self.0.current(0).is_none_or(|c| (c.d.id.0, c.v.id) != (0, 0)) {
            self.0.host.hw.advance(1_000_000);
            self.0.turn(0);
        }
        let answer = self.0.sysctl(&mut call);
        (answer, call.get())
    }

    fn create(&mut self, sched_id: u32) -> Result<u32, i64> {
        let op = SysctlCpupoolOp {
            op: s::XEN_SYSCTL_CPUPOOL_OP_CREATE,
            cpupool_id: ANY,
            sched_id,
            ..SysctlCpupoolOp::default()
        };
        let (answer, op) = self.op(op);
        if answer == 0 { Ok(op.cpupool_id) } else { Err(answer) }
    }

    fn on_pool(&mut self, op: u32, cpupool_id: u32, cpu: u32) -> i64 {
        self.op(SysctlCpupoolOp { op, cpupool_id, cpu, ..SysctlCpupoolOp::default() }).0
    }

    fn give(&mut self, pool: u32, cpu: u32) -> i64 {
        self.on_pool(s::XEN_SYSCTL_CPUPOOL_OP_ADDCPU, pool, cpu)
    }

    fn take(&mut self, pool: u32, cpu: u32) -> i64 {
        self.on_pool(s::XEN_SYSCTL_CPUPOOL_OP_RMCPU, pool, cpu)
    }

    fn destroy(&mut self, pool: u32) -> i64 {
        self.on_pool(s::XEN_SYSCTL_CPUPOOL_OP_DESTROY, pool, 0)
    }

    fn move_to(&mut self, domid: u32, cpupool_id: u32) -> i64 {
        let op = s::XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
        self.op(SysctlCpupoolOp { op, cpupool_id, domid, ..SysctlCpupoolOp::default() }).0
    }

    /// Pool, policy and number of domains of the pool that information is given about.
    fn info(&mut self, cpupool_id: u32) -> Result<[u32; 3], i64> {
        let op = s::XEN_SYSCTL_CPUPOOL_OP_INFO;
        let (answer, op) = self.op(SysctlCpupoolOp { op, cpupool_id, ..SysctlCpupoolOp::default() });
        if answer == 0 { Ok([op.cpupool_id, op.sched_id, op.n_dom]) } else { Err(answer) }
    }

    /// What ran on a CPU within some turns: domains and their vCPUs. There must be something to run on each CPU.
    fn ran(&mut self, cpu: usize) -> std::collections::BTreeSet<(u16, u32)> {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..400 {
            self.0.host.hw.advance(1_000_000);
            for c in [0, 1] {
                self.0.turn(c);
            }
            seen.extend(self.0.current(cpu).map(|c| (c.d.id.0, c.v.id)));
        }
        seen
    }
}

fn refused(e: Errno) -> i64 {
    e.to_ret()
}

#[test]
fn what_the_toolstack_is_told() {
    let mut s = Scene::new();
    assert_eq!(s.info(0), Ok([0, XEN_SCHEDULER_CREDIT2, 3]));
    assert_eq!(s.info(1), Err(refused(Errno::ENOENT)));
    assert_eq!(s.create(XEN_SCHEDULER_CREDIT), Err(refused(Errno::ENOENT)));
    assert_eq!(s.create(XEN_SCHEDULER_CREDIT2), Ok(1));
    assert_eq!(s.create(XEN_SCHEDULER_NULL), Ok(2));
    assert_eq!(s.destroy(1), 0);
    assert_eq!(s.info(1), Ok([2, XEN_SCHEDULER_NULL, 0]), "the next one");
    assert_eq!(s.give(2, 1), refused(Errno::EBUSY), "pool 0 has it");
    assert_eq!(s.give(2, ANY), refused(Errno::EINVAL), "none is free");
    assert_eq!(s.move_to(1, 2), refused(Errno::ENOENT), "a pool without CPUs");
    assert_eq!(s.take(0, 2), refused(Errno::EINVAL), "there is no such CPU");
    assert_eq!((s.take(0, 1), s.take(0, 1)), (0, refused(Errno::EADDRNOTAVAIL)));
    assert_eq!(s.take(0, ANY), refused(Errno::EBUSY), "the last one");
    assert_eq!((s.give(7, 1), s.give(2, 1)), (refused(Errno::ENOENT), 0));
    assert_eq!(s.move_to(0, 2), refused(Errno::EPERM));
    assert_eq!(s.move_to(9, 2), refused(Errno::ESRCH));
    assert_eq!((s.move_to(1, 2), s.move_to(1, 2)), (0, 0));
    assert_eq!((s.info(0), s.info(1)), (Ok([0, XEN_SCHEDULER_CREDIT2, 2]), Ok([2, XEN_SCHEDULER_NULL, 1])));
    assert_eq!(
        (s.take(2, 1), s.destroy(2), s.destroy(0)),
        (refused(Errno::EBUSY), refused(Errno::EBUSY), refused(Errno::EBUSY))
    );
    assert_eq!((s.move_to(1, 0), s.destroy(2)), (0, refused(Errno::EBUSY)), "it still has a CPU");
    assert_eq!((s.take(2, ANY), s.destroy(2), s.destroy(2)), (0, 0, refused(Errno::ENOENT)));
    assert_eq!((s.give(0, ANY), s.info(0)), (0, Ok([0, XEN_SCHEDULER_CREDIT2, 3])));
}

#[test]
fn domains_run_on_the_cpus_of_their_pool() {
    let mut s = Scene::new();
    assert_eq!(s.create(XEN_SCHEDULER_CREDIT2), Ok(1));
    assert_eq!((s.take(0, 1), s.give(1, 1), s.move_to(1, 1)), (0, 0, 0));
    assert_eq!(Vec::from_iter(s.ran(1)), [(1, 0), (1, 1)]);
    assert!(s.ran(0).iter().all(|(d, _)| *d != 1));
    let d = s.0.host.domain(DomId(1)).unwrap();
    let outside = s.0.host.set_affinity(&d, &d.vcpus[0], &CpuSet::one(0), &CpuSet::ALL);
    assert_eq!(outside, Err(Errno::EINVAL));
    // The control domain's second vCPU was pinned to the CPU that went, so it runs anywhere now.
    assert!(s.ran(0).contains(&(0, 1)));
}

#[test]
fn a_vcpu_of_a_null_pool_has_a_cpu_for_itself() {
    let mut s = Scene::new();
    assert_eq!(s.create(XEN_SCHEDULER_NULL), Ok(1));
    assert_eq!((s.take(0, 1), s.give(1, 1), s.move_to(1, 1)), (0, 0, 0));
    assert_eq!(Vec::from_iter(s.ran(1)), [(1, 0)], "the second one waits");
    // When the domain leaves the next one gets the seat.
    assert_eq!(s.move_to(2, 1), 0);
    assert_eq!(Vec::from_iter(s.ran(1)), [(1, 0)]);
    assert_eq!(s.move_to(1, 0), 0);
    assert_eq!(Vec::from_iter(s.ran(1)), [(2, 0)]);
}
