//! What the two vCPUs do to each other.

use guest_lib::abi::event_channel::{EVTCHNOP_BIND_VCPU, EVTCHNSTAT_IPI, EvtchnBindVcpu};
use guest_lib::abi::vcpu::*;
use guest_lib::abi::xen::*;
use guest_lib::hypercall::{self, EINVAL};
use guest_lib::mmu::{self, RW};
use guest_lib::report::{Outcome, Test};
use guest_lib::time::{self, MS};
use guest_lib::{ensure, ensure_eq, events, user};

use crate::second::{self, BLOCK, DOWN, IDENTIFY, PROGRAM, READ, SEND, TIME, TIMER, ask, give_way};

/// The tests of this file.
pub const TESTS: &[Test] = &[
    ("ipi_to_second", ipi_to_second),
    ("ipi_to_first", ipi_to_first),
    ("bind_vcpu", bind_vcpu),
    ("flush_all", flush_all),
    ("flush_multi", flush_multi),
    ("invlpg_multi", invlpg_multi),
    ("va_mapping_multi", va_mapping_multi),
    ("block_and_wake", block_and_wake),
    ("timer_of_second", timer_of_second),
    ("time_agrees", time_agrees),
    ("program_on_second", program),
    ("down_and_up", down_and_up),
    ("stress", stress),
];

/// How far the clocks of two CPUs may be apart in nanoseconds; under emulation they are some microseconds.
const SKEW: u64 = 200_000;

/// Waits for something that the second vCPU does.
fn until(condition: impl Fn() -> bool) -> bool {
    let end = time::now() + 500 * MS;
    while !condition() {
        if time::now() > end {
            return false;
        }
        give_way();
    }
    true
}

fn ipi_to_second() -> Outcome {
    let port = events::bind_ipi(1)?;
    let status = events::status(port)?;
    ensure_eq!((status.status, status.vcpu), (EVTCHNSTAT_IPI, 1));
    let before = events::count(port);
    ensure_eq!(hypercall::send(port), 0);
    ensure!(until(|| events::count(port) == before + 1), "nothing arrived");
    ensure_eq!(events::taker(port), 1);
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn ipi_to_first() -> Outcome {
    let port = events::bind_ipi(0)?;
    let before = events::count(port);
    events::enable();
    let sent = ask(SEND, port.into());
    let arrived = until(|| events::count(port) == before + 1);
    events::disable();
    ensure_eq!(sent, Ok(0));
    ensure!(arrived, "nothing arrived");
    ensure_eq!(events::taker(port), 0);
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn bind_vcpu() -> Outcome {
    let own = events::own_domid()?;
    let unbound = events::alloc_unbound(DOMID_SELF, own)?;
    let port = events::bind_interdomain(own, unbound)?;
    let bind =
        |vcpu| hypercall::event_channel(EVTCHNOP_BIND_VCPU, &mut EvtchnBindVcpu { port: unbound, vcpu });
    ensure_eq!(bind(1), 0);
    events::unmask(unbound);
    let before = events::count(unbound);
    ensure_eq!(hypercall::send(port), 0);
    ensure!(until(|| events::count(unbound) == before + 1), "nothing arrived");
    ensure_eq!(events::taker(unbound), 1);
    ensure!(bind(77) < 0, "bound to a vCPU that is none");
    ensure_eq!(events::close(port), 0);
    ensure_eq!(events::close(unbound), 0);
    let ipi = events::bind_ipi(0)?;
    let mut bind = EvtchnBindVcpu { port: ipi, vcpu: 1 };
    ensure_eq!(hypercall::event_channel(EVTCHNOP_BIND_VCPU, &mut bind), EINVAL);
    ensure_eq!(events::close(ipi), 0);
    Ok(())
}

/// Changes a mapping that the second vCPU has used, with some way to flush, and looks what it sees.
fn remap(flush: impl Fn(u64, u64) -> i64) -> Outcome {
    let (a, b) = (mmu::alloc_page(), mmu::alloc_page());
    mmu::store(a, 0xaaaa);
    mmu::store(b, 0xbbbb);
    for _ in 0..20 {
        ensure_eq!(ask(READ, a), Ok(0xaaaa));
        ensure_eq!(flush(a, mmu::entry_for(b, RW)), 0);
        ensure_eq!(ask(READ, a), Ok(0xbbbb));
        ensure_eq!(flush(a, 0), 0);
        ensure_eq!(ask(READ, a), Ok(!0));
        ensure_eq!(flush(a, mmu::entry_for(a, RW)), 0);
    }
    Ok(())
}

fn flush_all() -> Outcome {
    remap(|address, entry| {
        hypercall::update_va_mapping(address, entry, 0) | hypercall::mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0)
    })
}

fn flush_multi() -> Outcome {
    let vcpus = 0b11u64;
    let mask = (&raw const vcpus) as u64;
    remap(|address, entry| {
        hypercall::update_va_mapping(address, entry, UVMF_TLB_FLUSH)
            | hypercall::mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, mask)
    })
}

