//! Arguments at addresses that the kernel must not read or write through Xen.

use guest_lib::abi::event_channel::EVTCHNOP_STATUS;
use guest_lib::abi::hypercall::*;
use guest_lib::abi::memory::{XENMEM_CURRENT_RESERVATION, XENMEM_MACHPHYS_MAPPING};
use guest_lib::abi::vcpu::{
    VCPUOP_GET_RUNSTATE_INFO, VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, VcpuRegisterRunstateMemoryArea,
};
use guest_lib::abi::version::{XENVER_EXTRAVERSION, XENVER_GET_FEATURES};
use guest_lib::abi::xen::{DOMID_SELF, GuestHandle, MMU_MACHPHYS_UPDATE, MmuUpdate};
use guest_lib::hypercall::{self, EFAULT};
use guest_lib::mmu::{self, PAGE};
use guest_lib::report::{Checks, Outcome};

/// All of this file.
pub fn run() -> Outcome {
    let mut checks = Checks::new("pointer");
    let pages = mmu::alloc_pages(2);
    mmu::protect(pages);
    hypercall::update_va_mapping(pages + PAGE, 0, 2);
    let bad = [
        0xffff_8000_0000_0000,
        0xffff_82d0_4020_0000,
        0xffff_8300_0000_0000,
        0xffff_87ff_ffff_fff8,
        0x0000_8000_0000_0000,
        0x0000_7fff_ffff_fffc,
        !0xf,
        0x1000,
        pages,
        pages + PAGE - 4,
        pages + PAGE,
    ];
    for pointer in bad {
        one(&mut checks, pointer);
    }
    mmu::unprotect(pages);
    mmu::unprotect(pages + PAGE);
    super::garbage::alive()?;
    checks.outcome()
}

/// Calls that write to the pointer, or read a structure there that can not be whole.
fn one(checks: &mut Checks, pointer: u64) {
    let two = |number: u32, command: u32| hypercall::numbers(number, [command.into(), pointer, 0, 0, 0]);
    checks.is(
        format_args!("extraversion to {pointer:#x}"),
        two(HYPERVISOR_XEN_VERSION, XENVER_EXTRAVERSION),
        EFAULT,
    );
    checks.is(
        format_args!("features to {pointer:#x}"),
        two(HYPERVISOR_XEN_VERSION, XENVER_GET_FEATURES),
        EFAULT,
    );
    checks.is(
        format_args!("mapping to {pointer:#x}"),
        two(HYPERVISOR_MEMORY_OP, XENMEM_MACHPHYS_MAPPING),
        EFAULT,
    );
    checks.refused(format_args!("status to {pointer:#x}"), two(HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_STATUS));
    let runstate = [VCPUOP_GET_RUNSTATE_INFO.into(), 0, pointer, 0, 0];
    checks.is(
        format_args!("runstate to {pointer:#x}"),
        hypercall::numbers(HYPERVISOR_VCPU_OP, runstate),
        EFAULT,
    );
    let page = mmu::alloc_page();
    let mut request = MmuUpdate { ptr: mmu::machine(page) | MMU_MACHPHYS_UPDATE, val: mmu::pfn(page) };
    let args = [(&raw mut request) as u64, 1, pointer, DOMID_SELF.into(), 0];
    // SAFETY: Xen reads the request, and must not write to the pointer.
    let result = unsafe { hypercall::raw(HYPERVISOR_MMU_UPDATE, args) };
    // Xen does the update and says nothing when it cannot write the count.
    checks.is(format_args!("count to {pointer:#x}"), result, 0);
    let xen_or_hole = pointer >> 47 == 1 || pointer >> 47 == 0x1_ffff && pointer < mmu::VIRT_BASE;
    if xen_or_hole {
        let reservation = two(HYPERVISOR_MEMORY_OP, XENMEM_CURRENT_RESERVATION);
        checks.is(format_args!("domain from {pointer:#x}"), reservation, EFAULT);
        let list = hypercall::numbers(HYPERVISOR_MULTICALL, [pointer, 1, 0, 0, 0]);
        checks.is(format_args!("multicall at {pointer:#x}"), list, EFAULT);
        let mut area = VcpuRegisterRunstateMemoryArea { addr: GuestHandle(pointer) };
        let registered = hypercall::vcpu(VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA, 0, &mut area);
        checks.is(format_args!("runstate area at {pointer:#x}"), registered, EFAULT);
    }
}
