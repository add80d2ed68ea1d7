//! Starting the second vCPU.

use core::arch::global_asm;

use guest_lib::abi::arch_x86::*;
use guest_lib::abi::vcpu::*;
use guest_lib::hypercall::{self, EEXIST, EINVAL};
use guest_lib::mmu::{self, PAGE};
use guest_lib::report::{Outcome, Test};
use guest_lib::{boot, ensure_eq, events, percpu, trap};

use crate::second;

/// The tests of this file, in this order.
pub const TESTS: &[Test] = &[
    ("not_up", not_up),
    ("bad_contexts", bad_contexts),
    ("initialise", initialise),
    ("vcpu_info_of_other", vcpu_info),
    ("up", up),
];

global_asm!(
    r#"
    .section .text.second, "ax", @progbits
    .globl second_entry
    second_entry:
        cld
        xor ebp, ebp
        call {main}
        ud2
    "#,
    main = sym second::main,
);

unsafe extern "C" {
    fn second_entry();
}

const STACK_PAGES: usize = 8;

fn is_up() -> i64 {
    hypercall::vcpu(VCPUOP_IS_UP, 1, &mut 0u64)
}

fn not_up() -> Outcome {
    ensure_eq!(is_up(), 0);
    ensure_eq!(hypercall::vcpu(VCPUOP_UP, 1, &mut 0u64), EINVAL);
    let mut info = VcpuRunstateInfo::default();
    ensure_eq!(hypercall::vcpu(VCPUOP_GET_RUNSTATE_INFO, 1, &mut info), 0);
    ensure_eq!(info.state, RUNSTATE_OFFLINE);
    Ok(())
}

/// The context in which the vCPU starts, in pages of the pool: it is too large for the stack.
fn context() -> &'static mut VcpuGuestContext {
    // SAFETY: the pages are fresh zeros, which is a valid context, and nobody else has them.
    let context = unsafe { &mut *(mmu::alloc_pages(2) as *mut VcpuGuestContext) };
    context.flags = VGCF_IN_KERNEL;
    context.user_regs.rip = second_entry as *const () as u64;
    context.user_regs.cs = FLAT_KERNEL_CS64;
    context.user_regs.ss = FLAT_KERNEL_SS64;
    context.user_regs.rsp = mmu::alloc_pages(STACK_PAGES) + STACK_PAGES as u64 * PAGE;
    context.user_regs.rflags = 0x202;
    for entry in trap::table() {
        if entry.address != 0 {
            context.trap_ctxt[usize::from(entry.vector)] = entry;
        }
    }
    context.kernel_ss = FLAT_KERNEL_SS64.into();
    context.kernel_sp = percpu::stack_top(1);
    context.ctrlreg[3] = mmu::mfn(boot::start_info().pt_base) * PAGE;
    let [event, failsafe, syscall] = trap::callbacks();
    context.event_callback_eip = event;
    context.failsafe_callback_eip = failsafe;
    context.syscall_callback_eip = syscall;
    context.gs_base_kernel = percpu::prepare(1);
    context
}

fn bad_contexts() -> Outcome {
    let bad = context();
    bad.ctrlreg[3] = 0x200 * PAGE;
    ensure_eq!(hypercall::vcpu(VCPUOP_INITIALISE, 1, bad), EINVAL);
    let bad = context();
    bad.gs_base_kernel = 1 << 63;
    ensure_eq!(hypercall::vcpu(VCPUOP_INITIALISE, 1, bad), EINVAL);
    let bad = context();
    bad.gdt_ents = 512;
    bad.gdt_frames[0] = 0x200;
    ensure_eq!(hypercall::vcpu(VCPUOP_INITIALISE, 1, bad), EINVAL);
    ensure_eq!(is_up(), 0);
    Ok(())
}

fn initialise() -> Outcome {
    let good = context();
    ensure_eq!(hypercall::vcpu(VCPUOP_INITIALISE, 1, good), 0);
    ensure_eq!(hypercall::vcpu(VCPUOP_INITIALISE, 1, good), EEXIST);
    ensure_eq!(is_up(), 0);
    Ok(())
}

fn vcpu_info() -> Outcome {
    ensure_eq!(events::register_vcpu_info(1, mmu::alloc_page(), 64), 0);
    Ok(())
}

fn up() -> Outcome {
    ensure_eq!(hypercall::vcpu(VCPUOP_UP, 1, &mut 0u64), 0);
    ensure_eq!(is_up(), 1);
    ensure_eq!(second::ask(second::IDENTIFY, 0), Ok(1));
    Ok(())
}
