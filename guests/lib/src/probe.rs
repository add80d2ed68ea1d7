//! Instructions that may fault: each returns what it did, or the exception.

use core::arch::asm;

use crate::percpu::RECOVER;
use crate::trap::{self, Trap};

/// Runs instructions; a fault in them ends them. `2:` is where both ways meet.
macro_rules! faultable {
    ($($line:literal),+; $($operands:tt)*) => {{
        let before = trap::count();
        asm!(
            "lea {scratch}, [rip + 2f]",
            "mov gs:[{recover}], {scratch}",
            $($line,)+
            "2:",
            "mov qword ptr gs:[{recover}], 0",
            scratch = out(reg) _,
            recover = const RECOVER,
            $($operands)*
        );
        if trap::count() == before { Ok(()) } else { Err(trap::last()) }
    }};
}

/// Loads a word.
pub fn read(address: u64) -> Result<u64, Trap> {
    let mut value = 0u64;
    // SAFETY: a load changes nothing, and a fault is caught.
    unsafe { faultable!("mov {value}, [{address}]"; address = in(reg) address, value = inout(reg) value) }?;
    Ok(value)
}

/// Stores a word.
///
/// # Safety
/// The word must not be memory that Rust believes to be its own.
pub unsafe fn write(address: u64, value: u64) -> Result<(), Trap> {
    // SAFETY: the caller's; a fault is caught.
    unsafe { faultable!("mov [{address}], {value}"; address = in(reg) address, value = in(reg) value) }
}

/// Compares and exchanges a word with a lock prefix; returns whether the word was `old`.
///
/// # Safety
/// The word must not be memory that Rust believes to be its own.
pub unsafe fn compare_exchange(address: u64, old: u64, new: u64) -> Result<bool, Trap> {
    let mut found = old;
    // SAFETY: the caller's; a fault is caught.
    unsafe {
        faultable!("lock cmpxchg [{address}], {new}";
            address = in(reg) address, new = in(reg) new, inout("rax") found)
    }?;
    Ok(found == old)
}

/// Executes UD2.
pub fn ud2() -> Result<(), Trap> {
    // SAFETY: the fault is caught.
    unsafe { faultable!("ud2";) }
}

/// Executes INT3; the kernel goes on after it.
pub fn int3() -> Result<(), Trap> {
    // SAFETY: the trap is caught.
    unsafe { faultable!("int3";) }
}

/// Executes HLT, which ring 3 must not.
pub fn hlt() -> Result<(), Trap> {
    // SAFETY: the fault is caught.
    unsafe { faultable!("hlt";) }
}

/// Divides by zero.
pub fn divide_by_zero() -> Result<(), Trap> {
    // SAFETY: the fault is caught.
    unsafe { faultable!("xor eax, eax", "div eax"; out("rax") _, out("rdx") _) }
}

/// Reads a model-specific register.
pub fn rdmsr(msr: u32) -> Result<u64, Trap> {
    let (low, high): (u32, u32);
    // SAFETY: reading changes nothing, and a fault is caught.
    unsafe { faultable!("rdmsr"; in("ecx") msr, out("eax") low, out("edx") high) }?;
    Ok(u64::from(high) << 32 | u64::from(low))
}

/// Writes a model-specific register.
pub fn wrmsr(msr: u32, value: u64) -> Result<(), Trap> {
    // SAFETY: Xen decides about the write, and a fault is caught.
    unsafe { faultable!("wrmsr"; in("ecx") msr, in("eax") value as u32, in("edx") (value >> 32) as u32) }
}

/// Reads a byte from an I/O port.
pub fn inb(port: u16) -> Result<u8, Trap> {
    let value: u8;
    // SAFETY: Xen decides about the access, and a fault is caught.
    unsafe { faultable!("in al, dx"; in("dx") port, out("al") value) }?;
    Ok(value)
}

/// Loads a selector into FS.
pub fn load_fs(selector: u16) -> Result<(), Trap> {
    // SAFETY: the kernel does not use FS, and a fault is caught.
    unsafe { faultable!("mov fs, {selector:x}"; selector = in(reg) selector) }
}

