//! The FIFO ABI.

mod common;

use common::guest::{drain, handlers, mask};
use common::{VCPUS, world};
use fx_events::{EventHost, *};
use fx_types::{Errno, Mfn, PhysMem};

const PENDING: u32 = 1 << 31;
const LINKED: u32 = 1 << 29;

#[test]
fn events_come_in_the_order_of_priority_then_of_sending() {
    let w = world(1, u32::MAX);
    let d = &w.domains[0];
    d.use_fifo(1);
    let p: Vec<_> = (0..6).map(|_| bind_ipi(d, 0).unwrap()).collect();
    set_priority(d, p[4], 3).unwrap();
    set_priority(d, p[0], 15).unwrap();
    p.iter().for_each(|p| send(d, *p).unwrap());
    assert_eq!(d.kicks(0), 1);
    let mut h = handlers(d);
    assert_eq!(drain(&mut h), [p[4], p[1], p[2], p[3], p[5], p[0]]);
    send(d, p[2]).unwrap();
    assert_eq!(drain(&mut h), [p[2]]);
    assert_eq!(set_priority(d, p[0], 16), Err(Errno::EINVAL));
}

#[test]
fn a_tail_that_moves_leaves_the_old_queue_usable() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    d.use_fifo(1);
    let (p, q, r) = (bind_ipi(d, 0).unwrap(), bind_ipi(d, 0).unwrap(), bind_ipi(d, 0).unwrap());
    let mut h = handlers(d);
    send(d, p).unwrap();
    assert_eq!(drain(&mut h), [p]);
    set_priority(d, p, 2).unwrap();
    set_priority(d, r, 2).unwrap();
    [p, q, r].iter().for_each(|port| send(d, *port).unwrap());
    assert_eq!(drain(&mut h), [p, r, q]);
    // The same when the port moves while it is still queued.
    send(d, p).unwrap();
    set_priority(d, p, 7).unwrap();
    send(d, q).unwrap();
    send(d, p).unwrap();
    assert_eq!(drain(&mut h), [p, q]);
    send(d, p).unwrap();
    assert_eq!(drain(&mut h), [p]);
}

#[test]
fn masked_events_are_queued_when_unmasked() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    d.use_fifo(1);
    let p = bind_ipi(d, 1).unwrap();
    let mut h = handlers(d);
    mask(d, p);
    send(d, p).unwrap();
    assert_eq!((drain(&mut h).len(), is_pending(d, p), is_masked(d, p)), (0, Ok(true), Ok(true)));
    unmask(d, p).unwrap();
    assert_eq!((d.kicks(1), drain(&mut h)), (1, vec![p]));
    // Masked while queued: popped without being handled, and queued again by the unmask.
    send(d, p).unwrap();
    mask(d, p);
    assert!(drain(&mut h).is_empty());
    unmask(d, p).unwrap();
    assert_eq!(drain(&mut h), [p]);
}

#[test]
fn the_switch_and_late_pages_lose_nothing() {
    let w = world(1, u32::MAX);
    let d = &w.domains[0];
    let (p, q) = (bind_ipi(d, 0).unwrap(), bind_ipi(d, 1).unwrap());
    send(d, p).unwrap();
    d.use_fifo(0);
    assert_eq!((is_pending(d, p), is_pending(d, q), is_masked(d, q)), (Ok(true), Ok(false), Ok(true)));
    send(d, q).unwrap();
    unmask(d, q).unwrap();
    assert!(is_pending(d, q).unwrap());
    expand_array(d, d.frame(8)).unwrap();
    let mut got = drain(&mut handlers(d));
    got.sort_unstable();
    assert_eq!(got, [p, q]);
    // Ports of the second page.
    while bind_ipi(d, 2).unwrap() < 1500 {}
    send(d, 1200).unwrap();
    send(d, 1000).unwrap();
    let mut h = handlers(d);
    assert_eq!(drain(&mut h), [1000]);
    expand_array(d, d.frame(9)).unwrap();
    assert_eq!(drain(&mut h), [1200]);
}

#[test]
fn setup_errors() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    assert_eq!(init_control(d, VCPUS, d.frame(1), 0), Err(Errno::ENOENT));
    assert_eq!(init_control(d, 0, d.frame(1), 4096 - 64), Err(Errno::EINVAL));
    assert_eq!(init_control(d, 0, d.frame(1), 4), Err(Errno::EINVAL));
    assert!(!d.events().is_fifo());
    assert_eq!(init_control(d, 0, d.frame(1), 4096 - 72), Ok(()));
    assert_eq!(init_control(d, 0, d.frame(1), 0), Err(Errno::EINVAL));
    for _ in 0..128 {
        expand_array(d, Mfn(8)).unwrap();
    }
    assert_eq!(expand_array(d, Mfn(8)), Err(Errno::ENOSPC));
}

#[test]
fn a_closed_port_is_not_delivered_and_not_reused_while_queued() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    d.use_fifo(1);
    let (p, q) = (bind_ipi(d, 0).unwrap(), bind_ipi(d, 0).unwrap());
    send(d, p).unwrap();
    send(d, q).unwrap();
    close(d, p).unwrap();
    assert_eq!(d.mem().load32(d.word(p)) & (PENDING | LINKED), LINKED);
    assert_eq!(bind_ipi(d, 0), Ok(3));
    let mut h = handlers(d);
    assert_eq!(drain(&mut h), [q]);
    assert_eq!(bind_ipi(d, 0), Ok(p));
    send(d, p).unwrap();
    assert_eq!(drain(&mut h), [p]);
}

#[test]
fn reset_gives_the_pages_back() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    d.use_fifo(2);
    for _ in 0..50 {
        send(d, bind_ipi(d, 0).unwrap()).unwrap();
    }
    let mut cursor = 0;
    assert_eq!(reset(d, &mut cursor, 10), Ok(false));
    while !reset(d, &mut cursor, 10).unwrap() {}
    assert!(!d.events().is_fifo());
    let mut pages = d.released.lock();
    pages.sort_unstable();
    assert_eq!(*pages, [d.frame(1), d.frame(2), d.frame(3), d.frame(8), d.frame(9)]);
    let p = bind_ipi(d, 0).unwrap();
    send(d, p).unwrap();
    drain(&mut handlers(d));
    // A port bound behind the cursor is in the way.
    assert_eq!(reset(d, &mut cursor, 10), Err(Errno::EAGAIN));
}

#[test]
fn a_guest_that_breaks_the_protocol_cannot_hang_the_sender() {
    let w = world(1, 1023);
    let d = &w.domains[0];
    d.use_fifo(1);
    let p: Vec<_> = (0..4).map(|_| bind_ipi(d, 0).unwrap()).collect();
    for word in [u32::MAX, LINKED, LINKED | 0x1ffff, PENDING | LINKED, 0] {
        p.iter().for_each(|p| send(d, *p).unwrap());
        d.mem().store32(d.word(p[3]), word);
        p.iter().for_each(|p| unmask(d, *p).unwrap());
    }
}
