//! Exit reasons in the port's words (appendix C of the manual, and chapter 28.2.1 for what qualifies them).

use core::arch::asm;

use fx_types::GuestRegs;
use fx_virt::{Access, Exit, Reason};
use fx_x86::debugreg;

use crate::context::Context;
use crate::event::{self, HAS_ERROR, VALID, event_of};
use crate::vmcs::field;

/// `EXIT_REASON`: the guest was not entered.
const NOT_ENTERED: u32 = 1 << 31;
const NMI_BLOCKED: u64 = 8;
/// The exit's event, or the qualification of a fault of nested paging: an `iret` had ended the blocking of NMIs.
const BY_IRET: u64 = 1 << 12;
const LINEAR_VALID: u64 = 1 << 7;
const LINEAR_FINAL: u64 = 1 << 8;
/// Bits of DR6 that an intercepted debug exception reports.
const DEBUG_BITS: u64 = 0xe00f;
const DEBUG: u8 = 1;
const PAGE_FAULT: u8 = 14;

/// Why the processor refused a guest.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// The exit's reason: 0x8000_0021 for the guest's state.
    pub reason: u32,
    /// What qualifies it.
    pub qualification: u64,
    /// The last error of an instruction of VMX (chapter 31.4), when it was not even tried.
    pub error: u32,
    /// CR0, CR4 and EFER as the processor has them.
    pub control: [u64; 3],
    /// Interruptibility, event to deliver and activity.
    pub state: [u64; 3],
    /// Access rights of ES, CS, SS, DS, FS, GS, LDTR and TR.
    pub rights: [u64; 8],
}

/// Whether the reason is an instruction, so that its length means something.
const fn is_instruction(reason: u32) -> bool {
    matches!(reason, 10..=32 | 36 | 39 | 40 | 46 | 47 | 50 | 51 | 53..=55 | 57..=61 | 63 | 64)
}

impl Context {
    /// What the guest stopped for.
    pub(crate) fn read_exit(&self, regs: &mut GuestRegs) -> Exit {
        let reason = self.get(field::EXIT_REASON) as u32;
        let vectoring = self.get(field::VECTORING_EVENT);
        let length = if is_instruction(reason) { self.get(field::EXIT_LENGTH) as u8 } else { 0 };
        let interrupted = if vectoring & VALID == 0 { None } else { self.interrupted(vectoring) };
        let reason = match reason {
            1 => Reason::Interrupt,
            // Interrupts are let in; the task priority is below the threshold, and `rip` behind what set it.
            7 | 43 => Reason::Window,
            10 => Reason::Cpuid,
            12 => Reason::Halt,
            18 => Reason::Hypercall,
            30 => io(self.get(field::QUALIFICATION)),
            31 => Reason::ReadMsr,
            32 => Reason::WriteMsr,
            48 => self.nested_fault(vectoring),
            other => self.rare_reason(other, vectoring, regs),
        };
        Exit { reason, length, interrupted }
    }

    #[cold]
    fn interrupted(&self, vectoring: u64) -> Option<fx_virt::Event> {
        let error = if vectoring & HAS_ERROR == 0 { 0 } else { self.get(field::VECTORING_ERROR) << 32 };
        event_of(vectoring & 0xffff_ffff | error, self.get(field::EXIT_LENGTH) as u8)
    }

    fn nested_fault(&self, vectoring: u64) -> Reason {
        let q = self.get(field::QUALIFICATION);
        self.block_nmi_again(q, vectoring);
        let linear = q & LINEAR_VALID != 0;
        Reason::NestedFault {
            address: self.get(field::GUEST_PHYSICAL),
            access: Access {
                write: q & 2 != 0,
                fetch: q & 4 != 0,
                present: q & 0x38 != 0,
                walk: linear && q & LINEAR_FINAL == 0,
                linear: linear.then(|| self.get(field::GUEST_LINEAR)),
            },
        }
    }

    /// An `iret` that faulted has ended the blocking of NMIs already, but will be executed again.
    fn block_nmi_again(&self, word: u64, vectoring: u64) {
        if word & BY_IRET != 0 && vectoring & VALID == 0 {
            let blocked = self.get(field::GUEST_INTERRUPTIBILITY);
            self.set(field::GUEST_INTERRUPTIBILITY, blocked | NMI_BLOCKED);
        }
    }

