//! Event channels that do not exist, belong to others, or are too many.

use guest_lib::abi::event_channel::*;
use guest_lib::abi::xen::{DOMID_SELF, NR_VIRQS, VIRQ_DOM_EXC, VIRQ_TIMER};
use guest_lib::hypercall::{self, EINVAL, ENOENT, EPERM, ESRCH};
use guest_lib::report::{Checks, Outcome};
use guest_lib::{boot, ensure, events, time};

/// All of this file but the exhaustion.
pub fn run() -> Outcome {
    let mut checks = Checks::new("channel");
    for port in [0, 1000, 4095, 4096, 131_071, 131_072, !0] {
        checks.is(format_args!("send {port}"), hypercall::send(port), EINVAL);
        checks.is(format_args!("close {port}"), events::close(port), EINVAL);
        checks.is(
            format_args!("unmask {port}"),
            events::unmask_by_call(port),
            if port == 0 { 0 } else { EINVAL },
        );
        let mut bind = EvtchnBindVcpu { port, vcpu: 0 };
        checks.is(
            format_args!("bind_vcpu {port}"),
            hypercall::event_channel(EVTCHNOP_BIND_VCPU, &mut bind),
            EINVAL,
        );
        let mut priority = EvtchnSetPriority { port, priority: 3 };
        let result = hypercall::event_channel(EVTCHNOP_SET_PRIORITY, &mut priority);
        checks.refused(format_args!("set_priority {port}"), result);
        checks.refused(
            format_args!("interdomain {port}"),
            events::bind_interdomain(DOMID_SELF, port).err().unwrap_or(0),
        );
    }
    foreign(&mut checks);
    checks.is("virq NR", events::bind_virq(NR_VIRQS, 0), Err(EINVAL));
    checks.is("virq -1", events::bind_virq(!0, 0), Err(EINVAL));
    checks.is("timer of vCPU 77", events::bind_virq(VIRQ_TIMER, 77), Err(ENOENT));
    checks.is("timer of vCPU -1", events::bind_virq(VIRQ_TIMER, !0), Err(ENOENT));
    checks.is("a global virq of vCPU 1", events::bind_virq(VIRQ_DOM_EXC, 1), Err(EINVAL));
    checks.is("ipi of vCPU -1", events::bind_ipi(!0), Err(ENOENT));
    for pirq in [!0, 1 << 20, 5000] {
        let mut bind = EvtchnBindPirq { pirq, flags: !0, port: 0 };
        let result = hypercall::event_channel(EVTCHNOP_BIND_PIRQ, &mut bind);
        checks.refused(format_args!("pirq {pirq}"), result);
    }
    let mut control = EvtchnInitControl { control_gfn: !0, offset: 4090, vcpu: 0, ..Default::default() };
    checks.refused("FIFO control", hypercall::event_channel(EVTCHNOP_INIT_CONTROL, &mut control));
    let mut expand = EvtchnExpandArray { array_gfn: !0 };
    checks.refused("FIFO array", hypercall::event_channel(EVTCHNOP_EXPAND_ARRAY, &mut expand));
    checks.refused("an unknown operation", hypercall::event_channel(99, &mut expand));
    let ports = [0u32; 129];
    checks.is("poll of 129 ports", time::poll(&ports, 0), EINVAL);
    super::garbage::alive()?;
    checks.outcome()
}

/// Other domains' ports.
fn foreign(checks: &mut Checks) {
    let missing = 0x7123;
    checks.is("alloc_unbound for nobody", events::alloc_unbound(missing, 0), Err(ESRCH));
    checks.is("interdomain to nobody", events::bind_interdomain(missing, 1), Err(ESRCH));
    if boot::is_dom0() {
        return;
    }
    checks.is("alloc_unbound in Dom0", events::alloc_unbound(0, DOMID_SELF), Err(EPERM));
    for port in 0..40 {
        let bound = events::bind_interdomain(0, port);
        checks.is(format_args!("interdomain to Dom0's port {port}"), bound.is_err(), true);
    }
    let mut status = EvtchnStatus { dom: 0, port: 1, ..Default::default() };
    checks.is("status of Dom0", hypercall::event_channel(EVTCHNOP_STATUS, &mut status), EPERM);
    checks.is("reset of Dom0", hypercall::event_channel(EVTCHNOP_RESET, &mut EvtchnReset { dom: 0 }), EPERM);
}

/// All ports, and all of them given back.
pub fn exhaustion() -> Outcome {
    let mut last = 0;
    let mut count = 0;
    let error = loop {
        match events::alloc_unbound(DOMID_SELF, DOMID_SELF) {
            Ok(port) => {
                last = last.max(port);
                count += 1;
            }
            Err(error) => break error,
        }
        ensure!(count < 200_000, "there is no limit");
    };
    guest_lib::println!("TEST hostile.ports VALUE {count}, then {error}");
    for port in 0..=last {
        if let Ok(status) = events::status(port)
            && status.status == EVTCHNSTAT_UNBOUND
            && status.remote_dom() == events::own_domid().unwrap_or(status.remote_dom())
        {
            events::close(port);
        }
    }
    ensure!(count > 900 && (error == -28 || error == EINVAL), "{count} ports, then {error}");
    super::garbage::alive()
}
