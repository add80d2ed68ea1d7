//! The memory of the guest that is current: accesses may fault and then continue at their fix-up.

use core::arch::asm;

use fx_types::{Fault, GuestVirt, guest_range_ok};

use super::Machine;

/// Allows ring 0 to access user pages, where SMAP forbids it; patched in when the processor has SMAP.
macro_rules! stac {
    () => {
        "99: nop dword ptr [rax]\n.pushsection .stac_sites,\"a\",@progbits\n.quad 99b\n.popsection"
    };
}

/// Forbids it again.
macro_rules! clac {
    () => {
        "98: nop dword ptr [rax]\n.pushsection .clac_sites,\"a\",@progbits\n.quad 98b\n.popsection"
    };
}

/// Faults between the labels 2 and 3 continue at `fixup`, with access to user pages forbidden again.
macro_rules! fix {
    ($fixup:literal) => {
        concat!(".pushsection .ex_table,\"a\",@progbits\n.quad 2b, 3b, ", $fixup, "\n.popsection")
    };
}

pub(crate) use fix;

/// Copies through a register of each listed width.
macro_rules! moves {
    ($to:expr, $from:expr; $($at:literal $width:literal $reg:literal),+) => {{
        // SAFETY: one side is a buffer of ours of that size, the other is in the guest's part of the address space; a
        // fault ends in the label.
        unsafe {
            asm!(
                stac!(),
                "2:",
                $(
                    concat!("mov {t", $reg, "}, ", $width, " ptr [{f} + ", $at, "]"),
                    concat!("mov ", $width, " ptr [{d} + ", $at, "], {t", $reg, "}"),
                )+
                "3:",
                clac!(),
                fix!("{fault}"),
                t = out(reg) _, f = in(reg) $from, d = in(reg) $to,
                fault = label { return Err(Fault { done: 0 }) },
                options(nostack, preserves_flags)
            );
        }
        Ok(())
    }};
}

/// Copies between a buffer of ours and the guest; the sizes of the usual structures by single moves.
#[inline(always)]
fn transfer(to: u64, from: u64, len: usize) -> Result<(), Fault> {
    match len {
        4 => moves!(to, from; 0 "dword" ":e"),
        8 => moves!(to, from; 0 "qword" ""),
        12 => moves!(to, from; 0 "qword" "", 8 "dword" ":e"),
        16 => moves!(to, from; 0 "qword" "", 8 "qword" ""),
        24 => moves!(to, from; 0 "qword" "", 8 "qword" "", 16 "qword" ""),
        32 => moves!(to, from; 0 "qword" "", 8 "qword" "", 16 "qword" "", 24 "qword" ""),
        40 => moves!(to, from; 0 "qword" "", 8 "qword" "", 16 "qword" "", 24 "qword" "", 32 "qword" ""),
        56 => {
            moves!(to, from; 0 "qword" "", 8 "qword" "", 16 "qword" "", 24 "qword" "", 32 "qword" "", 40 "qword" "",
            48 "qword" "")
        }
        64 => {
            moves!(to, from; 0 "qword" "", 8 "qword" "", 16 "qword" "", 24 "qword" "", 32 "qword" "", 40 "qword" "",
            48 "qword" "", 56 "qword" "")
        }
        72 => {
            moves!(to, from; 0 "qword" "", 8 "qword" "", 16 "qword" "", 24 "qword" "", 32 "qword" "", 40 "qword" "",
            48 "qword" "", 56 "qword" "", 64 "qword" "")
        }
        _ => long(to, from, len),
    }
}

/// Any length, by string instructions.
#[inline(never)]
fn long(to: u64, from: u64, len: usize) -> Result<(), Fault> {
    let (left, tail): (usize, usize);
    // SAFETY: as for the single moves; after a fault the counters say how much is left.
    unsafe {
        asm!(
            stac!(), "2:", "rep movsq", "mov rcx, {tail}", "xor {tail:e}, {tail:e}", "rep movsb", "3:", clac!(), fix!("3b"),
            tail = inout(reg) len & 7 => tail,
            inout("rcx") len >> 3 => left, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack)
        );
    }
    // In the first part `tail` still has its value and RCX counts words; in the second it is zero and RCX counts bytes.
    // The two are told apart by the flag that only the second part has: `tail` of zero.
    let remaining = remaining(left, tail, len);
    if remaining == 0 { Ok(()) } else { Err(Fault { done: len - remaining }) }
}

/// How many bytes were not copied: `left` counts words while `tail` has not been taken over, else bytes. With a length that
/// is a multiple of 8 there is no second part, so what is left are words.
const fn remaining(left: usize, tail: usize, len: usize) -> usize {
    if tail != 0 || len & 7 == 0 { left * 8 + tail } else { left }
}

impl GuestVirt for Machine {
    #[inline(always)]
    fn copy_in(&self, va: u64, buf: &mut [u8]) -> Result<(), Fault> {
        if !guest_range_ok(va, buf.len() as u64) {
            return Err(Fault { done: 0 });
        }
        transfer(buf.as_mut_ptr() as u64, va, buf.len())
    }

    #[inline(always)]
    fn copy_out(&self, va: u64, buf: &[u8]) -> Result<(), Fault> {
        if !guest_range_ok(va, buf.len() as u64) {
            return Err(Fault { done: 0 });
        }
        transfer(va, buf.as_ptr() as u64, buf.len())
    }
}

/// Reads a model-specific register that may not exist.
pub fn rdmsr(msr: u32) -> Option<u64> {
    let (low, high, failed): (u32, u32, u32);
    // SAFETY: reading a register that does not exist faults, and goes on where the failure is noted; the core asks only for
    // registers whose reading has no effect.
    unsafe {
        asm!("xor {f:e}, {f:e}", "2:", "rdmsr", "3:", "jmp 5f", "4:", "mov {f:e}, 1", "5:", fix!("4b"), f = out(reg) failed,
            in("ecx") msr, out("eax") low, out("edx") high, options(nostack));
    }
    if failed != 0 {
        return None;
    }
    Some(u64::from(high) << 32 | u64::from(low))
}
