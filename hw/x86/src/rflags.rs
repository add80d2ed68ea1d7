//! Bits of RFLAGS.

/// Always one.
pub const FIXED: u64 = 1 << 1;
/// Single step.
pub const TF: u64 = 1 << 8;
/// Interrupts on.
pub const IF: u64 = 1 << 9;
/// Direction of string instructions.
pub const DF: u64 = 1 << 10;
/// I/O privilege level.
pub const IOPL: u64 = 3 << 12;
/// Nested task.
pub const NT: u64 = 1 << 14;
/// Resume: no instruction breakpoint on the next instruction.
pub const RF: u64 = 1 << 16;
/// Virtual-8086 mode.
pub const VM: u64 = 1 << 17;
/// Alignment check, and in ring 0 the permission to access user pages.
pub const AC: u64 = 1 << 18;
/// Virtual interrupt flag and pending.
pub const VIF_VIP: u64 = 3 << 19;
/// CPUID can be executed.
pub const ID: u64 = 1 << 21;
/// The condition codes: CF, PF, AF, ZF, SF, OF.
pub const CONDITIONS: u64 = 0x8d5;

/// What SYSCALL clears on its way into the hypervisor.
pub const SYSCALL_MASK: u64 = AC | VM | RF | NT | DF | IF | TF;

/// The flags with which a PV guest really runs when it asks for `v`: interrupts on, no I/O privilege, no virtual-8086
/// mode and no nested task.
#[inline]
#[must_use]
pub const fn guest(v: u64) -> u64 {
    (v & (CONDITIONS | TF | DF | RF | AC | ID)) | FIXED | IF
}
