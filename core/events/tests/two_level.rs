//! Bindings, errors, and the 2-level ABI.

mod common;

use common::guest::{drain, handlers, mask};
use common::{BAD_PIRQ, Dom, connect, world};
use fx_events::{Binding, EventHost, *};
use fx_types::{DomId, Errno, PhysMem};
use std::sync::atomic::Ordering::SeqCst;
use xen_abi::event_channel::{EVTCHNSTAT_INTERDOMAIN, EvtchnStatus};
use xen_abi::xen::{NR_VIRQS, VIRQ_CONSOLE, VIRQ_DOM_EXC, VIRQ_TIMER};

fn binding(d: &Dom, port: u32) -> Binding {
    status(d, port).unwrap().binding
}

#[test]
fn interdomain_events_go_both_ways_and_start_pending() {
    let w = world(2, 1023);
    let (a, b) = (&w.domains[0], &w.domains[1]);
    let (pa, pb) = connect(a, b);
    assert_eq!(drain(&mut handlers(b)), [pb]);
    assert_eq!(drain(&mut handlers(a)), []);
    send(a, pa).unwrap();
    send(a, pa).unwrap();
    assert_eq!(drain(&mut handlers(b)), [pb]);
    assert_eq!(b.kicks(0), 2);
    send(b, pb).unwrap();
    assert_eq!(a.polled.load(SeqCst), u64::from(pa));
    assert_eq!(drain(&mut handlers(a)), [pa]);
    let mut s = EvtchnStatus::default();
    status(a, pa).unwrap().store(&mut s);
    assert_eq!((s.status, s.remote_dom(), s.remote_port()), (EVTCHNSTAT_INTERDOMAIN, 1, pb));
}

#[test]
fn closing_one_side_makes_the_other_unbound() {
    let w = world(2, 1023);
    let (a, b) = (&w.domains[0], &w.domains[1]);
    let (pa, pb) = connect(a, b);
    close(b, pb).unwrap();
    assert_eq!(binding(a, pa), Binding::Unbound { remote: DomId(1) });
    assert_eq!(binding(b, pb), Binding::Free);
    send(a, pa).unwrap();
    assert!(drain(&mut handlers(b)).is_empty() && !is_pending(b, pb).unwrap());
    assert_eq!(close(b, pb), Err(Errno::EINVAL));
    assert_eq!(bind_interdomain(b, a, pa), Ok(pb));
    close(a, pa).unwrap();
    assert_eq!(binding(b, pb), Binding::Unbound { remote: DomId(0) });
    assert_eq!(bind_interdomain(b, a, pa), Err(Errno::EINVAL));
}

#[test]
fn loopback() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    let (p, q) = connect(d, d);
    drain(&mut handlers(d));
    send(d, p).unwrap();
    assert_eq!(drain(&mut handlers(d)), [q]);
    close(d, p).unwrap();
    assert_eq!(binding(d, q), Binding::Unbound { remote: DomId(0) });
}

#[test]
fn masked_ports_stay_pending_until_unmasked() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    let p = bind_ipi(d, 1).unwrap();
    mask(d, p);
    send(d, p).unwrap();
    assert_eq!((d.kicks(1), is_masked(d, p), is_pending(d, p)), (0, Ok(true), Ok(true)));
    assert_eq!(d.polled.load(SeqCst), u64::from(p));
    unmask(d, p).unwrap();
    assert_eq!((d.kicks(1), is_masked(d, p)), (1, Ok(false)));
    assert_eq!(drain(&mut handlers(d)), [p]);
    unmask(d, p).unwrap();
    mask(d, p);
    unmask(d, p).unwrap();
    assert_eq!(d.kicks(1), 1);
}

#[test]
fn a_masked_upcall_kicks_once() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    let p = bind_ipi(d, 2).unwrap();
    w.mem.store8(d.vcpu_info(2).unwrap().add(1), 1);
    send(d, p).unwrap();
    assert_eq!(d.kicks(2), 1, "the guest may have looked before its unmasking is seen here");
    assert_eq!(drain(&mut handlers(d)), [p]);
    vcpu_info_moved(d, 2);
    assert_eq!(w.mem.load64(d.vcpu_info(2).unwrap().add(8)), u64::MAX);
    w.mem.store8(d.vcpu_info(2).unwrap().add(1), 0);
    drain(&mut handlers(d));
    upcall(d, 2);
    upcall(d, 2);
    assert_eq!(d.kicks(2), 3);
}

