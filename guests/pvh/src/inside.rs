//! What the payload must have found: one domain runs all of it, and each test looks at some of its words.

use guest_lib::abi::sched::SHUTDOWN_POWEROFF;
use guest_lib::report::{Failure, Outcome, Report};

use crate::domain::Domain;

/// A name, the number of a word, and what it must be.
type Expected = (&'static str, u64, u32);

const STEPS: &[Expected] = &[
    ("starts", 0, 0x2148_5650),
    ("cpuid_signature", 1, u32::from_le_bytes(*b"XenV")),
    ("cpuid_version", 2, 0x0004_0014),
    ("undefined_instruction", 3, 6),
    ("breakpoint_instruction", 4, 3),
    ("software_interrupt", 5, 0x30),
    ("divide_error", 6, 0),
    ("general_protection", 7, 13),
    ("error_code", 8, 0x1230),
    ("single_step", 9, 0x4001),
    ("single_step_of_cpuid", 10, 2),
    ("apic_version", 11, 0x14),
    ("no_memory", 12, u32::MAX),
    ("no_port", 13, 0xff),
    ("time_goes_on", 14, 0),
    ("timer_ends_halt", 15, 0x31),
    ("interrupt_waits_for_sti", 16, 0x32),
    ("sti_then_halt", 17, 0x33),
    ("nmi", 18, 2),
    ("nmi_after_iret", 19, 2),
    ("cr4", 20, 0x10),
    ("cr0", 21, 0x1_0011),
    ("clts", 22, 0x1_0011),
    ("lmsw", 23, 0x1_0013),
    ("no_vmlaunch", 24, 6),
    ("no_vmrun", 25, 6),
    ("no_such_msr", 26, 13),
    ("sysenter_msr", 27, 0x1234_5678),
    ("star", 28, 0x0018_0008),
    ("efer", 29, 0x801),
    ("hypercall_32", 30, 0x0004_0014),
    ("page_fault", 31, 14),
    ("page_fault_address", 32, 0x80_0000),
    ("interrupt_waits_for_priority", 33, 0x100),
    ("interrupt_comes_with_cr8", 34, 0x31),
    ("long_mode", 35, 0x1234_5678),
    ("hypercall_64", 36, 0x0004_0014),
    ("swapgs", 37, 0x5566_88aa),
    ("lstar", 38, 0x8000_1000),
    ("cr8", 39, 5),
    ("xsetbv", 40, 3),
    ("leaves_long_mode", 41, 0x901),
    ("real_mode_cpuid", 42, u32::from_le_bytes(*b"XenV")),
    ("real_mode_int", 43, 0x100),
    ("real_mode_ud", 44, 0x200),
    ("real_mode_gp", 45, 0x300),
    ("real_mode_ins", 46, 0x00ff_ffff),
    ("dr0", 47, 0x1234_5678),
    ("dr7", 48, 0x402),
    ("hardware_breakpoint", 49, 0x101),
    ("pause", 50, 50),
    ("wbinvd", 51, 51),
    ("no_monitor", 52, 6),
    ("reaches_the_end", 53, 0x444e_4521),
];

/// Runs the domain and looks at what it left.
pub fn run(report: &mut Report) {
    let domain = match Domain::new(0) {
        Ok(domain) => domain,
        Err(error) => return report.result("pvh", "created", Err(error.into())),
    };
    report.result("pvh", "created", Ok(()));
    report.result("pvh", "powers_off", ends(&domain));
    for &(name, n, want) in STEPS {
        let got = domain.word(n);
        let outcome =
            if got == want { Ok(()) } else { Err(Failure::new(format_args!("{got:#x}, not {want:#x}"))) };
        report.result("pvh", name, outcome);
    }
    report.result("pvh", "destroyed", domain.destroy().map_err(Failure::from));
}

fn ends(domain: &Domain) -> Outcome {
    domain.unpause()?;
    let reason = domain.reason();
    guest_lib::ensure_eq!(reason, Some(SHUTDOWN_POWEROFF));
    Ok(())
}