/// Reads the word at the beginning of FS.
pub fn read_fs() -> Result<u64, Trap> {
    let mut value = 0u64;
    // SAFETY: a load changes nothing, and a fault is caught.
    unsafe { faultable!("mov {value}, fs:[0]"; value = inout(reg) value) }?;
    Ok(value)
}

/// CPUID as the processor gives it to ring 3, or (`forced`) as Xen emulates it: EAX, EBX, ECX, EDX.
pub fn cpuid(leaf: u32, subleaf: u32, forced: bool) -> Result<[u32; 4], Trap> {
    let (mut a, mut b, mut c, mut d) = (leaf, 0u64, subleaf, 0u32);
    // SAFETY: CPUID changes nothing; RBX, which the compiler keeps for itself, is put back.
    unsafe {
        if forced {
            faultable!("xchg rbx, {b}", ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e", "cpuid", "xchg rbx, {b}";
                b = inout(reg) b, inout("eax") a, inout("ecx") c, inout("edx") d)
        } else {
            faultable!("xchg rbx, {b}", "cpuid", "xchg rbx, {b}";
                b = inout(reg) b, inout("eax") a, inout("ecx") c, inout("edx") d)
        }
    }?;
    Ok([a, b as u32, c, d])
}

/// Uses an SSE register.
pub fn sse() -> Result<(), Trap> {
    // SAFETY: the kernel is compiled without SSE, and a fault is caught.
    unsafe { faultable!("movq xmm0, rax";) }
}

/// A privileged instruction: its name, how to execute it, and the exception that it gives in ring 3.
pub type Privileged = (&'static str, fn() -> Result<(), Trap>, u64);

macro_rules! privileged {
    ($($name:literal, $vector:expr => $($line:literal),+;)*) => {
        &[$(($name, || {
            // SAFETY: Xen decides about the instruction, and a fault is caught.
            unsafe {
                faultable!($($line),+; out("rax") _, out("rcx") _, out("rdx") _)
            }
        }, $vector),)*]
    };
}

/// In [`PRIVILEGED`]: #UD while the hypervisor has not switched the processor's virtualization on, #GP when it has.
pub const UNDEFINED_OR_PROTECTED: u64 = 255;
/// In [`PRIVILEGED`]: nothing in QEMU, #GP on a processor.
pub const NOTHING_OR_PROTECTED: u64 = 254;

/// Instructions that ring 3 must not execute; vector 0: Xen does it, or something harmless, for the kernel.
pub const PRIVILEGED: &[Privileged] = privileged! {
    "hlt", 13 => "hlt";
    "cli", 13 => "cli";
    "lgdt", 13 => "xor eax, eax", "lgdt [rsp - 16]";
    "lidt", 13 => "lidt [rsp - 16]";
    "lldt", 13 => "xor eax, eax", "lldt ax";
    "ltr", 13 => "xor eax, eax", "ltr ax";
    "lmsw", 13 => "mov eax, 1", "lmsw ax";

    "invd", NOTHING_OR_PROTECTED => "invd";
    "wbinvd", 0 => "wbinvd";
    "mov cr8", 13 => "xor eax, eax", "mov cr8, rax";
    "mov cr0 without paging", 13 => "xor eax, eax", "mov cr0, rax";
    "mov cr3 to nothing", 13 => "mov rax, 0x123456789000", "mov cr3, rax";
    "mov dr7 with high bits", 13 => "mov rax, 0x100000000", "mov dr7, rax";
    "sysretq", 13 => "mov ecx, 0x1000", "sysretq";
    "swapgs", 13 => "swapgs";
    "int 0x20", 13 => "int 0x20";
    "int 0x82", 13 => "int 0x82";
    "vmmcall", 6 => "vmmcall";
    "vmrun", UNDEFINED_OR_PROTECTED => "xor eax, eax", "vmrun rax";
    "clgi", UNDEFINED_OR_PROTECTED => "clgi";
    "rdpmc", 13 => "mov ecx, 0x7fffffff", "rdpmc";
    "out to the PIC", 13 => "mov al, 0xff", "out 0x21, al";
    "out to the reset port", 13 => "mov dx, 0xcf9", "mov al, 6", "out dx, al";
};
