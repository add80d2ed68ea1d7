//! Hypercalls through the hypercall page, and short forms of those that every guest makes.
//!
//! A result is what Xen left in RAX: negative numbers are errors (`errno.h`). The short forms take references, so
//! that a safe caller cannot pass the address of memory that it does not own; [`raw`] takes anything.

use core::arch::asm;

use xen_abi::errno::Errno;
use xen_abi::event_channel::{EVTCHNOP_SEND, EvtchnSend};
use xen_abi::hypercall as nr;
use xen_abi::sched::{SCHEDOP_SHUTDOWN, SchedShutdown};
use xen_abi::xen::{DOMID_SELF, MmuUpdate, MmuextOp};

macro_rules! errors {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("What a hypercall returns for ", stringify!($name), ".")]
            pub const $name: i64 = Errno::$name.to_ret();
        )*
    };
}

errors! { EPERM ENOENT ESRCH E2BIG EFAULT EBUSY EEXIST EINVAL ENOSYS EOPNOTSUPP EACCES }

unsafe extern "C" {
    static hypercall_page: [u8; 4096];
}

/// Makes a hypercall by number.
///
/// # Safety
/// The arguments must not make Xen write to memory that Rust believes to be its own, or take such memory away.
#[inline(always)]
pub unsafe fn raw(number: u32, args: [u64; 5]) -> i64 {
    let stub = (&raw const hypercall_page) as u64 + u64::from(number) * nr::HYPERCALL_STUB_SIZE as u64;
    let result;
    // SAFETY: the stub enters Xen and comes back; it changes RAX, RCX, R11 and maybe the argument registers.
    unsafe {
        asm!(
            "call {stub}",
            stub = in(reg) stub,
            lateout("rax") result,
            inlateout("rdi") args[0] => _,
            inlateout("rsi") args[1] => _,
            inlateout("rdx") args[2] => _,
            inlateout("r10") args[3] => _,
            inlateout("r8") args[4] => _,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// Makes a hypercall whose arguments are numbers.
#[inline(always)]
pub fn numbers(number: u32, args: [u64; 5]) -> i64 {
    // SAFETY: callers pass no addresses, or such as Xen must refuse.
    unsafe { raw(number, args) }
}

/// Makes a hypercall of the form `op(command, pointer to argument)`.
#[inline(always)]
pub fn op<T>(number: u32, command: u32, argument: &mut T) -> i64 {
    // SAFETY: Xen reads and writes at most the structure.
    unsafe { raw(number, [command.into(), (&raw mut *argument) as u64, 0, 0, 0]) }
}

/// `event_channel_op`.
pub fn event_channel<T>(command: u32, argument: &mut T) -> i64 {
    op(nr::HYPERVISOR_EVENT_CHANNEL_OP, command, argument)
}

/// `EVTCHNOP_SEND`.
#[inline(always)]
pub fn send(port: u32) -> i64 {
    event_channel(EVTCHNOP_SEND, &mut EvtchnSend { port })
}

/// `memory_op`.
pub fn memory<T>(command: u32, argument: &mut T) -> i64 {
    op(nr::HYPERVISOR_MEMORY_OP, command, argument)
}

/// `sched_op`.
pub fn sched<T>(command: u32, argument: &mut T) -> i64 {
    op(nr::HYPERVISOR_SCHED_OP, command, argument)
}

/// `xen_version`.
pub fn xen_version<T>(command: u32, argument: &mut T) -> i64 {
    op(nr::HYPERVISOR_XEN_VERSION, command, argument)
}

/// `grant_table_op` with one operation.
pub fn grant_table<T>(command: u32, argument: &mut T) -> i64 {
    let argument = (&raw mut *argument) as u64;
    // SAFETY: Xen reads and writes at most the structure.
    unsafe { raw(nr::HYPERVISOR_GRANT_TABLE_OP, [command.into(), argument, 1, 0, 0]) }
}

/// `vcpu_op`.
pub fn vcpu<T>(command: u32, vcpu: u32, argument: &mut T) -> i64 {
    let argument = (&raw mut *argument) as u64;
    // SAFETY: Xen reads and writes at most the structure.
    unsafe { raw(nr::HYPERVISOR_VCPU_OP, [command.into(), vcpu.into(), argument, 0, 0]) }
}

/// `mmu_update`: result and number of updates done.
pub fn mmu_update(updates: &mut [MmuUpdate], domain: u16) -> (i64, u32) {
    let mut done = 0u32;
    let list = updates.as_mut_ptr() as u64;
    // SAFETY: Xen reads the list and writes `done`; page-table changes are what the guests are for.
    let result = unsafe {
        let done = (&raw mut done) as u64;
        raw(nr::HYPERVISOR_MMU_UPDATE, [list, updates.len() as u64, done, domain.into(), 0])
    };
    (result, done)
}

/// `mmuext_op` with one operation.
pub fn mmuext(cmd: u32, arg1: u64, arg2: u64) -> i64 {
    let mut list = MmuextOp { cmd, _pad: 0, arg1, arg2 };
    let list = (&raw mut list) as u64;
    // SAFETY: Xen reads the list; page-table changes are what the guests are for.
    unsafe { raw(nr::HYPERVISOR_MMUEXT_OP, [list, 1, 0, DOMID_SELF.into(), 0]) }
}

/// `update_va_mapping`.
#[inline(always)]
pub fn update_va_mapping(address: u64, entry: u64, flags: u64) -> i64 {
    numbers(nr::HYPERVISOR_UPDATE_VA_MAPPING, [address, entry, flags, 0, 0])
}

/// `SCHEDOP_SHUTDOWN`.
pub fn shutdown(reason: u32) -> i64 {
    sched(SCHEDOP_SHUTDOWN, &mut SchedShutdown { reason })
}
