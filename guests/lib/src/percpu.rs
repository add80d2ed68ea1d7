//! What each vCPU has of its own; the kernel's GS base points to it.

use core::arch::asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering};

use xen_abi::arch_x86::SEGBASE_GS_KERNEL;
use xen_abi::hypercall::HYPERVISOR_SET_SEGMENT_BASE;

use crate::hypercall;

/// How many vCPUs the library knows.
pub const MAX_VCPUS: usize = 4;

/// Size of a vCPU's stack for entries from user mode, in bytes.
pub const STACK_SIZE: usize = 32 << 10;

/// Data of one vCPU. The assembly uses some fields by offset.
#[repr(C)]
pub struct PerCpu {
    /// The address of this structure.
    pub this: AtomicU64,
    /// The vCPU's number.
    pub id: AtomicU64,
    /// Where to go on after a fault; zero: a fault is a bug.
    pub recover: AtomicU64,
    /// The kernel's stack while user mode runs.
    pub saved_rsp: AtomicU64,
    /// RAX of the last system call.
    pub syscall_rax: AtomicU64,
    /// RDI of the last system call.
    pub syscall_rdi: AtomicU64,
    /// The last exception: vector, error code, RIP, CR2, CS.
    pub last: [AtomicU64; 5],
    /// Number of exceptions so far.
    pub traps: AtomicU64,
    /// Number of event upcalls so far.
    pub upcalls: AtomicU64,
}

/// Offset of [`PerCpu::recover`].
pub const RECOVER: usize = offset_of!(PerCpu, recover);
/// Offset of [`PerCpu::saved_rsp`].
pub const SAVED_RSP: usize = offset_of!(PerCpu, saved_rsp);
/// Offset of [`PerCpu::syscall_rax`].
pub const SYSCALL_RAX: usize = offset_of!(PerCpu, syscall_rax);
/// Offset of [`PerCpu::syscall_rdi`].
pub const SYSCALL_RDI: usize = offset_of!(PerCpu, syscall_rdi);

static PERCPU: [PerCpu; MAX_VCPUS] = [const {
    PerCpu {
        this: AtomicU64::new(0),
        id: AtomicU64::new(0),
        recover: AtomicU64::new(0),
        saved_rsp: AtomicU64::new(0),
        syscall_rax: AtomicU64::new(0),
        syscall_rdi: AtomicU64::new(0),
        last: [const { AtomicU64::new(0) }; 5],
        traps: AtomicU64::new(0),
        upcalls: AtomicU64::new(0),
    }
}; MAX_VCPUS];

/// A page-aligned stack.
#[repr(align(4096))]
struct Stack(#[expect(dead_code, reason = "only its address counts")] [u8; STACK_SIZE]);

static mut STACKS: [Stack; MAX_VCPUS] = [const { Stack([0; STACK_SIZE]) }; MAX_VCPUS];

/// Sets up the data of a vCPU and returns its address, the value for the kernel's GS base.
pub fn prepare(id: usize) -> u64 {
    let data = &PERCPU[id];
    let address = (&raw const *data) as u64;
    data.this.store(address, Ordering::Relaxed);
    data.id.store(id as u64, Ordering::Relaxed);
    address
}

/// Sets up the calling vCPU.
pub fn init(id: usize) {
    set_gs(prepare(id));
}

/// Loads the kernel's GS base.
pub fn set_gs(base: u64) -> i64 {
    hypercall::numbers(HYPERVISOR_SET_SEGMENT_BASE, [SEGBASE_GS_KERNEL.into(), base, 0, 0, 0])
}

/// The top of a vCPU's stack for entries from user mode.
pub fn stack_top(id: usize) -> u64 {
    (&raw const STACKS) as u64 + ((id + 1) * STACK_SIZE) as u64
}

/// The data of the calling vCPU.
#[inline(always)]
pub fn this() -> &'static PerCpu {
    let address: u64;
    // SAFETY: the kernel's GS base is the address of a static PerCpu since `init`.
    unsafe {
        asm!("mov {}, gs:[0]", out(reg) address, options(nostack, readonly, preserves_flags));
        &*(address as *const PerCpu)
    }
}

/// The calling vCPU's number.
#[inline(always)]
pub fn id() -> usize {
    this().id.load(Ordering::Relaxed) as usize
}

/// The data of any vCPU.
pub fn of(id: usize) -> &'static PerCpu {
    &PERCPU[id]
}
