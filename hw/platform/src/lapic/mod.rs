//! The local APIC of each CPU, in xAPIC (memory) or x2APIC (MSR) mode. Source: Intel SDM volume 3A, chapter 11.
//!
//! One [`Lapic`] serves all CPUs: every access reaches that of the CPU that makes it.

mod ipi;
mod regs;
mod timer;

use fx_x86::msr::{rdmsr, wrmsr};

pub use ipi::Ipi;
use regs as r;
pub use timer::{TimerKind, tsc_deadline_supported};

use crate::mmio::Mmio;

/// Vectors of the local APIC's own interrupts.
#[derive(Clone, Copy, Debug)]
pub struct Vectors {
    /// The timer.
    pub timer: u8,
    /// Errors.
    pub error: u8,
    /// Spurious interrupts (the low four bits must be ones); they need no EOI.
    pub spurious: u8,
}

/// A local NMI pin, as the firmware describes it for this CPU.
#[derive(Clone, Copy, Debug)]
pub struct NmiPin {
    /// 0 or 1.
    pub lint: u8,
    /// Active low.
    pub low: bool,
}

/// How the registers are reached.
#[derive(Clone, Copy, Debug)]
enum Access {
    Memory(Mmio),
    Msr,
}

/// The local APICs.
#[derive(Clone, Copy, Debug)]
pub struct Lapic {
    access: Access,
}

/// Where the registers are and in which mode the firmware left the APIC: `IA32_APIC_BASE` of this CPU.
#[must_use]
pub fn firmware_state() -> (u64, bool) {
    // SAFETY: every processor with long mode has the register.
    let v = unsafe { rdmsr(r::APIC_BASE) };
    (v & r::BASE_ADDR, v & r::BASE_X2APIC != 0)
}

impl Lapic {
    /// xAPIC mode, with the registers (4 KiB at the address in [`firmware_state`]) mapped. CPUs with an APIC id above 254
    /// cannot be reached.
    #[must_use]
    pub fn xapic(registers: Mmio) -> Self {
        Self { access: Access::Memory(registers) }
    }

    /// x2APIC mode. Device interrupts reach only CPUs with APIC ids up to 254, as without interrupt remapping.
    ///
    /// # Safety
    /// The processor has it (CPUID leaf 1, ECX bit 21).
    #[must_use]
    pub unsafe fn x2apic() -> Self {
        Self { access: Access::Msr }
    }

    /// Whether the registers are MSRs.
    #[must_use]
    pub fn is_x2apic(&self) -> bool {
        matches!(self.access, Access::Msr)
    }

    #[inline]
    fn read(&self, register: u32) -> u32 {
        match &self.access {
            Access::Memory(m) => m.read32((register << 4) as usize),
            // SAFETY: `x2apic` says that the mode exists, `enter_mode` has entered it, and the register is one of `regs`.
            Access::Msr => unsafe { rdmsr(r::X2APIC_BASE + register) as u32 },
        }
    }

    #[inline]
    fn write(&self, register: u32, v: u32) {
        match &self.access {
            Access::Memory(m) => m.write32((register << 4) as usize, v),
            // SAFETY: as in `read`; interrupts go to vectors that the caller of `init_cpu` handles.
            Access::Msr => unsafe { wrmsr(r::X2APIC_BASE + register, v.into()) },
        }
    }

    /// Switches this CPU's APIC on, in the chosen mode.
    fn enter_mode(&self) {
        // SAFETY: every processor with long mode has the register; both modes leave memory as it is. An APIC in x2APIC mode
        // must be switched off before it can go back to xAPIC mode.
        unsafe {
            let v = rdmsr(r::APIC_BASE);
            if self.is_x2apic() {
                if v & r::BASE_X2APIC == 0 {
                    wrmsr(r::APIC_BASE, v | r::BASE_ENABLE);
                    wrmsr(r::APIC_BASE, v | r::BASE_ENABLE | r::BASE_X2APIC);
                }
            } else {
                if v & r::BASE_X2APIC != 0 {
                    wrmsr(r::APIC_BASE, v & !(r::BASE_ENABLE | r::BASE_X2APIC));
                }
                wrmsr(r::APIC_BASE, (v & !r::BASE_X2APIC) | r::BASE_ENABLE);
            }
        }
    }

    /// Sets this CPU's APIC up: on, accepting everything, local interrupts masked except errors and the NMI pins.
    ///
    /// # Safety
    /// Interrupts are off, and the interrupt table handles the vectors.
    pub unsafe fn init_cpu(&self, vectors: &Vectors, nmi_pins: &[NmiPin]) {
        self.enter_mode();
        // Vectors 0–31 are refused until the end of the set-up.
        self.write(r::TPR, 0x10);
        for lvt in [r::LVT_TIMER, r::LVT_LINT0, r::LVT_LINT1, r::LVT_ERROR] {
            self.write(lvt, r::LVT_MASKED);
        }
        let last_lvt = (self.read(r::VERSION) >> 16) & 0xff;
        for (needs, lvt) in [(4, r::LVT_PERF), (5, r::LVT_THERMAL), (6, r::LVT_CMCI)] {
            if last_lvt >= needs {
                self.write(lvt, r::LVT_MASKED);
            }
        }
        self.clear_in_service();
        self.write(r::SPURIOUS, r::SPURIOUS_ENABLE | u32::from(vectors.spurious));
        for pin in nmi_pins.iter().filter(|p| p.lint < 2) {
            let polarity = if pin.low { r::LVT_LOW } else { 0 };
            self.write(r::LVT_LINT0 + u32::from(pin.lint), r::LVT_NMI | polarity);
        }
        self.write(r::LVT_TIMER, r::LVT_MASKED | u32::from(vectors.timer));
        self.clear_errors();
        self.write(r::LVT_ERROR, vectors.error.into());
        self.write(r::TPR, 0);
    }

    /// Ends interrupts that the firmware or a previous kernel has left in service.
    fn clear_in_service(&self) {
        for _ in 0..256 {
            if (0..8).all(|i| self.read(r::ISR + i) == 0) {
                break;
            }
            self.eoi();
        }
    }

    /// Switches this CPU's APIC off in software: for a CPU that is about to stop.
    pub fn disable_cpu(&self) {
        self.write(r::LVT_TIMER, r::LVT_MASKED);
        self.write(r::SPURIOUS, 0xff);
    }

    /// Ends the interrupt in service with the highest vector.
    #[inline(always)]
    pub fn eoi(&self) {
        self.write(r::EOI, 0);
    }

    /// This CPU's APIC id.
    #[must_use]
    pub fn id(&self) -> u32 {
        let v = self.read(r::ID);
        if self.is_x2apic() { v } else { v >> 24 }
    }

    /// Version of this CPU's APIC.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.read(r::VERSION) as u8
    }

    /// Whether the vector is in service on this CPU.
    #[must_use]
    pub fn in_service(&self, vector: u8) -> bool {
        self.read(r::ISR + u32::from(vector >> 5)) & (1 << (vector & 31)) != 0
    }

    /// Whether the vector waits for service on this CPU.
    #[must_use]
    pub fn requested(&self, vector: u8) -> bool {
        self.read(r::IRR + u32::from(vector >> 5)) & (1 << (vector & 31)) != 0
    }

    /// The errors since the last call: bits of the error status register.
    pub fn clear_errors(&self) -> u32 {
        self.write(r::ERROR_STATUS, 0);
        self.read(r::ERROR_STATUS)
    }
}
