//! Interrupts from one CPU to another.

use fx_x86::msr::wrmsr;

use super::{Access, Lapic, regs as r};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipi {
    /// An interrupt with a vector.
    Fixed(u8),
    /// A non-maskable interrupt.
    Nmi,
    /// Resets the CPU; it then waits for a start-up message.
    Init,
    /// Starts a CPU at the physical page `n` (address `n << 12`).
    StartUp(u8),
}

/// The low word of the interrupt command register.
#[must_use]
pub const fn command(what: Ipi) -> u32 {
    const ASSERT: u32 = 1 << 14;
    let what = match what {
        Ipi::Fixed(vector) => vector as u32,
        Ipi::Nmi => 4 << 8,
        Ipi::Init => 5 << 8,
        Ipi::StartUp(page) => (6 << 8) | page as u32,
    };
    what | ASSERT
}

impl Lapic {
    /// Sends to the CPU with the APIC id. In xAPIC mode ids above 254 cannot be reached and nothing is sent.
    ///
    /// # Safety
    /// A vector must be one that the destination handles; INIT and start-up only go to a CPU that runs nothing, and the
    /// page must hold its start-up code.
    #[inline]
    pub unsafe fn send(&self, apic_id: u32, what: Ipi) {
        self.send_raw(apic_id, command(what));
    }

    #[inline]
    fn send_raw(&self, apic_id: u32, command: u32) {
        match &self.access {
            Access::Msr => {
                core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
                fx_x86::cpu::wait_for_loads();
                let v = (u64::from(apic_id) << 32) | u64::from(command);
                // SAFETY: the callers' contract. The fences make earlier stores visible, as the MSR write does not: it
                // waits for the first one only by way of the second (Intel's manual, volume 3, 11.12.3).
                unsafe { wrmsr(r::X2APIC_BASE + r::ICR, v) };
            }
            Access::Memory(_) => {
                if apic_id > 254 {
                    return;
                }
                self.wait_until_sent();
                self.write(r::ICR_HIGH, apic_id << 24);
                self.write(r::ICR, command);
            }
        }
    }

    /// Waits until the previous message has left; not longer than about a millisecond.
    #[inline]
    fn wait_until_sent(&self) {
        for _ in 0..10_000 {
            if self.read(r::ICR) & r::ICR_PENDING == 0 {
                return;
            }
            core::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        assert_eq!(command(Ipi::Fixed(0xf1)), 0x40f1);
        assert_eq!(command(Ipi::Init), 0x4500);
        assert_eq!(command(Ipi::StartUp(8)), 0x4608);
        assert_eq!(command(Ipi::Nmi), 0x4400);
    }
}
