//! What the second vCPU does: it obeys commands of the first one.

use core::sync::atomic::{AtomicU64, Ordering};

use guest_lib::abi::hypercall::HYPERVISOR_SCHED_OP;
use guest_lib::abi::sched::SCHEDOP_YIELD;
use guest_lib::abi::vcpu::{VCPUOP_DOWN, VCPUOP_STOP_PERIODIC_TIMER};
use guest_lib::time::{self, MS};
use guest_lib::user::{self, Exit, Program};
use guest_lib::{events, hypercall, percpu, probe};

/// Answers the vCPU's number.
pub const IDENTIFY: u64 = 1;
/// Sends to a port.
pub const SEND: u64 = 2;
/// Reads a word; a fault is answered with all ones.
pub const READ: u64 = 3;
/// Blocks until an event comes.
pub const BLOCK: u64 = 4;
/// Starts its own timer and answers when the port (bound by the first vCPU) got the event.
pub const TIMER: u64 = 5;
/// Runs a program and answers what its system call said.
pub const PROGRAM: u64 = 6;
/// Takes itself down; answers once it is up again.
pub const DOWN: u64 = 7;
/// Answers the system time.
pub const TIME: u64 = 8;

static COMMAND: AtomicU64 = AtomicU64::new(0);
static ARGUMENT: AtomicU64 = AtomicU64::new(0);
static ANSWER: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);
static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// Gives the CPU to others.
pub fn give_way() {
    hypercall::numbers(HYPERVISOR_SCHED_OP, [SCHEDOP_YIELD.into(), 0, 0, 0, 0]);
}

/// Gives a command without waiting for its answer.
pub fn tell(command: u64, argument: u64) {
    COMMAND.store(command, Ordering::SeqCst);
    ARGUMENT.store(argument, Ordering::SeqCst);
    ASKED.fetch_add(1, Ordering::SeqCst);
}

/// Waits for the answer; the error is that none came within a second.
pub fn answer() -> Result<u64, i64> {
    let end = time::now() + 1000 * MS;
    while ANSWERED.load(Ordering::SeqCst) != ASKED.load(Ordering::SeqCst) {
        if time::now() > end {
            return Err(-1000);
        }
        give_way();
    }
    Ok(ANSWER.load(Ordering::SeqCst))
}

/// Gives a command and waits for its answer.
pub fn ask(command: u64, argument: u64) -> Result<u64, i64> {
    tell(command, argument);
    answer()
}

/// The second vCPU's life.
pub extern "C" fn main() -> ! {
    hypercall::vcpu(VCPUOP_STOP_PERIODIC_TIMER, percpu::id() as u32, &mut 0u64);
    events::enable();
    loop {
        while ANSWERED.load(Ordering::SeqCst) == ASKED.load(Ordering::SeqCst) {
            give_way();
        }
        let argument = ARGUMENT.load(Ordering::SeqCst);
        ANSWER.store(obey(COMMAND.load(Ordering::SeqCst), argument), Ordering::SeqCst);
        ANSWERED.fetch_add(1, Ordering::SeqCst);
    }
}

fn obey(command: u64, argument: u64) -> u64 {
    match command {
        IDENTIFY => percpu::id() as u64,
        SEND => hypercall::send(argument as u32) as u64,
        READ => probe::read(argument).unwrap_or(!0),
        BLOCK => time::block() as u64,
        TIMER => {
            let port = argument as u32;
            let before = events::count(port);
            time::set_oneshot(time::now() + 2 * MS, 0);
            time::wait_for(100, || events::count(port) != before).into()
        }
        PROGRAM => match user::load_space() {
            0 => match user::run(Program::Syscall, argument) {
                Exit::Syscall(_, value) => value,
                Exit::Trap(vector) => vector,
            },
            result => result as u64,
        },
        DOWN => hypercall::vcpu(VCPUOP_DOWN, percpu::id() as u32, &mut 0u64) as u64,
        TIME => time::now(),
        _ => !0,
    }
}
