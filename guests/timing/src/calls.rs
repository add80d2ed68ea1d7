//! Hypercalls that change little: the price of the way in and out, and of short work.

use core::sync::atomic::Ordering;

use guest_lib::abi::arch_x86::FLAT_KERNEL_SS;
use guest_lib::abi::event_channel::{EVTCHNOP_UNMASK, EvtchnUnmask};
use guest_lib::abi::hypercall::*;
use guest_lib::abi::sched::SCHEDOP_YIELD;
use guest_lib::abi::vcpu::{VCPUOP_GET_RUNSTATE_INFO, VcpuRunstateInfo};
use guest_lib::abi::xen::{MulticallEntry, VIRQ_TIMER};
use guest_lib::report::Outcome;
use guest_lib::time::{self, MS};
use guest_lib::{ensure_eq, events, hypercall, percpu};

use crate::measure::{MANY, bench, bench_parts};

/// All of this file.
pub fn run() -> Outcome {
    simple()?;
    multicalls()?;
    event_calls()?;
    timers()
}

fn simple() -> Outcome {
    bench("hypercall", MANY, |_| hypercall::numbers(HYPERVISOR_XEN_VERSION, [0; 5]) - 0x4_0014)?;
    bench("hypercall.unknown", MANY, |_| hypercall::numbers(63, [0; 5]) - hypercall::ENOSYS)?;
    bench("stack_switch", MANY, |_| {
        let top = percpu::stack_top(0);
        hypercall::numbers(HYPERVISOR_STACK_SWITCH, [FLAT_KERNEL_SS.into(), top, 0, 0, 0])
    })?;
    bench("set_segment_base.fs", MANY, |_| {
        hypercall::numbers(HYPERVISOR_SET_SEGMENT_BASE, [0, 0x1000, 0, 0, 0])
    })?;
    bench("set_segment_base.user_gs", MANY, |_| {
        hypercall::numbers(HYPERVISOR_SET_SEGMENT_BASE, [3, 0, 0, 0, 0])
    })?;
    bench("fpu_taskswitch", MANY, |index| {
        hypercall::numbers(HYPERVISOR_FPU_TASKSWITCH, [u64::from(index & 1 == 0), 0, 0, 0, 0])
    })?;
    hypercall::numbers(HYPERVISOR_FPU_TASKSWITCH, [0; 5]);
    bench("vcpu_op.runstate", MANY, |_| {
        hypercall::vcpu(VCPUOP_GET_RUNSTATE_INFO, 0, &mut VcpuRunstateInfo::default())
    })?;
    bench("sched_op.yield", MANY, |_| {
        hypercall::numbers(HYPERVISOR_SCHED_OP, [SCHEDOP_YIELD.into(), 0, 0, 0, 0])
    })
}

fn multicalls() -> Outcome {
    for (name, size) in [("multicall.1", 1), ("multicall.of_32", 32)] {
        let entry = MulticallEntry { op: HYPERVISOR_XEN_VERSION.into(), result: 0, args: [0; 6] };
        let mut calls = [entry; 32];
        let list = calls.as_mut_ptr() as u64;
        bench_parts(name, MANY / 10, size, 0, |_| {
            // SAFETY: Xen reads and writes the list only.
            unsafe { hypercall::raw(HYPERVISOR_MULTICALL, [list, size, 0, 0, 0]) }
        })?;
    }
    Ok(())
}

/// Takes back what Xen said about pending events.
fn forget() {
    events::pending(0).store(0, Ordering::Relaxed);
    events::selector().store(0, Ordering::Relaxed);
    events::pending_flag().store(0, Ordering::Relaxed);
}

fn event_calls() -> Outcome {
    let port = events::bind_ipi(0)?;
    bench("event.send_masked_upcall", MANY, |_| {
        let result = hypercall::send(port);
        forget();
        result
    })?;
    bench("event.send_pending", MANY, |_| hypercall::send(port))?;
    forget();
    events::enable();
    let before = events::count(port);
    bench("event.send_and_upcall", MANY, |_| hypercall::send(port))?;
    ensure_eq!(events::count(port), before + 4 + MANY as u32);
    events::disable();
    bench("event.unmask", MANY, |_| {
        events::mask(port);
        hypercall::event_channel(EVTCHNOP_UNMASK, &mut EvtchnUnmask { port })
    })?;
    events::close(port);
    bench("event.bind_and_close", MANY, |_| match events::bind_ipi(0) {
        Ok(port) => events::close(port),
        Err(result) => result,
    })
}

fn timers() -> Outcome {
    bench("set_timer_op", MANY, |_| time::set_timer_op(time::now() + 1000 * MS))?;
    bench("set_singleshot_timer", MANY, |_| time::set_oneshot(time::now() + 1000 * MS, 0))?;
    bench("stop_singleshot_timer", MANY, |_| time::stop_oneshot())?;
    let port = events::bind_virq(VIRQ_TIMER, 0)?;
    events::disable();
    // What is left of 200 microseconds is the way into the idle loop, the interrupt, and the way back.
    bench_parts("timer.block_until_fired", MANY / 10, 1, 200_000, |_| {
        let result = time::set_oneshot(time::now() + MS / 5, 0);
        let blocked = time::block();
        events::disable();
        result | blocked
    })?;
    events::close(port);
    let port = events::bind_ipi(0)?;
    bench_parts("timer.poll_until_late", MANY / 10, 1, 200_000, |_| {
        time::poll(&[port], time::now() + MS / 5)
    })?;
    events::close(port);
    Ok(())
}
