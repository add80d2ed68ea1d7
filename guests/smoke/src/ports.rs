//! Event channels, timers, waiting.

use guest_lib::abi::event_channel::*;
use guest_lib::abi::vcpu::*;
use guest_lib::abi::xen::{DOMID_SELF, VIRQ_TIMER};
use guest_lib::hypercall::{EBUSY, EEXIST, EINVAL, ENOENT};
use guest_lib::report::{Outcome, Test};
use guest_lib::time::{self, MS};
use guest_lib::{ensure, ensure_eq, events, hypercall};

/// The tests of this file.
pub const TESTS: &[Test] = &[
    ("event_ipi", ipi),
    ("event_masked", masked),
    ("event_upcall_mask", upcall_mask),
    ("event_interdomain_self", interdomain),
    ("event_errors", errors),
    ("event_reuse", reuse),
    ("timer_oneshot", oneshot),
    ("timer_past", past),
    ("timer_op", timer_op),
    ("timer_periodic", periodic),
    ("sched_block", block),
    ("sched_poll_timeout", poll_timeout),
    ("sched_poll_port", poll_port),
    ("time_monotonic", monotonic),
    ("runstate", runstate),
    ("register_vcpu_time", register_time),
    ("register_runstate", register_runstate),
    ("register_vcpu_info", register_info),
];

fn ipi() -> Outcome {
    let port = events::bind_ipi(0)?;
    ensure_eq!(events::status(port)?.status, EVTCHNSTAT_IPI);
    events::enable();
    let (before, arrived) = (events::upcalls(), events::count(port));
    ensure_eq!(hypercall::send(port), 0);
    ensure_eq!(events::count(port), arrived + 1);
    ensure_eq!(events::upcalls(), before + 1);
    events::disable();
    ensure_eq!(events::close(port), 0);
    ensure_eq!(events::status(port)?.status, EVTCHNSTAT_CLOSED);
    Ok(())
}

