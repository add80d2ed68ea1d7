//! Privileged instructions in ring 3.

use guest_lib::probe;
use guest_lib::report::{Checks, Outcome};

const UD: u64 = 6;
const GP: u64 = 13;

/// Instructions: which exception each gives.
pub fn run() -> Outcome {
    let mut checks = Checks::new("instruction");
    for (name, instruction, vector) in probe::PRIVILEGED {
        let got = instruction().err().map_or(0, |trap| trap.vector);
        match *vector {
            probe::UNDEFINED_OR_PROTECTED => checks.is(name, got == UD || got == GP, true),
            probe::NOTHING_OR_PROTECTED => checks.is(name, got == 0 || got == GP, true),
            vector => checks.is(name, got, vector),
        }
    }
    checks.is("in from the PIC", probe::inb(0x20).err().map(|trap| trap.vector), Some(GP));
    checks.is("in from the RTC", probe::inb(0x71).err().map(|trap| trap.vector), Some(GP));
    checks.is("ud2", probe::ud2().err().map(|trap| trap.vector), Some(UD));
    super::garbage::alive()?;
    checks.outcome()
}

/// Registers that would let a guest take the machine over: the write is refused or has no effect.
pub fn msrs() -> Outcome {
    let mut checks = Checks::new("msr");
    for msr in [
        0xc000_0080, // EFER
        0xc000_0081, // STAR
        0xc000_0082, // LSTAR
        0xc000_0083, // CSTAR
        0xc000_0084, // FMASK
        0x174,       // SYSENTER_CS
        0x175,       // SYSENTER_ESP
        0x176,       // SYSENTER_EIP
        0x1b,        // APIC base
        0x277,       // PAT
        0x2ff,       // MTRR default type
        0x200,       // MTRR base
        0x1d9,       // DEBUGCTL
        0xc001_0114, // VM_CR
        0xc001_0117, // VM_HSAVE_PA
        0xc001_0015, // HWCR
        0x830,       // x2APIC ICR
        0x10,        // TSC
        0xda0,       // XSS
        0x4000_0000, // Xen's hypercall page
    ] {
        let before = probe::rdmsr(msr);
        let _ = probe::wrmsr(msr, 0xdead_beef_1234_5678);
        let after = probe::rdmsr(msr);
        let same =
            before.is_ok() == after.is_ok() && (msr == 0x10 || before.unwrap_or(0) == after.unwrap_or(0));
        checks.is(format_args!("{msr:#x} is unchanged"), same, true);
    }
    super::garbage::alive()?;
    checks.outcome()
}
