//! The ways in and out: assembly paths, the IDT, and faults of the hypervisor itself.

use core::arch::global_asm;

pub mod exit;
pub mod fixup;
pub mod host;
pub mod idt;

/// `GuestRegs::entry_vector` after SYSCALL from 64-bit code. While it stays, the way back is SYSRET: RCX and R11 are lost,
/// CS and SS are the flat 64-bit ones.
pub const SYSCALL64: u32 = 0x100;
/// After SYSENTER. RIP and RSP are not known then.
pub const SYSENTER: u32 = 0x101;
/// After SYSCALL from compatibility mode.
pub const SYSCALL32: u32 = 0x102;

global_asm!(include_str!("boot.s"), options(att_syntax, raw));
global_asm!(
    include_str!("paths.s"),
    CS64 = const crate::cpu::init::GUEST_CS64,
    CS32 = const crate::cpu::init::GUEST_CS32,
    SS = const crate::cpu::init::GUEST_DS,
    SYSCALL64 = const SYSCALL64,
    SYSENTER = const SYSENTER,
    SYSCALL32 = const SYSCALL32,
    STACK_MASK = const crate::cpu::block::STACK_SIZE - 1,
    BLOCK_SIZE = const crate::cpu::block::BLOCK_SIZE,
    options(att_syntax)
);
