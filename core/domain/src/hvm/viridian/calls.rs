//! Hypercalls of the interface.

use fx_types::GuestRegs;
use fx_viridian::call::{self, Input, Processors};

use crate::host::{Host, RESCHED, VcpuRef};
use crate::hvm::HvmDomain;
use crate::hw::Hw;

/// The first vector that is no exception.
const FIRST_VECTOR: u64 = 16;

/// A call with its parameters: in memory, or the parameters themselves.
#[derive(Clone, Copy)]
struct Call {
    input: Input,
    first: u64,
    second: u64,
}

/// Whether the registers ask for a call of this interface, when the domain has it.
pub(crate) const fn is_marked(regs: &GuestRegs) -> bool {
    regs.rax & call::MARK != 0
}

/// A register pair of 32-bit code.
const fn pair(high: u64, low: u64) -> u64 {
    high << 32 | low & 0xffff_ffff
}

impl<H: Hw> Host<H> {
    /// A call by the kernel of the current vCPU; `wide`: from 64-bit code.
    pub(crate) fn viridian_call(&self, c: &VcpuRef, regs: &mut GuestRegs, wide: bool) {
        let call = if wide {
            Call { input: Input::of(regs.rcx), first: regs.rdx, second: regs.r8 }
        } else {
            let word = pair(regs.rdx, regs.rax & !call::MARK);
            Call { input: Input::of(word), first: pair(regs.rbx, regs.rcx), second: pair(regs.rdi, regs.rsi) }
        };
        let answer = call.input.answer(self.viridian_status(c, &call));
        if wide {
            regs.rax = answer;
        } else {
            (regs.rdx, regs.rax) = (answer >> 32, answer & 0xffff_ffff);
        }
    }

    fn viridian_status(&self, c: &VcpuRef, a: &Call) -> u16 {
        let Some(h) = &c.d.hvm else { return call::INVALID_HYPERCALL_CODE };
        let done = match a.input.code {
            call::LONG_SPIN_WAIT => {
                if self.sched.yield_now(c.v.unit.load(core::sync::atomic::Ordering::Acquire)) {
                    self.ask(self.hw.cpu(), RESCHED);
                }
                Some(())
            }
            call::FLUSH_SPACE | call::FLUSH_LIST if !a.input.fast => self.flush(c, h, a, false),
            call::FLUSH_SPACE_EX | call::FLUSH_LIST_EX if !a.input.fast => self.flush(c, h, a, true),
            call::SEND_IPI => self.send_ipi(c, h, a),
            call::SEND_IPI_EX if !a.input.fast => self.send_ipi_ex(c, h, a),
            call::FLUSH_SPACE..=call::FLUSH_LIST | call::FLUSH_SPACE_EX..=call::SEND_IPI_EX => None,
            _ => return call::INVALID_HYPERCALL_CODE,
        };
        done.map_or(call::INVALID_PARAMETER, |()| call::SUCCESS)
    }

    /// Words of parameters, in one piece of the guest's memory.
    fn parameters<const N: usize>(&self, h: &HvmDomain, at: u64) -> Option<[u64; N]> {
        let mut words = [0; N];
        for (n, word) in (0u64..).zip(&mut words) {
            *word = self.parameter(h, at, n)?;
        }
        Some(words)
    }

    fn parameter(&self, h: &HvmDomain, at: u64, n: u64) -> Option<u64> {
        let gpa = at.checked_add(n.checked_mul(8)?).filter(|gpa| gpa % 8 == 0)?;
        Some(self.hw.load64(self.ram_at(h, gpa, false)?))
    }

    /// Masks of banks behind other parameters.
    fn masks(&self, h: &HvmDomain, set: &Processors, at: u64, skip: u64) -> Option<[u64; call::BANKS]> {
        let mut masks = [0; call::BANKS];
        for (n, mask) in (skip..).zip(masks.iter_mut().take(set.masks() as usize)) {
            *mask = self.parameter(h, at, n)?;
        }
        Some(masks)
    }

    /// Flushes translations: all that the domain has, whichever were named, if any of its vCPUs is meant.
    fn flush(&self, c: &VcpuRef, h: &HvmDomain, a: &Call, extended: bool) -> Option<()> {
        let [_space, flags, first] = self.parameters::<3>(h, a.first)?;
        let (set, masks) = if extended {
            let [banks] = self.parameters::<1>(h, a.first.checked_add(24)?)?;
            let set = Processors::of(first, banks)?;
            (set, self.masks(h, &set, a.first, 4)?)
        } else {
            (Processors::Mask(first), [0; call::BANKS])
        };
        let all = flags & call::FLUSH_ALL_PROCESSORS != 0;
        if all || c.d.vcpus.iter().any(|v| set.has(v.id, &masks)) {
            self.flush_domain_tlb(&c.d);
        }
        Some(())
    }

    fn send_ipi(&self, c: &VcpuRef, h: &HvmDomain, a: &Call) -> Option<()> {
        let [vector, mask] =
            if a.input.fast { [a.first, a.second] } else { self.parameters::<2>(h, a.first)? };
        self.interrupt_set(c, vector, &Processors::Mask(mask), &[])
    }

    fn send_ipi_ex(&self, c: &VcpuRef, h: &HvmDomain, a: &Call) -> Option<()> {
        let [vector, format, banks] = self.parameters::<3>(h, a.first)?;
        let set = Processors::of(format, banks)?;
        let masks = self.masks(h, &set, a.first, 3)?;
        self.interrupt_set(c, vector, &set, &masks)
    }

    /// Interrupts the vCPUs of a set. The word's higher half is a trust level, of which there is one.
    fn interrupt_set(&self, c: &VcpuRef, word: u64, set: &Processors, masks: &[u64]) -> Option<()> {
        let vector = u8::try_from(word & 0xffff_ffff).ok().filter(|v| u64::from(*v) >= FIRST_VECTOR)?;
        if word >> 32 & 0xff != 0 {
            return None;
        }
        for v in c.d.vcpus.iter().filter(|v| set.has(v.id, masks)) {
            let Some(h) = &v.hvm else { continue };
            h.lapic.lock().raise(vector, false);
            self.wake_hvm(&c.d, v);
        }
        Some(())
    }
}