    #[cold]
    fn rare_reason(&self, reason: u32, vectoring: u64, regs: &mut GuestRegs) -> Reason {
        match reason {
            0 => self.exception(vectoring, regs),
            2 => Reason::Shutdown,
            // INIT, start-up messages and SMIs are the machine's.
            3..=6 => Reason::Interrupt,
            8 => Reason::NmiWindow,
            9 => self.task_switch(vectoring),
            13 => Reason::Invd,
            14 => Reason::Invlpg,
            15 => Reason::Rdpmc,
            16 => Reason::Rdtsc,
            11 | 19..=27 | 50 | 53 | 59 => Reason::VirtInstruction,
            28 => control_register(self.get(field::QUALIFICATION)),
            29 => {
                // Loading the guest's registers is going to overwrite it.
                self.dr6.set(debugreg::read_dr6());
                Reason::DebugRegister
            }
            36 => Reason::Mwait,
            39 => Reason::Monitor,
            40 => Reason::Pause,
            51 => Reason::Rdtscp,
            54 => Reason::Wbinvd,
            55 => Reason::Xsetbv,
            r if r & NOT_ENTERED != 0 => Self::refused().reason,
            other => Reason::Other(u64::from(other)),
        }
    }

    /// The processor refused the state.
    #[cold]
    pub(crate) fn refused() -> Exit {
        Exit { reason: Reason::Invalid, length: 0, interrupted: None }
    }

    /// Why the processor refused the guest, right after [`Reason::Invalid`].
    #[must_use]
    pub fn failure(&self) -> Failure {
        let segments = [
            field::GUEST_ES,
            field::GUEST_CS,
            field::GUEST_SS,
            field::GUEST_DS,
            field::GUEST_FS,
            field::GUEST_GS,
            field::GUEST_LDTR,
            field::GUEST_TR,
        ];
        Failure {
            reason: self.get(field::EXIT_REASON) as u32,
            qualification: self.get(field::QUALIFICATION),
            error: self.get(field::INSTRUCTION_ERROR) as u32,
            control: [field::GUEST_CR0, field::GUEST_CR4, field::GUEST_EFER].map(|f| self.get(f)),
            state: [field::GUEST_INTERRUPTIBILITY, field::ENTRY_EVENT, field::GUEST_ACTIVITY]
                .map(|f| self.get(f)),
            rights: segments.map(|s| self.get(field::rights(s))),
        }
    }

    fn exception(&self, vectoring: u64, regs: &mut GuestRegs) -> Reason {
        let word = self.get(field::EXIT_EVENT);
        let vector = word as u8;
        if event::kind(word) == event::NMI {
            // SAFETY: the hypervisor has a handler, whose return lets NMIs in again.
            unsafe { asm!("int 2") };
            return Reason::Nmi;
        }
        if vector != 8 {
            self.block_nmi_again(word, vectoring);
        }
        let address = self.get(field::QUALIFICATION);
        if vector == DEBUG {
            // What happened is not in DR6 yet, and `int1` is not behind itself yet.
            self.set_register(fx_virt::Register::Dr6, debugreg::read_dr6() | address & DEBUG_BITS);
            if event::kind(word) == event::PRIVILEGED_SOFTWARE {
                regs.rip = regs.rip.wrapping_add(self.get(field::EXIT_LENGTH));
            }
        }
        let error = if word & HAS_ERROR != 0 { self.get(field::EXIT_ERROR) as u32 } else { 0 };
        Reason::Exception { vector, error, address: if vector == PAGE_FAULT { address } else { 0 } }
    }

    fn task_switch(&self, vectoring: u64) -> Reason {
        let q = self.get(field::QUALIFICATION);
        let has_error = vectoring & VALID != 0 && vectoring & HAS_ERROR != 0;
        Reason::TaskSwitch {
            selector: q as u16,
            iret: q >> 30 & 3 == 1,
            jump: q >> 30 & 3 == 2,
            error: has_error.then(|| self.get(field::VECTORING_ERROR) as u32),
        }
    }
}

const fn io(q: u64) -> Reason {
    Reason::Io { port: (q >> 16) as u16, size: (q & 7) as u8 + 1, input: q & 8 != 0, string: q & 16 != 0 }
}

/// Only moves from a control register do not write; `clts` and `lmsw` write CR0.
const fn control_register(q: u64) -> Reason {
    let write = q >> 4 & 3 != 1;
    Reason::ControlRegister { register: (q & 15) as u8, write }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualifications() {
        // `in al, dx` at 0x3f8; `rep outsd` at 0x1f0; `mov rax, cr8`; `clts`.
        assert_eq!(io(0x03f8_0008), Reason::Io { port: 0x3f8, size: 1, input: true, string: false });
        assert_eq!(io(0x01f0_0033), Reason::Io { port: 0x1f0, size: 4, input: false, string: true });
        assert_eq!(control_register(0x18), Reason::ControlRegister { register: 8, write: false });
        assert_eq!(control_register(0x20), Reason::ControlRegister { register: 0, write: true });
    }
}
