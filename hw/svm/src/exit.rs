//! Exit codes in the port's words (appendix C of the manual).

use fx_types::GuestRegs;
use fx_virt::{Access, Exit, Reason};

use crate::context::{Context, event_of};
use crate::vmcb::field;

const PRESENT: u64 = 1;
const WRITE: u64 = 2;
const FETCH: u64 = 1 << 4;
/// The fault came from the walk of the guest's own tables.
const TABLE_WALK: u64 = 1 << 33;
/// The greatest length of an instruction.
const LONGEST: u64 = 15;

/// Whether the reason is an instruction, so that the next one's address means something.
const fn is_instruction(code: u64) -> bool {
    matches!(code, 0x00..=0x3f | 0x65..=0x7c | 0x80..=0x8d)
}

impl Context {
    /// What the guest stopped for.
    pub(crate) fn read_exit(&self, next_rip: bool, regs: &GuestRegs) -> Exit {
        let v = self.vmcb;
        let code: u64 = v.get(field::EXIT_CODE);
        let (info1, info2): (u64, u64) = (v.get(field::EXIT_INFO_1), v.get(field::EXIT_INFO_2));
        let next = match code {
            0x7b => info2,
            c if next_rip && is_instruction(c) => v.get(field::NEXT_RIP),
            _ => regs.rip,
        };
        let length = next.wrapping_sub(regs.rip);
        Exit {
            reason: self.reason(code, info1, info2),
            length: if length <= LONGEST { length as u8 } else { 0 },
            interrupted: event_of(v.get(field::EXIT_INT_INFO)),
        }
    }

    fn reason(&self, code: u64, info1: u64, info2: u64) -> Reason {
        match code {
            0x60 => Reason::Interrupt,
            0x400 => Reason::NestedFault {
                address: info2,
                access: Access {
                    write: info1 & WRITE != 0,
                    fetch: info1 & FETCH != 0,
                    present: info1 & PRESENT != 0,
                    walk: info1 & TABLE_WALK != 0,
                    linear: None,
                },
            },
            0x81 => Reason::Hypercall,
            0x78 => Reason::Halt,
            0x7b => Reason::Io {
                port: (info1 >> 16) as u16,
                size: (info1 >> 4 & 7) as u8,
                input: info1 & 1 != 0,
                string: info1 & 4 != 0,
            },
            0x7c if info1 & 1 != 0 => Reason::WriteMsr,
            0x7c => Reason::ReadMsr,
            0x72 => Reason::Cpuid,
            0x64 => Reason::Window,
            _ => self.rare_reason(code, info1, info2),
        }
    }

    #[cold]
    fn rare_reason(&self, code: u64, info1: u64, info2: u64) -> Reason {
        match code {
            0x00..=0x0f => Reason::ControlRegister { register: code as u8, write: false },
            0x10..=0x1f => Reason::ControlRegister { register: (code - 0x10) as u8, write: true },
            0x20..=0x3f => Reason::DebugRegister,
            0x40..=0x5f => {
                Reason::Exception { vector: (code - 0x40) as u8, error: info1 as u32, address: info2 }
            }
            // SMIs and INITs are the machine's; they come again and are taken with the guest stopped.
            0x62 | 0x63 => Reason::Interrupt,
            0x61 => Reason::Nmi,
            0x65 => Reason::ControlRegister { register: 0, write: true },
            0x6e => Reason::Rdtsc,
            0x6f => Reason::Rdpmc,
            0x74 => {
                // The instruction that ends the handling of an NMI is about to run.
                self.block_nmi(false);
                if self.nmi_window.get() != 0 { Reason::NmiWindow } else { Reason::Nmi }
            }
            0x76 => Reason::Invd,
            0x77 => Reason::Pause,
            0x79 => Reason::Invlpg,
            0x7a | 0x80 | 0x82..=0x86 => Reason::VirtInstruction,
            0x7d => Reason::TaskSwitch {
                selector: info1 as u16,
                iret: info2 & 1 << 36 != 0,
                jump: info2 & 1 << 38 != 0,
                error: (info2 & 1 << 44 != 0).then_some(info2 as u32),
            },
            0x7f => Reason::Shutdown,
            0x87 => Reason::Rdtscp,
            0x89 => Reason::Wbinvd,
            0x8a => Reason::Monitor,
            0x8b | 0x8c => Reason::Mwait,
            0x8d => Reason::Xsetbv,
            u64::MAX => Reason::Invalid,
            other => Reason::Other(other),
        }
    }
}
