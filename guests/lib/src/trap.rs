//! Exceptions, events and failed returns: the entries that Xen bounces to, and what the kernel does there.

use core::arch::global_asm;
use core::sync::atomic::Ordering;

use xen_abi::arch_x86::{FLAT_KERNEL_CS64, TrapInfo};
use xen_abi::callback::{
    CALLBACKOP_REGISTER, CALLBACKTYPE_EVENT, CALLBACKTYPE_FAILSAFE, CALLBACKTYPE_SYSCALL, CallbackRegister,
};
use xen_abi::hypercall::{HYPERVISOR_CALLBACK_OP, HYPERVISOR_SET_TRAP_TABLE};

use crate::{boot, events, hypercall, percpu, user};

/// Pseudo vector of event upcalls.
const EVENT: u64 = 256;
/// Pseudo vector of the failsafe callback.
pub const FAILSAFE: u64 = 257;

/// The registers at a trap, as the entries push them.
#[repr(C)]
#[derive(Debug)]
pub struct Frame {
    /// R15, R14, R13, R12, RBP, RBX.
    pub saved: [u64; 6],
    /// R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI.
    pub scratch: [u64; 9],
    /// Vector or pseudo vector.
    pub vector: u64,
    /// Error code or zero.
    pub error: u64,
    /// RIP.
    pub rip: u64,
    /// CS in the low 16 bits; the upcall mask before the trap in bit 32.
    pub cs: u64,
    /// RFLAGS.
    pub rflags: u64,
    /// RSP.
    pub rsp: u64,
    /// SS.
    pub ss: u64,
}

global_asm!(
    r#"
    .macro TRAP_ENTRY name, vector
    .globl \name
    \name:
        pop rcx
        pop r11
        push 0
        push \vector
        jmp trap_common
    .endm
    .macro TRAP_ENTRY_ERROR name, vector
    .globl \name
    \name:
        pop rcx
        pop r11
        push \vector
        jmp trap_common
    .endm

    .section .text.traps, "ax", @progbits
    TRAP_ENTRY trap_de, 0
    TRAP_ENTRY trap_db, 1
    TRAP_ENTRY trap_bp, 3
    TRAP_ENTRY trap_of, 4
    TRAP_ENTRY trap_ud, 6
    TRAP_ENTRY trap_nm, 7
    TRAP_ENTRY_ERROR trap_ts, 10
    TRAP_ENTRY_ERROR trap_np, 11
    TRAP_ENTRY_ERROR trap_ss, 12
    TRAP_ENTRY_ERROR trap_gp, 13
    TRAP_ENTRY_ERROR trap_pf, 14
    TRAP_ENTRY trap_mf, 16
    TRAP_ENTRY_ERROR trap_ac, 17
    TRAP_ENTRY trap_xm, 19
    TRAP_ENTRY trap_80, 0x80
    TRAP_ENTRY event_entry, 256

    // RCX, R11, DS, ES, FS, GS, then the frame: the segments that did not load are not loaded again.
    .globl failsafe_entry
    failsafe_entry:
        pop rcx
        pop r11
        add rsp, 32
        push 0
        push 257
        jmp trap_common

    trap_common:
        cld
        push rdi
        push rsi
        push rdx
        push rcx
        push rax
        push r8
        push r9
        push r10
        push r11
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        mov rdi, rsp
        mov rbx, rsp
        and rsp, -16
        call {handler}
        mov rsp, rbx
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        pop r11
        pop r10
        pop r9
        pop r8
        pop rax
        pop rcx
        pop rdx
        pop rsi
        pop rdi
        add rsp, 16
        push 0
        jmp hypercall_page + 23 * 32
    "#,
    handler = sym handler,
);

unsafe extern "C" {
    fn trap_de();
    fn trap_db();
    fn trap_bp();
    fn trap_of();
    fn trap_ud();
    fn trap_nm();
    fn trap_ts();
    fn trap_np();
    fn trap_ss();
    fn trap_gp();
    fn trap_pf();
    fn trap_mf();
    fn trap_ac();
    fn trap_xm();
    fn trap_80();
    fn event_entry();
    fn failsafe_entry();
}