fn invlpg_multi() -> Outcome {
    let vcpus = 0b10u64;
    let mask = (&raw const vcpus) as u64;
    remap(|address, entry| {
        hypercall::update_va_mapping(address, entry, UVMF_INVLPG)
            | hypercall::mmuext(MMUEXT_INVLPG_MULTI, address, mask)
    })
}

fn va_mapping_multi() -> Outcome {
    let vcpus = 0b11u64;
    let mask = (&raw const vcpus) as u64;
    remap(|address, entry| hypercall::update_va_mapping(address, entry, UVMF_INVLPG | mask))
}

fn block_and_wake() -> Outcome {
    let port = events::bind_ipi(1)?;
    second::tell(BLOCK, 0);
    let asleep = until(|| {
        let mut info = VcpuRunstateInfo::default();
        hypercall::vcpu(VCPUOP_GET_RUNSTATE_INFO, 1, &mut info);
        info.state == RUNSTATE_BLOCKED
    });
    ensure_eq!(hypercall::send(port), 0);
    ensure_eq!(second::answer(), Ok(0));
    ensure!(asleep, "it did not block");
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn timer_of_second() -> Outcome {
    let port = events::bind_virq(VIRQ_TIMER, 1)?;
    ensure_eq!(ask(TIMER, port.into()), Ok(1));
    ensure_eq!(events::taker(port), 1);
    ensure_eq!(events::close(port), 0);
    Ok(())
}

fn time_agrees() -> Outcome {
    for _ in 0..50 {
        let before = time::now();
        let there = ask(TIME, 0)?;
        let after = time::now();
        let agree = before <= there + SKEW && there <= after + SKEW;
        ensure!(agree, "{before} then {there} then {after}");
    }
    Ok(())
}

fn program() -> Outcome {
    user::create_space()?;
    ensure_eq!(ask(PROGRAM, 41), Ok(42));
    Ok(())
}

fn down_and_up() -> Outcome {
    second::tell(DOWN, 0);
    ensure!(until(|| hypercall::vcpu(VCPUOP_IS_UP, 1, &mut 0u64) == 0), "it stays up");
    ensure_eq!(hypercall::vcpu(VCPUOP_UP, 1, &mut 0u64), 0);
    ensure_eq!(second::answer(), Ok(0));
    ensure_eq!(ask(IDENTIFY, 0), Ok(1));
    Ok(())
}

/// Events and flushes in quick succession, both ways.
fn stress() -> Outcome {
    let (to_first, to_second) = (events::bind_ipi(0)?, events::bind_ipi(1)?);
    let page = mmu::alloc_page();
    events::enable();
    for round in 0..200u64 {
        second::tell(SEND, to_first.into());
        hypercall::send(to_second);
        mmu::store(page, round);
        hypercall::update_va_mapping(page, mmu::entry_for(page, RW), UVMF_INVLPG | UVMF_ALL);
        let sent = second::answer();
        if sent != Ok(0) || mmu::load(page) != round {
            events::disable();
            ensure_eq!((round, sent), (round, Ok(0)));
        }
    }
    let arrived = until(|| events::count(to_first) > 0 && events::count(to_second) > 0);
    events::disable();
    ensure!(arrived, "no event arrived");
    ensure_eq!(events::close(to_first), 0);
    ensure_eq!(events::close(to_second), 0);
    Ok(())
}
