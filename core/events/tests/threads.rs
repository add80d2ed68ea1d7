//! Senders, consumers and whoever moves the ports, all at once.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use common::guest::{handlers, mask};
use common::{Dom, VCPUS, connect, world};
use fx_events::*;

const PORTS: usize = 8;
const SENDS: u64 = 4000;

/// Every port counts what was sent on it before each send; whoever handles the event notes the count. The last note must
/// be the last count, or an event was lost.
fn senders_and_consumers(fifo: bool) {
    let w = world(2, 1023);
    let (tx, rx) = (&w.domains[0], &w.domains[1]);
    if fifo {
        rx.use_fifo(1);
    }
    let pairs: Vec<_> = (0..PORTS).map(|_| connect(tx, rx)).collect();
    let counts = |n| (0..n).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
    let (sent, seen) = (counts(PORTS), counts(PORTS));
    let (sending, moving) = (AtomicU64::new(2), AtomicBool::new(true));
    let (pairs, sent, seen, sending, moving) = (&pairs, &sent, &seen, &sending, &moving);
    thread::scope(|s| {
        for t in 0..2 {
            s.spawn(move || {
                for i in 0..SENDS {
                    // The two share half of their ports.
                    let k = (i as usize * 5 + t * PORTS / 4) % (PORTS * 3 / 4) + t * PORTS / 4;
                    sent[k].fetch_add(1, SeqCst);
                    send(tx, pairs[k].0).unwrap();
                }
                sending.fetch_sub(1, SeqCst);
            });
        }
        s.spawn(move || {
            let mut i = 0u32;
            while sending.load(SeqCst) != 0 {
                let port = pairs[i as usize % PORTS].1;
                bind_vcpu(rx, port, i % VCPUS).unwrap();
                let _ = set_priority(rx, port, i % 16);
                mask(rx, port);
                thread::yield_now();
                unmask(rx, port).unwrap();
                i = i.wrapping_add(7);
            }
            moving.store(false, SeqCst);
        });
        for mut h in handlers(rx) {
            s.spawn(move || {
                loop {
                    let last = !moving.load(SeqCst);
                    h.upcall(|port| {
                        let k = pairs.iter().position(|p| p.1 == port).unwrap();
                        seen[k].fetch_max(sent[k].load(SeqCst), SeqCst);
                    });
                    if last {
                        break;
                    }
                    thread::yield_now();
                }
            });
        }
    });
    // What one vCPU passed on to another at the very end.
    for (k, (_, port)) in pairs.iter().enumerate() {
        assert!(!is_pending(rx, *port).unwrap() && !is_masked(rx, *port).unwrap(), "port {port} was lost");
        assert_eq!(seen[k].load(SeqCst), sent[k].load(SeqCst), "port {port}");
    }
}

#[test]
fn two_level_under_load() {
    senders_and_consumers(false);
}

#[test]
fn fifo_under_load() {
    senders_and_consumers(true);
}

#[test]
fn nothing_reaches_a_port_that_was_bound_anew() {
    let w = world(2, 1023);
    let (a, b) = (&w.domains[0], &w.domains[1]);
    let (pa, mut pb) = connect(a, b);
    let stop = AtomicBool::new(false);
    thread::scope(|s| {
        s.spawn(|| {
            while !stop.load(SeqCst) {
                send(a, pa).unwrap();
            }
        });
        for i in 0..3000 {
            close(b, pb).unwrap();
            let ipi = bind_ipi(b, 0).unwrap();
            assert_eq!(ipi, pb);
            if i % 64 == 0 {
                thread::yield_now();
            }
            assert!(!is_pending(b, ipi).unwrap());
            close(b, ipi).unwrap();
            pb = bind_interdomain(b, a, pa).unwrap();
        }
        stop.store(true, SeqCst);
    });
}

#[test]
fn closing_and_binding_from_both_sides() {
    let w = world(2, 1023);
    let (a, b) = (&w.domains[0], &w.domains[1]);
    let ring: Vec<_> = (0..32).map(|_| connect(a, b)).collect();
    let ring = &ring;
    thread::scope(|s| {
        for (own, peer, first) in [(a, b, true), (b, a, false)] {
            s.spawn(move || {
                for i in 0..4000 {
                    let (pa, pb) = ring[i * 7 % ring.len()];
                    let (here, there) = if first { (pa, pb) } else { (pb, pa) };
                    let _ = send(own, here);
                    let _ = close(own, here);
                    let _ = bind_interdomain(own, peer, there);
                }
            });
        }
    });
    let (mut ca, mut cb) = (0, 0);
    while !destroy(a, &mut ca, 16) {}
    assert!(ports(b).all(|p| matches!(p.status.binding, Binding::Unbound { .. })));
    while !destroy(b, &mut cb, 16) {}
    assert_eq!(ports(a).count() + ports(b).count(), 0);
}

/// What another CPU does between the look at the own channel and the lock of the peer's.
fn meanwhile(d: &'static Dom, f: impl FnOnce() + Send + 'static) {
    *d.on_lookup.lock() = Some(Box::new(f));
}

#[test]
fn a_send_that_comes_too_late_is_dropped() {
    let w = world(2, 1023);
    let (a, b) = (&w.domains[0], &w.domains[1]);
    let (pa, pb) = connect(a, b);
    for h in &mut handlers(b) {
        h.upcall(|_| {});
    }
    meanwhile(a, move || {
        close(b, pb).unwrap();
        assert_eq!(bind_ipi(b, 0), Ok(pb));
    });
    send(a, pa).unwrap();
    assert_eq!(is_pending(b, pb), Ok(false));
}

#[test]
fn a_close_whose_peer_was_faster_still_closes() {
    let w = world(2, 1023);
    let (a, b) = (&w.domains[0], &w.domains[1]);
    let (pa, pb) = connect(a, b);
    meanwhile(a, move || close(b, pb).unwrap());
    close(a, pa).unwrap();
    let (pa, pb) = connect(a, b);
    meanwhile(b, move || {
        close(a, pa).unwrap();
        assert_eq!(bind_ipi(a, 0), Ok(pa));
    });
    close(b, pb).unwrap();
    assert_eq!(status(a, pa).unwrap().binding, Binding::Ipi);
    assert_eq!(ports(b).count(), 0);
}
