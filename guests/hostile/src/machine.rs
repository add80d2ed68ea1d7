//! vCPUs, timers, entry points, debug registers, other domains' control.

use guest_lib::abi::arch_x86::{FLAT_KERNEL_CS64, TrapInfo};
use guest_lib::abi::callback::{CALLBACKOP_REGISTER, CALLBACKTYPE_EVENT, CallbackRegister};
use guest_lib::abi::hypercall::*;
use guest_lib::abi::sched::{SCHEDOP_REMOTE_SHUTDOWN, SchedRemoteShutdown};
use guest_lib::abi::vcpu::*;
use guest_lib::hypercall::{self, EFAULT, EINVAL, ENOENT, ENOSYS, EPERM};
use guest_lib::report::{Checks, Outcome};
use guest_lib::{boot, mmu, trap};

/// vCPUs and timers.
pub fn vcpus() -> Outcome {
    let mut checks = Checks::new("vcpu");
    for vcpu in [64, 0x7fff_ffff, !0] {
        for command in 0..16 {
            let result = hypercall::vcpu(command, vcpu, &mut 0u64);
            checks.refused(format_args!("operation {command} on vCPU {vcpu}"), result);
        }
    }
    checks.is("is_up of vCPU 4000", hypercall::vcpu(VCPUOP_IS_UP, 4000, &mut 0u64), ENOENT);
    checks.is("operation 99", hypercall::vcpu(99, 0, &mut 0u64), ENOSYS);
    checks.is(
        "initialise the running vCPU",
        hypercall::numbers(HYPERVISOR_VCPU_OP, [0, 0, 1 << 63, 0, 0]),
        EFAULT,
    );
    for period_ns in [0, 1, 999_999] {
        let mut timer = VcpuSetPeriodicTimer { period_ns };
        let result = hypercall::vcpu(VCPUOP_SET_PERIODIC_TIMER, 0, &mut timer);
        checks.is(format_args!("period {period_ns}"), result, EINVAL);
    }
    let page = mmu::mfn(mmu::alloc_page());
    for (mfn, offset) in
        [(0x200, 0), (!0, 0), (1 << 40, 0), (page, 4090), (page, 4096), (page, !0), (page, 4)]
    {
        let mut register = VcpuRegisterVcpuInfo { mfn, offset, rsvd: 0 };
        let result = hypercall::vcpu(VCPUOP_REGISTER_VCPU_INFO, 0, &mut register);
        checks.refused(format_args!("vcpu_info in frame {mfn:#x} at {offset:#x}"), result);
    }
    others(&mut checks);
    super::garbage::alive()?;
    checks.outcome()
}

/// Control of other domains and of the machine.
fn others(checks: &mut Checks) {
    let mut remote = SchedRemoteShutdown { domain_id: 0x7123, _pad: 0, reason: 0 };
    checks.refused("shutdown of nobody", hypercall::sched(SCHEDOP_REMOTE_SHUTDOWN, &mut remote));
    if boot::is_dom0() {
        return;
    }
    let mut remote = SchedRemoteShutdown { domain_id: 0, _pad: 0, reason: 0 };
    checks.is("shutdown of Dom0", hypercall::sched(SCHEDOP_REMOTE_SHUTDOWN, &mut remote), EPERM);
    let page = mmu::alloc_page();
    let versions =
        [(HYPERVISOR_DOMCTL, 0x17), (HYPERVISOR_SYSCTL, 0x15), (HYPERVISOR_PLATFORM_OP, 0x0300_0001)];
    for (number, version) in versions {
        for command in 1..90u64 {
            mmu::store(page, command | version << 32);
            mmu::store(page + 8, 0);
            let result = hypercall::numbers(number, [page, 0, 0, 0, 0]);
            checks.refused(format_args!("call {number}, command {command}"), result);
        }
    }
}

/// Entry points and debug registers.
pub fn callbacks() -> Outcome {
    const BAD: u64 = 0x8000_0000_0000_0000;
    let mut checks = Checks::new("callback");
    let mut table = [TrapInfo::default(); 2];
    table[0] = TrapInfo { vector: 5, flags: 0, cs: FLAT_KERNEL_CS64, _pad: 0, address: BAD };
    // SAFETY: Xen only reads the table.
    let result = unsafe { hypercall::raw(HYPERVISOR_SET_TRAP_TABLE, [table.as_ptr() as u64, 0, 0, 0, 0]) };
    checks.is("a non-canonical trap handler", result, EINVAL);
    let mut register = CallbackRegister { type_: CALLBACKTYPE_EVENT, flags: 0, _pad: 0, address: BAD };
    let result = hypercall::op(HYPERVISOR_CALLBACK_OP, CALLBACKOP_REGISTER, &mut register);
    checks.is("a non-canonical event callback", result, EINVAL);
    register = CallbackRegister { type_: 99, ..CallbackRegister::default() };
    let result = hypercall::op(HYPERVISOR_CALLBACK_OP, CALLBACKOP_REGISTER, &mut register);
    checks.is("an unknown callback", result, ENOSYS);
    // The older call says nothing, and does nothing.
    checks.is("set_callbacks", hypercall::numbers(HYPERVISOR_SET_CALLBACKS, [BAD; 5]), 0);
    trap::init();
    let debug =
        |register: u64, value: u64| hypercall::numbers(HYPERVISOR_SET_DEBUGREG, [register, value, 0, 0, 0]);
    checks.is("a breakpoint in Xen", debug(0, 0xffff_82d0_4020_0000), EPERM);
    checks.is("a non-canonical breakpoint", debug(1, BAD), EPERM);
    checks.refused("debug register 8", debug(8, 0));
    checks.refused("high bits of DR7", debug(7, 1 << 32));
    checks.refused("high bits of DR6", debug(6, 1 << 32));
    checks.is("a breakpoint of its own", debug(0, mmu::VIRT_BASE), 0);
    checks.is("all off", debug(7, 0), 0);
    super::garbage::alive()?;
    checks.outcome()
}
