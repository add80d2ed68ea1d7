//! Every CPU that was chosen for a unit is named to whoever sends the kicks: one that is not would never be chosen again.

use fx_sched::Sched;
use fx_types::CpuSet;

const MS: u64 = 1_000_000;

fn cpus(list: &[usize]) -> CpuSet {
    let mut s = CpuSet::EMPTY;
    list.iter().for_each(|c| s.insert(*c));
    s
}

/// One that has to leave the run queue, while another one that waits there finds an idle CPU.
#[test]
fn one_that_leaves_and_one_that_waits_both_get_a_cpu() {
    let s: Sched<u8> = Sched::with_queues_of(4, 2).unwrap();
    for c in [0, 2] {
        s.cpu_online(c);
        assert_eq!(s.schedule(c, 0).next, None);
    }
    let leaves = s.insert(1, 0, &cpus(&[0])).unwrap();
    let [next, waits] = [2, 3].map(|n| s.insert(n, 0, &cpus(&[0, 1])).unwrap());
    assert_eq!(s.wake(leaves, 0), Some(0));
    assert_eq!(s.schedule(0, 0).next, Some((leaves, 1)));
    s.wake(next, 0);
    s.wake(waits, 0);
    assert_eq!(s.set_affinity(leaves, &cpus(&[2]), &cpus(&[2])), Ok(Some(0)));
    s.cpu_online(1);
    let choice = s.schedule(0, 20 * MS);
    assert_eq!(choice.next.map(|n| n.1), Some(2));
    let told: Vec<usize> = [choice.kick].into_iter().chain(choice.also).flatten().collect();
    assert_eq!(told, [1, 2]);
    assert_eq!(s.context_saved(0), None);
    assert_eq!(s.schedule(1, 20 * MS).next, Some((waits, 3)));
    assert_eq!(s.schedule(2, 20 * MS).next, Some((leaves, 1)));
}
