//! Two vCPUs.
#![no_std]
#![no_main]

mod second;
mod start;
mod together;

use guest_lib::abi::vcpu::VCPUOP_IS_UP;
use guest_lib::report::Report;
use guest_lib::{hypercall, println};

guest_lib::guest!(main);

fn main(report: &mut Report) {
    let result = hypercall::vcpu(VCPUOP_IS_UP, 1, &mut 0u64);
    if result == hypercall::ENOENT {
        report.result("smp", "one_vcpu", Ok(()));
        println!("TEST smp.skipped VALUE there is no second vCPU");
        return;
    }
    report.run("smp", start::TESTS);
    report.run("smp", together::TESTS);
}
