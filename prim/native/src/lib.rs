//! Single instructions on the real processor, for comparison with an emulator. Tests only.
//!
//! [`execute`] has the code run in a child process, which has copies of this one's memory, and shares with it nothing but the cases.
//! It is no sandbox: a system call in the code is made with the rights of the test, and a store may hit the cases. The caller makes
//! code that does neither.

use std::arch::global_asm;
use std::cell::UnsafeCell;
use std::io;

/// The page that code is in: breakpoints, but for the instruction.
pub const CODE: u64 = 0x1_0000;
/// The page of data. Nothing else is mapped near it.
pub const DATA: u64 = 0x2_0000;
/// Bytes of each.
pub const PAGE: usize = 0x1000;

const BREAKPOINT: u8 = 0xcc;
/// Seconds that a batch may take.
const PATIENCE: u32 = 60;

/// Registers: general ones in the order of their numbers, and the XMM registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct State {
    /// `rax`, `rcx`, `rdx`, `rbx`, `rsp`, `rbp`, `rsi`, `rdi`, `r8` to `r15`.
    pub general: [u64; 16],
    /// Flags.
    pub rflags: u64,
    /// The instruction; afterwards the next one, or the one that faulted.
    pub rip: u64,
    /// XMM registers.
    pub xmm: [u128; 16],
}

/// What an instruction led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nothing yet.
    #[default]
    Waiting,
    /// It completed.
    Done,
    /// A divide error.
    Divide,
    /// An invalid opcode.
    Invalid,
    /// A protection fault, a page fault, a stack fault.
    Memory,
}

/// An instruction with what it starts from; afterwards with what it led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its bytes, which are put at `rip`, in the page [`CODE`].
    pub code: [u8; 15],
    /// How many of them there are.
    pub length: usize,
    /// Registers.
    pub state: State,
    /// The page at [`DATA`].
    pub memory: [u8; PAGE],
    /// How it ended.
    pub ending: Ending,
}

/// What the assembly and the signal handler share with the child's loop.
#[repr(C)]
struct Shared {
    state: UnsafeCell<State>,
    host_stack: UnsafeCell<u64>,
    signal: UnsafeCell<i32>,
}

// SAFETY: only the child process uses it, which has one thread.
unsafe impl Sync for Shared {}

#[unsafe(no_mangle)]
static FX_NATIVE_SHARED: Shared = Shared {
    state: UnsafeCell::new(State { general: [0; 16], rflags: 0, rip: 0, xmm: [0; 16] }),
    host_stack: UnsafeCell::new(0),
    signal: UnsafeCell::new(0),
};

const HOST_STACK: usize = std::mem::offset_of!(Shared, host_stack);
const XMM: usize = std::mem::offset_of!(State, xmm);
const RFLAGS: usize = std::mem::offset_of!(State, rflags);
const RIP: usize = std::mem::offset_of!(State, rip);

// Enters the code with the state's registers; the signal handler goes on at `fx_native_leave`.
global_asm!(
    ".globl fx_native_enter, fx_native_leave",
    "fx_native_enter:",
    "push rbx; push rbp; push r12; push r13; push r14; push r15",
    "mov [rip + FX_NATIVE_SHARED + {host}], rsp",
    "lea rax, [rip + FX_NATIVE_SHARED + {xmm}]",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "movups xmm\\n, [rax + \\n * 16]",
    ".endr",
    "push qword ptr [rip + FX_NATIVE_SHARED + {rflags}]",
    "popfq",
    "lea rax, [rip + FX_NATIVE_SHARED]",
    "mov rcx, [rax + 8]; mov rdx, [rax + 16]; mov rbx, [rax + 24]; mov rsp, [rax + 32]",
    "mov rbp, [rax + 40]; mov rsi, [rax + 48]; mov rdi, [rax + 56]",
    "mov r8, [rax + 64]; mov r9, [rax + 72]; mov r10, [rax + 80]; mov r11, [rax + 88]",
    "mov r12, [rax + 96]; mov r13, [rax + 104]; mov r14, [rax + 112]; mov r15, [rax + 120]",
    "mov rax, [rax]",
    "jmp qword ptr [rip + FX_NATIVE_SHARED + {rip_slot}]",
    "fx_native_leave:",
    "mov rsp, [rip + FX_NATIVE_SHARED + {host}]",
    "lea rax, [rip + FX_NATIVE_SHARED + {xmm}]",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "movups [rax + \\n * 16], xmm\\n",
    ".endr",
    "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
    "cld",
    "ret",
    host = const HOST_STACK,
    xmm = const XMM,
    rflags = const RFLAGS,
    rip_slot = const RIP,
);

unsafe extern "C" {
    fn fx_native_enter();
    fn fx_native_leave();
}

