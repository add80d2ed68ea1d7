//! Random operations against a model: what is sent is delivered once the port is unmasked, and nothing else is.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::guest::{Handler, drain, handlers, mask};
use common::{Dom, VCPUS, World, world};
use fx_events::{Binding, EventHost, *};
use fx_types::DomId;
use proptest::prelude::*;
use xen_abi::xen::VIRQ_TIMER;

#[derive(Clone, Debug)]
enum Op {
    Unbound(usize),
    /// Binds to the nth port that waits for the domain.
    Interdomain(usize, usize),
    Ipi(usize, u32),
    Virq(usize, u32),
    Raise(usize, u32),
    Close(usize, usize),
    Send(usize, usize),
    Mask(usize, usize),
    Unmask(usize, usize),
    Move(usize, usize, u32),
    Priority(usize, usize, u32),
    Handle(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let (d, n, v) = (0..2usize, 0..1000usize, 0..VCPUS);
    prop_oneof![
        2 => d.clone().prop_map(Op::Unbound),
        2 => (d.clone(), n.clone()).prop_map(|(d, n)| Op::Interdomain(d, n)),
        1 => (d.clone(), v.clone()).prop_map(|(d, v)| Op::Ipi(d, v)),
        1 => (d.clone(), v.clone()).prop_map(|(d, v)| Op::Virq(d, v)),
        1 => (d.clone(), v.clone()).prop_map(|(d, v)| Op::Raise(d, v)),
        1 => (d.clone(), n.clone()).prop_map(|(d, n)| Op::Close(d, n)),
        10 => (d.clone(), n.clone()).prop_map(|(d, n)| Op::Send(d, n)),
        2 => (d.clone(), n.clone()).prop_map(|(d, n)| Op::Mask(d, n)),
        3 => (d.clone(), n.clone()).prop_map(|(d, n)| Op::Unmask(d, n)),
        2 => (d.clone(), n.clone(), v).prop_map(|(d, n, v)| Op::Move(d, n, v)),
        2 => (d.clone(), n, 6..9u32).prop_map(|(d, n, p)| Op::Priority(d, n, p)),
        2 => d.prop_map(Op::Handle),
    ]
}

/// What the world should be: the bindings, pending and masked ports of each domain.
#[derive(Default)]
struct Model {
    ports: [BTreeMap<u32, Binding>; 2],
    pending: [BTreeSet<u32>; 2],
    masked: [BTreeSet<u32>; 2],
}

impl Model {
    fn nth(&self, d: usize, n: usize) -> Option<(u32, Binding)> {
        let ports = &self.ports[d];
        ports.iter().nth(n.checked_rem(ports.len())?).map(|(p, b)| (*p, *b))
    }

    fn interdomain(&mut self, doms: &[Dom], d: usize, n: usize) {
        let waits = Binding::Unbound { remote: DomId(d as u16) };
        let waiting: Vec<_> = (0..2)
            .flat_map(|r| self.ports[r].iter().filter(|(_, b)| **b == waits).map(move |(p, _)| (r, *p)))
            .collect();
        let Some(n) = n.checked_rem(waiting.len()) else { return };
        let (r, there) = waiting[n];
        let here = bind_interdomain(&doms[d], &doms[r], there).unwrap();
        self.ports[d].insert(here, Binding::Interdomain { remote: DomId(r as u16), port: there });
        self.ports[r].insert(there, Binding::Interdomain { remote: DomId(d as u16), port: here });
        self.pending[d].insert(here);
    }

    fn close(&mut self, doms: &[Dom], d: usize, port: u32, b: Binding) {
        close(&doms[d], port).unwrap();
        self.ports[d].remove(&port);
        self.pending[d].remove(&port);
        if let Binding::Interdomain { remote, port } = b {
            self.ports[usize::from(remote.0)].insert(port, Binding::Unbound { remote: DomId(d as u16) });
        }
    }

    fn send(&mut self, doms: &[Dom], d: usize, port: u32, b: Binding) {
        let r = send(&doms[d], port);
        assert_eq!(r.is_err(), matches!(b, Binding::Virq { .. }));
        match b {
            Binding::Interdomain { remote, port } => self.pending[usize::from(remote.0)].insert(port),
            Binding::Ipi => self.pending[d].insert(port),
            _ => false,
        };
    }

