//! Execution of decoded writes on a page-table entry.

use fx_types::GuestRegs;
use fx_types::operand::{mask, merge};

use crate::flags::{CF, Flags, ZF, add, logic, sub};
use crate::outcome::{Outcome, retire};
use crate::pte::{PteOp, PteWrite};
use crate::string_io::step;

/// Why an entry was not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PteRefusal {
    /// The entry no longer holds the old value.
    Changed,
    /// The new value is not one that the guest may have there.
    Denied,
    /// Preempted: the instruction is to be started anew.
    Again,
}

/// The aligned 8-byte word that is written.
pub trait PteAccess {
    /// Its value.
    fn read(&self) -> u64;
    /// Replaces `old` by `new` if `new` is valid.
    ///
    /// # Errors
    /// A [`PteRefusal`].
    fn cas(&mut self, old: u64, new: u64) -> Result<(), PteRefusal>;
    /// Reads `size` bytes of guest memory at `va`, for `movs`; `None` when that is not possible.
    fn load(&mut self, va: u64, size: u8) -> Option<u64> {
        let _ = (va, size);
        None
    }
}

/// How often a write is tried anew because the entry changed meanwhile.
const TRIES: u32 = 8;

/// What an operation does besides the write.
struct Effect {
    /// The operand's new value; `None` leaves it.
    new: Option<u64>,
    flags: Flags,
    /// What becomes of the value before.
    before: Before,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Dropped,
    ToRegister,
    ToAccumulator,
    ToPair,
}

impl PteWrite {
    /// The value and the size in bytes, if the instruction is a plain store of a known value.
    #[must_use]
    pub fn store_value(&self) -> Option<(u64, u8)> {
        (self.op == PteOp::Store && self.load.is_none()).then_some((self.value, self.size))
    }

    /// Completes the instruction without writing, as for read-only MMIO.
    pub fn skip(&self, regs: &mut GuestRegs) -> Outcome {
        let Some(s) = self.string else { return retire(regs, self.insn_len) };
        regs.rdi = step(regs.rflags, regs.rdi, self.size, s.addr);
        if s.moves {
            regs.rsi = step(regs.rflags, regs.rsi, self.size, s.addr);
        }
        if s.rep {
            regs.rcx = merge(regs.rcx, regs.rcx.wrapping_sub(1), s.addr);
            if merge(0, regs.rcx, s.addr) != 0 {
                return Outcome::Again;
            }
        }
        retire(regs, self.insn_len)
    }

    /// Executes the instruction on `pte`. `NotHandled` when the entry was denied: the guest gets its page fault.
    #[inline]
    pub fn execute<A: PteAccess>(&self, regs: &mut GuestRegs, pte: &mut A) -> Outcome {
        let value = match self.load {
            None => self.value,
            Some(va) => match pte.load(va, self.size) {
                Some(v) => v,
                None => return Outcome::NotHandled,
            },
        };
        let shift = u32::from(self.shift);
        let field = mask(self.size).wrapping_shl(shift);
        for _ in 0..TRIES {
            let old = pte.read();
            let before = (old & field).wrapping_shr(shift);
            let effect = self.effect(before, value, regs);
            if let Some(new) = effect.new {
                let new = (old & !field) | (new.wrapping_shl(shift) & field);
                match pte.cas(old, new) {
                    Ok(()) => {}
                    Err(PteRefusal::Changed) => continue,
                    Err(PteRefusal::Denied) => return Outcome::NotHandled,
                    Err(PteRefusal::Again) => return Outcome::Again,
                }
            }
            self.commit(&effect, before, regs);
            return self.skip(regs);
        }
        Outcome::Again
    }

    fn commit(&self, effect: &Effect, before: u64, regs: &mut GuestRegs) {
        regs.rflags = effect.flags.apply(regs.rflags);
        match effect.before {
            Before::Dropped => {}
            Before::ToRegister => self.reg.set(regs, before, self.size),
            Before::ToAccumulator => {
                let rax = regs.general_mut(0);
                *rax = merge(*rax, before, self.size);
            }
            Before::ToPair => {
                regs.rax = before & mask(4);
                regs.rdx = before >> 32;
            }
        }
    }

    #[inline]
    fn effect(&self, a: u64, b: u64, regs: &GuestRegs) -> Effect {
        let size = self.size;
        let carry = regs.rflags & CF != 0;
        let (new, flags) = match self.op {
            PteOp::Store => (b, Flags::default()),
            PteOp::Xchg => return effect(b, Flags::default(), Before::ToRegister),
            PteOp::CmpXchg => return cmpxchg(a, b, size, regs),
            PteOp::CmpXchg8b => return cmpxchg8b(a, regs),
            PteOp::Xadd => {
                let (r, f) = add(a, b, false, size);
                return effect(r, f, Before::ToRegister);
            }
            PteOp::Add => add(a, b, false, size),
            PteOp::Adc => add(a, b, carry, size),
            PteOp::Sub => sub(a, b, false, size),
            PteOp::Sbb => sub(a, b, carry, size),
            PteOp::Or => logic(a | b, size),
            PteOp::And => logic(a & b, size),
            PteOp::Xor => logic(a ^ b, size),
            PteOp::Inc => uncarried(add(a, 1, false, size)),
            PteOp::Dec => uncarried(sub(a, 1, false, size)),
            PteOp::Not => (!a, Flags::default()),
            PteOp::Neg => sub(0, a, false, size),
            PteOp::BitSet => (a | b, Flags::only(CF, a & b != 0)),
            PteOp::BitReset => (a & !b, Flags::only(CF, a & b != 0)),
            PteOp::BitFlip => (a ^ b, Flags::only(CF, a & b != 0)),
        };
        effect(new, flags, Before::Dropped)
    }
}

fn effect(new: u64, flags: Flags, before: Before) -> Effect {
    Effect { new: Some(new), flags, before }
}

fn uncarried((r, f): (u64, Flags)) -> (u64, Flags) {
    (r, f.without_carry())
}

fn cmpxchg(a: u64, b: u64, size: u8, regs: &GuestRegs) -> Effect {
    let acc = regs.general(0) & mask(size);
    let (_, flags) = sub(acc, a, false, size);
    if acc == a {
        effect(b, flags, Before::Dropped)
    } else {
        Effect { new: None, flags, before: Before::ToAccumulator }
    }
}

fn cmpxchg8b(a: u64, regs: &GuestRegs) -> Effect {
    let low = |hi: u64, lo: u64| (hi << 32) | (lo & mask(4));
    if low(regs.rdx, regs.rax) == a {
        effect(low(regs.rcx, regs.rbx), Flags::only(ZF, true), Before::Dropped)
    } else {
        Effect { new: None, flags: Flags::only(ZF, false), before: Before::ToPair }
    }
}
