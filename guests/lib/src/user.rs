//! Ring 3 as a program sees it: an address space of its own, entering it, and coming back.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use xen_abi::arch_x86::{FLAT_KERNEL_SS, FLAT_USER_CS, FLAT_USER_SS, VGCF_IN_SYSCALL};
use xen_abi::hypercall::HYPERVISOR_STACK_SWITCH;
use xen_abi::xen::{MMUEXT_NEW_USER_BASEPTR, MMUEXT_PIN_L4_TABLE};

use crate::mmu::{self, Tree};
use crate::percpu::{self, SAVED_RSP, SYSCALL_RAX, SYSCALL_RDI};
use crate::{boot, hypercall, trap};

/// Where a program's code is mapped.
pub const CODE: u64 = 0x40_0000;
/// A page of data, also the stack.
pub const DATA: u64 = CODE + mmu::PAGE;
/// An address that no program has mapped.
pub const HOLE: u64 = CODE + 16 * mmu::PAGE;

/// System call number that the kernel answers at once, for measuring; the others end the program.
pub const FAST: u64 = 0x100;

global_asm!(
    r#"
    .section .text.user, "ax", @progbits

    // extern "C" fn user_enter(context: &Entry)
    .globl user_enter
    user_enter:
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        mov gs:[{saved_rsp}], rsp
        mov rax, rdi
        push [rax + 40]
        push [rax + 32]
        push [rax + 24]
        push [rax + 16]
        push [rax + 8]
        push [rax]
        mov rdi, [rax + 48]
        jmp hypercall_page + 23 * 32

    .globl user_leave
    user_leave:
        mov rsp, gs:[{saved_rsp}]
        mov qword ptr gs:[{saved_rsp}], 0
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ret

    // RCX, R11, then RIP, CS, RFLAGS, RSP, SS.
    .globl syscall_entry
    syscall_entry:
        cmp rax, {fast}
        jne 2f
        pop rcx
        pop r11
        push {in_syscall}
        jmp hypercall_page + 23 * 32
    2:
        mov gs:[{rax}], rax
        mov gs:[{rdi}], rdi
        jmp user_leave

    // Programs; they are copied to a page of their own. RDI is the argument.
    .balign 16
    .globl programs
    programs:
    program_syscall:
        mov eax, 0x11
        add rdi, 1
        syscall
        ud2
    program_read:
        mov rdi, [rdi]
        mov eax, 0x12
        syscall
        ud2
    program_hlt:
        hlt
        ud2
    program_int80:
        mov eax, 0x13
        int 0x80
        ud2
    program_int3:
        int3
        mov eax, 0x14
        syscall
        ud2
    program_spin:
        dec rdi
        jnz program_spin
        mov eax, 0x15
        syscall
        ud2
    program_loop:
        mov rbx, rdi
    3:
        mov eax, {fast}
        syscall
        dec rbx
        jnz 3b
        mov eax, 0x16
        syscall
        ud2
    program_write:
        mov qword ptr [rdi], 0x55
        mov eax, 0x17
        syscall
        ud2
    .globl programs_end
    programs_end:
    "#,
    saved_rsp = const SAVED_RSP,
    rax = const SYSCALL_RAX,
    rdi = const SYSCALL_RDI,
    fast = const FAST,
    in_syscall = const VGCF_IN_SYSCALL,
);

unsafe extern "C" {
    fn user_enter(entry: &Entry);
    fn user_leave() -> !;
    /// The entry of system calls.
    pub fn syscall_entry();
    fn programs();
    fn programs_end();
    fn program_syscall();
    fn program_read();
    fn program_hlt();
    fn program_int80();
    fn program_int3();
    fn program_spin();
    fn program_loop();
    fn program_write();
}

/// The programs.
#[derive(Clone, Copy)]
pub enum Program {
    /// System call 0x11 with the argument plus one.
    Syscall,
    /// Loads from the argument, then system call 0x12 with what it found.
    Read,
    /// HLT.
    Hlt,
    /// INT 0x80.
    Int80,
    /// INT3, then (if the kernel goes on) system call 0x14.
    Int3,
    /// Counts the argument down to zero, then system call 0x15.
    Spin,
    /// As many fast system calls as the argument says, then system call 0x16.
    Loop,
    /// Stores to the argument, then system call 0x17.
    Write,
}