    fn virq(&self, d: usize, vcpu: u32) -> Option<u32> {
        let b = Binding::Virq { virq: VIRQ_TIMER, vcpu };
        self.ports[d].iter().find(|(_, x)| **x == b).map(|(p, _)| *p)
    }

    fn bind_virq(&mut self, doms: &[Dom], d: usize, vcpu: u32) {
        let bound = bind_virq(&doms[d], VIRQ_TIMER, vcpu);
        assert_eq!(bound.is_err(), self.virq(d, vcpu).is_some());
        if let Ok(p) = bound {
            self.ports[d].insert(p, Binding::Virq { virq: VIRQ_TIMER, vcpu });
        }
    }

    fn handle(&mut self, d: usize, h: &mut [Handler<'_>]) {
        let got = drain(h);
        let due: BTreeSet<_> = self.pending[d].difference(&self.masked[d]).copied().collect();
        assert_eq!(got.iter().copied().collect::<BTreeSet<_>>(), due);
        assert_eq!(got.len(), due.len(), "an event came twice");
        self.pending[d].retain(|p| !due.contains(p));
    }

    /// An operation on a port in use.
    fn on_port(&mut self, doms: &[Dom], d: usize, port: u32, b: Binding, op: &Op) {
        match op {
            Op::Close(..) => self.close(doms, d, port, b),
            Op::Send(..) => self.send(doms, d, port, b),
            Op::Mask(..) => {
                mask(&doms[d], port);
                self.masked[d].insert(port);
            }
            Op::Unmask(..) => {
                unmask(&doms[d], port).unwrap();
                self.masked[d].remove(&port);
            }
            Op::Move(_, _, v) => {
                let fixed = matches!(b, Binding::Ipi | Binding::Virq { .. });
                assert_eq!(bind_vcpu(&doms[d], port, *v).is_err(), fixed);
            }
            Op::Priority(_, _, p) => {
                assert_eq!(set_priority(&doms[d], port, *p).is_ok(), doms[d].events().is_fifo());
            }
            _ => unreachable!(),
        }
    }

    fn step(&mut self, doms: &[Dom], h: &mut [Vec<Handler<'_>>], op: &Op) {
        match *op {
            Op::Unbound(d) => {
                let remote = DomId(1 - d as u16);
                let p = alloc_unbound(&doms[d], remote).unwrap();
                assert!(self.ports[d].insert(p, Binding::Unbound { remote }).is_none());
            }
            Op::Interdomain(d, n) => self.interdomain(doms, d, n),
            Op::Ipi(d, v) => {
                let p = bind_ipi(&doms[d], v).unwrap();
                assert!(self.ports[d].insert(p, Binding::Ipi).is_none());
            }
            Op::Virq(d, v) => self.bind_virq(doms, d, v),
            Op::Raise(d, v) => {
                send_virq(&doms[d], v, VIRQ_TIMER);
                self.pending[d].extend(self.virq(d, v));
            }
            Op::Handle(d) => self.handle(d, &mut h[d]),
            Op::Close(d, n)
            | Op::Send(d, n)
            | Op::Mask(d, n)
            | Op::Unmask(d, n)
            | Op::Move(d, n, _)
            | Op::Priority(d, n, _) => {
                if let Some((port, b)) = self.nth(d, n) {
                    self.on_port(doms, d, port, b, op);
                }
            }
        }
    }

    fn check(&self, w: &World) {
        for (d, dom) in w.domains.iter().enumerate() {
            let seen: Vec<_> = ports(dom).collect();
            assert_eq!(
                seen.iter().map(|i| (i.port, i.status.binding)).collect::<BTreeMap<_, _>>(),
                self.ports[d]
            );
            for i in &seen {
                assert_eq!(i.pending, self.pending[d].contains(&i.port), "d{d} port {}", i.port);
                assert_eq!(i.masked, self.masked[d].contains(&i.port), "d{d} port {}", i.port);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn nothing_is_lost(fifo in [any::<bool>(), any::<bool>()], ops in prop::collection::vec(op(), 1..150)) {
        let w = world(2, 1023);
        for (d, fifo) in w.domains.iter().zip(fifo) {
            if fifo {
                d.use_fifo(1);
            }
        }
        let mut h: Vec<_> = w.domains.iter().map(handlers).collect();
        let mut m = Model::default();
        for op in &ops {
            m.step(&w.domains, &mut h, op);
            m.check(w);
        }
        m.handle(0, &mut h[0]);
        m.handle(1, &mut h[1]);
    }
}