#[test]
fn virqs() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    let t = bind_virq(d, VIRQ_TIMER, 1).unwrap();
    let g = bind_virq(d, VIRQ_DOM_EXC, 0).unwrap();
    assert_eq!(bind_virq(d, VIRQ_TIMER, 1), Err(Errno::EEXIST));
    assert_eq!(bind_virq(d, VIRQ_CONSOLE, 1), Err(Errno::EINVAL));
    assert_eq!(bind_virq(d, NR_VIRQS, 0), Err(Errno::EINVAL));
    assert_eq!(bind_virq(d, VIRQ_TIMER, 9), Err(Errno::ENOENT));
    send_virq(d, 0, VIRQ_TIMER);
    send_virq(d, 0, VIRQ_CONSOLE);
    assert!(drain(&mut handlers(d)).is_empty());
    send_virq(d, 1, VIRQ_TIMER);
    assert_eq!((d.kicks(1), drain(&mut handlers(d))), (1, vec![t]));
    assert_eq!(bind_vcpu(d, t, 0), Err(Errno::EINVAL));
    bind_vcpu(d, g, 2).unwrap();
    send_virq(d, 1, VIRQ_DOM_EXC);
    assert_eq!((d.kicks(2), drain(&mut handlers(d))), (1, vec![g]));
    assert_eq!(send(d, t), Err(Errno::EINVAL));
    close(d, t).unwrap();
    send_virq(d, 1, VIRQ_TIMER);
    assert!(drain(&mut handlers(d)).is_empty());
    assert_eq!(bind_virq(d, VIRQ_TIMER, 1), Ok(t));
}

#[test]
fn pirqs() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    assert_eq!(bind_pirq(d, BAD_PIRQ, false), Err(Errno::EBUSY));
    let p = bind_pirq(d, 4, true).unwrap();
    assert_eq!((p, d.pirqs.lock().len()), (1, 1));
    send_pirq(d, p, 5);
    assert!(drain(&mut handlers(d)).is_empty());
    send_pirq(d, p, 4);
    assert_eq!(drain(&mut handlers(d)), [p]);
    bind_vcpu(d, p, 1).unwrap();
    assert_eq!(status(d, p).unwrap().vcpu, 1);
    close(d, p).unwrap();
    assert!(d.pirqs.lock().is_empty());
}

#[test]
fn ports_and_limits() {
    let w = world(1, 70);
    let d = &w.domains[0];
    assert_eq!(binding(d, 0), Binding::Reserved);
    assert_eq!(close(d, 0), Err(Errno::EINVAL));
    assert_eq!(send(d, 0), Err(Errno::EINVAL));
    assert_eq!(send(d, 64), Err(Errno::EINVAL));
    assert_eq!(bind_ipi(d, 7), Err(Errno::ENOENT));
    for p in 1..=70 {
        assert_eq!(bind_ipi(d, 0), Ok(p));
    }
    assert_eq!(bind_ipi(d, 0), Err(Errno::ENOSPC));
    assert_eq!(status(d, 127).unwrap().binding, Binding::Free);
    assert_eq!(status(d, 128), Err(Errno::EINVAL));
    close(d, 40).unwrap();
    close(d, 30).unwrap();
    assert_eq!((alloc_unbound(d, DomId(9)), alloc_unbound(d, DomId(9))), (Ok(30), Ok(40)));
    assert_eq!(bind_ipi(d, 0), Err(Errno::ENOSPC));
    assert_eq!(ports(d).count(), 70);
    assert_eq!(ports(d).nth(29).unwrap().status.binding, Binding::Unbound { remote: DomId(9) });
    assert_eq!(bind_vcpu(d, 1, 0), Err(Errno::EINVAL));
    assert_eq!(bind_vcpu(d, 30, 5), Err(Errno::ENOENT));
}

#[test]
fn two_level_ends_at_4096() {
    let w = world(1, u32::MAX);
    let d = &w.domains[0];
    for p in 1..4096 {
        assert_eq!(bind_ipi(d, 0), Ok(p));
    }
    assert_eq!(bind_ipi(d, 0), Err(Errno::ENOSPC));
    send(d, 4095).unwrap();
    assert_eq!(drain(&mut handlers(d)), [4095]);
    assert_eq!(set_priority(d, 1, 0), Err(Errno::ENOSYS));
    assert_eq!(expand_array(d, d.frame(8)), Err(Errno::EOPNOTSUPP));
}

#[test]
fn destruction_is_preemptible_and_final() {
    let w = world(2, 1023);
    let (a, b) = (&w.domains[0], &w.domains[1]);
    let pairs: Vec<_> = (0..100).map(|_| connect(a, b)).collect();
    bind_pirq(a, 7, false).unwrap();
    let (mut cursor, mut turns) = (0, 0);
    while !destroy(a, &mut cursor, 10) {
        turns += 1;
        assert_eq!(bind_ipi(a, 0), Err(Errno::EINVAL));
    }
    assert!((10..15).contains(&turns) && a.pirqs.lock().is_empty());
    assert_eq!(ports(a).count(), 0);
    for (_, pb) in pairs {
        assert_eq!(binding(b, pb), Binding::Unbound { remote: DomId(0) });
        send(b, pb).unwrap();
    }
}
