//! The forced-emulation prefix: `ud2`, the letters `xen`, then `cpuid` (`XEN_CPUID` of `xen/arch-x86/xen-x86_64.h`), with
//! which a PV kernel asks for the hypervisor's view of `cpuid` where the instruction itself does not fault.

use fx_types::GuestRegs;

use crate::outcome::{Exception, Outcome, PvCpu, retire};
use crate::privileged::{cpuid, fetch_failed};

const PREFIX: [u8; 5] = [0x0f, 0x0b, b'x', b'e', b'n'];
const PREFIX_LEN: u8 = 5;
const CPUID_LEN: u8 = 2;

/// Emulates the instruction at which the guest took a #UD; `NotHandled` for a plain `ud2` and all else.
pub fn emulate_invalid_opcode<C: PvCpu>(cpu: &mut C, regs: &mut GuestRegs) -> Outcome {
    let mut bytes = [0; 7];
    let readable = match cpu.copy_in(regs.rip, &mut bytes) {
        Ok(()) => bytes.len(),
        Err(fault) => fault.done.min(bytes.len()),
    };
    let seen = bytes.get(..readable).unwrap_or_default();
    match seen.strip_prefix(&PREFIX) {
        Some([0x0f, 0xa2]) => {}
        Some([0x0f, _] | [0x00..=0x0e | 0x10..=0xff, ..]) => return Outcome::NotHandled,
        // The prefix is there, the instruction behind it is not readable to its end.
        Some(_) => return fetch_failed(regs.rip, readable),
        None => return Outcome::NotHandled,
    }
    match cpuid(cpu, regs) {
        Ok(()) => retire(regs, PREFIX_LEN.wrapping_add(CPUID_LEN)),
        Err(_) => {
            // The fault is cpuid's own, so that is where the guest sees it.
            regs.rip = regs.rip.wrapping_add(u64::from(PREFIX_LEN));
            Outcome::Inject(Exception::GP0)
        }
    }
}