/// The trap table, with the terminating entry.
pub fn table() -> [TrapInfo; 16] {
    let entry = |vector: u8, dpl: u8, address: unsafe extern "C" fn()| TrapInfo {
        vector,
        flags: dpl,
        cs: FLAT_KERNEL_CS64,
        _pad: 0,
        address: address as *const () as u64,
    };
    [
        entry(0, 0, trap_de),
        entry(1, 0, trap_db),
        entry(3, 3, trap_bp),
        entry(4, 3, trap_of),
        entry(6, 0, trap_ud),
        entry(7, 0, trap_nm),
        entry(10, 0, trap_ts),
        entry(11, 0, trap_np),
        entry(12, 0, trap_ss),
        entry(13, 0, trap_gp),
        entry(14, 0, trap_pf),
        entry(16, 0, trap_mf),
        entry(17, 0, trap_ac),
        entry(19, 0, trap_xm),
        entry(0x80, 3, trap_80),
        TrapInfo::default(),
    ]
}

/// Addresses of the callbacks: event, failsafe, system call.
pub fn callbacks() -> [u64; 3] {
    [
        event_entry as *const () as u64,
        failsafe_entry as *const () as u64,
        user::syscall_entry as *const () as u64,
    ]
}

/// Registers trap table and callbacks of the calling vCPU.
pub fn init() {
    let mut table = table();
    // SAFETY: Xen only reads the table.
    unsafe { hypercall::raw(HYPERVISOR_SET_TRAP_TABLE, [table.as_mut_ptr() as u64, 0, 0, 0, 0]) };
    let kinds = [CALLBACKTYPE_EVENT, CALLBACKTYPE_FAILSAFE, CALLBACKTYPE_SYSCALL];
    for (type_, address) in kinds.into_iter().zip(callbacks()) {
        let mut register = CallbackRegister { type_, flags: 0, _pad: 0, address };
        hypercall::op(HYPERVISOR_CALLBACK_OP, CALLBACKOP_REGISTER, &mut register);
    }
}

/// The exception that [`last`] tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trap {
    /// Vector.
    pub vector: u64,
    /// Error code or zero.
    pub error: u64,
    /// RIP.
    pub rip: u64,
    /// The faulting address of a page fault.
    pub cr2: u64,
    /// CS as saved; its low two bits are zero for kernel mode.
    pub cs: u64,
}

/// The last exception of the calling vCPU.
pub fn last() -> Trap {
    let [vector, error, rip, cr2, cs] =
        [0, 1, 2, 3, 4].map(|i: usize| percpu::this().last[i].load(Ordering::Relaxed));
    Trap { vector, error, rip, cr2, cs }
}

/// Number of exceptions of the calling vCPU so far.
pub fn count() -> u64 {
    percpu::this().traps.load(Ordering::Relaxed)
}

extern "C" fn handler(frame: &mut Frame) {
    if frame.vector == EVENT {
        events::upcall();
        return;
    }
    let cpu = percpu::this();
    let cr2 = if frame.vector == 14 { events::cr2() } else { 0 };
    let values = [frame.vector, frame.error, frame.rip, cr2, frame.cs & 0xffff];
    for (slot, value) in cpu.last.iter().zip(values) {
        slot.store(value, Ordering::Relaxed);
    }
    cpu.traps.fetch_add(1, Ordering::Relaxed);
    if frame.cs & 3 == 3 || (frame.vector == FAILSAFE && cpu.saved_rsp.load(Ordering::Relaxed) != 0) {
        user::leave();
    }
    match cpu.recover.swap(0, Ordering::Relaxed) {
        0 if matches!(frame.vector, 1 | 3) => (),
        0 => boot::die(format_args!("unexpected trap, cr2 {cr2:#x}, {frame:x?}")),
        rip => frame.rip = rip,
    }
}