impl Program {
    fn offset(self) -> u64 {
        let start = match self {
            Self::Syscall => program_syscall,
            Self::Read => program_read,
            Self::Hlt => program_hlt,
            Self::Int80 => program_int80,
            Self::Int3 => program_int3,
            Self::Spin => program_spin,
            Self::Loop => program_loop,
            Self::Write => program_write,
        };
        (start as *const () as u64) - (programs as *const () as u64)
    }
}

/// How a program came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By a system call: RAX and RDI.
    Syscall(u64, u64),
    /// By an exception, see [`trap::last`].
    Trap(u64),
}

/// The kernel's view of the data page.
static SPACE: AtomicU64 = AtomicU64::new(0);
/// The root's machine frame.
static ROOT: AtomicU64 = AtomicU64::new(0);

/// Tells Xen the calling vCPU's stack for entries from user mode.
pub fn init() {
    let top = percpu::stack_top(percpu::id());
    hypercall::numbers(HYPERVISOR_STACK_SWITCH, [FLAT_KERNEL_SS.into(), top, 0, 0, 0]);
}

/// Builds the address space of the programs, pins it and loads it.
pub fn create_space() -> Result<(), i64> {
    let (code, data) = (mmu::alloc_page(), mmu::alloc_page());
    let (start, end) = (programs as *const () as u64, programs_end as *const () as u64);
    for offset in (0..end - start).step_by(8) {
        mmu::store(code + offset, mmu::load(start + offset));
    }
    let tree = Tree::new(CODE, &[code, data]);
    for result in [
        tree.protect(),
        hypercall::mmuext(MMUEXT_PIN_L4_TABLE, tree.root(), 0),
        hypercall::mmuext(MMUEXT_NEW_USER_BASEPTR, tree.root(), 0),
    ] {
        if result != 0 {
            return Err(result);
        }
    }
    SPACE.store(data, Ordering::Relaxed);
    ROOT.store(tree.root(), Ordering::Relaxed);
    Ok(())
}

/// Loads the address space of the programs on another vCPU.
pub fn load_space() -> i64 {
    hypercall::mmuext(MMUEXT_NEW_USER_BASEPTR, ROOT.load(Ordering::Relaxed), 0)
}

/// The kernel's view of [`DATA`].
pub fn data_page() -> u64 {
    match SPACE.load(Ordering::Relaxed) {
        0 => boot::die("there is no user address space"),
        page => page,
    }
}

/// How to enter user mode: the second half of the `iret` hypercall's frame, and RDI.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// `VGCF_IN_SYSCALL` or zero.
    pub flags: u64,
    /// RIP.
    pub rip: u64,
    /// CS.
    pub cs: u64,
    /// RFLAGS.
    pub rflags: u64,
    /// RSP.
    pub rsp: u64,
    /// SS.
    pub ss: u64,
    /// RDI.
    pub argument: u64,
}

impl Entry {
    /// The usual way into a program.
    pub fn new(program: Program, argument: u64) -> Self {
        Self {
            flags: 0,
            rip: CODE + program.offset(),
            cs: FLAT_USER_CS.into(),
            rflags: 0x202,
            rsp: DATA + mmu::PAGE,
            ss: FLAT_USER_SS.into(),
            argument,
        }
    }

    /// Enters user mode until it comes back.
    pub fn run(&self) -> Exit {
        let _ = data_page();
        let cpu = percpu::this();
        let before = trap::count();
        // SAFETY: whatever happens in user mode, `user_leave` brings the kernel back with its registers restored.
        unsafe { user_enter(self) };
        if trap::count() != before {
            return Exit::Trap(trap::last().vector);
        }
        Exit::Syscall(cpu.syscall_rax.load(Ordering::Relaxed), cpu.syscall_rdi.load(Ordering::Relaxed))
    }
}

/// Runs a program with events enabled until it comes back.
pub fn run(program: Program, argument: u64) -> Exit {
    Entry::new(program, argument).run()
}

/// Gives the program up and makes [`run`] return.
pub fn leave() -> ! {
    // SAFETY: only called while `user_enter` waits on this vCPU.
    unsafe { user_leave() }
}
