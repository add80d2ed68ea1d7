//! Debug registers.

use core::arch::asm;

/// DR6 when nothing has happened.
pub const DR6_DEFAULT: u64 = 0xffff_0ff0;
/// DR7 with every breakpoint off.
pub const DR7_DEFAULT: u64 = 0x400;

/// Breakpoint addresses, status and control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebugRegs {
    /// DR0 to DR3: linear addresses.
    pub addr: [u64; 4],
    /// DR6.
    pub dr6: u64,
    /// DR7.
    pub dr7: u64,
}

impl Default for DebugRegs {
    fn default() -> Self {
        Self { addr: [0; 4], dr6: DR6_DEFAULT, dr7: DR7_DEFAULT }
    }
}

/// Reads DR6.
#[inline]
#[must_use]
pub fn read_dr6() -> u64 {
    read(6)
}

/// Writes DR6.
#[inline]
pub fn write_dr6(v: u64) {
    // SAFETY: a status register; the upper half must be zero or the move faults.
    unsafe { asm!("mov dr6, {}", in(reg) v & 0xffff_ffff, options(nomem, nostack, preserves_flags)) };
}

/// Writes DR7.
///
/// # Safety
/// No enabled breakpoint may lie in the hypervisor's range of addresses.
#[inline]
pub unsafe fn write_dr7(v: u64) {
    // SAFETY: the caller vouches for the breakpoints; the upper half must be zero or the move faults.
    unsafe { asm!("mov dr7, {}", in(reg) v & 0xffff_ffff, options(nomem, nostack, preserves_flags)) };
}

/// Reads DR`n`: 0 to 3 or 6; any other number is taken for 7.
#[must_use]
pub fn read(n: u8) -> u64 {
    macro_rules! read {
        ($register:literal) => {{
            let v;
            // SAFETY: reads a register.
            unsafe { asm!(concat!("mov {}, ", $register), out(reg) v, options(nomem, nostack, preserves_flags)) };
            v
        }};
    }
    match n {
        0 => read!("dr0"),
        1 => read!("dr1"),
        2 => read!("dr2"),
        3 => read!("dr3"),
        6 => read!("dr6"),
        _ => read!("dr7"),
    }
}

/// Loads all of them.
///
/// # Safety
/// As for [`write_dr7`].
pub unsafe fn load(r: &DebugRegs) {
    let [a, b, c, d] = r.addr;
    // SAFETY: the addresses mean nothing until DR7 enables them, for which the caller vouches.
    unsafe {
        write_dr7(DR7_DEFAULT);
        asm!("mov dr0, {}", "mov dr1, {}", "mov dr2, {}", "mov dr3, {}", in(reg) a, in(reg) b, in(reg) c,
            in(reg) d, options(nomem, nostack, preserves_flags));
        write_dr6(r.dr6);
        write_dr7(r.dr7);
    }
}