/// Registers of a signal's context, in the order of their numbers.
const CONTEXT: [i32; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// Takes the registers of what was interrupted and has it go on at `fx_native_leave`.
extern "C" fn on_signal(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid context to the handler; the shared state belongs to the child's only thread, which is
    // executing code when its stack has been saved. Any other fault is a mistake of ours and ends the child.
    unsafe {
        let shared = &FX_NATIVE_SHARED;
        if *shared.host_stack.get() == 0 {
            libc::_exit(2);
        }
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let state = &mut *shared.state.get();
        for (to, from) in state.general.iter_mut().zip(CONTEXT) {
            *to = registers[from as usize] as u64;
        }
        state.rflags = registers[libc::REG_EFL as usize] as u64;
        state.rip = registers[libc::REG_RIP as usize] as u64;
        *shared.signal.get() = signal;
        registers[libc::REG_RIP as usize] = fx_native_leave as *const () as i64;
        registers[libc::REG_EFL as usize] = 0x202;
    }
}

/// Executes each case's instruction.
///
/// # Errors
/// The processes or their memory cannot be had; the code ended the child or did not come to an end.
pub fn execute(cases: &mut [Case]) -> io::Result<()> {
    let bytes = size_of_val(cases).max(1);
    let (rights, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, large and aligned enough for the cases, which are plain values. The child makes only calls that are
    // allowed after a fork and never returns; when it has ended, this process is the only one with the mapping.
    unsafe {
        let area = libc::mmap(std::ptr::null_mut(), bytes, rights, flags, -1, 0);
        if area == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let shared = area.cast::<Case>();
        shared.copy_from_nonoverlapping(cases.as_ptr(), cases.len());
        let result = match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => run_child(std::slice::from_raw_parts_mut(shared, cases.len())),
            child => wait_for(child),
        };
        if result.is_ok() {
            cases.as_mut_ptr().copy_from_nonoverlapping(shared, cases.len());
        }
        libc::munmap(area, bytes);
        result
    }
}

fn wait_for(child: libc::pid_t) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: the status is a place of ours.
    let got = unsafe { libc::waitpid(child, &mut status, 0) };
    match (got, status) {
        (-1, _) => Err(io::Error::last_os_error()),
        (_, 0) => Ok(()),
        _ => Err(io::Error::other(format!("the child ended with status {status:#x}"))),
    }
}

/// All that the child process does.
fn run_child(cases: &mut [Case]) -> ! {
    // SAFETY: this is the child's only thread; what it maps it has for itself.
    unsafe {
        if !set_up() {
            libc::_exit(3);
        }
        for case in cases {
            run(case);
        }
        libc::_exit(0)
    }
}

/// Maps the pages and takes over the signals; whether that went well.
///
/// # Safety
/// Only in the child.
unsafe fn set_up() -> bool {
    let data = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let fixed = flags | libc::MAP_FIXED_NOREPLACE;
    const STACK: usize = 0x1_0000;
    // SAFETY: new mappings where there are none; a handler of the right form; the signals' stack stays.
    unsafe {
        let map = |at: u64, size, rights, flags| libc::mmap(at as *mut _, size, rights, flags, -1, 0);
        let stack = map(0, STACK, data, flags);
        if map(CODE, PAGE, data | libc::PROT_EXEC, fixed) as u64 != CODE
            || map(DATA, PAGE, data, fixed) as u64 != DATA
            || stack == libc::MAP_FAILED
        {
            return false;
        }
        let stack = libc::stack_t { ss_sp: stack, ss_flags: 0, ss_size: STACK };
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::alarm(PATIENCE);
        let signals = [libc::SIGTRAP, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGBUS];
        libc::sigaltstack(&stack, std::ptr::null_mut()) == 0
            && signals.iter().all(|&signal| libc::sigaction(signal, &action, std::ptr::null_mut()) == 0)
    }
}

/// Executes one case.
///
/// # Safety
/// Only in the child, after [`set_up`].
unsafe fn run(case: &mut Case) {
    // SAFETY: both pages are mapped; every way out of the code is a signal, whose handler returns to the assembly.
    let signal = unsafe {
        let code = std::slice::from_raw_parts_mut(CODE as *mut u8, PAGE);
        code.fill(BREAKPOINT);
        let at = (case.state.rip % PAGE as u64) as usize;
        for (to, from) in code.iter_mut().skip(at).zip(case.code.iter().take(case.length)) {
            *to = *from;
        }
        let data = DATA as *mut [u8; PAGE];
        data.write(case.memory);
        let shared = &FX_NATIVE_SHARED;
        *shared.state.get() = case.state;
        fx_native_enter();
        *shared.host_stack.get() = 0;
        case.state = *shared.state.get();
        case.memory = data.read();
        *shared.signal.get()
    };
    case.ending = match signal {
        libc::SIGTRAP => Ending::Done,
        libc::SIGFPE => Ending::Divide,
        libc::SIGILL => Ending::Invalid,
        _ => Ending::Memory,
    };
    if signal == libc::SIGTRAP {
        // The breakpoint has been executed.
        case.state.rip = case.state.rip.wrapping_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(bytes: &[u8]) -> Case {
        let mut code = [0; 15];
        code[..bytes.len()].copy_from_slice(bytes);
        let mut state = State { rip: CODE + 0x100, rflags: 2, ..State::default() };
        state.general[0] = 5;
        state.general[3] = u64::MAX;
        Case { code, length: bytes.len(), state, memory: [7; PAGE], ending: Ending::Waiting }
    }

    #[test]
    fn adds_stores_and_faults() {
        let store = [0xa2, 0x10, 0, 2, 0, 0, 0, 0, 0]; // mov [DATA + 16], al
        let mut cases = [
            case(&[0x48, 0x01, 0xd8]), // add rax, rbx
            case(&[0x48, 0xf7, 0xf1]), // div rcx
            case(&store),
            case(&[0x8a, 0x03]), // mov al, [rbx]
            case(&[0x0f, 0x0b]), // ud2
        ];
        execute(&mut cases).unwrap();
        let [sum, division, store, load, invalid] = cases;
        assert_eq!((sum.state.general[0], sum.state.rip), (4, CODE + 0x103));
        assert_eq!(sum.state.rflags & 0x8d5, 0x11);
        assert_eq!((division.ending, division.state.rip), (Ending::Divide, CODE + 0x100));
        assert_eq!((store.ending, store.memory[15], store.memory[16]), (Ending::Done, 7, 5));
        assert_eq!((load.ending, invalid.ending), (Ending::Memory, Ending::Invalid));
    }
}
