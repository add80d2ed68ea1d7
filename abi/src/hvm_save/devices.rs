//! Records of interrupt controllers and interrupt wires.

use crate::layout::zeroed_default;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Record [`HVM_SAVE_CODE_PIC`](super::HVM_SAVE_CODE_PIC).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwVpic {
    /// Interrupt request register.
    pub irr: u8,
    /// Interrupt mask register.
    pub imr: u8,
    /// Interrupt service register.
    pub isr: u8,
    /// Vector of wire 0.
    pub irq_base: u8,
    /// Low half: progress of initialisation; high half: wire with the highest priority.
    pub init_and_priority: u8,
    /// Bit 0: reads give ISR, 1: poll, 2: automatic EOI, 3: rotate on it, 4: special fully nested, 5: special mask, 6: master.
    pub mode_bits: u8,
    /// Level-triggered wires.
    pub elcr: u8,
    /// Output to the CPU.
    pub int_output: u8,
}

/// Pins of the I/O APIC.
pub const VIOAPIC_NUM_PINS: u32 = 48;

/// Record [`HVM_SAVE_CODE_IOAPIC`](super::HVM_SAVE_CODE_IOAPIC).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwVioapic {
    /// Physical address of the register window.
    pub base_address: u64,
    /// Index register.
    pub ioregsel: u32,
    /// I/O APIC id.
    pub id: u32,
    /// Redirection entries.
    pub redirtbl: [u64; 48],
}

zeroed_default!(HvmHwVioapic);

/// Record [`HVM_SAVE_CODE_LAPIC`](super::HVM_SAVE_CODE_LAPIC): what the register page does not hold.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwLapic {
    /// `IA32_APIC_BASE`.
    pub apic_base_msr: u64,
    /// Why it is disabled: bit 0 by hardware, bit 1 by software.
    pub disabled: u32,
    /// Divisor of the timer's clock.
    pub timer_divisor: u32,
    /// `IA32_TSC_DEADLINE`.
    pub tdt_msr: u64,
    /// Error status not yet shown.
    pub pending_esr: u32,
    /// Padding: zero.
    pub _pad0: [u8; 4],
}

/// Record [`HVM_SAVE_CODE_LAPIC_REGS`](super::HVM_SAVE_CODE_LAPIC_REGS): the register page.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwLapicRegs {
    /// Registers 0 to 0x3ff of the page.
    pub data: [u8; 1024],
}

zeroed_default!(HvmHwLapicRegs);

/// Record [`HVM_SAVE_CODE_PCI_IRQ`](super::HVM_SAVE_CODE_PCI_IRQ).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPciIrqs {
    /// Bit map of asserted wires.
    pub i: [u64; 2],
}

/// Record [`HVM_SAVE_CODE_ISA_IRQ`](super::HVM_SAVE_CODE_ISA_IRQ).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwIsaIrqs {
    /// Bit map of asserted wires.
    pub i: [u64; 1],
}

/// Record [`HVM_SAVE_CODE_PCI_LINK`](super::HVM_SAVE_CODE_PCI_LINK).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct HvmHwPciLink {
    /// Interrupt of each link, 0 for none.
    pub route: [u8; 4],
    /// Reserved: zero.
    pub pad0: [u8; 4],
}