fn masked() -> Outcome {
    let port = events::bind_ipi(0)?;
    let before = events::count(port);
    events::enable();
    events::mask(port);
    ensure_eq!(hypercall::send(port), 0);
    ensure!(events::is_pending(port), "not pending");
    ensure_eq!(events::count(port), before);
    ensure_eq!(events::unmask_by_call(port), 0);
    ensure_eq!(events::count(port), before + 1);
    events::disable();
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn upcall_mask() -> Outcome {
    let port = events::bind_ipi(0)?;
    let before = events::count(port);
    ensure_eq!(hypercall::send(port), 0);
    ensure_eq!(hypercall::send(port), 0);
    ensure_eq!(events::count(port), before);
    events::enable();
    ensure_eq!(events::count(port), before + 1);
    events::disable();
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn interdomain() -> Outcome {
    let own = events::own_domid()?;
    let unbound = events::alloc_unbound(DOMID_SELF, own)?;
    ensure_eq!(events::status(unbound)?.status, EVTCHNSTAT_UNBOUND);
    let port = events::bind_interdomain(own, unbound)?;
    let status = events::status(port)?;
    ensure_eq!(
        (status.status, status.remote_dom(), status.remote_port()),
        (EVTCHNSTAT_INTERDOMAIN, own, unbound)
    );
    events::unmask(port);
    events::unmask(unbound);
    let before = (events::count(port), events::count(unbound));
    events::enable();
    ensure_eq!(hypercall::send(port), 0);
    ensure_eq!(events::count(unbound), before.1 + 1);
    ensure_eq!(hypercall::send(unbound), 0);
    events::disable();
    // Binding makes the new end pending once, so there may be one event more than was sent.
    ensure!(events::count(port) > before.0, "nothing arrived at the second end");
    ensure_eq!(events::close(port), 0);
    ensure_eq!(events::status(unbound)?.status, EVTCHNSTAT_UNBOUND);
    ensure_eq!(events::close(unbound), 0);
    Ok(())
}

fn errors() -> Outcome {
    ensure_eq!(hypercall::send(0), EINVAL);
    ensure_eq!(hypercall::send(200), EINVAL);
    ensure_eq!(hypercall::send(1 << 30), EINVAL);
    ensure_eq!(events::close(200), EINVAL);
    ensure_eq!(events::bind_ipi(9999), Err(ENOENT));
    ensure_eq!(events::bind_virq(9999, 0), Err(EINVAL));
    ensure!(events::bind_interdomain(DOMID_SELF, 9999).is_err(), "bound to nothing");
    Ok(())
}

fn reuse() -> Outcome {
    let port = events::bind_ipi(0)?;
    ensure_eq!(events::close(port), 0);
    ensure_eq!(events::bind_ipi(0), Ok(port));
    ensure_eq!(events::close(port), 0);
    let timer = events::bind_virq(VIRQ_TIMER, 0)?;
    ensure_eq!(events::bind_virq(VIRQ_TIMER, 0), Err(EEXIST));
    ensure_eq!(events::close(timer), 0);
    Ok(())
}

/// Binds the timer, runs a test with events enabled, and closes the port.
fn with_timer(test: impl FnOnce(u32) -> Outcome) -> Outcome {
    let port = events::bind_virq(VIRQ_TIMER, 0)?;
    events::enable();
    let outcome = test(port);
    events::disable();
    time::stop_oneshot();
    events::close(port);
    outcome
}

fn oneshot() -> Outcome {
    with_timer(|port| {
        let (before, due) = (events::count(port), time::now() + 3 * MS);
        ensure_eq!(time::set_oneshot(due, 0), 0);
        ensure!(time::wait_for(50, || events::count(port) != before), "no event");
        let late = time::now() as i64 - due as i64;
        ensure!((-1000..2_000_000).contains(&late), "late by {late} ns");
        Ok(())
    })
}

/// Xen 4.20 ignores the flag that asked for an error: the timer fires at once.
fn past() -> Outcome {
    with_timer(|port| {
        let before = events::count(port);
        ensure_eq!(time::set_oneshot(time::now() - MS, VCPU_SSHOTTMR_FUTURE), 0);
        ensure!(time::wait_for(10, || events::count(port) != before), "no event");
        Ok(())
    })
}

fn timer_op() -> Outcome {
    with_timer(|port| {
        let before = events::count(port);
        ensure_eq!(time::set_timer_op(time::now() + 2 * MS), 0);
        ensure!(time::wait_for(50, || events::count(port) != before), "no event");
        let before = events::count(port);
        ensure_eq!(time::set_timer_op(time::now() + 5 * MS), 0);
        ensure_eq!(time::set_timer_op(0), 0);
        ensure!(!time::wait_for(10, || events::count(port) != before), "a stopped timer fired");
        Ok(())
    })
}

fn periodic() -> Outcome {
    with_timer(|port| {
        let before = events::count(port);
        let mut timer = VcpuSetPeriodicTimer { period_ns: 2 * MS };
        ensure_eq!(hypercall::vcpu(VCPUOP_SET_PERIODIC_TIMER, 0, &mut timer), 0);
        let fired = time::wait_for(50, || events::count(port) >= before + 3);
        ensure_eq!(hypercall::vcpu(VCPUOP_STOP_PERIODIC_TIMER, 0, &mut timer), 0);
        ensure!(fired, "it fired {} times", events::count(port) - before);
        Ok(())
    })
}

fn block() -> Outcome {
    with_timer(|port| {
        let (before, due) = (events::count(port), time::now() + 5 * MS);
        ensure_eq!(time::set_oneshot(due, 0), 0);
        ensure_eq!(time::block(), 0);
        ensure_eq!(events::count(port), before + 1);
        ensure!(time::now() + 1000 >= due, "woken too early");
        Ok(())
    })
}

fn poll_timeout() -> Outcome {
    let port = events::bind_ipi(0)?;
    let due = time::now() + 5 * MS;
    ensure_eq!(time::poll(&[port], due), 0);
    let now = time::now();
    ensure!(now + 1000 >= due && now < due + 5 * MS, "back after {} ns", now as i64 - due as i64);
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn poll_port() -> Outcome {
    let port = events::bind_ipi(0)?;
    events::mask(port);
    ensure_eq!(hypercall::send(port), 0);
    let start = time::now();
    ensure_eq!(time::poll(&[port], start + 100 * MS), 0);
    ensure!(time::now() < start + 50 * MS, "the pending port did not end the poll");
    ensure_eq!(time::poll(&[1 << 20], start), EINVAL);
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn monotonic() -> Outcome {
    let start = time::now();
    let mut last = start;
    let mut updates = 0;
    let mut version = time::info().version;
    while last < start + 20 * MS {
        let info = time::info();
        updates += u32::from(info.version != version);
        version = info.version;
        let now = time::at(&info, time::tsc());
        ensure!(now >= last, "{now} after {last}");
        last = now;
    }
    ensure!(updates < 1000, "{updates} updates");
    Ok(())
}

fn runstate() -> Outcome {
    let mut info = VcpuRunstateInfo::default();
    ensure_eq!(hypercall::vcpu(VCPUOP_GET_RUNSTATE_INFO, 0, &mut info), 0);
    ensure_eq!(info.state, RUNSTATE_RUNNING);
    ensure!(info.time[RUNSTATE_RUNNING as usize] > 0, "no time was spent");
    let total: u64 = info.time.iter().sum();
    let now = time::now();
    ensure!(total <= now + MS, "{total} ns of {now}");
    ensure_eq!(hypercall::vcpu(VCPUOP_IS_UP, 0, &mut 0u64), 1);
    ensure_eq!(hypercall::vcpu(VCPUOP_IS_UP, 999, &mut 0u64), ENOENT);
    Ok(())
}

fn register_time() -> Outcome {
    let page = guest_lib::mmu::alloc_page();
    let mut area = VcpuRegisterTimeMemoryArea { addr: guest_lib::abi::xen::GuestHandle(page) };
    ensure_eq!(hypercall::vcpu(VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA, 0, &mut area), 0);
    ensure!(time::wait_for(10, || guest_lib::mmu::load(page + 16) != 0), "the area stays empty");
    let mut area = VcpuRegisterTimeMemoryArea { addr: guest_lib::abi::xen::GuestHandle::NULL };
    ensure_eq!(hypercall::vcpu(VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA, 0, &mut area), 0);
    Ok(())
}

fn register_runstate() -> Outcome {
    let page = guest_lib::mmu::alloc_page();
    let mut area = VcpuRegisterRunstateMemoryArea { addr: guest_lib::abi::xen::GuestHandle(page) };
    ensure_eq!(hypercall::vcpu(VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, &mut area), 0);
    let entered = guest_lib::mmu::load(page + 8);
    ensure!(entered != 0, "the area stays empty");
    let port = events::bind_ipi(0)?;
    time::poll(&[port], time::now() + 2 * MS);
    ensure_eq!(events::close(port), 0);
    ensure!(guest_lib::mmu::load(page + 8) > entered, "the area is not updated");
    ensure_eq!(guest_lib::mmu::load(page) as i32, RUNSTATE_RUNNING);
    let blocked = guest_lib::mmu::load(page + 16 + 8 * RUNSTATE_BLOCKED as u64);
    ensure!(blocked >= MS, "blocked for {blocked} ns");
    Ok(())
}

/// Moves the vCPU's part of the shared page; it stays there for the tests that follow.
fn register_info() -> Outcome {
    let page = guest_lib::mmu::alloc_page();
    ensure_eq!(events::register_vcpu_info(0, page, 128), 0);
    ensure_eq!(events::register_vcpu_info(0, page, 256), EBUSY);
    ensure_eq!(events::mask_flag().load(core::sync::atomic::Ordering::SeqCst), 1);
    ipi()?;
    oneshot()?;
    monotonic()
}
