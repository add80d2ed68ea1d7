//! What a unit may have of CPUs: none, for a time; and how long it has one at least.

use fx_sched::{RATE_LIMIT_NS, Sched};
use fx_types::CpuSet;

const MS: u64 = 1_000_000;

#[test]
fn a_unit_without_a_cpu_waits_until_it_has_one() {
    let s: Sched<u8> = Sched::new(2).unwrap();
    s.cpu_online(0);
    s.cpu_online(1);
    let a = s.insert(1, 0, &CpuSet::EMPTY).unwrap();
    assert_eq!(s.wake(a, 0), None);
    assert_eq!((s.schedule(0, 0).next, s.schedule(1, 0).next), (None, None));
    assert_eq!(s.set_affinity(a, &CpuSet::one(1), &CpuSet::ALL), Ok(Some(1)));
    assert_eq!(s.schedule(0, 10).next, None);
    assert_eq!(s.schedule(1, 10).next, Some((a, 1)));
    // While it runs, its CPU is taken away.
    assert_eq!(s.set_affinity(a, &CpuSet::EMPTY, &CpuSet::ALL), Ok(Some(1)));
    let c = s.schedule(1, 5 * MS);
    assert_eq!((c.next, c.prev, c.also), (None, Some(a), [None; 2]));
    assert_eq!(s.context_saved(1), None);
    assert_eq!((s.schedule(0, 6 * MS).next, s.schedule(1, 6 * MS).next), (None, None));
    assert_eq!(s.set_affinity(a, &CpuSet::one(0), &CpuSet::ALL), Ok(Some(0)));
    assert_eq!(s.schedule(0, 7 * MS).next, Some((a, 1)));
}

#[test]
fn the_rate_limit_of_a_cpu() {
    let s: Sched<u8> = Sched::new(1).unwrap();
    s.cpu_online(0);
    assert_eq!(s.rate_limit(0), RATE_LIMIT_NS);
    s.set_rate_limit(0, 5 * MS);
    assert_eq!(s.rate_limit(0), 5 * MS);
    let (a, b) = (s.insert(1, 0, &CpuSet::ALL).unwrap(), s.insert(2, 0, &CpuSet::ALL).unwrap());
    s.wake(a, 0);
    assert_eq!(s.schedule(0, 0).next, Some((a, 1)));
    s.wake(b, MS);
    let c = s.schedule(0, 4 * MS);
    assert_eq!(c.next, Some((a, 1)), "within the limit");
    assert!(c.slice_end.is_some_and(|end| end >= 5 * MS), "{c:?}");
    assert_eq!(s.schedule(0, 5 * MS).next, Some((b, 2)));
}
